package ldap

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
)

// optionsOf are the options to read a server of any kind.
func optionsOf(s ldaptest.Server) Options {
	at := s.Where()
	return Options{
		URLs: []string{at.LDAPSURL}, Encryption: EncryptionSSL, CAFile: at.CAFile,
		BindDN: at.BindDN, BindPassword: identity.NewSecret(at.BindPassword), FollowReferrals: true, Now: time.Now,
	}
}

// membersOf returns the names of the members of the groups, in order.
func membersOf(t *testing.T, o Options, q identity.Search, groups ...string) ([]string, *identity.GroupEvidence, error) {
	t.Helper()
	d, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	q.MembersOf, q.Attributes = groups, []string{"uid", "sAMAccountName"}
	names := []string{}
	e, err := d.Read(t.Context(), q, func(page []identity.Entry) error {
		for _, entry := range page {
			name, ok := entry.First("uid")
			if !ok {
				name, _ = entry.First("sAMAccountName")
			}
			names = append(names, name)
		}
		return nil
	})
	slices.Sort(names)
	if err == nil && (e.Entries != len(names) || e.Groups == nil) {
		t.Errorf("%d entries, %+v", len(names), e)
	}
	return names, e.Groups, err
}

// odd is the RDN of a person, whose name may have whatever a name may have.
func odd(i int) string {
	switch i % 10 {
	case 1:
		return fmt.Sprintf(`cn=Smith\, \"Bob\" \+ Sons \<%d\>`, i)
	case 2:
		return fmt.Sprintf("cn=Zoë Müller %d", i)
	case 3:
		return fmt.Sprintf(`cn=%d * (x) \= y/z`, i)
	case 4:
		return fmt.Sprintf("cn=山田 太郎 %d", i)
	}
	return fmt.Sprintf("cn=User %d", i)
}

// companyOf is the LDIF of people and of groups in one another, deepest first: one has
// everybody, and others are written in other ways than the people's entries.
func companyOf(at ldaptest.Access, many int) string {
	var b strings.Builder
	entry := func(dn string, lines ...string) {
		b.WriteString(ldaptest.Line("dn", dn) + "\n" + strings.Join(lines, "\n") + "\n\n")
	}
	ad := at.Name == "Samba"
	var all, few []string
	for i := range many {
		dn := odd(i) + "," + at.People
		if ad {
			entry(dn, "objectClass: user", fmt.Sprintf("sAMAccountName: u%04d", i))
		} else {
			rdn, _ := ldap.ParseDN(odd(i))
			entry(dn, "objectClass: inetOrgPerson", fmt.Sprintf("uid: u%04d", i), ldaptest.Line("cn", rdn.RDNs[0].Attributes[0].Value), "sn: x")
		}
		all = append(all, ldaptest.Line("member", dn))
		if i < 10 {
			few = append(few, ldaptest.Line("member", strings.NewReplacer("User", "USER", "Müller", "MÜLLER", "cn=", "CN=", "ou=", "OU=").Replace(odd(i))+","+at.People))
		}
	}
	group := func(name string, members ...string) string {
		dn := "CN=" + name + "," + at.Groups
		if ad {
			members = append(members, "sAMAccountName: "+name, "objectClass: group")
		} else {
			members = append(members, "cn: "+name, "objectClass: groupOfNames")
		}
		entry(dn, members...)
		return "member: " + dn
	}
	ten := group("ten", few...)
	group("pair", append(slices.Clone(few[5:]), ten)...)
	back := "member: CN=outer," + at.Groups
	if ad {
		back = few[0] // a member must be there: the way back is added later
	}
	inner := group("few", append(slices.Clone(few[1:]), back)...)
	middle := group("middle", append(slices.Clone(few[5:]), inner)...)
	everybody := group("everybody", append(all, middle)...)
	group("outer", everybody)
	return b.String()
}

