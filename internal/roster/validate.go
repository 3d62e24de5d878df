package roster

import (
	"fmt"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// MaxLength is the greatest length in characters of a username and of a name
// in LoginTC (REST API 1.3, users).
const MaxLength = 128

// maxEmail is the greatest length in octets of an address that mail can be sent
// to (RFC 5321, 4.5.3.1.3, less the angle brackets).
const maxEmail = 254

// complete trims the user's fields, fills in the defaults and returns what is
// wrong with it, or nothing.
func (r Rules) complete(user *identity.User, problems []identity.Problem) string {
	user.Username = strings.TrimSpace(user.Username)
	user.Name = strings.TrimSpace(user.Name)
	user.Email = strings.TrimSpace(user.Email)
	if user.Name == "" && canDefault(problems, "name") {
		user.Name = r.DefaultName
	}
	if user.Email == "" && canDefault(problems, "email") {
		user.Email = r.DefaultEmail
	}
	var reasons []string
	if problem := find(problems, "exclude"); problem != nil {
		reasons = append(reasons, "it can not be told whether the entry is excluded: "+problem.Text)
	}
	for _, wrong := range [...]string{
		wrong(problems, "username", user.Username, checkText),
		wrong(problems, "name", user.Name, checkText),
		wrong(problems, "email", user.Email, checkEmail),
	} {
		if wrong != "" {
			reasons = append(reasons, wrong)
		}
	}
	if len(reasons) > 0 && checkText(user.Username) != "" {
		user.Username = "" // what can not be a username names nobody
	}
	return strings.Join(reasons, "; ")
}

// find returns the problem of the field, or nil.
func find(problems []identity.Problem, field string) *identity.Problem {
	for i := range problems {
		if problems[i].Field == field {
			return &problems[i]
		}
	}
	return nil
}

// canDefault reports whether the directory has no value for the field, rather
// than one that could not be used.
func canDefault(problems []identity.Problem, field string) bool {
	problem := find(problems, field)
	return problem == nil || problem.Absent
}

// wrong says what is wrong with a field, or nothing.
func wrong(problems []identity.Problem, field, value string, check func(string) string) string {
	if value == "" {
		if problem := find(problems, field); problem != nil {
			return fmt.Sprintf("no %s: %s", field, problem.Text)
		}
		return "no " + field
	}
	if reason := check(value); reason != "" {
		return field + " " + reason
	}
	return ""
}

func checkText(s string) string {
	if wrong := checkCharacters(s); wrong != "" {
		return wrong
	}
	if n := utf8.RuneCountInString(s); n > MaxLength {
		return fmt.Sprintf("has %d characters, LoginTC takes %d", n, MaxLength)
	}
	return ""
}

func checkCharacters(s string) string {
	if !utf8.ValidString(s) {
		return "is not UTF-8"
	}
	if strings.ContainsFunc(s, unicode.IsControl) {
		return "has control characters"
	}
	return ""
}

// isPlainAddress knows the common form of an address, without the cost of parsing
// all that RFC 5322 allows: two dot-atoms of letters, digits and a few signs.
func isPlainAddress(s string) bool {
	local, domain, found := strings.Cut(s, "@")
	return found && isDotAtom(local, "+_-'&=/%") && isDotAtom(domain, "-")
}

func isDotAtom(s, signs string) bool {
	for atom := range strings.SplitSeq(s, ".") {
		if atom == "" {
			return false
		}
		for i := range len(atom) {
			c := atom[i]
			if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && strings.IndexByte(signs, c) < 0 {
				return false
			}
		}
	}
	return true
}

// checkEmail accepts the addr-spec of RFC 5322, 3.4.1, without a display name.
func checkEmail(s string) string {
	if wrong := checkCharacters(s); wrong != "" {
		return wrong
	}
	if len(s) > maxEmail {
		return fmt.Sprintf("has %d octets, an address has at most %d", len(s), maxEmail)
	}
	if isPlainAddress(s) {
		return ""
	}
	if address, err := mail.ParseAddress(s); err != nil || address.Address != s {
		return fmt.Sprintf("%q is not an address", s)
	}
	return ""
}
