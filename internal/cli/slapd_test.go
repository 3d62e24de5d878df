package cli_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/cli"
	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
	"github.com/rollcall-cli/rollcall/internal/providers/logintctest"
)

const (
	vpnID  = "9120580e94f134cb7c9f27cd1e43dbc82980e152"
	siteID = "1f4a2c7be0935d68a4f1c0b29e7d3856ab90cd12"
)

// site is a folder with a configuration for a real slapd and the emulator, and
// all that rollcall printed there.
type site struct {
	t       testing.TB
	folder  string
	slapd   *ldaptest.Slapd
	logintc *logintctest.Server
	printed bytes.Buffer
	// ahead is how far the clock of its runs is before the machine's.
	ahead time.Duration
}

// newSite has two domains, vpn and site, with different filters, over LDAPS.
func newSite(t testing.TB, people string, users ...logintctest.User) *site {
	t.Helper()
	s := &site{t: t, folder: t.TempDir(), slapd: ldaptest.StartSlapd(t, ldaptest.SlapdOptions{LDIF: people})}
	var err error
	s.logintc, err = logintctest.Start(logintctest.Options{API: "1.3", Data: logintctest.Data{
		Name: "Acme", APIKey: testKey, Users: users,
		Domains: []logintctest.Domain{{ID: vpnID, Name: "VPN"}, {ID: siteID, Name: "Site"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.logintc.Close)
	t.Cleanup(func() { noAssumedCalls(t, t.Name(), s.logintc.Emulator) })
	s.configure(s.slapd.LDAPSURL, 0)
	return s
}

// configure writes the configuration, with the URL of the directory.
func (s *site) configure(url string, limit int) {
	s.t.Helper()
	configuration := fmt.Sprintf(`
variable "ldap_password"   { sensitive = true }
variable "logintc_api_key" { sensitive = true }

logintc "acme" {
  host    = %q
  api_key = var.logintc_api_key
}

directory "ldap" "corp" {
  urls            = [%q]
  bind_dn         = %q
  bind_password   = var.ldap_password
  ca_file         = %q
  base_dn         = "ou=People,dc=example,dc=com"
  filter          = "(objectClass=person)"
  page_size       = 100
  connect_timeout = "5s"

  user {
    username = lower(entry.uid)
    name     = coalesce(entry.displayName, entry.cn)
    email    = entry.mail
  }
}

policy "standard" {
  sync_mode        = "remove"
  max_remove_limit = %d
  token_mode       = "issue_token_without_email"
}

domain "vpn" {
  id        = %q
  directory = directory.corp
  filter    = "(memberOf=cn=vpn,ou=Groups,dc=example,dc=com)"
  policy    = policy.standard
}

domain "site" {
  id        = %q
  directory = directory.corp
  filter    = "(memberOf=cn=site,ou=Groups,dc=example,dc=com)"
  policy    = policy.standard
}
`, s.logintc.URL, url, ldaptest.ReaderDN, s.slapd.CAFile, limit, vpnID, siteID)
	if err := os.WriteFile(filepath.Join(s.folder, "main.hcl"), []byte(configuration), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// run runs rollcall in the folder and wants the exit code; it returns what it
// printed.
func (s *site) run(code int, args ...string) string {
	s.t.Helper()
	var out bytes.Buffer
	got := cli.Run(s.t.Context(), append([]string{"--chdir", s.folder}, args...), cli.Env{
		In: strings.NewReader(""), Out: &out, Err: &out, Version: "0.1.0-test", Host: "testhost", User: "tester", PID: 1,
		Now:     func() time.Time { return time.Now().Add(s.ahead) },
		Environ: []string{"ROLLCALL_VAR_ldap_password=" + ldaptest.ReaderPassword, "ROLLCALL_VAR_logintc_api_key=" + testKey},
	})
	s.printed.Write(out.Bytes())
	if got != code {
		s.t.Fatalf("rollcall %s: exit code %d, want %d\n%s", strings.Join(args, " "), got, code, out.String())
	}
	return out.String()
}

// expected are the members that a domain should have of the first n people,
// each "username | name | email | token".
func expected(n int, in func(i int) bool) string {
	var lines []string
	for i := range n {
		if !in(i) || i%10 == 3 { // those have no mail
			continue
		}
		name := ""
		for line := range strings.Lines(ldaptest.Person(i)) {
			if value, ok := strings.CutPrefix(line, "cn: "); ok {
				name = strings.TrimSpace(value)
			} else if value, ok := strings.CutPrefix(line, "cn:: "); ok {
				name = decode(value)
			}
		}
		email := fmt.Sprintf("user%06d@example.com", i)
		if i%7 == 2 { // two, and the one that sorts first counts
			email = fmt.Sprintf("user%06d.alias@example.org", i)
		}
		lines = append(lines, fmt.Sprintf("user%06d | %s | %s | pending\n", i, name, email))
	}
	return strings.Join(lines, "")
}

func even(i int) bool  { return i%2 == 0 }
func third(i int) bool { return i%3 == 0 }

// 2,000 users in two domains, over LDAPS, past a server limit of 500.
func TestTwoThousandUsers(t *testing.T) {
	t.Parallel()
	const n = 2000
	s := newSite(t, ldaptest.People(n))
	s.run(2, "plan", "--out", "first.plan", "--detailed-exitcode")
	if w := writesOf(s.logintc.Emulator); len(w) != 0 {
		t.Errorf("plan wrote: %v", w[0])
	}
	s.run(0, "apply", "first.plan")
	for id, in := range map[string]func(int) bool{vpnID: even, siteID: third} {
		if diff := cmp.Diff(expected(n, in), string(membersOf(s.logintc.Data(), id))); diff != "" {
			t.Error(diff)
		}
	}
	s.logintc.Reset()
	s.run(0, "plan", "--detailed-exitcode")
	for _, c := range s.logintc.Requests().Calls {
		if c.Method != "GET" || strings.Count(c.Path, "/") > 4 {
			t.Errorf("a plan with nothing to do calls %s %s", c.Method, c.Path)
		}
	}
	if calls := s.logintc.Requests().Total; calls > 40 {
		t.Errorf("%d calls for 2,000 users", calls)
	}
	everyday(t, s)
}

// everyday lets one person leave, one join, and one change.
func everyday(t *testing.T, s *site) {
	t.Helper()
	leaver := ldaptest.Person(0)
	joiner, _, _ := strings.Cut(strings.ReplaceAll(leaver, "user000000", "user900000"), "memberOf:")
	if err := s.slapd.Delete(dnOf(leaver)); err != nil {
		t.Fatal(err)
	}
	if err := s.slapd.Add(joiner); err != nil {
		t.Fatal(err)
	}
	for _, group := range []string{"vpn", "site"} {
		if err := s.slapd.Join(ldaptest.Group(group), dnOf(joiner)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.slapd.Replace(dnOf(ldaptest.Person(2)), "cn", "Zoë Changed"); err != nil {
		t.Fatal(err)
	}
	// The limit of 0 withholds the removal in both domains; the rest goes on.
	s.run(3, "apply", "--auto-approve")
	vpn := string(membersOf(s.logintc.Data(), vpnID))
	for _, want := range []string{"user000000 | User 000000 | user000000@example.com | pending\n", "user900000 | User 000000 | user900000@example.com | pending\n", "user000002 | Zoë Changed |"} {
		if !strings.Contains(vpn, want) {
			t.Errorf("not in the domain: %s", want)
		}
	}
	s.configure(s.slapd.LDAPSURL, 1)
	s.run(0, "apply", "--auto-approve")
	for _, id := range []string{vpnID, siteID} {
		if strings.Contains(string(membersOf(s.logintc.Data(), id)), "user000000 ") {
			t.Error("the leaver is still a member of " + id)
		}
	}
	for _, u := range s.logintc.Data().Users {
		if u.Username == "user000000" && (len(u.Domains) != 0 || len(u.Tokens) != 0) {
			t.Errorf("%+v", u)
		}
	}
	s.run(0, "plan", "--detailed-exitcode")
}

func dnOf(entry string) string {
	first, _, _ := strings.Cut(entry, "\n")
	return strings.TrimPrefix(first, "dn: ")
}

// However a read breaks off: an error, no plan, nothing sent, no state.
func TestBrokenReads(t *testing.T) {
	t.Parallel()
	for name, breakOff := range map[string]func(*testing.T, *site){
		"size limit in the middle": func(t *testing.T, s *site) {
			s.slapd.Close()
			limited := ldaptest.StartSlapd(t, ldaptest.SlapdOptions{LDIF: ldaptest.People(1000), PagedSizeLimit: 250})
			s.slapd = limited
			s.configure(limited.LDAPSURL, 0)
		},
		"server killed in the middle": func(t *testing.T, s *site) {
			s.configure("ldaps://"+killAfter(t, s.slapd, 60_000), 0)
		},
		"server gone": func(_ *testing.T, s *site) { s.slapd.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, ldaptest.People(1000), logintctest.User{Username: "someone", Name: "S", Email: "s@x.example", Domains: []string{vpnID, siteID}})
			breakOff(t, s)
			out := s.run(1, "plan", "--domain", "vpn", "--out", "broken.plan") // one search: two would not both be in the middle
			if !strings.Contains(out, "Error: directory.corp: ") {
				t.Errorf("%s", out)
			}
			if name != "server gone" && !strings.Contains(out, "was not answered to its end") {
				t.Errorf("not in the middle: %s", out)
			}
			s.run(1, "apply", "--auto-approve")
			if w := writesOf(s.logintc.Emulator); len(w) != 0 {
				t.Errorf("%d writes", len(w))
			}
			for _, file := range []string{"broken.plan", "rollcall.state.json"} {
				if _, err := os.Stat(filepath.Join(s.folder, file)); !os.IsNotExist(err) {
					t.Errorf("%s: %v", file, err)
				}
			}
		})
	}
}

// killAfter returns an address that leads to the server, and kills the server
// once it has answered with that many octets.
func killAfter(t *testing.T, s *ldaptest.Slapd, octets int64) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	target := strings.TrimPrefix(s.LDAPSURL, "ldaps://")
	var answered atomic.Int64
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", target)
			if err != nil {
				_ = client.Close()
				continue
			}
			go func() { _, _ = io.Copy(server, client) }()
			go func() {
				defer func() { _ = client.Close() }()
				buffer := make([]byte, 4096)
				for {
					n, err := server.Read(buffer)
					if answered.Add(int64(n)) > octets {
						s.Close()
					}
					if err != nil {
						return
					}
					if _, err := client.Write(buffer[:n]); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}
