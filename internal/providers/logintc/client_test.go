package logintc

import (
	"context"
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
	if err := errors.Join(w.UpdateUser(ctx, created.ID, jane), w.JoinDomain(ctx, vpn, created.ID), w.JoinDomain(ctx, site, created.ID), issue()); err != nil {
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

func TestListing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		users, pageSize int
		faults          []string
	}{
		"nobody":               {0, 10, nil},
		"one page":             {5, 10, nil},
		"full pages":           {30, 10, nil},
		"a short last page":    {95, 10, nil},
		"many pages":           {1000, 7, nil},
		"503 now and then":     {200, 10, []string{"status=503,every=5"}},
		"429 with Retry-After": {30, 10, []string{"status=429,retry_after=1,every=4"}},
		"dropped":              {200, 10, []string{"drop=after,every=6"}},
		"half a body":          {200, 10, []string{"body=half,every=6"}},
		"pages repeat":         {95, 10, []string{"page=repeat"}},
		"the last page again":  {95, 10, []string{"page=repeat,path=/api/users?page=11"}},
		"pages shift":          {95, 10, []string{"page=shift"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := emulator(t, logintctest.Options{Data: organization(c.users), PageSize: c.pageSize, Faults: faults(t, c.faults...)})
			w := writer(t, s.URL, nil)
			seen := 0
			members, err := w.DomainUsers(t.Context(), vpn, func(n int) { seen += n })
			if err != nil {
				t.Fatal(err)
			}
			all, err := w.Users(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, u := range s.Data().Users {
				want = append(want, u.Username)
			}
			for what, list := range map[string][]identity.Account{"domain": members.Accounts, "organization": all.Accounts} {
				var got []string
				for _, a := range list {
					got = append(got, a.Username)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s: %s", what, diff)
				}
			}
			if seen < c.users {
				t.Errorf("progress was told of %d", seen)
			}
		})
	}
}

// A small organization costs no more than it must: its pages and the empty one.
func TestListingLooksLittleAhead(t *testing.T) {
	t.Parallel()
	s := emulator(t, logintctest.Options{Data: organization(5)})
	if _, err := writer(t, s.URL, nil).DomainUsers(t.Context(), vpn, nil); err != nil {
		t.Fatal(err)
	}
	if n := s.Requests().Total; n > 3 {
		t.Errorf("%d calls for one page", n)
	}
}

func TestListingThatCanNotBeTrusted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status      int
		contentType string
		body        string
		want        string
	}{
		"no such domain":    {404, mediaType, `{"errors":[{"code":"api.error.notfound.domain","message":"no \u001b[31mdomain"}]}`, "404 Not Found: api.error.notfound.domain: no \uFFFD[31mdomain"},
		"a page of a proxy": {200, "text/html", "<html>", `answered with "text/html"`},
		"no list":           {200, mediaType, "null", "the answer is no list"},
		"an object":         {200, mediaType, "{}", "the answer can not be understood"},
		"no id":             {200, mediaType, `[{"username":"a"}]`, "not 40 hexadecimal characters"},
		"no username":       {200, mediaType, `[{"id":"` + vpn + `"}]`, "without a username"},
		"bad domain":        {200, mediaType, `[{"id":"` + vpn + `","username":"a","domains":["x"]}]`, "in a domain whose id"},
		"moved":             {302, mediaType, "", "redirects are not followed"},
		"500":               {500, "", "oops", "500 Internal Server Error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				calls.Add(1)
				w.Header().Set("Content-Type", c.contentType)
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			}))
			defer s.Close()
			listing, err := writer(t, s.URL, nil).DomainUsers(t.Context(), vpn, nil)
			if err == nil || !strings.Contains(err.Error(), c.want) || listing.Accounts != nil {
				t.Errorf("%v %v", listing, err)
			}
			if calls.Load() != 1 {
				t.Errorf("%d calls", calls.Load())
			}
		})
	}
}

