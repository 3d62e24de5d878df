package canonical

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// Object is what is left to read of a text. Once something else stands there than was
// asked for, nothing more is read and Done says so.
type Object struct {
	rest  []byte
	other bool
}

// NewObject reads a text, which is not to be changed meanwhile.
func NewObject(text []byte) Object { return Object{rest: text} }

// Done reports whether the text was read to its end, and was what was asked for.
func (o *Object) Done() bool { return !o.other && len(o.rest) == 0 }

// Take takes the literal if it comes next.
func (o *Object) Take(literal string) bool {
	if o.other || len(o.rest) < len(literal) || string(o.rest[:len(literal)]) != literal {
		return false
	}
	o.rest = o.rest[len(literal):]
	return true
}

// Want takes the literal, which must come next.
func (o *Object) Want(literal string) {
	if !o.Take(literal) {
		o.other = true
	}
}

// Text takes a text. The octets belong to what is read.
func (o *Object) Text() []byte {
	o.Want(`"`)
	if o.other {
		return nil
	}
	ascii := true
	for i := plain(o.rest, false); i < len(o.rest); i += plain(o.rest[i:], false) {
		switch c := o.rest[i]; {
		case c == '"':
			text := o.rest[:i]
			o.rest = o.rest[i+1:]
			o.other = !ascii && !utf8.Valid(text) // encoding/json puts other octets in the place of wrong ones
			return text
		case c == '\\':
			return o.escaped(i)
		case c < ' ':
			o.other = true
			return nil
		case c >= utf8.RuneSelf:
			ascii = false
		}
		i++
	}
	o.other = true
	return nil
}

// escaped takes a text that has something escaped, first at an index of the rest.
func (o *Object) escaped(at int) []byte {
	for ; at < len(o.rest) && o.rest[at] != '"'; at++ {
		if o.rest[at] == '\\' {
			at++
		}
	}
	var text string
	if at >= len(o.rest) || json.Unmarshal(append(append([]byte{'"'}, o.rest[:at]...), '"'), &text) != nil {
		o.other = true
		return nil
	}
	o.rest = o.rest[at+1:]
	return []byte(text)
}

// Raw takes a text as it stands there, without quotes, which has nothing escaped.
func (o *Object) Raw() []byte {
	o.Want(`"`)
	end := bytes.IndexByte(o.rest, '"')
	if o.other || end < 0 {
		o.other = true
		return nil
	}
	raw := o.rest[:end]
	o.rest = o.rest[end+1:]
	return raw
}

// User takes the fields of a user, without braces. Its texts are kept; those that like has
// too are kept once.
func (o *Object) User(u *identity.User, keep *Strings, like *identity.User) {
	if like == nil {
		like = &identity.User{}
	}
	o.Want(`"username":`)
	username := o.Text()
	o.Want(`,"name":`)
	name := o.Text()
	o.Want(`,"email":`)
	email := o.Text()
	if o.other {
		return
	}
	u.Email = keep.Within(email, like.Email)
	u.Username = keep.Within(username, like.Username, u.Email)
	u.Name = keep.Within(name, like.Name)
	var aliases [3]identity.Alias
	for i, label := range [...]string{`,"alias1":`, `,"alias2":`, `,"alias3":`} {
		switch {
		case !o.Take(label):
		case o.Take("null"):
			aliases[i] = identity.NoAlias
		default:
			aliases[i] = identity.NewAlias(keep.Keep(o.Text()))
		}
	}
	u.SetAliases(aliases)
}
