package cli_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"unicode"

	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
)

// escapedDNs are DNs with every escape of RFC 4514 and what they name.
var escapedDNs = map[string]string{
	`uid=comma\, here`:            "comma, here",
	`uid=plus\+minus`:             "plus+minus",
	`uid=quote\"quote`:            `quote"quote`,
	`uid=back\\slash`:             `back\slash`,
	`uid=less\<more\>`:            "less<more>",
	`uid=semi\;colon`:             "semi;colon",
	`uid=\#hash`:                  "#hash",
	`uid=equals\=sign`:            "equals=sign",
	`uid=hex\2C\C3\A9`:            "hex,\u00e9",
	`uid=two+cn=Name two`:         "two",
	`uid=inner\ \ space`:          "inner  space",
	`uid=#0409626572206f63746574`: "", // a BER value, which no server takes for this attribute
}

// harmless reports whether a text is UTF-8 of characters that can be seen.
func harmless(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool {
		return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar)
	})
}

// What a directory can put into values and names does nothing but be shown: to the
// terminal, to LoginTC, to the next plan.
func TestHostileEntries(t *testing.T) {
	t.Parallel()
	coded := func(value string) string { return base64.StdEncoding.EncodeToString([]byte(value)) }
	var b strings.Builder
	entry := func(dn, uid, name, mail string, more ...string) {
		fmt.Fprintf(&b, "dn:: %s\nobjectClass: inetOrgPerson\nuid:: %s\ncn:: %s\nsn: x\nmail: %s\n%s\n\n",
			coded(dn+",ou=People,"+ldaptest.BaseDN), coded(uid), coded(name), mail, strings.Join(more, "\n"))
	}
	accepted := 0
	for dn, uid := range escapedDNs {
		if uid == "" {
			continue
		}
		name := "Name " + uid
		if strings.Contains(dn, "+cn=") {
			name = "Name two"
		}
		entry(dn, uid, name, fmt.Sprintf("n%d@example.com", accepted))
		accepted++
	}
	for i, name := range []string{"\x1b[2J\x1b]0;owned\x07", "two\nlines\r\nSTATE: applied", "bell\x07", "nul\x00inside", strings.Repeat("long ", 20_000)} {
		entry(fmt.Sprintf("uid=bad%d", i), fmt.Sprintf("bad%d", i), name, "bad@example.com")
	}
	entry("uid=rtl", "rtl", "user \u202egnp.exe \u2066hidden\u200b", "rtl@example.com")
	var values []string
	for i := range 10_000 {
		values = append(values, fmt.Sprintf("description: value %d of very many", i))
	}
	entry("uid=many", "many", "Many Values", "many@example.com", values...)

	s := newSite(t, b.String())
	configuration, err := os.ReadFile(filepath.Join(s.folder, "main.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	whole := strings.NewReplacer(
		"lower(entry.uid)", `length(values.description) > 9999 ? "many-${length(values.description)}" : entry.uid`,
		"(memberOf=cn=vpn,ou=Groups,dc=example,dc=com)", "(objectClass=*)", "(memberOf=cn=site,ou=Groups,dc=example,dc=com)", "(uid=many)",
	).Replace(string(configuration))
	write(t, s.folder, "main.hcl", []byte(whole))
	text := s.run(0, "plan", "--out", "hostile.plan")
	shown := s.run(0, "show", "hostile.plan", "--json")
	for what, printed := range map[string]string{"text": text, "JSON": shown, "apply": s.run(0, "apply", "hostile.plan"), "state": s.run(0, "state", "list")} {
		if !harmless(printed) {
			t.Errorf("the %s acts on the terminal: %q", what, printed)
		}
		if len(printed) > 100_000 {
			t.Errorf("the %s has %d bytes", what, len(printed))
		}
	}
	if !json.Valid([]byte(shown)) {
		t.Error("the JSON is none")
	}
	for i := range 5 {
		if !strings.Contains(text, fmt.Sprintf("domain.vpn: bad%d (uid=bad%d,", i, i)) {
			t.Errorf("bad%d is not withheld:\n%s", i, text)
		}
	}
	live := string(membersOf(s.logintc.Data(), vpnID))
	for dn, uid := range escapedDNs {
		if uid != "" && !strings.Contains(live, uid+" | Name ") {
			t.Errorf("%s (%s) is no member:\n%s", uid, dn, live)
		}
	}
	if !strings.Contains(live, "many-10000 | Many Values") || !strings.Contains(live, "rtl | user \u202egnp.exe") {
		t.Error(live)
	}
	s.run(0, "plan", "--detailed-exitcode")
	// A DN with escapes as a base, and a value with them in a filter.
	narrow := strings.NewReplacer(`"ou=People,dc=example,dc=com"`, `"uid=comma\\, here,ou=People,dc=example,dc=com"`, `"(uid=many)"`, `"(uid=${filterescape("comma, here")})"`).Replace(whole)
	write(t, s.folder, "main.hcl", []byte(narrow))
	if out := s.run(0, "users", "site"); !strings.Contains(out, "comma, here") {
		t.Error(out)
	}
}

// A value that was not escaped changes what a filter means only if it is still one,
// and never unseen: the filter is shown, and a change of it is a change of scope.
func TestUnescapedInputInAFilter(t *testing.T) {
	t.Parallel()
	s := newSite(t, ldaptest.People(6))
	configuration, err := os.ReadFile(filepath.Join(s.folder, "main.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	for input, c := range map[string]struct {
		filter string
		code   int
		want   string
	}{
		"user000002":      {"(uid=${var.who})", 0, "(uid=user000002)"},
		"x)(uid=*":        {"(uid=${var.who})", 1, "filter is not an LDAP filter"},
		"*":               {"(uid=${var.who})", 0, "filter (&(objectClass=person)(uid=*))"},
		"x)(|(uid=*))":    {"(&(uid=${var.who}))", 1, "filter is not an LDAP filter"},
		"user000002)(x=*": {"(uid=${filterescape(var.who)})", 1, `(uid=user000002\\29\\28x=\\2a)`},
		"\x00":            {"(uid=${filterescape(var.who)})", 1, `(uid=\\00)`},
	} {
		hcl := `variable "who" {}` + strings.Replace(string(configuration), "(memberOf=cn=vpn,ou=Groups,dc=example,dc=com)", c.filter, 1)
		write(t, s.folder, "main.hcl", []byte(hcl))
		if out := s.run(c.code, "plan", "--domain", "vpn", "--var", "who="+input); !strings.Contains(out, c.want) {
			t.Errorf("%q: %s", input, out)
		}
	}
}

// An answer of a gigabyte is refused before it is in memory.
func TestEndlessAnswer(t *testing.T) {
	t.Parallel()
	s := newSite(t, ldaptest.People(3))
	var sent atomic.Int64
	page := []byte(strings.Repeat(`{"id":"`+strings.Repeat("0", 40)+`","username":"u","name":"n","email":"e"},`, 10_000))
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/vnd.logintc.v1+json")
		if !strings.HasSuffix(r.URL.Path, "/users") {
			_, _ = fmt.Fprintf(w, `{"id":%q,"name":"VPN"}`, filepath.Base(r.URL.Path))
			return
		}
		_, err := io.WriteString(w, "[")
		for range 1<<30/len(page) + 1 {
			if err != nil {
				return
			}
			var n int
			n, err = w.Write(page)
			sent.Add(int64(n))
		}
	}))
	t.Cleanup(endless.Close)
	s.logintc.URL = endless.URL
	s.configure(s.slapd.LDAPSURL, 0)
	out := s.run(1, "plan", "--domain", "vpn")
	if !strings.Contains(out, "the answer is too large") || !strings.Contains(out, "LoginTC: GET /domains/") {
		t.Error(out)
	}
	// 64 MiB are read; what the kernel's buffers on the way hold is not rollcall's.
	if n := sent.Load(); n > 192<<20 {
		t.Errorf("%d octets were taken", n)
	}
}

