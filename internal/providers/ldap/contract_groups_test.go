package ldap

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
)

// members are who the dataset says is in one of the groups.
func (s *subject) members(t *testing.T, groups ...ldaptest.DataGroup) map[string]colleague {
	t.Helper()
	in := map[int]bool{}
	for _, g := range groups {
		for _, i := range g.People {
			in[i] = true
		}
	}
	return s.expected(t, func(h ldaptest.Human) bool { return in[h.Number] })
}

// rosterOf reads the members of groups.
func (s *subject) rosterOf(t *testing.T, a ldaptest.Access, filter string, groups ...string) (map[string]colleague, identity.Evidence, error) {
	t.Helper()
	q := s.search(filter)
	q.MembersOf = groups
	found, _, evidence, err := s.roster(t, optionsFor(a), q)
	return found, evidence, err
}

// Every kind of group has the members that the dataset gave it.
func TestContractGroups(t *testing.T) {
	eachServer(t, func(t *testing.T, s *subject, server ldaptest.Server) {
		for _, g := range s.Groups() {
			t.Run(g.Name, func(t *testing.T) {
				t.Parallel()
				found, evidence, err := s.rosterOf(t, server.Where(), "", g.DN)
				if err != nil {
					t.Fatal(err)
				}
				if diff := differ(s.members(t, g), found); diff != "" {
					t.Error(diff)
				}
				if e := evidence.Groups; e != nil && s.AD() && g.Name == "dangling" && (e.Elsewhere != 1 || !strings.Contains(e.ElsewhereSome[0], "CN=ForeignSecurityPrincipals")) {
					t.Errorf("somebody of another domain: %+v", e)
				}
				if e := evidence.Groups; e == nil || len(e.Missing) != 0 || e.Outside != g.Outside || !slices.Equal(e.MembersOf, []string{g.DN}) {
					t.Errorf("%+v", e)
				}
			})
		}
	})
}

// Groups four deep that contain each other in a circle end, and the circle is told of.
func TestContractNestedGroups(t *testing.T) {
	eachServer(t, func(t *testing.T, s *subject, server ldaptest.Server) {
		found, evidence, err := s.rosterOf(t, server.Where(), "", s.Group("nested2").DN)
		if err != nil {
			t.Fatal(err)
		}
		q := s.search("")
		q.MembersOf = []string{s.Group("nested2").DN}
		if again, _, _, err := s.roster(t, overStartTLS(server.Where()), q); err != nil || differ(found, again) != "" {
			t.Errorf("over StartTLS: %v: %s", err, differ(found, again))
		}
		e := evidence.Groups
		if e == nil || e.Read != 4 || e.Depth != 4 || e.Members != ldaptest.Nested+300 || len(e.Cycles) != 1 {
			t.Fatalf("%+v", e)
		}
		for level := 1; level <= 4; level++ {
			if !strings.Contains(strings.ToLower(e.Cycles[0]), fmt.Sprintf("cn=nested%d,", level)) {
				t.Errorf("%s", e.Cycles[0])
			}
		}
	})
}

// Of several groups everybody comes once; a filter is applied as well; a group that is
// not there is told of.
func TestContractSeveralGroups(t *testing.T) {
	eachServer(t, func(t *testing.T, s *subject, server ldaptest.Server) {
		vpn, odd := s.Group("vpn"), s.Group("odd")
		gone := "cn=nowhere," + server.Where().Groups
		found, evidence, err := s.rosterOf(t, server.Where(), "", vpn.DN, odd.DN, gone)
		if err != nil {
			t.Fatal(err)
		}
		if diff := differ(s.members(t, vpn, odd), found); diff != "" {
			t.Error(diff)
		}
		if e := evidence.Groups; e == nil || !slices.Equal(e.Missing, []string{gone}) || e.Read != 2 || e.Depth != 1 || len(e.Cycles) != 0 {
			t.Errorf("%+v", e)
		}
		found, evidence, err = s.rosterOf(t, server.Where(), "(employeeType=contractor)", vpn.DN)
		if err != nil {
			t.Fatal(err)
		}
		want := s.expected(t, func(h ldaptest.Human) bool { return h.Contractor && slices.Contains(vpn.People, h.Number) })
		if diff := differ(want, found); diff != "" {
			t.Error(diff)
		}
		if e := evidence.Groups; e == nil || e.Unmatched != len(vpn.People)-len(want) {
			t.Errorf("%+v", e)
		}
	})
}

// Who has a group as primary group is in it, though the group does not say so
// ([MS-ADTS] 3.1.1.4.5.9, primaryGroupID): everybody is in Domain Users.
func TestContractPrimaryGroup(t *testing.T) {
	t.Parallel()
	i := slices.IndexFunc(subjects, func(s *subject) bool { return s.AD() })
	s := subjects[i]
	server := s.own(t)
	users := "CN=Domain Users,CN=Users," + server.Where().BaseDN
	found, _, err := s.rosterOf(t, server.Where(), "", users)
	if diff := differ(s.expected(t, nil), found); err != nil || diff != "" {
		t.Errorf("%d in Domain Users, %v", len(found), err)
	}
	// Persons 0 and 2 are members of vpn; when it is their primary group they are no
	// longer listed there.
	vpn := s.Group("vpn")
	if err := server.Change(func(c *ldap.Conn) error {
		result, err := c.Search(ldap.NewSearchRequest(vpn.DN, ldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", []string{"primaryGroupToken"}, nil))
		if err != nil {
			return err
		}
		for _, i := range []int{0, 2} {
			primary := ldap.NewModifyRequest(s.Human(i).DN, nil)
			primary.Replace("primaryGroupID", []string{result.Entries[0].GetAttributeValue("primaryGroupToken")})
			if err := c.Modify(primary); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	found, _, err = s.rosterOf(t, server.Where(), "", vpn.DN)
	if diff := differ(s.members(t, vpn), found); err != nil || diff != "" {
		t.Errorf("%v: %s", err, diff)
	}
}

// A fault while the groups are read is an error as well: never fewer members.
func TestContractGroupsKilled(t *testing.T) {
	t.Parallel()
	for _, s := range subjects {
		t.Run(s.Server, func(t *testing.T) {
			t.Parallel()
			server := s.own(t)
			nested := s.Group("nested1")
			d, err := New(optionsFor(server.Where()))
			if err != nil {
				t.Fatal(err)
			}
			q := s.search()
			q.MembersOf = []string{nested.DN}
			pages := 0
			evidence, err := d.Read(t.Context(), q, func([]identity.Entry) error {
				if pages++; pages == 1 {
					server.Close()
				}
				return nil
			})
			if err == nil && evidence.Entries != len(nested.People) || err != nil && evidence.Entries != 0 {
				t.Errorf("%+v, %v", evidence, err)
			}
		})
	}
}
