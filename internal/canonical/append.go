// Package canonical writes and reads JSON in the one form in which encoding/json writes
// it, without reflection: for members and operations, of which there may be a million.
//
// It decides nothing about what may be in a file. Whoever reads asks encoding/json about
// everything that is not in this form.
package canonical

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// AppendString appends a text as encoding/json does; with html it escapes <, > and & too.
func AppendString(to []byte, text string, html bool) []byte {
	const hex = "0123456789abcdef"
	begin, done := len(to), 0
	to = append(to, '"')
	for i := plain(text, html); i < len(text); i += plain(text[i:], html) {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			to = append(append(to, text[done:i]...), '\\', c)
			done = i + 1
		case html && (c == '<' || c == '>' || c == '&'):
			to = append(append(to, text[done:i]...), '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			done = i + 1
		case c < ' ':
			return appendRare(to[:begin], text, html)
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRuneInString(text[i:])
			if r == utf8.RuneError && size == 1 || r == '\u2028' || r == '\u2029' {
				return appendRare(to[:begin], text, html)
			}
			i += size - 1
		}
		i++
	}
	return append(append(to, text[done:]...), '"')
}

// plain returns how many octets a text begins with that are characters of ASCII and stand
// in JSON as they are. It looks at eight together, and gives up early where it need not.
func plain[T string | []byte](text T, html bool) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	// A top bit is set in what is 0, or stands above one that is.
	zero := func(word uint64) uint64 { return (word - ones) &^ word }
	i := 0
	for ; i+8 <= len(text); i += 8 {
		word := uint64(text[i]) | uint64(text[i+1])<<8 | uint64(text[i+2])<<16 | uint64(text[i+3])<<24 |
			uint64(text[i+4])<<32 | uint64(text[i+5])<<40 | uint64(text[i+6])<<48 | uint64(text[i+7])<<56
		special := word | (word-ones*' ')&^word | zero(word^ones*'"') | zero(word^ones*'\\')
		if html {
			special |= zero(word^ones*'<') | zero(word^ones*'>') | zero(word^ones*'&')
		}
		if special&tops != 0 {
			break
		}
	}
	for ; i < len(text); i++ {
		c := text[i]
		if c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' || html && (c == '<' || c == '>' || c == '&') {
			break
		}
	}
	return i
}

// appendRare appends texts that people do not have: with control characters, line
// separators, or octets that are no UTF-8.
func appendRare(to []byte, text string, html bool) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(html)
	_ = e.Encode(text) // every text can be encoded
	return append(to, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}

// AppendUser appends the fields of a user, without braces.
func AppendUser(to []byte, u *identity.User, html bool) []byte {
	to = AppendString(append(to, `"username":`...), u.Username, html)
	to = AppendString(append(to, `,"name":`...), u.Name, html)
	to = AppendString(append(to, `,"email":`...), u.Email, html)
	if u.AliasSet == nil {
		return to
	}
	to = appendAlias(to, `,"alias1":`, u.Alias1)
	to = appendAlias(to, `,"alias2":`, u.Alias2)
	return appendAlias(to, `,"alias3":`, u.Alias3)
}

// appendAlias appends what Alias.MarshalJSON gives, which escapes for HTML wherever it is.
func appendAlias(to []byte, label string, a identity.Alias) []byte {
	if a.IsZero() {
		return to
	}
	to = append(to, label...)
	if name, ok := a.Name(); ok {
		return AppendString(to, name, true)
	}
	return append(to, "null"...)
}
