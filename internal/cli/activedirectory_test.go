package cli_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
	"github.com/rollcall-cli/rollcall/internal/providers/logintctest"
)

// corp is a site of examples/activedirectory and a table of contractors.
type corp struct {
	*site
	samba *ldaptest.Samba
	// vpn and servers are the members that the domains should have, each a line.
	vpn, servers map[string]bool
}

// newCorp has the example with a server that DNS need not name, a table beside it, and a
// directory of accounts that are named by their SIDs.
func newCorp(t *testing.T) *corp {
	t.Helper()
	samba := ldaptest.StartSamba(t, ldaptest.SambaOptions{LDIF: staffLDIF(), StrongAuth: "allow_sasl_over_tls"})
	c := &corp{samba: samba, site: &site{t: t, folder: t.TempDir()}, vpn: map[string]bool{}, servers: map[string]bool{}}
	var err error
	c.logintc, err = logintctest.Start(logintctest.Options{API: "1.3", Data: logintctest.Data{
		Name: "Acme", APIKey: testKey, Domains: []logintctest.Domain{{ID: vpnID, Name: "VPN"}, {ID: siteID, Name: "Servers"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.logintc.Close)
	t.Cleanup(func() { noAssumedCalls(t, t.Name(), c.logintc.Emulator) })
	c.configure(t)
	table := "login,fullname,mail,until\nstaff001,Not This One,staff001@contractor.example,\next99,Gone,ext99@contractor.example,2020\n"
	for i := range 20 {
		table += fmt.Sprintf("ext%02d,Contractor %02d,ext%02d@contractor.example,\n", i, i, i)
		c.vpn[fmt.Sprintf("ext%02d | Contractor %02d | ext%02d@contractor.example | pending\n", i, i, i)] = true
	}
	write(t, c.folder, "contractors.csv", []byte(table))
	for i := range staffed {
		p := staffOf(i)
		c.vpn[p.member("pending")] = i < 250 || i == staffed-1
		c.servers[p.member("no token")] = i < 12 || i == staffed-1
	}
	return c
}

// configure writes the example's configuration for the servers of the test.
func (c *corp) configure(t *testing.T) {
	t.Helper()
	example, err := os.ReadFile("../../examples/activedirectory/main.hcl")
	if err != nil {
		t.Fatal(err)
	}
	text := string(example)
	for old, own := range map[string]string{
		`"cloud.logintc.com"`:                                      fmt.Sprintf("%q", c.logintc.URL),
		`requests_per_second = 20`:                                 "",
		`["ldaps+srv://corp.example.com"]`:                         fmt.Sprintf("[%q]\n  ca_file = %q", c.samba.LDAPSURL, c.samba.CAFile),
		`"sync@corp.example.com"`:                                  `"reader@corp.example.com"`,
		"  directory  = directory.corp\n  members_of = [\"CN=vpn,": "  directories = [directory.corp, directory.contractors]\n  members_of = [\"CN=vpn,",
	} {
		if strings.Count(text, old) != 1 {
			t.Fatalf("the example has %d times %s", strings.Count(text, old), old)
		}
		text = strings.Replace(text, old, own, 1)
	}
	write(t, c.folder, "main.hcl", []byte(text))
	write(t, c.folder, "contractors.hcl", []byte(`
directory "csv" "contractors" {
  path = "contractors.csv"
  user {
    username = entry.login
    name     = entry.fullname
    email    = entry.mail
    exclude  = entry.until == "2020"
  }
}
`))
}

// is compares the members of both domains with what they should be.
func (c *corp) is(t *testing.T) {
	t.Helper()
	for id, want := range map[string]map[string]bool{vpnID: c.vpn, siteID: c.servers} {
		var lines []string
		for line, there := range want {
			if there && line != "" {
				lines = append(lines, line)
			}
		}
		slices.Sort(lines)
		got := slices.Sorted(strings.Lines(string(membersOf(c.logintc.Data(), id))))
		if diff := cmp.Diff(lines, got); diff != "" {
			t.Error(diff)
		}
	}
}

// shows wants each text in what was printed.
func shows(t *testing.T, printed string, wanted ...string) {
	t.Helper()
	for _, want := range wanted {
		if !strings.Contains(printed, want) {
			t.Errorf("not there: %s\n%s", want, printed)
		}
	}
}

// replace sets an attribute of an entry.
func (c *corp) replace(t *testing.T, dn, attribute string, values ...string) {
	t.Helper()
	if err := c.samba.Replace(dn, attribute, values...); err != nil {
		t.Fatal(err)
	}
}

// The example for Active Directory, with a Samba: everything that becomes of people there.
func TestActiveDirectory(t *testing.T) {
	t.Parallel()
	c := newCorp(t)
	for _, step := range []struct {
		name string
		run  func(*testing.T, *corp)
	}{
		{"first day", firstDay},
		{"doctor", corpDoctor},
		{"renamed", corpRenamed},
		{"disabled and expired", corpExcluded},
		{"moved", corpMoved},
		{"created again", corpCreatedAgain},
		{"nested groups", corpNested},
		{"primary group", corpPrimaryGroup},
		{"after three days", corpPatience},
		{"by SID", corpSIDs},
		{"wrong password", corpWrongPassword},
		{"kerberos", corpKerberos},
	} {
		ok := t.Run(step.name, func(t *testing.T) {
			c.t = t
			step.run(t, c)
		})
		if !ok {
			break // the next one counts on it
		}
	}
	for _, secret := range []string{ldaptest.ReaderPassword, testKey} {
		if strings.Contains(c.printed.String(), secret) {
			t.Error("a secret was printed")
		}
	}
}

func firstDay(t *testing.T, c *corp) {
	out := c.run(2, "plan", "--out", "first.plan", "--detailed-exitcode")
	shows(t, out, "members of CN=vpn,OU=Groups,DC=corp,DC=example,DC=com: 251 members of 3 groups, nested 3 deep",
		"21 excluded by user.exclude", "staff001: directory.corp (CN=Staff 001,OU=Ottawa,", "not directory.contractors (login=staff001)")
	if w := writesOf(c.logintc.Emulator); len(w) != 0 {
		t.Errorf("plan wrote: %v", w[0])
	}
	c.run(0, "apply", "first.plan")
	c.is(t)
	shows(t, c.run(0, "plan", "--detailed-exitcode"), "No changes.")
}

func corpDoctor(t *testing.T, c *corp) {
	out := c.run(0, "doctor")
	shows(t, out, "Active Directory (Samba 4.", "reader@corp.example.com")
	if strings.Contains(out, " failed") || strings.Contains(out, "never came") {
		t.Error(out)
	}
}

// A new sAMAccountName is the same person: the objectGUID stays.
func corpRenamed(t *testing.T, c *corp) {
	old := staffOf(30)
	c.replace(t, old.dn, "sAMAccountName", "New.Name")
	out := c.run(2, "plan", "--detailed-exitcode")
	shows(t, out, "renamed in the directory; LoginTC can not rename", "\n      staff030 -> new.name\n", "Plan: 1 to add, 0 to change, 1 to remove.")
	c.run(0, "apply", "--auto-approve")
	c.vpn[old.member("pending")] = false
	old.account = "New.Name"
	c.vpn[old.member("pending")] = true
	c.is(t)
	c.run(0, "plan", "--detailed-exitcode")
}

func corpExcluded(t *testing.T, c *corp) {
	c.replace(t, staffOf(31).dn, "userAccountControl", "546")
	c.replace(t, staffOf(32).dn, "accountExpires", filetime(time.Now().Add(-time.Hour)))
	c.replace(t, staffOf(33).dn, "accountExpires", filetime(time.Now().Add(24*time.Hour)))
	out := c.run(2, "plan", "--detailed-exitcode")
	shows(t, out, "- staff031", "- staff032", "excluded by user.exclude: disabled(entry) || expired(entry)", "Plan: 0 to add, 0 to change, 2 to remove.")
	shows(t, c.run(0, "explain", "staff031"), "\n             from directory.corp\n             treated as not there: excluded by user.exclude: disabled(entry) || expired(entry)\n", "leave_domain")
	shows(t, c.run(0, "explain", "staff033"), "nothing is done: LoginTC has what the directory says")
	c.run(0, "apply", "--auto-approve")
	c.vpn[staffOf(31).member("pending")], c.vpn[staffOf(32).member("pending")] = false, false
	c.is(t)
	shows(t, c.run(0, "users", "vpn"), "jane.doe", "ext19",
		"\nExcluded 1 user(s) by user.exclude: entry.until == \"2020\"\n  ext99\n",
		"\nExcluded 22 user(s) by user.exclude: disabled(entry) || expired(entry)\n  staff007, staff009, ", "staff031, staff032, ")
	shows(t, c.run(0, "explain", "ext99"), "from directory.contractors\n             treated as not there: ")
}

// An entry in another OU below the base is the same person.
func corpMoved(t *testing.T, c *corp) {
	p := staffOf(34)
	rdn, _, _ := strings.Cut(p.dn, ",OU=")
	if err := c.samba.Change(func(conn *ldap.Conn) error {
		return conn.ModifyDN(ldap.NewModifyDNRequest(p.dn, rdn, true, "OU=Ottawa,OU=Staff,"+ldaptest.SambaBaseDN))
	}); err != nil {
		t.Fatal(err)
	}
	c.logintc.Reset()
	shows(t, c.run(0, "plan", "--detailed-exitcode"), "= 1 noted with another DN, unique id or values:\n      staff034\n", "No changes.")
	c.run(0, "apply", "--auto-approve")
	if w := writesOf(c.logintc.Emulator); len(w) != 0 {
		t.Errorf("%v", w[0])
	}
	shows(t, c.run(0, "explain", "staff034"), ",OU=Ottawa,OU=Staff,")
}

// A deleted entry and a new one with its names may be another person: that is said.
func corpCreatedAgain(t *testing.T, c *corp) {
	p := staffOf(35)
	if err := errors.Join(c.samba.Delete(p.dn), c.samba.Add(p.ldif()), c.samba.Join(groupOf("platform"), p.dn)); err != nil {
		t.Fatal(err)
	}
	out := c.run(0, "plan", "--detailed-exitcode")
	shows(t, out, "! staff035  re-created in the directory: another unique id (was ", "Warning: domain.vpn: re-created in the directory: staff035: ")
	c.run(0, "apply", "--auto-approve")
	c.is(t)
	if out := c.run(0, "plan", "--detailed-exitcode"); strings.Contains(out, "re-created") {
		t.Error(out)
	}
}

// Who leaves a group that is nested two deep leaves the domain; all of a group at once
// are more than the guards let go.
func corpNested(t *testing.T, c *corp) {
	c.leave(t, "platform", staffOf(36).dn)
	out := c.run(2, "plan", "--detailed-exitcode")
	shows(t, out, "- staff036", "Plan: 0 to add, 0 to change, 1 to remove.")
	c.run(0, "apply", "--auto-approve")
	c.vpn[staffOf(36).member("pending")] = false
	c.is(t)
	c.leave(t, "engineering", groupOf("platform"))
	shows(t, c.run(3, "plan", "--detailed-exitcode"), "max_remove_limit")
	c.run(3, "apply", "--auto-approve")
	c.is(t)
	if err := c.samba.Join(groupOf("engineering"), groupOf("platform")); err != nil {
		t.Fatal(err)
	}
	c.run(0, "apply", "--auto-approve")
	c.run(0, "plan", "--detailed-exitcode")
}

// leave takes a member out of a group.
func (c *corp) leave(t *testing.T, group, dn string) {
	t.Helper()
	if err := c.samba.Change(func(conn *ldap.Conn) error {
		change := ldap.NewModifyRequest(groupOf(group), nil)
		change.Delete("member", []string{dn})
		return conn.Modify(change)
	}); err != nil {
		t.Fatal(err)
	}
}

// A primary group does not name its members.
func corpPrimaryGroup(t *testing.T, c *corp) {
	rid := ""
	if err := c.samba.Change(func(conn *ldap.Conn) error {
		found, err := conn.Search(ldap.NewSearchRequest(groupOf("platform"), ldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", []string{"objectSid"}, nil))
		if err == nil {
			sid := found.Entries[0].GetRawAttributeValue("objectSid")
			rid = fmt.Sprint(binary.LittleEndian.Uint32(sid[len(sid)-4:]))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	joiner, member := staffOf(260), staffOf(37)
	if err := c.samba.Join(groupOf("platform"), joiner.dn); err != nil {
		t.Fatal(err)
	}
	c.replace(t, joiner.dn, "primaryGroupID", rid)
	c.replace(t, member.dn, "primaryGroupID", rid)
	shows(t, c.run(2, "plan", "--detailed-exitcode"), "+ staff260", "Plan: 1 to add, 0 to change, 0 to remove.")
	c.run(0, "apply", "--auto-approve")
	c.vpn[joiner.member("pending")] = true
	c.is(t)
}

// The careful policy waits for three days, and whose account ends on a day leaves then.
func corpPatience(t *testing.T, c *corp) {
	c.replace(t, staffOf(5).dn, "userAccountControl", "546")
	shows(t, c.run(3, "apply", "--auto-approve"), "1 removal in domain.servers: missing since this plan; removed when missing for 72h0m0s\n      staff005\n")
	c.vpn[staffOf(5).member("pending")] = false
	c.is(t)
	shows(t, c.run(0, "explain", "staff005"), "is withheld by remove_after: missing since ")
	c.ahead = 73 * time.Hour
	c.run(0, "apply", "--auto-approve")
	c.servers[staffOf(5).member("no token")], c.vpn[staffOf(33).member("pending")] = false, false
	c.is(t)
	c.run(0, "plan", "--detailed-exitcode")
}

// An objectSid is a text in expressions.
func corpSIDs(t *testing.T, c *corp) {
	s := &site{t: t, folder: t.TempDir()}
	write(t, s.folder, "main.hcl", fmt.Appendf(nil, `
variable "ldap_password"   { sensitive = true }
variable "logintc_api_key" { sensitive = true }
logintc "acme" {
  api_key = var.logintc_api_key
}
directory "ldap" "accounts" {
  urls          = [%q]
  ca_file       = %q
  bind_dn       = "CORP\\reader"
  bind_password = var.ldap_password
  base_dn       = "CN=Users,DC=corp,DC=example,DC=com"
  filter        = "(&(objectCategory=person)(objectClass=user))"
  user {
    username = lower(entry.sAMAccountName)
    name     = entry.objectSid
    email    = "${entry.objectGUID}@corp.example.com"
    exclude  = can(regex("-50[0-2]$", entry.objectSid))
  }
}
domain "accounts" {
  id        = %q
  directory = directory.accounts
}
`, c.samba.LDAPSURL, c.samba.CAFile, vpnID))
	out := s.run(0, "users")
	if !regexp.MustCompile(`(?m)^reader +S-1-5-21(-\d+){3}-\d{4} +[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}@corp\.example\.com$`).MatchString(out) {
		t.Error(out)
	}
	shows(t, out, "Excluded 3 user(s) by user.exclude: can(regex(\"-50[0-2]$\", entry.objectSid))\n  administrator, guest, krbtgt\n")
}

func corpWrongPassword(t *testing.T, c *corp) {
	const wrong = "wr0ng-pass-of-nobody"
	out := c.run(1, "doctor", "--var", "ldap_password="+wrong) + c.run(1, "plan", "--out", "wrong.plan", "--var", "ldap_password="+wrong)
	if n := strings.Count(out, "the password is wrong, or it belongs to another account: check bind_dn and bind_password (code 52e)"); n != 2 || strings.Contains(out, wrong) {
		t.Errorf("%d times: %s", n, out)
	}
	if _, err := os.Stat(filepath.Join(c.folder, "wrong.plan")); !os.IsNotExist(err) {
		t.Error(err)
	}
}

// What the example has in a comment, in the place of a password.
func corpKerberos(t *testing.T, c *corp) {
	if err := c.samba.Change(func(conn *ldap.Conn) error { // as every Microsoft domain controller has it
		change := ldap.NewModifyRequest("CN=DC1,OU=Domain Controllers,"+ldaptest.SambaBaseDN, nil)
		change.Add("servicePrincipalName", []string{"ldap/" + ldaptest.SambaHost})
		return conn.Modify(change)
	}); err != nil {
		t.Fatal(err)
	}
	if err := c.samba.Keytab(filepath.Join(c.folder, "sync.keytab"), "reader"); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(c.folder, "main.hcl")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	kerberos := regexp.MustCompile(`(?m)^  bind_(dn|password) .*\n`).ReplaceAllString(string(text), "")
	kerberos = regexp.MustCompile(`(?m)^  #   (.*)$`).ReplaceAllString(kerberos, "  $1")
	kerberos = strings.Replace(kerberos, `"sync@CORP.EXAMPLE.COM"`, fmt.Sprintf("%q\n  config_file = %q\n  service_principal = %q",
		"reader@"+ldaptest.SambaRealm, c.samba.Krb5Conf, "ldap/"+ldaptest.SambaHost), 1)
	write(t, c.folder, "main.hcl", []byte(kerberos))
	shows(t, c.run(0, "plan", "--detailed-exitcode"), "No changes.")
	shows(t, c.run(0, "doctor"), "reader@CORP.EXAMPLE.COM with Kerberos")
}
