package identity

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// entryIDs are the attributes that hold an entry's unique id, in the order in
// which they are believed: Active Directory's, 389's, that of RFC 4530, which
// 389 may begin to have while nsUniqueId stays, and eDirectory's.
func entryIDs() [4]string { return [4]string{"objectGUID", "nsUniqueId", "entryUUID", "GUID"} }

// EntryIDAttributes are the attributes to ask for to know an entry's unique id.
// They are operational, so that a server sends them only if they are named.
func EntryIDAttributes() []string {
	ids := entryIDs()
	return ids[:]
}

// EntryID returns the unique id of an entry in its usual text form, or nothing.
// First returns the first value of an attribute.
func EntryID(first func(attribute string) (string, bool)) string {
	for _, attribute := range entryIDs() {
		value, ok := first(attribute)
		if !ok || value == "" {
			continue
		}
		value = ValueText(attribute, value)
		if attribute == "GUID" && len(value) == 16 {
			value = hex.EncodeToString([]byte(value)) // eDirectory's tools do not agree on a form
		}
		return strings.ToLower(strings.ToValidUTF8(value, "\uFFFD"))
	}
	return ""
}

// GUIDText gives the 16 octets of an objectGUID in the form in which Microsoft's
// tools show it: the first three groups little-endian (MS-DTYP, 2.3.4).
func GUIDText(octets string) (string, bool) {
	if len(octets) != 16 {
		return "", false
	}
	b := []byte(octets)
	return fmt.Sprintf("%02x%02x%02x%02x-%02x%02x-%02x%02x-%s-%s",
		b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6], hex.EncodeToString(b[8:10]), hex.EncodeToString(b[10:])), true
}
