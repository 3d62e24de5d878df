package ldap

import (
	"slices"
	"strings"
	"testing"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
)

// OpenLDAP has an entry of "Strauß" beside one of "Strauss", whose DNs have one key. Neither
// may take the other's place: both are found where both are named, one where it alone is,
// and it is an error where it can not be told which is.
func TestMembersWhoseDNsHaveOneKey(t *testing.T) {
	t.Parallel()
	sharp, plain, people := "cn=Thomas Strauß", "cn=Thomas Strauss", ",ou=People,"+ldaptest.BaseDN
	var text strings.Builder
	for _, lines := range [][]string{
		{ldaptest.Line("dn", sharp+people), "objectClass: inetOrgPerson", ldaptest.Line("cn", "Thomas Strauß"), "sn: x", "uid: sharp"},
		{ldaptest.Line("dn", plain+people), "objectClass: inetOrgPerson", "cn: Thomas Strauss", "sn: x", "uid: plain"},
		{"dn: " + ldaptest.Group("both"), "objectClass: groupOfNames", "cn: both", ldaptest.Line("member", sharp+people), "member: " + plain + people},
		{"dn: " + ldaptest.Group("one"), "objectClass: groupOfNames", "cn: one", "member: " + plain + people},
		{ldaptest.Line("dn", ldaptest.Group("Spaß")), "objectClass: groupOfNames", ldaptest.Line("cn", "Spaß"), ldaptest.Line("member", sharp+people)},
		{"dn: " + ldaptest.Group("Spass"), "objectClass: groupOfNames", "cn: Spass", "member: " + plain + people},
		{"dn: " + ldaptest.Group("nested"), "objectClass: groupOfNames", "cn: nested", ldaptest.Line("member", ldaptest.Group("Spaß")), "member: " + ldaptest.Group("Spass")},
	} {
		text.WriteString(strings.Join(lines, "\n") + "\n\n")
	}
	slapd := ldaptest.StartSlapd(t, ldaptest.SlapdOptions{LDIF: text.String()})
	q := identity.Search{BaseDN: ldaptest.BaseDN, Scope: identity.ScopeSub, Filters: []string{"(objectClass=inetOrgPerson)"}}
	for group, want := range map[string][]string{"both": {"plain", "sharp"}, "one": {"plain"}} {
		if names, evidence, err := membersOf(t, options(slapd), q, ldaptest.Group(group)); err != nil || !slices.Equal(names, want) {
			t.Errorf("%s: %v, %+v, %v", group, names, evidence, err)
		}
	}
	if names, _, err := membersOf(t, options(slapd), q, ldaptest.Group("nested")); err == nil || !strings.Contains(err.Error(), "several entries") {
		t.Errorf("nested: %v, %v", names, err)
	}
	d, err := New(options(slapd))
	if err != nil {
		t.Fatal(err)
	}
	d.wholeAbove, q.MembersOf = 0, []string{ldaptest.Group("one")} // who is read are all
	if _, err := d.Read(t.Context(), q, func([]identity.Entry) error { return nil }); err == nil || !strings.Contains(err.Error(), "several entries") {
		t.Error(err)
	}
}
