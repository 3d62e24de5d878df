package identity

import (
	"encoding/json"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Alias is one of a user's further names in LoginTC. The zero value says nothing
// of it: not known of an account, not to be changed of a user that is wanted. The
// other two are NoAlias and a name.
type Alias string

// NoAlias says that there is no alias, or that there is to be none. No name has a
// NUL.
const NoAlias Alias = "\x00"

// NewAlias returns the alias of a text; NoAlias for one that is empty or blank.
func NewAlias(text string) Alias {
	if text = strings.TrimSpace(text); text == "" {
		return NoAlias
	}
	return Alias(text)
}

// Name returns the alias, and whether there is one.
func (a Alias) Name() (string, bool) { return string(a), a != "" && a != NoAlias }

// IsZero reports whether nothing is said of the alias.
func (a Alias) IsZero() bool { return a == "" }

// or returns the alias or, where nothing is said of it, the other.
func (a Alias) or(other Alias) Alias {
	if a == "" {
		return other
	}
	return a
}

// MarshalJSON gives null for NoAlias. Fields have omitzero, so that they are absent
// where nothing is said.
func (a Alias) MarshalJSON() ([]byte, error) {
	if name, ok := a.Name(); ok {
		return json.Marshal(name)
	}
	return []byte("null"), nil
}

// UnmarshalJSON reads what MarshalJSON gives.
func (a *Alias) UnmarshalJSON(document []byte) error {
	var name *string
	if err := json.Unmarshal(document, &name); err != nil {
		return err
	}
	*a = NoAlias
	if name != nil {
		*a = NewAlias(*name)
	}
	return nil
}

// AliasSet is the aliases of a user. It is not changed once it is there: users share
// it.
type AliasSet struct {
	// Alias1 to Alias3 are further usernames of 1 to 128 characters. Only calls that
	// LoginTC does not document know them.
	Alias1 Alias `json:"alias1,omitzero"`
	Alias2 Alias `json:"alias2,omitzero"`
	Alias3 Alias `json:"alias3,omitzero"`
}

// Aliases returns the three aliases in order.
func (u *User) Aliases() [3]Alias {
	if u.AliasSet == nil {
		return [3]Alias{}
	}
	return [3]Alias{u.Alias1, u.Alias2, u.Alias3}
}

// SetAliases replaces the three aliases.
func (u *User) SetAliases(aliases [3]Alias) {
	u.AliasSet = nil
	if aliases != ([3]Alias{}) {
		u.AliasSet = &AliasSet{aliases[0], aliases[1], aliases[2]}
	}
}

// Equal reports whether all values are the same.
func (u User) Equal(other User) bool {
	return SameText(u.Username, other.Username) && SameText(u.Name, other.Name) && SameText(u.Email, other.Email) && sameAliases(u.Aliases(), other.Aliases())
}

func sameAliases(a, b [3]Alias) bool {
	if a == b {
		return true
	}
	for i := range a {
		if !a[i].Same(b[i]) {
			return false
		}
	}
	return true
}

// Same reports whether both say the same.
func (a Alias) Same(b Alias) bool { return SameText(string(a), string(b)) }

// SameText reports whether two texts have the same characters, composed or not (Unicode
// NFC): a directory and LoginTC may write one name in two ways.
func SameText(a, b string) bool { return a == b || norm.NFC.String(a) == norm.NFC.String(b) }

// IsMetBy reports whether an account has every value that the user is wanted to
// have. The username can not be changed and does not count.
func (u *User) IsMetBy(have *User) bool {
	if !SameText(u.Name, have.Name) || !SameText(u.Email, have.Email) {
		return false
	}
	if u.AliasSet == nil {
		return true
	}
	wanted, present := u.Aliases(), have.Aliases()
	for i := range wanted {
		if wanted[i] != "" && !wanted[i].Same(present[i]) {
			return false
		}
	}
	return true
}

// Of returns of an account's values those that the user says something of: its
// aliases are zero where the user's are.
func (u *User) Of(have User) User {
	if u.AliasSet == nil || have.AliasSet == nil {
		have.AliasSet = nil
		return have
	}
	wanted, present := u.Aliases(), have.Aliases()
	if wanted[0] != "" && wanted[1] != "" && wanted[2] != "" {
		return have
	}
	for i := range wanted {
		if wanted[i] == "" {
			present[i] = ""
		}
	}
	have.SetAliases(present)
	return have
}

// AliasesOr returns the user with the other's aliases where it says nothing of its own.
func (u *User) AliasesOr(other *User) User {
	out := *u
	switch {
	case other.AliasSet == nil:
	case u.AliasSet == nil:
		out.AliasSet = other.AliasSet
	default:
		own, others := u.Aliases(), other.Aliases()
		for i := range own {
			own[i] = own[i].or(others[i])
		}
		out.SetAliases(own)
	}
	return out
}
