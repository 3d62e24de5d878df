package cli_test

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
)

// searchDone is the tag of the message that ends a page (RFC 4511, 4.5.2).
const searchDone = 5

// breaker is a way to a server that a test cuts.
type breaker struct {
	net.Listener
	// url is for rollcall; the messages are looked at, so they are not encrypted.
	url string
}

// breakAfter returns a way to the server that kills it after so many pages of a search,
// the last of which rollcall has got, and is closed then.
func breakAfter(t *testing.T, s *ldaptest.Slapd, pages int) *breaker {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &breaker{Listener: l, url: "ldap://" + l.Addr().String()}
	t.Cleanup(func() { _ = l.Close() }) // it may be closed already
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.URL, "ldap://"))
			if err != nil {
				_ = client.Close()
				continue
			}
			go func() { _ = forward(server, client, func(*ber.Packet) bool { return true }) }()
			go func() {
				defer func() { _, _ = client.Close(), server.Close() }()
				came := 0
				_ = forward(client, server, func(message *ber.Packet) bool {
					if message.Children[1].Tag == searchDone {
						came++
					}
					if came < pages {
						return true
					}
					_ = l.Close()
					s.Close()
					return false
				})
			}()
		}
	}()
	return b
}

// forward hands messages on until one side is closed, or go on says no after one.
func forward(to, from net.Conn, goOn func(*ber.Packet) bool) error {
	for {
		message, err := ber.ReadPacket(from)
		if err != nil {
			return err
		}
		if _, err := to.Write(message.Bytes()); err != nil || !goOn(message) {
			return err
		}
	}
}

// A server dies in the middle of a plan: the plan is of the next server, from the
// beginning, and of everybody.
func TestNextServerAfterTwoPages(t *testing.T) {
	t.Parallel()
	const n = 1000
	s := newSite(t, ldaptest.People(n))
	second := ldaptest.StartSlapd(t, ldaptest.SlapdOptions{LDIF: ldaptest.People(n)})
	way := breakAfter(t, s.slapd, 2)
	s.configurePlain(t, way.url, second.URL)
	s.run(2, "plan", "--out", "first.plan", "--detailed-exitcode", "--log-level", "warn")
	shows(t, s.printed.String(), "the directory was not read to its end, beginning again", "attempt=1", way.url)
	inTheMiddle(t, s.printed.String())
	for _, server := range serversOf(t, s.run(0, "show", "first.plan", "--json")) {
		if server != second.URL {
			t.Errorf("the plan is of %s, want %s", server, second.URL)
		}
	}
	s.run(0, "apply", "first.plan")
	for id, in := range map[string]func(int) bool{vpnID: even, siteID: third} {
		if diff := cmp.Diff(expected(n, in), string(membersOf(s.logintc.Data(), id))); diff != "" {
			t.Error(diff)
		}
	}
	shows(t, s.run(0, "plan", "--detailed-exitcode"), "No changes.") // the first is still gone
}

// The only server dies in the middle and stays away: no plan.
func TestOnlyServerAfterTwoPages(t *testing.T) {
	t.Parallel()
	s := newSite(t, ldaptest.People(1000))
	way := breakAfter(t, s.slapd, 2)
	s.configurePlain(t, way.url)
	out := s.run(1, "plan", "--domain", "vpn", "--out", "broken.plan") // another search might not come to two pages
	shows(t, out, "Error: directory.corp: ", way.url)
	inTheMiddle(t, out)
	for _, file := range []string{"broken.plan", "rollcall.state.json"} {
		if _, err := os.Stat(filepath.Join(s.folder, file)); !os.IsNotExist(err) {
			t.Errorf("%s: %v", file, err)
		}
	}
	if w := writesOf(s.logintc.Emulator); len(w) != 0 {
		t.Errorf("%d writes", len(w))
	}
}

// inTheMiddle wants it said that a search broke off after a page or two.
func inTheMiddle(t *testing.T, printed string) {
	t.Helper()
	if !regexp.MustCompile(`was not answered to its end: it failed after [12]00 entries; nothing was compared`).MatchString(printed) {
		t.Errorf("not in the middle: %s", printed)
	}
}

// configurePlain writes the configuration for servers on this machine without encryption.
func (s *site) configurePlain(t *testing.T, urls ...string) {
	t.Helper()
	s.configure("ONE", 0)
	path := filepath.Join(s.folder, "main.hcl")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	list := `"` + strings.Join(urls, `", "`) + `"`
	write(t, s.folder, "main.hcl", []byte(strings.Replace(string(text), `["ONE"]`, "["+list+"]\n  encryption = \"none\"", 1)))
}

// serversOf are the servers that answered, by the evidence of a plan.
func serversOf(t *testing.T, plan string) (servers []string) {
	t.Helper()
	var document any
	if err := json.Unmarshal([]byte(plan), &document); err != nil {
		t.Fatal(err)
	}
	var walk func(any)
	walk = func(at any) {
		switch at := at.(type) {
		case []any:
			for _, inner := range at {
				walk(inner)
			}
		case map[string]any:
			for name, inner := range at {
				if server, ok := inner.(string); ok && name == "server" {
					servers = append(servers, server)
				}
				walk(inner)
			}
		}
	}
	walk(document)
	if len(servers) == 0 {
		t.Fatalf("no server in %s", plan)
	}
	return servers
}
