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

// What needs no escape, a bit for each character of ASCII: all but controls, " and \; and
// without <, > and & for HTML.
const (
	plainLow  uint64 = 0xffffffff_00000000 &^ (1 << '"')
	htmlLow          = plainLow &^ (1<<'<' | 1<<'>' | 1<<'&')
	plainHigh        = ^uint64(0) &^ (1 << ('\\' - 64))
)

// AppendString appends a text as encoding/json does; with html it escapes <, > and & too.
func AppendString(to []byte, text string, html bool) []byte {
	const hex = "0123456789abcdef"
	low := plainLow
	if html {
		low = htmlLow
	}
	begin, done := len(to), 0
	to = append(to, '"')
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c < 64 && low>>c&1 != 0 || c >= 64 && c < utf8.RuneSelf && plainHigh>>(c-64)&1 != 0 {
			continue
		}
		switch {
		case c == '"' || c == '\\':
			to = append(append(to, text[done:i]...), '\\', c)
			done = i + 1
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRuneInString(text[i:])
			if r == utf8.RuneError && size == 1 || r == '\u2028' || r == '\u2029' {
				return appendRare(to[:begin], text, html)
			}
			i += size - 1
		case c >= ' ':
			to = append(append(to, text[done:i]...), '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			done = i + 1
		default:
			return appendRare(to[:begin], text, html)
		}
	}
	return append(append(to, text[done:]...), '"')
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
