package logintctest

import (
	"fmt"
	"net/mail"
	"unicode/utf8"
)

const (
	keyLength  = 64
	idBytes    = 20
	codeLength = 10
	// maxCharacters bounds usernames and names.
	maxCharacters = 128
	// maxDigits bounds phone numbers.
	maxDigits = 32
	idForm    = "40 lower-case hexadecimal characters"
)

// field is one value of a user as it stands on the wire.
type field struct{ name, value string }

// check returns what is wrong with the value, or an empty string.
func (f field) check() string {
	if f.name == "email" {
		return checkEmail(f.value)
	}
	most := maxCharacters
	if f.name == "number" {
		most = maxDigits
	}
	if n := utf8.RuneCountInString(f.value); n < 1 || n > most {
		return fmt.Sprintf("has %d characters, not 1 to %d", n, most)
	}
	return ""
}

// checkEmail accepts the addr-spec of RFC 5322, 3.4.1, without a display name.
func checkEmail(s string) string {
	if address, err := mail.ParseAddress(s); err != nil || address.Address != s {
		return "is not an e-mail address"
	}
	return ""
}

func isID(s string) bool {
	if len(s) != 2*idBytes {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// headerSafe reports whether s can stand between the quotes of the
// Authorization header.
func headerSafe(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
