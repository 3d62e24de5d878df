package identity

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// DNKey is the form of a distinguished name by which two are the same (RFC 4517, 4.2.15):
// read as RFC 4514 says, names of attributes as RFC 4519 and 4524 abbreviate them, values
// prepared for matching as RFC 4518 says, without case where the attribute's own rule
// has none, the values of one RDN in order. The RDNs stay in their order and no value
// has a comma, so that what is below a base ends with a comma and the base's key. A key
// is a distinguished name itself, and its own key.
type DNKey string

// NewDNKey returns the key of a distinguished name, or why it is none. It takes the forms
// of RFC 2253, 4 and RFC 1779 as well: quotation marks, semicolons, "OID." before an
// object identifier. It allocates nothing for a name that is its own key, and little for
// one of ASCII.
func NewDNKey(dn string) (DNKey, error) {
	if isOwnKey(dn) {
		return DNKey(dn), nil
	}
	if strings.Trim(dn, " \t\r\n") == "" {
		return "", nil
	}
	var scratch [256]byte
	r := dnReader{rest: dn, value: scratch[:0], key: make([]byte, 0, len(dn)+16)}
	if err := r.read(); err != nil {
		return "", fmt.Errorf("%q is no DN: %w", dn, err)
	}
	return DNKey(r.key), nil
}

// SameDN reports whether two distinguished names are the same, in whatever way each is
// written. What is none is the same as itself alone.
func SameDN(a, b string) bool {
	if a == b {
		return true
	}
	x, err := NewDNKey(a)
	if err != nil {
		return false
	}
	y, err := NewDNKey(b)
	return err == nil && x == y
}

// Within reports whether the DN is the base or below it. The empty base is above all.
func (k DNKey) Within(base DNKey) bool {
	return base == "" || k == base || len(k) > len(base) && k[len(k)-len(base)-1] == ',' && strings.HasSuffix(string(k), string(base))
}

// Depth counts the RDNs.
func (k DNKey) Depth() int {
	if k == "" {
		return 0
	}
	return strings.Count(string(k), ",") + 1
}

// isOwnKey knows the common distinguished names that are their own keys: lower case
// ASCII, usual names of attributes, nothing escaped, no space too many.
func isOwnKey(dn string) bool {
	isValue, start := false, 0
	for i := range len(dn) {
		switch c := dn[i]; {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '.', c == '_':
		case c == '=' && !isValue:
			name, rule := matching(dn[start:i])
			if i == start || name != dn[start:i] || rule != caseIgnore || isOID(name) {
				return false
			}
			isValue, start = true, i+1
		case c == ',' && isValue:
			if i == start || dn[i-1] == ' ' {
				return false
			}
			isValue, start = false, i+1
		case c == ' ':
			if !isValue || i == start || dn[i-1] == ' ' {
				return false
			}
		case isValue && strings.IndexByte("=@'()/:&!*$%?[]{}|~^`", c) >= 0:
		default:
			return false
		}
	}
	return isValue && start < len(dn) && dn[len(dn)-1] != ' '
}

// dnReader reads a distinguished name and writes its key.
type dnReader struct {
	rest string
	// value is the present value, as octets.
	value []byte
	key   []byte
}

func (r *dnReader) read() error {
	for {
		separator, err := r.rdn()
		if err != nil || separator == 0 {
			return err
		}
		r.key = append(r.key, ',')
	}
}

// rdn reads one RDN with the separator behind it, 0 at the end. Its values are put in
// order: it is a set (X.501, 9.3).
func (r *dnReader) rdn() (separator byte, err error) {
	begin := len(r.key)
	var parts []string // where there are several
	for {
		from := len(r.key)
		if separator, err = r.pair(); err != nil {
			return 0, err
		}
		if separator == '+' || parts != nil {
			parts = append(parts, string(r.key[from:]))
		}
		if separator != '+' {
			break
		}
	}
	if len(parts) > 0 {
		slices.Sort(parts)
		r.key = append(r.key[:begin], strings.Join(parts, "+")...)
	}
	return separator, nil
}

// pair reads a type and its value, and the separator behind them.
func (r *dnReader) pair() (separator byte, err error) {
	name, rest, found := strings.Cut(r.rest, "=")
	name = strings.Trim(name, " \t\r\n")
	if !found || !isAttributeName(name) {
		return 0, errors.New("a part of it has not the form attribute=value")
	}
	r.rest, r.value = strings.TrimLeft(rest, " "), r.value[:0]
	name, rule := matching(trimOID(name))
	var raw bool
	switch {
	case strings.HasPrefix(r.rest, "#"):
		separator, raw, err = r.hexadecimal()
	case strings.HasPrefix(r.rest, `"`):
		separator, err = r.quoted()
	default:
		separator, err = r.plain()
	}
	if err != nil {
		return 0, err
	}
	r.key = append(append(r.key, name...), '=')
	if raw { // a value that has no text
		r.key = append(r.key, '#')
		r.key = hex.AppendEncode(r.key, r.value)
		return separator, nil
	}
	begin := len(r.key)
	r.key = rule.prepare(r.key, r.value)
	r.key = escapeValue(r.key, begin)
	return separator, nil
}

