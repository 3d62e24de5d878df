package ldaptest

import (
	"fmt"
	"slices"
	"strings"
)

// DataGroup is a group of a dataset.
type DataGroup struct {
	Name, DN string
	// Kind is its object class.
	Kind string
	// Values are of Attribute, in the order in which they are written; Attribute is
	// empty for a group without members.
	Attribute string
	Values    []string
	// People are the numbers of those who are in it, directly or through groups in it,
	// ascending.
	People []int
	// Outside counts the members that are no entry of the directory.
	Outside int
}

// The kinds of groups. The kind of Active Directory is group.
const (
	kindNames  = "groupOfNames"
	kindUnique = "groupOfUniqueNames"
	kindPosix  = "posixGroup"
	kindURLs   = "groupOfURLs"
	kindAD     = "group"
)

// Nested is how many are directly in the innermost of the groups nested1 to nested4.
const Nested = 3000

// Groups returns the groups of a dataset of at least 3,300 people, those that are
// members of others before them:
//
//	nested4   3,000 people, and nested1: a cycle of four
//	nested3, nested2, nested1   a hundred people each and the next one
//	vpn       every other one of the first thousand
//	empty     nobody
//	unique    groupOfUniqueNames: every fifth of the first 500; not on Active Directory
//	posix     posixGroup: the first twenty by username; not on Active Directory
//	dynamic   groupOfURLs: the contractors; not on Active Directory
//	forms     ten people whose DNs are written in other ways than their entries'
//	dangling  persons 1 and 2, and members that are not there: of another directory, and,
//	          but on Active Directory, which keeps none, of an entry that is gone
//	self      person 3 and itself
//	odd       those of the first 300 whose RDN has what RFC 4514 escapes
func (d Dataset) Groups() []DataGroup {
	kind := kindNames
	if d.AD() {
		kind = kindAD
	}
	of := func(name string, numbers ...int) DataGroup {
		g := DataGroup{Name: name, DN: d.groupDN(name), Kind: kind, Attribute: "member", People: numbers}
		for _, i := range numbers {
			g.Values = append(g.Values, d.Human(i).DN)
		}
		return g
	}
	var groups []DataGroup
	below := between(0, Nested, 1)
	for level := 4; level >= 1; level-- {
		g := of(fmt.Sprintf("nested%d", level), below...)
		if level < 4 {
			first := Nested + 100*(3-level)
			g = of(g.Name, between(first, first+100, 1)...)
			g.Values = append(g.Values, d.groupDN(fmt.Sprintf("nested%d", level+1)))
			below = append(slices.Clone(below), g.People...)
		}
		groups = append(groups, g)
	}
	for i := range groups { // of a cycle each has them all
		groups[i].People = below
	}
	groups = append(groups, of("vpn", between(0, 1000, 2)...), d.empty(kind))
	groups = append(groups, of("odd", slices.DeleteFunc(between(0, 300, 1), func(i int) bool { return i%23 != 8 })...))
	if d.AD() {
		foreign := of("dangling", 1, 2) // the rest is in Changes
		foreign.Outside = 1
		return append(groups, foreign, of("self", 3))
	}
	groups[0].Values = append(groups[0].Values, d.groupDN("nested1"))
	dangling := of("dangling", 1, 2)
	dangling.Values = append(dangling.Values, "uid=gone,ou=People,"+BaseDN, "cn=Someone,ou=Elsewhere,dc=example,dc=org")
	dangling.Outside = 2
	self := of("self", 3)
	self.Values = append(self.Values, self.DN)
	unique := of("unique", between(0, 500, 5)...)
	unique.Kind, unique.Attribute = kindUnique, "uniqueMember"
	return append(groups, dangling, self, unique, d.posix(), d.dynamic(), d.forms())
}

// Group returns the group of the name.
func (d Dataset) Group(name string) DataGroup {
	for _, g := range d.Groups() {
		if g.Name == name {
			return g
		}
	}
	return DataGroup{}
}

func (d Dataset) groupDN(name string) string {
	_, _, groups := d.Where()
	if d.AD() {
		return "CN=" + name + "," + groups
	}
	return "cn=" + name + "," + groups
}

