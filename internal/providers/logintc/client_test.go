package logintc

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/providers/logintctest"
)

const (
	vpn  = "9120580e94f134cb7c9f27cd1e43dbc82980e152"
	site = "1f4a2c7be0935d68a4f1c0b29e7d3856ab90cd12"
)

var key = strings.Repeat("k3y", 22)[:64]

// organization has n members of the domain vpn.
func organization(n int) logintctest.Data {
	d := logintctest.Data{Name: "Acme", APIKey: key, Domains: []logintctest.Domain{{ID: vpn, Name: "VPN"}, {ID: site, Name: "Site"}}}
	for i := range n {
		name := fmt.Sprintf("user%06d", i)
		d.Users = append(d.Users, logintctest.User{Username: name, Name: "User", Email: name + "@x.example", Domains: []string{vpn}})
	}
	return d
}

func emulator(t testing.TB, o logintctest.Options) *logintctest.Server {
	t.Helper()
	s, err := logintctest.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func writer(t testing.TB, url string, change func(*Options)) *Writer {
	t.Helper()
	o := Options{BaseURL: url + "/api", APIKey: identity.NewSecret(key), RetryWaitMin: time.Millisecond, RetryWaitMax: 5 * time.Millisecond}
	if change != nil {
		change(&o)
	}
	w, err := NewWriter(o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func faults(t testing.TB, specs ...string) []logintctest.Fault {
	t.Helper()
	var out []logintctest.Fault
	for _, spec := range specs {
		f, err := logintctest.ParseFault(spec)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, f)
	}
	return out
}

// Every call against the emulator, which is held against the documentation.
func TestCalls(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), emulator(t, logintctest.Options{Data: organization(0)})
	w := writer(t, s.URL, nil)
	if err := w.Ping(ctx); err != nil {
		t.Error(err)
	}
	if name, err := w.Organization(ctx); name != "Acme" || err != nil {
		t.Errorf("%q, %v", name, err)
	}
	if d, err := w.Domain(ctx, vpn); d.Name != "VPN" || d.ID != vpn || err != nil {
		t.Errorf("%+v, %v", d, err)
	}
	jane := identity.User{Username: "jane +ö&=/", Name: "Jane <Doe>", Email: "jane@x.example"}
	created, err := w.CreateUser(ctx, jane)
	if err != nil || created.User != jane {
		t.Fatalf("%+v, %v", created, err)
	}
	jane.Name = "Jane"
	token := identity.Secret{}
	issue := func() (err error) { token, err = w.IssueToken(ctx, vpn, created.ID); return err }
	if err := errors.Join(w.UpdateUser(ctx, created.ID, identity.User{}, jane), w.JoinDomain(ctx, vpn, created.ID), w.JoinDomain(ctx, site, created.ID), issue()); err != nil {
		t.Fatal(err)
	}
	if len(token.Reveal()) != 10 {
		t.Errorf("activation code of %d characters", len(token.Reveal()))
	}
	want := identity.Account{ID: created.ID, User: jane, Domains: []string{vpn, site}}
	slices.Sort(want.Domains)
	found, ok, err := w.UserByUsername(ctx, jane.Username)
	slices.Sort(found.Domains)
	if diff := cmp.Diff(want, found); !ok || err != nil || diff != "" {
		t.Errorf("%v %v %s", ok, err, diff)
	}
	if state := s.Data().Users[0].Tokens[vpn]; state != logintctest.TokenPending {
		t.Errorf("token %q", state)
	}
	for range 2 { // what is gone already is no error
		if err := errors.Join(w.LeaveDomain(ctx, vpn, created.ID), w.DeleteUser(ctx, created.ID)); err != nil {
			t.Error(err)
		}
	}
	if _, ok, err := w.UserByUsername(ctx, jane.Username); ok || err != nil {
		t.Errorf("%v %v", ok, err)
	}
}

func TestErrorsNameTheCall(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), emulator(t, logintctest.Options{Data: organization(1)})
	w := writer(t, s.URL, nil)
	_, err := w.Domain(ctx, site[1:]+"0")
	var api *APIError
	if !errors.As(err, &api) || api.Status != http.StatusNotFound || api.Method != "GET" || !strings.Contains(err.Error(), "GET /domains/") {
		t.Errorf("%v", err)
	}
	_, err = w.CreateUser(ctx, identity.User{Username: "user000000", Name: "x", Email: "x@x.example"})
	if !hasStatus(err, http.StatusBadRequest) || !strings.Contains(err.Error(), "POST /users: 400 Bad Request: api.error") {
		t.Errorf("a username that is taken: %v", err)
	}
	wrong := writer(t, s.URL, func(o *Options) { o.APIKey = identity.NewSecret(strings.Repeat("x", 64)) })
	if err := wrong.Ping(ctx); !hasStatus(err, http.StatusUnauthorized) || !strings.Contains(err.Error(), "check that api_key") || strings.Contains(err.Error(), "xxxx") {
		t.Errorf("%v", err)
	}
}

