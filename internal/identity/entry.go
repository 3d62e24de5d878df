package identity

import "strings"

// Entry is what a directory returned for one person, as it came.
type Entry struct {
	// DN is the distinguished name as the directory wrote it.
	DN string
	// ID is the directory's own unique id of the entry in its usual text form
	// (entryUUID, objectGUID, nsUniqueId, GUID), or empty where the source has none.
	// It stays when the entry is moved or renamed.
	ID string
	// Attributes holds the attributes that were asked for and are present.
	Attributes []Attribute
}

// Attribute is one attribute of an entry, as NewAttribute makes it. Values are octets, not
// necessarily UTF-8. The name may have options, as in cn;lang-fr.
type Attribute struct {
	Name   string
	Values []string
}

// Values returns all values of the attribute, or nil where the entry does not
// have it. Names of attributes are compared as by SameAttribute.
func (e *Entry) Values(name string) []string {
	for i := range e.Attributes {
		if SameAttribute(e.Attributes[i].Name, name) {
			return e.Attributes[i].Values
		}
	}
	return nil
}

// First returns the first value of the attribute, and whether there is one.
func (e *Entry) First(name string) (string, bool) {
	if values := e.Values(name); len(values) > 0 {
		return values[0], true
	}
	return "", false
}

// Scope is how far below its base a search looks (RFC 4511, 4.5.1.2).
type Scope string

// The three scopes of an LDAP search.
const (
	ScopeBase Scope = "base"
	ScopeOne  Scope = "one"
	ScopeSub  Scope = "sub"
)

// Search says which entries of a directory are wanted, and what of them.
type Search struct {
	BaseDN string
	Scope  Scope
	// Filters are filters in the string form of RFC 4515 that an entry must
	// match, all of them; empty strings are passed over.
	Filters []string
	// MembersOf are DNs of groups: an entry must be a member of one of them as well,
	// directly or through groups in it. Empty for everybody.
	MembersOf []string
	// Attributes are the attributes to ask for; the entry's unique id is always
	// asked for as well.
	Attributes []string
}

// Filter joins the filters of the search into one.
func (s Search) Filter() string {
	var present []string
	for _, f := range s.Filters {
		if f = strings.TrimSpace(f); f != "" {
			present = append(present, f)
		}
	}
	switch len(present) {
	case 0:
		return "(objectClass=*)"
	case 1:
		return present[0]
	default:
		return "(&" + strings.Join(present, "") + ")"
	}
}