// What is no regular file in the place of one of rollcall's is left alone, and said.
func TestLinksAndPipes(t *testing.T) {
	t.Parallel()
	s := newSite(t, ldaptest.People(3))
	s.run(0, "plan", "--out", "good.plan")
	in := func(name string) string { return filepath.Join(s.folder, name) }
	precious := in("precious")
	write(t, s.folder, "precious", []byte("precious"))
	for name, c := range map[string]struct {
		at   string
		args []string
	}{
		"the state":                {"rollcall.state.json", []string{"plan"}},
		"the state, for apply":     {"rollcall.state.json", []string{"apply", "--auto-approve"}},
		"the lock":                 {"rollcall.state.json.lock", []string{"apply", "--auto-approve"}},
		"the lock, looked at":      {"rollcall.state.json.lock", []string{"lock", "status"}},
		"the journal":              {"rollcall.state.json.journal", []string{"plan"}},
		"the plan that is written": {"out.plan", []string{"plan", "--out", "out.plan"}},
		"the receipt":              {"receipt", []string{"apply", "--auto-approve", "--receipt", "receipt"}},
		"the file for codes":       {"codes", []string{"apply", "--auto-approve", "--activation-codes", "codes"}},
	} {
		_ = os.Remove(in(c.at)) // the file that a lock leaves
		if err := os.Symlink(precious, in(c.at)); err != nil {
			t.Fatal(err)
		}
		out := s.run(1, c.args...)
		if !strings.Contains(out, c.at) || !strings.Contains(out, "no regular file") && !strings.Contains(out, "is there already") {
			t.Errorf("%s: %s", name, out)
		}
		if content, err := os.ReadFile(precious); err != nil || string(content) != "precious" {
			t.Errorf("%s: %q, %v", name, content, err)
		}
		if err := os.Remove(in(c.at)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(syscall.Mkfifo(in("pipe.plan"), 0o600), os.Symlink(in("good.plan"), in("link.plan"))); err != nil {
		t.Fatal(err)
	}
	if out := s.run(1, "apply", "pipe.plan"); !strings.Contains(out, "pipe.plan is no regular file") {
		t.Error(out)
	}
	if n := len(writesOf(s.logintc.Emulator)); n != 0 {
		t.Errorf("%d calls were sent", n)
	}
	s.run(0, "apply", "link.plan") // what it points at is read, and is what was planned
}
