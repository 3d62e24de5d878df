package config

import (
	"slices"
	"strings"
)

// Use is an LDAP attribute that a user block uses.
type Use struct {
	Attribute string
	// Fields are the attributes of the user block whose expressions name it; none where
	// only disabled(entry) or expired(entry) read it.
	Fields []string
	// First says that it is used through entry, which has but one of its values.
	First bool
}

// Uses returns the attributes of Attributes with what they are used for.
func (m *Mapping) Uses() []Use {
	var uses []Use
	for _, attribute := range m.Attributes() {
		named := func(name string) bool { return strings.EqualFold(name, attribute) }
		use := Use{Attribute: attribute}
		for _, f := range m.fields {
			first := slices.ContainsFunc(f.entry, named)
			if first || slices.ContainsFunc(f.values, named) {
				use.Fields = append(use.Fields, f.name)
			}
			use.First = use.First || first
		}
		uses = append(uses, use)
	}
	return uses
}