// What a server says is cut, can not act on a terminal, and does not give the key
// away that it was sent.
func TestErrorsAreClean(t *testing.T) {
	t.Parallel()
	s := &script{t: t, answers: []answer{
		{status: 403, body: `{"errors":[{"code":"x\u0007","message":"key ` + key + ` \u202e` + strings.Repeat("é", 400) + `"}]}`},
		{status: 403, body: `<html>`, mediaType: "text/html"},
		{status: 599},
	}}
	bubble(t, s.ServeHTTP, nil, func(t *testing.T, w *Writer) {
		for _, want := range []string{
			"LoginTC: GET /ping: 403 Forbidden: x\uFFFD: key (sensitive) \uFFFD" + strings.Repeat("é", 283) + "…: the API key may not do this; check its permissions",
			"LoginTC: GET /ping: 403 Forbidden: the API key may not do this; check its permissions",
			"LoginTC: GET /ping: 599",
		} {
			if err := w.Ping(t.Context()); err == nil || err.Error() != want {
				t.Errorf("%v, not %s", err, want)
			}
		}
	})
}

// The key goes to no other host.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var followed atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Store(true) }))
	t.Cleanup(other.Close)
	s := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	t.Cleanup(s.Close)
	w := writer(t, s.URL, nil)
	for _, err := range []error{w.Ping(t.Context()), w.JoinDomain(t.Context(), vpn, site), w.DeleteUser(t.Context(), site)} {
		if !hasStatus(err, http.StatusTemporaryRedirect) || !strings.Contains(err.Error(), "check host") {
			t.Errorf("%v", err)
		}
	}
	if followed.Load() {
		t.Error("the other host was called")
	}
}

// Answers that are about something else than what was asked for.
func TestAnswersThatDoNotFit(t *testing.T) {
	t.Parallel()
	s := &script{t: t, answers: []answer{
		{status: 200, body: `{"id":"` + site + `","name":"Site"}`},
		{status: 200, body: `null`},
		{status: 200, body: `{"id":"` + vpn + `","username":"john"}`},
		{status: 200, body: `{"status":"DOWN"}`},
	}}
	bubble(t, s.ServeHTTP, nil, func(t *testing.T, w *Writer) {
		_, domain := w.Domain(t.Context(), vpn)
		_, organization := w.Organization(t.Context())
		_, _, user := w.UserByUsername(t.Context(), "jane")
		for err, want := range map[error]string{
			domain: `about another domain: "` + site, organization: "the answer is null",
			user: `about another user: "john"`, w.Ping(t.Context()): `its status is "DOWN"`,
		} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, not %s", err, want)
			}
		}
	})
}

func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	long := answer{status: 200, body: `{"status":"OK"}` + strings.Repeat(" ", 100)}
	s := &script{t: t, answers: []answer{long, long}}
	bubble(t, s.ServeHTTP, nil, func(t *testing.T, w *Writer) {
		if err := w.Ping(t.Context()); err != nil {
			t.Error(err)
		}
		w.http.HTTPClient.Transport.(*transport).maxBody = 100
		if err := w.Ping(t.Context()); !errors.Is(err, errTooLarge) {
			t.Error(err)
		}
	})
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Options{
		"no key":       {BaseURL: "https://x/api"},
		"bad key":      {BaseURL: "https://x/api", APIKey: identity.NewSecret("secret\n")},
		"no URL":       {BaseURL: "x", APIKey: identity.NewSecret("secret")},
		"other scheme": {BaseURL: "ftp://x", APIKey: identity.NewSecret("secret")},
	} {
		if _, err := NewReader(o); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPingDate(t *testing.T) {
	t.Parallel()
	s := emulator(t, logintctest.Options{Data: organization(0)})
	w := writer(t, s.URL, nil)
	date, err := w.PingDate(t.Context())
	if err != nil || time.Since(date).Abs() > time.Minute {
		t.Errorf("%s, %v", date, err)
	}
	without := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Date"] = nil
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"status":"OK"}`))
	}))
	t.Cleanup(without.Close)
	if date, err := writer(t, without.URL, nil).PingDate(t.Context()); err != nil || !date.IsZero() {
		t.Errorf("%s, %v", date, err)
	}
}
