package cli_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
	"github.com/rollcall-cli/rollcall/internal/providers/logintctest"
)

// enrolled is how many people the 389 has.
const enrolled = 60

func personDN(i int) string {
	return fmt.Sprintf("uid=person%02d,ou=People,%s", i, ldaptest.BaseDN)
}

func personLine(i int) string {
	return fmt.Sprintf("person%02d | Person %02d | person%02d@example.com | no token\n", i, i, i)
}

// enrolledLDIF are the people and the groups outer > middle > inner, ten in each; every
// twentieth of the people is locked.
func enrolledLDIF() string {
	var b strings.Builder
	for i := range enrolled {
		fmt.Fprintf(&b, "dn: %s\nobjectClass: inetOrgPerson\nobjectClass: inetUser\nuid: person%02d\ncn: Person %02d\nsn: Person\nmail: person%02d@example.com\n", personDN(i), i, i, i)
		if i%20 == 7 {
			b.WriteString("nsAccountLock: true\n")
		}
		b.WriteString("\n")
	}
	for level, name := range []string{"inner", "middle", "outer"} {
		fmt.Fprintf(&b, "dn: %s\nobjectClass: groupOfNames\nobjectClass: nsMemberOf\ncn: %s\n", ldaptest.Group(name), name)
		for i := range 10 {
			fmt.Fprintf(&b, "member: %s\n", personDN(10*level+i))
		}
		if level > 0 {
			fmt.Fprintf(&b, "member: %s\n", ldaptest.Group([]string{"inner", "middle"}[level-1]))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// campus is a site with a 389.
type campus struct {
	*site
	ds389 *ldaptest.DS389
	// members are those that the domain should have, each a line.
	members map[string]bool
}

func newCampus(t *testing.T) *campus {
	t.Helper()
	server := ldaptest.Start389(t, ldaptest.DS389Options{LDIF: enrolledLDIF()})
	c := &campus{ds389: server, site: &site{t: t, folder: t.TempDir()}, members: map[string]bool{}}
	var err error
	c.logintc, err = logintctest.Start(logintctest.Options{API: "1.3", Data: logintctest.Data{
		Name: "Acme", APIKey: testKey, Domains: []logintctest.Domain{{ID: vpnID, Name: "VPN"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.logintc.Close)
	t.Cleanup(func() { noAssumedCalls(t, t.Name(), c.logintc.Emulator) })
	write(t, c.folder, "main.hcl", fmt.Appendf(nil, `
variable "ldap_password"   { sensitive = true }
variable "logintc_api_key" { sensitive = true }
logintc "acme" {
  host    = %q
  api_key = var.logintc_api_key
}
directory "ldap" "campus" {
  urls          = [%q]
  ca_file       = %q
  bind_dn       = %q
  bind_password = var.ldap_password
  base_dn       = %q
  filter        = "(objectClass=inetOrgPerson)"
  page_size     = 7
  user {
    username = lower(entry.uid)
    name     = entry.cn
    email    = entry.mail
    exclude  = disabled(entry)
  }
}
policy "standard" {
  sync_mode        = "remove"
  max_remove_limit = 2
}
domain "vpn" {
  id         = %q
  directory  = directory.campus
  members_of = [%q]
  policy     = policy.standard
}
`, c.logintc.URL, server.LDAPSURL, server.CAFile, server.BindDN, server.People, vpnID, ldaptest.Group("outer")))
	for i := range 30 {
		c.members[personLine(i)] = i != 7 && i != 27
	}
	return c
}

// is compares the members with what they should be.
func (c *campus) is(t *testing.T) {
	t.Helper()
	var want []string
	for line, there := range c.members {
		if there {
			want = append(want, line)
		}
	}
	slices.Sort(want)
	got := slices.Sorted(strings.Lines(string(membersOf(c.logintc.Data(), vpnID))))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A 389 Directory Server: locked accounts, nested groups, ids that outlive a rename.
func Test389(t *testing.T) {
	t.Parallel()
	c := newCampus(t)
	for _, step := range []struct {
		name string
		run  func(*testing.T, *campus)
	}{
		{"first day", campusFirstDay},
		{"locked", campusLocked},
		{"renamed", campusRenamed},
		{"nested groups", campusNested},
		{"created again", campusCreatedAgain},
		{"doctor", campusDoctor},
	} {
		if !t.Run(step.name, func(t *testing.T) {
			c.t = t
			step.run(t, c)
		}) {
			break // the next one counts on it
		}
	}
	if strings.Contains(c.printed.String(), ldaptest.ReaderPassword) {
		t.Error("a secret was printed")
	}
}

func campusFirstDay(t *testing.T, c *campus) {
	shows(t, c.run(2, "plan", "--out", "first.plan", "--detailed-exitcode"), "30 members of 3 groups, nested 3 deep", "28 users in the roster", "2 excluded by user.exclude")
	c.run(0, "apply", "first.plan")
	c.is(t)
	shows(t, c.run(0, "plan", "--detailed-exitcode"), "No changes.")
	shows(t, c.run(0, "users"), "Fetched 28 user(s)\n", "Excluded 2 user(s) by user.exclude: disabled(entry)\n  person07, person27\n")
}

func campusLocked(t *testing.T, c *campus) {
	if err := errors.Join(
		c.ds389.Replace(personDN(3), "nsAccountLock", "true"),
		c.ds389.Replace(personDN(7), "nsAccountLock"), // the attribute goes
		c.ds389.Replace(personDN(4), "nsAccountLock", "false"),
	); err != nil {
		t.Fatal(err)
	}
	shows(t, c.run(2, "plan", "--detailed-exitcode"), "+ person07", "- person03", "excluded by user.exclude: disabled(entry) ", "Plan: 1 to add, 0 to change, 1 to remove.")
	c.run(0, "apply", "--auto-approve")
	c.members[personLine(3)], c.members[personLine(7)] = false, true
	c.is(t)
}

func campusRenamed(t *testing.T, c *campus) {
	if err := c.ds389.Change(func(conn *ldap.Conn) error {
		return conn.ModifyDN(ldap.NewModifyDNRequest(personDN(5), "uid=new.name", true, ""))
	}); err != nil {
		t.Fatal(err)
	}
	shows(t, c.run(2, "plan", "--detailed-exitcode"), "\n      person05 -> new.name\n", "Plan: 1 to add, 0 to change, 1 to remove.")
	c.run(0, "apply", "--auto-approve")
	c.members[personLine(5)], c.members["new.name | Person 05 | person05@example.com | no token\n"] = false, true
	c.is(t)
	// Ids of 389 have a form of their own.
	found := ""
	if err := c.ds389.Change(func(conn *ldap.Conn) error {
		result, err := conn.Search(ldap.NewSearchRequest("uid=new.name,"+c.ds389.People, ldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", []string{"nsUniqueId"}, nil))
		if err == nil {
			found = result.Entries[0].GetEqualFoldAttributeValue("nsUniqueId")
		}
		return err
	}); err != nil || found == "" {
		t.Fatal(found, err)
	}
	shows(t, c.run(0, "explain", "new.name"), "entry uid=new.name,ou=People,dc=example,dc=com (unique id "+found+")\n")
}

func campusNested(t *testing.T, c *campus) {
	if err := c.ds389.Change(func(conn *ldap.Conn) error {
		change := ldap.NewModifyRequest(ldaptest.Group("inner"), nil)
		change.Delete("member", []string{personDN(6)})
		return conn.Modify(change)
	}); err != nil {
		t.Fatal(err)
	}
	if err := c.ds389.Join(ldaptest.Group("inner"), personDN(40)); err != nil {
		t.Fatal(err)
	}
	shows(t, c.run(2, "plan", "--detailed-exitcode"), "- person06", "+ person40", "Plan: 1 to add, 0 to change, 1 to remove.")
	c.run(0, "apply", "--auto-approve")
	c.members[personLine(6)], c.members[personLine(40)] = false, true
	c.is(t)
}

// The groups lose a member whose entry is deleted, and the new one joins.
func campusCreatedAgain(t *testing.T, c *campus) {
	dn := personDN(12)
	entry := "dn: " + dn + "\nobjectClass: inetOrgPerson\nobjectClass: inetUser\nuid: person12\ncn: Person 12\nsn: Person\nmail: person12@example.com\n"
	if err := errors.Join(c.ds389.Delete(dn), c.ds389.Add(entry), c.ds389.Join(ldaptest.Group("middle"), dn)); err != nil {
		t.Fatal(err)
	}
	shows(t, c.run(0, "plan", "--detailed-exitcode"), "! person12  re-created in the directory: another unique id (was ", "No changes.")
	c.run(0, "apply", "--auto-approve")
	c.is(t)
}

func campusDoctor(t *testing.T, c *campus) {
	out := c.run(0, "doctor")
	shows(t, out, "389 Project 389-Directory/", ldaptest.ReaderDN, "excluded      2 by disabled(entry)")
	if strings.Contains(out, " failed") || strings.Contains(out, "never came") {
		t.Error(out)
	}
	wrong := c.run(1, "doctor", "--var", "ldap_password=wr0ng-pass-of-nobody")
	shows(t, wrong, "check bind_dn and bind_password", "can not be read")
	if strings.Contains(wrong, "wr0ng") {
		t.Error(wrong)
	}
}