// empty is a group without members, which a groupOfNames can not be.
func (d Dataset) empty(kind string) DataGroup {
	if !d.AD() {
		kind = kindPosix
	}
	return DataGroup{Name: "empty", DN: d.groupDN("empty"), Kind: kind}
}

func (d Dataset) posix() DataGroup {
	g := DataGroup{Name: "posix", DN: d.groupDN("posix"), Kind: kindPosix, Attribute: "memberUid", People: between(0, 20, 1)}
	for _, i := range g.People {
		g.Values = append(g.Values, d.Human(i).Username)
	}
	return g
}

func (d Dataset) dynamic() DataGroup {
	g := DataGroup{
		Name: "dynamic", DN: d.groupDN("dynamic"), Kind: kindURLs, Attribute: "memberURL",
		Values: []string{"ldap:///ou=People," + BaseDN + "??sub?(employeeType=contractor)"},
	}
	for _, h := range d.Humans() {
		if h.Contractor {
			g.People = append(g.People, h.Number)
		}
	}
	return g
}

// forms has members whose DNs are the same as their entries' by RFC 4514 alone.
func (d Dataset) forms() DataGroup {
	g := DataGroup{Name: "forms", DN: d.groupDN("forms"), Kind: kindNames, Attribute: "member"}
	for _, i := range []int{5, 8, 16, 20, 22, 24, 26, 28, 40, 100} {
		h := d.Human(i)
		dn := h.DN
		switch i % 4 {
		case 0:
			dn = strings.ReplaceAll(dn, ","+"ou=People,dc=", ", OU=people , DC=")
		case 1:
			dn = hexed(dn)
		case 2:
			dn = strings.Replace(dn, "uid=user", "UID=USER", 1)
		}
		g.Values, g.People = append(g.Values, dn), append(g.People, i)
	}
	return g
}

// hexed writes every octet that is not ASCII as RFC 4514 lets one.
func hexed(dn string) string {
	var b strings.Builder
	for i := range len(dn) {
		if dn[i] < 0x80 {
			b.WriteByte(dn[i])
		} else {
			fmt.Fprintf(&b, `\%02X`, dn[i])
		}
	}
	return b.String()
}

// foreignSID is of an account of another domain. Active Directory makes an entry that
// stands for it.
const foreignSID = "S-1-5-21-1111111111-2222222222-3333333333-1234"

// Changes is an LDIF of what could only be written after everything else: on Active
// Directory every member must be there first.
func (d Dataset) Changes() string {
	if !d.AD() {
		return ""
	}
	add := func(group, member string) string {
		return "dn: " + d.groupDN(group) + "\nchangetype: modify\nadd: member\nmember: " + member + "\n-\n\n"
	}
	return add("nested4", d.groupDN("nested1")) + add("self", d.groupDN("self")) + add("dangling", "<SID="+foreignSID+">")
}

func (d Dataset) group(g DataGroup, of []string) string {
	var b strings.Builder
	line := func(attribute string, values ...string) {
		for _, value := range values {
			b.WriteString(Line(attribute, value) + "\n")
		}
	}
	line("dn", g.DN)
	line("objectClass", g.Kind)
	if d.AD() {
		line("sAMAccountName", g.Name)
	} else {
		line("cn", g.Name)
		line("memberOf", of...)
	}
	switch {
	case g.Kind == kindPosix:
		line("gidNumber", "1000")
	case d.Server == "389":
		line("objectClass", "nsMemberOf")
	}
	line(g.Attribute, g.Values...)
	return b.String()
}

// memberOf returns the groups of a member by its DN, as the servers that keep them
// count them: those that name it in member.
func (d Dataset) memberOf() map[string][]string {
	of := map[string][]string{}
	if d.AD() {
		return of
	}
	for _, g := range d.Groups() {
		if g.Kind != kindNames || g.Name == "forms" {
			continue
		}
		for _, dn := range g.Values {
			of[dn] = append(of[dn], g.DN)
		}
	}
	return of
}

// between returns every step-th number from first to before end.
func between(first, end, step int) []int {
	var numbers []int
	for i := first; i < end; i += step {
		numbers = append(numbers, i)
	}
	return numbers
}
