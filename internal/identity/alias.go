package identity

import (
	"encoding/json"
	"strings"
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

// Aliases returns the three aliases in order.
func (u *User) Aliases() [3]Alias { return [3]Alias{u.Alias1, u.Alias2, u.Alias3} }

// SetAliases replaces the three aliases.
func (u *User) SetAliases(aliases [3]Alias) {
	u.Alias1, u.Alias2, u.Alias3 = aliases[0], aliases[1], aliases[2]
}

// IsMetBy reports whether an account has every value that the user is wanted to
// have. The username can not be changed and does not count.
func (u *User) IsMetBy(have *User) bool {
	if u.Name != have.Name || u.Email != have.Email {
		return false
	}
	wanted, present := u.Aliases(), have.Aliases()
	for i := range wanted {
		if wanted[i] != "" && wanted[i] != present[i] {
			return false
		}
	}
	return true
}

// Of returns of an account's values those that the user says something of: its
// aliases are zero where the user's are.
func (u *User) Of(have User) User {
	wanted, present := u.Aliases(), have.Aliases()
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
	out.Alias1, out.Alias2, out.Alias3 = u.Alias1.or(other.Alias1), u.Alias2.or(other.Alias2), u.Alias3.or(other.Alias3)
	return out
}
