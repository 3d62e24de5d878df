package ldap

import "github.com/go-ldap/ldap/v3"

// The identifier octets of what is read here (X.690, 8.1.2; RFC 4511, appendix B).
const (
	tagInteger           = 0x02
	tagOctetString       = 0x04
	tagSequence          = 0x30
	tagSet               = 0x31
	tagSearchRequest     = 0x63 // [APPLICATION 3], constructed
	tagSearchResultEntry = 0x64 // [APPLICATION 4], constructed
)

// maxHeader is an identifier octet and the longest length that is understood.
const maxHeader = 6

// maxKept bounds the names of attributes that are kept.
const maxKept = 256

// message is an LDAPMessage (RFC 4511, 4.1.1).
type message struct {
	id        uint32
	operation byte // identifier octet
	content   []byte
	more      bool // after the operation: controls
}

// parseMessage looks at the octets of one message.
func parseMessage(octets []byte) (message, bool) {
	body, rest, ok := element(octets, tagSequence)
	if !ok || len(rest) > 0 {
		return message{}, false
	}
	number, rest, ok := element(body, tagInteger)
	if !ok || len(number) == 0 || len(number) > 4 || number[0] > 0x7f || len(rest) == 0 {
		return message{}, false
	}
	m := message{operation: rest[0]}
	for _, octet := range number {
		m.id = m.id<<8 | uint32(octet)
	}
	m.content, rest, ok = element(rest, m.operation)
	m.more = len(rest) > 0
	return m, ok
}

// element splits what begins with an element of the tag into its content and the rest.
// Lengths are definite, as RFC 4511, 5.1 wants them.
func element(octets []byte, tag byte) (content, rest []byte, ok bool) {
	if len(octets) < 2 || octets[0] != tag {
		return nil, nil, false
	}
	length, rest, ok := parseLength(octets[1:])
	if !ok || length > len(rest) {
		return nil, nil, false
	}
	return rest[:length], rest[length:], true
}

// parseLength reads the length octets (X.690, 8.1.3) of less than 2 GiB.
func parseLength(octets []byte) (length int, rest []byte, ok bool) {
	if len(octets) == 0 {
		return 0, nil, false
	}
	first, rest := octets[0], octets[1:]
	if first < 0x80 {
		return int(first), rest, true
	}
	count := int(first & 0x7f)
	if count == 0 || count > maxHeader-2 || count > len(rest) || count == 4 && rest[0] > 0x7f {
		return 0, nil, false
	}
	for _, octet := range rest[:count] {
		length = length<<8 | int(octet)
	}
	return length, rest[count:], true
}

// decoder makes entries of messages.
type decoder struct {
	names map[string]string // of attributes, so that each is there once
}

// entry decodes the content of a SearchResultEntry (RFC 4511, 4.5.2), or returns nil.
func (d *decoder) entry(content []byte) *ldap.Entry {
	dn, rest, ok := element(content, tagOctetString)
	if !ok {
		return nil
	}
	list, rest, ok := element(rest, tagSequence)
	if !ok || len(rest) > 0 {
		return nil
	}
	count, ok := elements(list, tagSequence)
	if !ok {
		return nil
	}
	e := &ldap.Entry{DN: string(dn), Attributes: make([]*ldap.EntryAttribute, count)}
	attributes := make([]ldap.EntryAttribute, count)
	for i := range attributes {
		var attribute []byte
		attribute, list, _ = element(list, tagSequence)
		if !d.attribute(attribute, &attributes[i]) {
			return nil
		}
		e.Attributes[i] = &attributes[i]
	}
	return e
}

// attribute decodes a PartialAttribute.
func (d *decoder) attribute(content []byte, to *ldap.EntryAttribute) bool {
	name, rest, ok := element(content, tagOctetString)
	if !ok {
		return false
	}
	set, rest, ok := element(rest, tagSet)
	if !ok || len(rest) > 0 {
		return false
	}
	count, ok := elements(set, tagOctetString)
	if !ok {
		return false
	}
	to.Name, to.Values = d.name(name), make([]string, count)
	for i := range to.Values {
		var value []byte
		value, set, _ = element(set, tagOctetString)
		to.Values[i] = string(value)
	}
	return true
}

// elements counts what is a row of elements of the tag.
func elements(octets []byte, tag byte) (count int, ok bool) {
	for len(octets) > 0 {
		if _, octets, ok = element(octets, tag); !ok {
			return 0, false
		}
		count++
	}
	return count, true
}

func (d *decoder) name(octets []byte) string {
	if known, ok := d.names[string(octets)]; ok {
		return known
	}
	name := string(octets)
	if len(d.names) < maxKept {
		d.names[name] = name
	}
	return name
}
