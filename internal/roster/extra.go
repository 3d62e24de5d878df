package roster

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// extra checks what a user may have beside the documented fields: aliases and
// phones. It takes out what can not be used and says why; nobody is withheld for
// that, since access does not depend on it.
func (r Rules) extra(person *identity.Person, mapped *identity.Mapped) []string {
	var warnings []string
	for i := range mapped.Problems {
		problem := &mapped.Problems[i]
		extra := strings.HasPrefix(problem.Field, "alias") || strings.HasPrefix(problem.Field, "phone")
		if extra && !problem.Absent {
			warnings = append(warnings, fmt.Sprintf("%s is not changed: %s", problem.Field, problem.Text))
		}
	}
	aliases := person.Aliases()
	for i, alias := range aliases {
		name, ok := alias.Name()
		if !ok {
			continue
		}
		if wrong := checkText(name); wrong != "" {
			aliases[i] = ""
			person.SetAliases(aliases)
			warnings = append(warnings, fmt.Sprintf("alias%d is not changed: it %s", i+1, wrong))
		}
	}
	var phones []string
	for _, text := range mapped.Phones {
		if strings.TrimSpace(text) == "" {
			continue
		}
		number, wrong := r.phone(text)
		if wrong != "" {
			warnings = append(warnings, fmt.Sprintf("the phone number %q is not sent: %s", text, wrong))
			continue
		}
		phones = append(phones, number)
	}
	if len(phones) > 0 {
		slices.Sort(phones)
		person.Holdings = &identity.Holdings{PhoneNumbers: slices.Compact(phones)}
	}
	return warnings
}

// phone returns a number in the form of E.164, or what is wrong with it. A number
// that can not be one is refused as well: what LoginTC was given once stays there.
func (r Rules) phone(text string) (number, wrong string) {
	parsed, err := phonenumbers.Parse(text, r.PhoneRegion)
	switch {
	case err != nil && r.PhoneRegion == "" && !strings.HasPrefix(strings.TrimSpace(text), "+"):
		return "", "it has no country code, and the policy has no phone_region"
	case err != nil:
		return "", err.Error()
	case parsed.GetExtension() != "":
		return "", "it has an extension"
	case !phonenumbers.IsPossibleNumber(parsed):
		return "", "no number of its country has so many digits"
	}
	return phonenumbers.Format(parsed, phonenumbers.E164), ""
}

// E164 returns a number as phonenumbers writes it, or the text as it is where that
// can not be read: LoginTC may have it in another form.
func (r Rules) E164(text string) string {
	if number, wrong := r.phone(text); wrong == "" {
		return number
	}
	return text
}
