package logintctest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/rollcall-cli/rollcall/internal/providers/logintctest"
)

const (
	vendorType = "application/vnd.logintc.v1+json"
	vpn        = "9120580e94f134cb7c9f27cd1e43dbc82980e152"
	site       = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	jane       = "1111111111111111111111111111111111111111"
	john       = "2222222222222222222222222222222222222222"
	nobody     = "ffffffffffffffffffffffffffffffffffffffff"
)

var key = strings.Repeat("0123456789abcdef", 4)

// acme has jane in both domains, with an active and a pending token, and john in none.
func acme() logintctest.Data {
	return logintctest.Data{
		Name: "Acme", APIKey: key, Administrators: []string{"admin@example.com"},
		Domains: []logintctest.Domain{{ID: vpn, Name: "VPN"}, {ID: site, Name: "Site"}},
		Users: []logintctest.User{
			{
				ID: john, Username: "john", Name: "John Roe", Email: "john@example.com",
				Alias1: new("jr"), Phones: []string{"+1 555"}, Groups: []string{"staff"},
			},
			{
				ID: jane, Username: "jane", Name: "Jane Doe", Email: "jane@example.com",
				Domains: []string{vpn, site},
				Tokens:  map[string]logintctest.TokenState{vpn: logintctest.TokenActive, site: logintctest.TokenPending},
			},
		},
	}
}

// client sends requests as the documentation wants them, with what a test edits.
type client struct {
	t    *testing.T
	base string
	http *http.Client
}

type answer struct {
	status int
	header http.Header
	body   string
}

func start(t *testing.T, opts logintctest.Options) (*logintctest.Server, client) {
	t.Helper()
	if opts.Data.Name == "" {
		opts.Data = acme()
	}
	opts.Seed = 1
	server, err := logintctest.Start(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	// A connection for each request, so that nothing is sent again on a fresh one.
	transport := &http.Transport{DisableKeepAlives: true}
	return server, client{t: t, base: server.URL, http: &http.Client{Transport: transport}}
}

func (c client) request(method, path, body string) *http.Request {
	c.t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, reader)
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Authorization", `LoginTC key="`+key+`"`)
	r.Header.Set("Accept", vendorType)
	if body != "" {
		r.Header.Set("Content-Type", vendorType)
	}
	return r
}

func (c client) do(r *http.Request) (answer, error) {
	resp, err := c.http.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return answer{status: resp.StatusCode, header: resp.Header, body: string(body)}, err
}

func (c client) send(method, path, body string) answer {
	c.t.Helper()
	a, err := c.do(c.request(method, path, body))
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// code returns the code of an error, which is in the documented form or fails the test.
func (a answer) code(t *testing.T) string {
	t.Helper()
	var document struct {
		Errors []struct{ Code, Message string }
	}
	if err := json.Unmarshal([]byte(a.body), &document); err != nil || len(document.Errors) != 1 || document.Errors[0].Message == "" {
		t.Fatalf("%q is not the documented form of an error: %v", a.body, err)
	}
	if got := a.header.Get("Content-Type"); got != vendorType {
		t.Errorf("the error has type %q", got)
	}
	return document.Errors[0].Code
}
