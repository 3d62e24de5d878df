package identity

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// NewAttribute returns an attribute as every source hands it on: values that are octets
// with a usual text form in that form, and several values in the order of their octets
// in Unicode NFC. Values are a set (RFC 4511, 4.1.7): a server may return them in
// another order each time, and nothing may depend on it. The values that are given are
// not changed.
func NewAttribute(name string, values []string) Attribute {
	base, _, _ := strings.Cut(name, ";")
	if textForm(base) != nil {
		texts := make([]string, len(values))
		for i, value := range values {
			texts[i] = ValueText(base, value)
		}
		values = texts
	}
	if len(values) > 1 {
		values = slices.SortedFunc(slices.Values(values), func(x, y string) int {
			return cmp.Or(cmp.Compare(norm.NFC.String(x), norm.NFC.String(y)), cmp.Compare(x, y))
		})
	}
	return Attribute{Name: name, Values: values}
}

// ValueText returns the usual text form of a value where it is octets that have one, else
// the value.
func ValueText(attribute, value string) string {
	if form := textForm(attribute); form != nil {
		if text, ok := form(value); ok {
			return text
		}
	}
	return value
}

// textForm returns what makes a text of the octets of an attribute, or nil where they are
// text. These are attributes of Active Directory (MS-ADA1 to 3).
func textForm(attribute string) func(octets string) (string, bool) {
	switch {
	case strings.EqualFold(attribute, "objectGUID"), strings.EqualFold(attribute, "mS-DS-ConsistencyGuid"):
		return GUIDText
	case strings.EqualFold(attribute, "objectSid"), strings.EqualFold(attribute, "sIDHistory"):
		return SIDText
	}
	return nil
}

// SIDText gives the octets of a security identifier as text, S-1-5-21-… (MS-DTYP, 2.4.2).
func SIDText(octets string) (string, bool) {
	const head, most = 8, 15
	if len(octets) < head || octets[0] != 1 || octets[1] > most || len(octets) != head+4*int(octets[1]) {
		return "", false
	}
	authority := binary.BigEndian.Uint64([]byte("\x00\x00" + octets[2:head]))
	text := []byte("S-1-")
	if authority < 1<<32 {
		text = strconv.AppendUint(text, authority, 10)
	} else { // twelve digits
		text = append(text, "0x"...)
		text = append(text, strconv.FormatUint(1<<48|authority, 16)[1:]...)
	}
	for rest := []byte(octets[head:]); len(rest) > 0; rest = rest[4:] {
		text = append(text, '-')
		text = strconv.AppendUint(text, uint64(binary.LittleEndian.Uint32(rest)), 10)
	}
	return string(text), true
}

// SameAttribute reports whether two descriptions name one attribute with the same options
// (RFC 4512, 2.5): without case, the options in any order. An attribute with options is a
// subtype and another than that without: cn;lang-fr is not cn.
func SameAttribute(a, b string) bool {
	if strings.EqualFold(a, b) {
		return true
	}
	if !strings.Contains(a, ";") || !strings.Contains(b, ";") {
		return false
	}
	return slices.Equal(options(a), options(b))
}

// options takes a description apart: the attribute and its options in order, each once.
func options(description string) []string {
	parts := strings.Split(strings.ToLower(description), ";")
	slices.Sort(parts[1:])
	return slices.Compact(parts)
}