// plain reads a value without quotation marks (RFC 4514, 3: string).
func (r *dnReader) plain() (separator byte, err error) {
	significant := 0 // the end of the value without spaces behind it
	for i := 0; i < len(r.rest); i++ {
		switch c := r.rest[i]; c {
		case ',', ';', '+':
			r.rest, r.value = r.rest[i+1:], r.value[:significant]
			return c, nil
		case '\\':
			octet, size, err := unescape(r.rest[i:])
			if err != nil {
				return 0, err
			}
			r.value = append(r.value, octet)
			i += size - 1
			significant = len(r.value)
		case '"', '<', '>', 0:
			return 0, fmt.Errorf("%q must be escaped in a value", c)
		default:
			r.value = append(r.value, c)
			if c != ' ' {
				significant = len(r.value)
			}
		}
	}
	r.rest, r.value = "", r.value[:significant]
	return 0, nil
}

// quoted reads a value in quotation marks (RFC 2253, 4).
func (r *dnReader) quoted() (separator byte, err error) {
	for i := 1; i < len(r.rest); i++ {
		switch c := r.rest[i]; c {
		case '"':
			r.rest = r.rest[i+1:]
			return r.separator()
		case '\\':
			octet, size, err := unescape(r.rest[i:])
			if err != nil {
				return 0, err
			}
			r.value = append(r.value, octet)
			i += size - 1
		default:
			r.value = append(r.value, c)
		}
	}
	return 0, errors.New("a quotation mark is not closed")
}

// hexadecimal reads the BER encoding of a value (RFC 4514, 2.4). Raw says that the value
// has parts of its own, so that its octets stand for it.
func (r *dnReader) hexadecimal() (separator byte, raw bool, err error) {
	end := strings.IndexAny(r.rest, " ,;+")
	if end < 0 {
		end = len(r.rest)
	}
	if r.value, err = hex.AppendDecode(r.value, []byte(r.rest[1:end])); err != nil {
		return 0, false, errors.New("the value behind # is not hexadecimal")
	}
	r.rest = r.rest[end:]
	content, err := berContent(r.value)
	if err != nil {
		return 0, false, err
	}
	if raw = r.value[0]&0x20 != 0; !raw {
		r.value = content
	}
	separator, err = r.separator()
	return separator, raw, err
}

// berContent returns the content of one element with a definite length (X.690, 8.1).
func berContent(element []byte) ([]byte, error) {
	errBER := errors.New("the value behind # is not the BER encoding of one value")
	if len(element) < 2 || element[0]&0x1f == 0x1f {
		return nil, errBER
	}
	length, content := int(element[1]), element[2:]
	if length >= 0x80 {
		octets := length - 0x80
		if octets == 0 || octets > 3 || octets > len(content) {
			return nil, errBER
		}
		length = 0
		for _, octet := range content[:octets] {
			length = length<<8 | int(octet)
		}
		content = content[octets:]
	}
	if length != len(content) {
		return nil, errBER
	}
	return content, nil
}

// separator reads what stands behind a value that has an end of its own.
func (r *dnReader) separator() (byte, error) {
	r.rest = strings.TrimLeft(r.rest, " ")
	if r.rest == "" {
		return 0, nil
	}
	c := r.rest[0]
	if c != ',' && c != ';' && c != '+' {
		return 0, fmt.Errorf("%q stands behind the end of a value", c)
	}
	r.rest = r.rest[1:]
	return c, nil
}

// unescape returns the octet that a backslash and what follows stand for, and how many
// characters that are (RFC 4514, 3: pair).
func unescape(s string) (octet byte, size int, err error) {
	if len(s) > 1 && strings.IndexByte(` "#+,;<=>\`, s[1]) >= 0 {
		return s[1], 2, nil
	}
	if len(s) > 2 {
		var out [1]byte
		if _, err := hex.Decode(out[:], []byte(s[1:3])); err == nil {
			return out[0], 3, nil
		}
	}
	return 0, 0, errors.New(`a backslash has neither a special character nor two hexadecimal digits behind it`)
}

// escapeValue escapes what begins at a place of a key, so that it is a value again:
// always with the digits, so that a comma is only ever the end of an RDN.
func escapeValue(key []byte, begin int) []byte {
	special := func(i int) bool {
		c := key[i]
		return c < ' ' || c == 0x7f || strings.IndexByte(`"+,;<>\`, c) >= 0 ||
			c == ' ' && (i == begin || i == len(key)-1) || c == '#' && i == begin
	}
	first := begin
	for first < len(key) && !special(first) {
		first++
	}
	if first == len(key) {
		return key
	}
	var out []byte
	for i := first; i < len(key); i++ {
		if special(i) {
			out = append(out, '\\')
			out = hex.AppendEncode(out, key[i:i+1])
		} else {
			out = append(out, key[i])
		}
	}
	return append(key[:first], out...)
}