func TestLostAnswers(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"drop=before", "drop=after", "status=503", "body=half", "status=502"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			s := emulator(t, logintctest.Options{Data: organization(0), Faults: faults(t, fault+",every=2,method=POST", fault+",every=2,method=PUT")})
			w := writer(t, s.URL, nil)
			for i := range 6 {
				user := identity.User{Username: fmt.Sprintf("u%d", i), Name: "U", Email: "u@x.example"}
				account, err := w.CreateUser(ctx, user)
				if err != nil {
					t.Fatal(err)
				}
				if err := w.JoinDomain(ctx, vpn, account.ID); err != nil {
					t.Fatal(err)
				}
				code, err := w.IssueToken(ctx, vpn, account.ID)
				if err != nil || len(code.Reveal()) != 10 {
					t.Fatalf("%d %v", len(code.Reveal()), err)
				}
			}
			if users := s.Data().Users; len(users) != 6 {
				t.Errorf("%d users", len(users))
			}
			created := 0
			for _, c := range s.Requests().Calls {
				if c.Method == "POST" && c.Status == http.StatusBadRequest {
					t.Error("a user was created twice")
				}
				if c.Method == "POST" {
					created++
				}
			}
			if created < 6 {
				t.Errorf("%d attempts", created)
			}
		})
	}
}

func TestInternalErrorsAreNotRepeated(t *testing.T) {
	t.Parallel()
	s := emulator(t, logintctest.Options{Data: organization(1), Faults: faults(t, "status=500,method=PUT")})
	w := writer(t, s.URL, nil)
	if err := w.UpdateUser(t.Context(), s.Data().Users[0].ID, identity.User{Name: "x", Email: "x@x.example"}); !hasStatus(err, 500) {
		t.Errorf("%v", err)
	}
	if n := s.Requests().Total; n != 1 {
		t.Errorf("%d calls", n)
	}
}

func TestRetryAfterHoldsAllCallsBack(t *testing.T) {
	t.Parallel()
	var refused, early atomic.Int32
	var resume atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		now := time.Now().UnixMilli()
		w.Header().Set("Content-Type", mediaType)
		switch {
		case refused.CompareAndSwap(0, 1):
			resume.Store(now + 1000)
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
		case now < resume.Load()-20:
			early.Add(1)
			fallthrough
		default:
			_, _ = w.Write([]byte(`{"status":"OK"}`))
		}
	}))
	defer s.Close()
	w := writer(t, s.URL, nil)
	done := make(chan error, 2)
	go func() { done <- w.Ping(t.Context()) }()
	for refused.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(50 * time.Millisecond) // the answer is on its way to the client
	go func() { done <- w.Ping(t.Context()) }()
	if err := errors.Join(<-done, <-done); err != nil {
		t.Error(err)
	}
	if early.Load() != 0 {
		t.Errorf("%d calls came before the pause was over", early.Load())
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	s := emulator(t, logintctest.Options{Data: organization(1), Latency: time.Minute})
	w := writer(t, s.URL, func(o *Options) { o.Timeout = 20 * time.Millisecond; o.Retries = 1 })
	if err := w.Ping(t.Context()); err == nil || !strings.Contains(err.Error(), "no answer within 20ms") {
		t.Errorf("%v", err)
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	s := emulator(t, logintctest.Options{Data: organization(1000), PageSize: 1, Latency: 5 * time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	_, err := writer(t, s.URL, nil).DomainUsers(ctx, vpn, func(int) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if n := s.Requests().Total; n > 30 {
		t.Errorf("%d calls", n)
	}
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

func BenchmarkListing(b *testing.B) {
	s := emulator(b, logintctest.Options{Data: organization(100_000), PageSize: 500})
	w := writer(b, s.URL, nil)
	b.ReportAllocs()
	for b.Loop() {
		if l, err := w.DomainUsers(b.Context(), vpn, nil); err != nil || len(l.Accounts) != 100_000 {
			b.Fatal(len(l.Accounts), err)
		}
	}
}