// The same groups on each server have the same members: directly, nested with a cycle, more
// than Active Directory sends at once, of odd names, of other spellings.
func TestGroupsOnEveryServer(t *testing.T) {
	t.Parallel()
	const many = 1520
	base := ldaptest.Access{Name: "389", People: "ou=People," + ldaptest.BaseDN, Groups: "ou=Groups," + ldaptest.BaseDN}
	domain := ldaptest.Access{Name: "Samba", People: "OU=People," + ldaptest.SambaBaseDN, Groups: "OU=Groups," + ldaptest.SambaBaseDN}
	for name, start := range map[string]func(t *testing.T) ldaptest.Server{
		"slapd": func(t *testing.T) ldaptest.Server {
			t.Helper()
			return ldaptest.StartSlapd(t, ldaptest.SlapdOptions{LDIF: companyOf(base, many)})
		},
		"samba": func(t *testing.T) ldaptest.Server {
			t.Helper()
			return ldaptest.StartSamba(t, ldaptest.SambaOptions{LDIF: companyOf(domain, many)})
		},
		"389": func(t *testing.T) ldaptest.Server {
			t.Helper()
			return ldaptest.Start389(t, ldaptest.DS389Options{LDIF: companyOf(base, many)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			at := s.Where()
			dn := func(name string) string { return "cn=" + name + "," + at.Groups }
			if at.Name == "Samba" {
				if err := s.Change(func(c *ldap.Conn) error {
					request := ldap.NewModifyRequest(dn("few"), nil)
					request.Add("member", []string{dn("outer")})
					return c.Modify(request)
				}); err != nil {
					t.Fatal(err)
				}
			}
			q := identity.Search{BaseDN: at.People, Scope: identity.ScopeSub, Filters: []string{"(objectClass=person)"}}
			for _, whole := range []int{wholeAbove, 100} {
				d, err := New(optionsOf(s))
				if err != nil {
					t.Fatal(err)
				}
				d.wholeAbove = whole
				q.MembersOf = []string{dn("outer")}
				e, err := d.Read(t.Context(), q, func([]identity.Entry) error { return nil })
				if err != nil || e.Entries != many {
					t.Fatalf("%d entries, %v", e.Entries, err)
				}
				g := *e.Groups
				t.Logf("%s: %d searches", name, g.Searches)
				if g.Read != 4 || g.Depth != 4 || g.Members != many || g.Outside+g.Unmatched != 0 || len(g.Cycles) != 1 || g.Searches > 16 {
					t.Errorf("%+v", g)
				}
				if way := strings.Split(strings.ToLower(strings.Join(g.Cycles, "")), " > "); len(way) != 5 || way[0] != strings.ToLower(dn("everybody")) || way[4] != way[0] {
					t.Errorf("%q", way)
				}
			}
			got, g, err := membersOf(t, optionsOf(s), q, dn("pair"), dn("nowhere"))
			if len(got) != 10 || got[9] != "u0009" || err != nil || g.Depth != 2 || !slices.Equal(g.Missing, []string{dn("nowhere")}) {
				t.Errorf("%q, %+v, %v", got, g, err)
			}
			if _, _, err := membersOf(t, optionsOf(s), q, odd(2)+","+at.People); err == nil || !strings.Contains(err.Error(), "is no group") {
				t.Errorf("%v", err)
			}
			if _, _, err := membersOf(t, optionsOf(s), q, "nonsense"); err == nil || !strings.Contains(err.Error(), `the group "nonsense" is no DN`) {
				t.Errorf("%v", err)
			}
			switch name {
			case "samba":
				testPrimaryGroup(t, s, q)
			case "389":
				testHidden(t, s, q)
			}
		})
	}
}

// Active Directory does not name people in their primary group.
func testPrimaryGroup(t *testing.T, s ldaptest.Server, q identity.Search) {
	t.Helper()
	at := s.Where()
	everybody := "CN=Domain Users,CN=Users," + at.BaseDN
	person := odd(5) + "," + at.People
	ten := "cn=ten," + at.Groups
	if err := s.Change(func(c *ldap.Conn) error {
		r, err := c.Search(ldap.NewSearchRequest(ten, ldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", []string{"objectSid"}, nil))
		if err != nil {
			return err
		}
		sid := r.Entries[0].GetRawAttributeValue("objectSid")
		request := ldap.NewModifyRequest(person, nil)
		request.Replace("primaryGroupID", []string{fmt.Sprint(binary.LittleEndian.Uint32(sid[len(sid)-4:]))})
		if err := c.Modify(request); err != nil {
			return err
		}
		if r, err = c.Search(ldap.NewSearchRequest(ten, ldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", []string{"member"}, nil)); err == nil && len(r.Entries[0].GetAttributeValues("member")) != 9 {
			t.Errorf("the server still names %d", len(r.Entries[0].GetAttributeValues("member")))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for group, want := range map[string]int{ten: 10, everybody: 1520, "cn=pair," + at.Groups: 10, "CN=Users,CN=Builtin," + at.BaseDN: 1520} {
		got, g, err := membersOf(t, optionsOf(s), q, group)
		if err != nil || len(got) != want {
			t.Errorf("%s: %d people, %+v, %v", group, len(got), g, err)
		}
	}
}

// A group that is there and not shown is an error: it is not an empty one.
func testHidden(t *testing.T, s ldaptest.Server, q identity.Search) {
	t.Helper()
	ten := "cn=ten," + s.Where().Groups
	if err := s.Change(func(c *ldap.Conn) error {
		request := ldap.NewModifyRequest(ten, nil)
		request.Add("aci", []string{`(targetattr="*")(version 3.0; acl "hidden"; deny (all)(userdn="ldap:///all");)`})
		return c.Modify(request)
	}); err != nil {
		t.Fatal(err)
	}
	if got, g, err := membersOf(t, optionsOf(s), q, ten); err == nil || !strings.Contains(err.Error(), `may not read the group "`+ten) {
		t.Errorf("%q, %+v, %v", got, g, err)
	}
	// In another it is a member that is not shown.
	if got, g, err := membersOf(t, optionsOf(s), q, "cn=pair,"+s.Where().Groups); err != nil || len(got) != 5 || g.Outside != 1 || !strings.EqualFold(g.OutsideSome[0], ten) {
		t.Errorf("%q, %+v, %v", got, g, err)
	}
}

// What is of other places, gone, or left out by the filter is counted and named.
func TestMembersThatAreNotFound(t *testing.T) {
	t.Parallel()
	var group strings.Builder
	for i := range 30 {
		fmt.Fprintf(&group, "member: uid=gone%02d,%s\n", i, people)
	}
	text := ldaptest.People(12) + "dn: cn=g,ou=Groups,dc=example,dc=com\nobjectClass: groupOfNames\ncn: g\n" + group.String() +
		"member: uid=a,dc=elsewhere\nmember: " + ldaptest.ReaderDN + "\nmember: uid=user000001," + people + "\nmember: uid=user000003," + people + "\n\n" +
		"dn: cn=bad,ou=Groups,dc=example,dc=com\nobjectClass: groupOfURLs\ncn: bad\nmemberURL: ldap:///ou=People,dc=example,dc=com??sub?(uid=\n\n" +
		"dn: cn=lost,ou=Groups,dc=example,dc=com\nobjectClass: groupOfURLs\ncn: lost\nmemberURL: ldap:///ou=Lost,ou=People,dc=example,dc=com??sub?(uid=*)\n"
	s := ldaptest.StartSlapd(t, ldaptest.SlapdOptions{LDIF: text})
	q := search()
	q.Filters = append(q.Filters, "(mail=*)")
	got, g, err := membersOf(t, options(s), q, ldaptest.Group("g"))
	if diff := cmp.Diff([]string{"user000001"}, got); err != nil || diff != "" {
		t.Error(diff, err)
	}
	if g.Elsewhere != 1 || g.ElsewhereSome[0] != ldaptest.ReaderDN {
		t.Errorf("%+v", g)
	}
	if g.Unmatched != 2 || g.Outside != 31 || g.Members != 34 || len(g.OutsideSome) != 20 || g.OutsideSome[0] != "uid=a,dc=elsewhere" || g.OutsideSome[19] != "uid=gone18,"+people {
		t.Errorf("%+v", g)
	}
	if _, g, err := membersOf(t, options(s), q, ldaptest.Group("lost")); err != nil || g.Outside != 1 || !strings.Contains(g.OutsideSome[0], "ou=Lost") {
		t.Errorf("%+v, %v", g, err)
	}
	if _, _, err := membersOf(t, options(s), q, ldaptest.Group("bad")); err == nil || !strings.Contains(err.Error(), `the group "cn=bad,ou=Groups,dc=example,dc=com": its memberURL`) {
		t.Errorf("%v", err)
	}
	if _, _, err := membersOf(t, options(s), q, "cn=g,dc=elsewhere"); err != nil {
		t.Errorf("a group of another directory: %v", err)
	}
}

// Every search that is cut off is an error, whichever it is.
func TestGroupsCutOff(t *testing.T) {
	t.Parallel()
	s := ldaptest.StartSlapd(t, ldaptest.SlapdOptions{LDIF: ldaptest.People(1000), PagedSizeLimit: 300})
	var incomplete *IncompleteError
	if got, g, err := membersOf(t, options(s), search(), ldaptest.Group("vpn")); !errors.As(err, &incomplete) {
		t.Errorf("%d, %+v, %v", len(got), g, err)
	}
}

// Members behind a reference are found by the same names.
func TestGroupsBehindReferrals(t *testing.T) {
	t.Parallel()
	other := ldaptest.StartSlapd(t, ldaptest.SlapdOptions{LDIF: "dn: ou=remote," + people + "\nobjectClass: organizationalUnit\nou: remote\n\n" +
		strings.Replace(ldaptest.Person(500), ",ou=People", ",ou=remote,ou=People", 1) + "\n" + strings.Replace(ldaptest.Person(501), ",ou=People", ",ou=remote,ou=People", 1)})
	s := ldaptest.StartSlapd(t, ldaptest.SlapdOptions{LDIF: ldaptest.People(10)})
	if err := s.Add(refer("remote", other.LDAPSURL+"/ou=remote,"+people+"??sub")); err != nil {
		t.Fatal(err)
	}
	if err := s.Join(ldaptest.Group("vpn"), "uid=user000501,ou=remote,"+people); err != nil {
		t.Fatal(err)
	}
	o := options(s)
	o.CAFile = bundle(t, s.CAFile, other.CAFile)
	got, g, err := membersOf(t, o, search(), ldaptest.Group("vpn"))
	if err != nil || len(got) != 6 || got[5] != "user000501" || g.Outside != 0 {
		t.Errorf("%q, %+v, %v", got, g, err)
	}
	o.FollowReferrals = false
	if got, g, err := membersOf(t, o, search(), ldaptest.Group("vpn")); err != nil || len(got) != 5 || g.Outside != 1 {
		t.Errorf("%q, %+v, %v", got, g, err)
	}
}

// The server in memory is asked the same way.
func TestGroupsInMemory(t *testing.T) {
	t.Parallel()
	text := "dn: dc=example,dc=com\nobjectClass: domain\ndc: example\n\ndn: ou=People,dc=example,dc=com\nobjectClass: organizationalUnit\nou: People\n\n" + ldaptest.People(10) +
		"dn: cn=all,ou=Groups,dc=example,dc=com\nobjectClass: groupOfNames\ncn: all\nmember: cn=vpn,ou=Groups,dc=example,dc=com\nmember: cn=site,ou=Groups,dc=example,dc=com\n"
	m, err := ldaptest.StartMemory(ldaptest.MemoryOptions{BindDN: "cn=x", BindPassword: "x", LDIF: text})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	o := Options{URLs: []string{m.URL()}, Encryption: EncryptionNone, BindDN: "cn=x", BindPassword: identity.NewSecret("x"), Now: time.Now}
	got, g, err := membersOf(t, o, search(), "cn=all,ou=Groups,dc=example,dc=com")
	if err != nil || len(got) != 7 || g.Read != 3 || g.Depth != 2 || g.Searches != len(m.Searches()) {
		t.Errorf("%q, %+v, %v", got, g, err)
	}
}
