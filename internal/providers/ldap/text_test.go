package ldap

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
)

// A server returns the subtypes of what it is asked for, options in an order of its own,
// and values in the order in which they were added.
func TestOptionsAndSeveralValues(t *testing.T) {
	t.Parallel()
	s := ldaptest.StartSlapd(t, ldaptest.SlapdOptions{LDIF: "dn: uid=jane," + people + "\nobjectClass: inetOrgPerson\nuid: jane\nsn: Doe\n" +
		"cn: Jane\ncn;lang-fr: Jeanne\ncn;lang-fr;lang-ca: Jeannette\nmail: z@example.com\nmail: B@example.com\nmail: a@example.com\n"})
	for name, c := range map[string]struct {
		asked []string
		want  map[string][]string
	}{
		"the attribute": {[]string{"uid", "cn"}, map[string][]string{"cn": {"Jane"}, "cn;lang-fr": nil}},
		"an option":     {[]string{"uid", "CN;Lang-FR"}, map[string][]string{"cn;lang-fr": {"Jeanne"}, "cn": nil, "cn;lang-ca;lang-fr": nil}},
		"two options":   {[]string{"uid", "cn;LANG-fr;lang-ca"}, map[string][]string{"cn;lang-ca;lang-fr": {"Jeannette"}, "cn;lang-fr;lang-ca": {"Jeannette"}, "cn": nil}},
		"both":          {[]string{"uid", "cn", "cn;lang-fr"}, map[string][]string{"cn": {"Jane"}, "cn;lang-fr": {"Jeanne"}}},
		"values":        {[]string{"uid", "mail"}, map[string][]string{"mail": {"B@example.com", "a@example.com", "z@example.com"}}},
	} {
		search := identity.Search{BaseDN: people, Scope: identity.ScopeSub, Filters: []string{"(uid=jane)"}, Attributes: c.asked}
		found, _, err := readAll(t.Context(), options(s), search)
		if err != nil {
			t.Fatal(err)
		}
		jane := found["jane"]
		for attribute, want := range c.want {
			if diff := cmp.Diff(want, jane.Values(attribute)); diff != "" {
				t.Errorf("%s: %s of %+v: %s", name, attribute, jane, diff)
			}
		}
	}
}
