package logintc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/providers/logintctest"
)

// Whoever has a Reader can not write: it has these methods and no other.
func TestReaderOnlyReads(t *testing.T) {
	t.Parallel()
	var methods []string
	for m := range reflect.TypeFor[*Reader]().Methods() {
		methods = append(methods, m.Name)
	}
	if diff := cmp.Diff([]string{"Domain", "DomainUsers", "HasMember", "HasToken", "Job", "Organization", "Ping", "PingDate", "UserByUsername", "Users"}, methods); diff != "" {
		t.Error(diff)
	}
}

// Against the emulator: whatever happens to answers, users are created once and
// codes are had.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"drop=before", "drop=after", "status=503", "body=half", "status=502"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			s := emulator(t, logintctest.Options{Data: organization(0), Faults: faults(t,
				fault+",every=2,method=POST", fault+",every=2,method=PUT", fault+",every=5,method=GET")})
			w := writer(t, s.URL, nil)
			for i := range 6 {
				account, err := w.CreateUser(ctx, identity.User{Username: fmt.Sprintf("u%d", i), Name: "U", Email: "u@x.example"})
				if err != nil {
					t.Fatal(err)
				}
				if err := w.JoinDomain(ctx, vpn, account.ID); err != nil {
					t.Fatal(err)
				}
				code, err := w.IssueToken(ctx, vpn, account.ID)
				if err != nil || len(code.Reveal()) != 10 {
					t.Fatalf("a code of %d characters, %v", len(code.Reveal()), err)
				}
			}
			for _, u := range s.Data().Users {
				if u.Tokens[vpn] != logintctest.TokenPending {
					t.Errorf("%s: token %q", u.Username, u.Tokens[vpn])
				}
			}
			faulty := 0
			for _, c := range s.Requests().Calls {
				if c.Method == "POST" && c.Status == http.StatusBadRequest {
					t.Error("a user was created twice")
				}
				if c.Status != http.StatusOK && c.Status != http.StatusCreated {
					faulty++
				}
			}
			if users := s.Data().Users; len(users) != 6 || faulty == 0 && fault != "body=half" {
				t.Errorf("%d users, %d faulty calls", len(users), faulty)
			}
		})
	}
}

// settling is a call that must not be done twice, and what it gets.
type settling struct {
	answers []answer
	calls   string // the methods, in order
	want    string // the result, or what the error says
}

func settle(t *testing.T, cases map[string]settling, do func(t *testing.T, w *Writer) (string, error)) {
	t.Helper()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &script{t: t, answers: slices.Clone(c.answers)}
			bubble(t, s.ServeHTTP, nil, func(t *testing.T, w *Writer) {
				got, err := do(t, w)
				if err != nil {
					got = "error: " + err.Error()
				}
				if err == nil && got != c.want || err != nil && (!strings.HasPrefix(c.want, "error: ") || !strings.Contains(got, c.want[len("error: "):])) {
					t.Errorf("%q, not %q", got, c.want)
				}
				var methods []string
				for _, call := range s.seen() {
					methods = append(methods, strings.Fields(call)[0])
				}
				if calls := strings.Join(methods, " "); calls != c.calls || len(s.answers) != 0 {
					t.Errorf("%q, not %q", s.seen(), c.calls)
				}
			})
		})
	}
}

func TestCreateUserIsSettled(t *testing.T) {
	t.Parallel()
	user := func(username string) string {
		return `{"id":"` + site + `","username":"` + username + `","name":"Jane","email":"j@x.example","domains":[]}`
	}
	created, found := answer{status: 201, body: user("jane")}, answer{status: 200, body: user("jane")}
	var lost answer
	status := func(n int) answer { return answer{status: n} }
	taken := answer{status: 400, body: `{"errors":[{"code":"api.error.duplicate","message":"taken"}]}`}
	settle(t, map[string]settling{
		"created":                      {[]answer{created}, "POST", "jane"},
		"another case":                 {[]answer{{status: 200, body: user("Jane")}}, "POST", "Jane"},
		"taken":                        {[]answer{taken}, "POST", "error: POST /users: 400 Bad Request: api.error.duplicate: taken"},
		"lost after acting":            {[]answer{lost, found}, "POST GET", "jane"},
		"lost before acting":           {[]answer{lost, missing(), created}, "POST GET POST", "jane"},
		"lost twice":                   {[]answer{lost, missing(), lost, found}, "POST GET POST GET", "jane"},
		"it acted after the lookup":    {[]answer{lost, missing(), taken, found}, "POST GET POST GET", "jane"},
		"refused after a lost answer":  {[]answer{lost, missing(), status(403), missing()}, "POST GET POST GET", "error: POST /users: 403"},
		"the lookup is lost too":       {[]answer{lost, lost, status(503), found}, "POST GET GET GET", "jane"},
		"the lookup is refused":        {[]answer{lost, status(401)}, "POST GET", "error: EOF; whether it was done all the same could not be found out: LoginTC: GET /users?username=jane: 401"},
		"too many requests":            {[]answer{{status: 429, retryAfter: "9"}, status(429), created}, "POST POST POST", "jane"},
		"502, done":                    {[]answer{status(502), found}, "POST GET", "jane"},
		"503, not done":                {[]answer{status(503), missing(), created}, "POST GET POST", "jane"},
		"500, done":                    {[]answer{status(500), found}, "POST GET", "jane"},
		"500, not done":                {[]answer{status(500), missing()}, "POST GET", "error: POST /users: 500"},
		"a proxy's page":               {[]answer{{status: 200, body: "<html>", mediaType: "text/html"}, found}, "POST GET", "jane"},
		"an empty answer":              {[]answer{{status: 201}, found}, "POST GET", "jane"},
		"another user in the answer":   {[]answer{{status: 201, body: user("joe")}, found}, "POST GET", "jane"},
		"another user in the lookup":   {[]answer{lost, {status: 200, body: user("joe")}}, "POST GET", `error: the answer is about another user: "joe"`},
		"a list in place of the user":  {[]answer{lost, {status: 200, body: "[" + user("jane") + "]"}}, "POST GET", "error: the answer can not be understood"},
		"the server never does better": {append(slices.Repeat([]answer{lost, missing()}, 7), []answer{}...), strings.Repeat("POST GET ", 6) + "POST GET", "error: POST /users: EOF"},
	}, func(t *testing.T, w *Writer) (string, error) {
		account, err := w.CreateUser(t.Context(), identity.User{Username: "jane", Name: "Jane", Email: "j@x.example"})
		if err == nil && account.ID != site || err != nil && account.ID != "" {
			t.Errorf("%+v", account)
		}
		return account.Username, err
	})
}

func TestIssueTokenIsSettled(t *testing.T) {
	t.Parallel()
	first, second := answer{status: 200, body: `{"state":"pending","code":"d2mfr24l8r"}`}, answer{status: 200, body: `{"state":"pending","code":"second4you"}`}
	active, none, lost := answer{status: 200, body: `{"state":"active"}`}, missing(), answer{}
	settle(t, map[string]settling{
		"issued":             {[]answer{first}, "PUT", "d2mfr24l8r"},
		"lost after acting":  {[]answer{lost, first}, "PUT GET", "d2mfr24l8r"},
		"lost before acting": {[]answer{lost, none, second}, "PUT GET PUT", "second4you"},
		"active meanwhile":   {[]answer{lost, active}, "PUT GET", ""},
		"without a code":     {[]answer{{status: 200, body: `{"state":"pending"}`}, first}, "PUT GET", "d2mfr24l8r"},
		"an empty answer":    {[]answer{{status: 200}, first}, "PUT GET", "d2mfr24l8r"},
		"no code anywhere":   {[]answer{{status: 200}, {status: 200, body: `{}`}}, "PUT GET", "error: the answer has no activation code"},
		"no member":          {[]answer{none}, "PUT", "error: /token: 404"},
		"500, not done":      {[]answer{{status: 500}, none}, "PUT GET", "error: /token: 500"},
		"too many requests":  {[]answer{{status: 429}, first}, "PUT PUT", "d2mfr24l8r"},
		"a broken code":      {[]answer{{status: 200, body: `{"state":"pending","code":"d2mfr24l8r`}, {status: 401}}, "PUT GET", "error: the answer can not be understood"},
	}, func(t *testing.T, w *Writer) (string, error) {
		code, err := w.IssueToken(t.Context(), vpn, site)
		if err != nil && strings.Contains(err.Error(), "d2mfr24l8r") {
			t.Errorf("the error has the code: %v", err)
		}
		return code.Reveal(), err
	})
}

// A call that has been given up sends nothing, and what was lost then is not
// looked up and not repeated.
func TestNoWriteAfterCancel(t *testing.T) {
	t.Parallel()
	user := identity.User{Username: "jane", Name: "Jane", Email: "j@x.example"}
	for name, do := range map[string]func(ctx context.Context, w *Writer) error{
		"create": func(ctx context.Context, w *Writer) error { _, err := w.CreateUser(ctx, user); return err },
		"update": func(ctx context.Context, w *Writer) error { return w.UpdateUser(ctx, site, identity.User{}, user) },
		"delete": func(ctx context.Context, w *Writer) error { return w.DeleteUser(ctx, site) },
		"join":   func(ctx context.Context, w *Writer) error { return w.JoinDomain(ctx, vpn, site) },
		"leave":  func(ctx context.Context, w *Writer) error { return w.LeaveDomain(ctx, vpn, site) },
		"token":  func(ctx context.Context, w *Writer) error { _, err := w.IssueToken(ctx, vpn, site); return err },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls, cancel := 0, context.CancelFunc(nil)
			handler := func(_ http.ResponseWriter, r *http.Request) {
				calls++
				_, _ = io.Copy(io.Discard, r.Body) // net/http looks for the end of the connection from here on
				cancel()
				<-r.Context().Done()
			}
			bubble(t, handler, nil, func(t *testing.T, w *Writer) {
				var ctx context.Context
				ctx, cancel = context.WithCancel(t.Context())
				for range 2 { // under way, then before it begins
					if err := do(ctx, w); !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "found out") {
						t.Errorf("%v", err)
					}
				}
			})
			if calls != 1 {
				t.Errorf("%d calls", calls)
			}
		})
	}
}

// A proxy's page is no success of a call whose answer does not matter.
func TestPageOfAProxyIsNoSuccess(t *testing.T) {
	t.Parallel()
	page := answer{status: 200, body: "<html>", mediaType: "text/html; charset=utf-8"}
	s := &script{t: t, answers: []answer{page, page}}
	bubble(t, s.ServeHTTP, nil, func(t *testing.T, w *Writer) {
		for _, err := range []error{w.JoinDomain(t.Context(), vpn, site), w.DeleteUser(t.Context(), site)} {
			if err == nil || !strings.Contains(err.Error(), "a proxy or another server") {
				t.Errorf("%v", err)
			}
		}
	})
}

// missing is how LoginTC says that there is no such thing.
func missing() answer {
	return answer{status: 404, body: `{"errors":[{"code":"api.error.notfound","message":"not found"}]}`}
}

// A proxy's page with the status of "not found" does not say that somebody is gone.
func TestNotFoundByAnotherIsNoSuccess(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(s.Close)
	w := writer(t, s.URL, nil)
	if err := w.LeaveDomain(t.Context(), vpn, site); err == nil {
		t.Error("the member is taken for gone")
	}
	if err := w.DeleteUser(t.Context(), site); err == nil {
		t.Error("the user is taken for gone")
	}
	if _, found, err := w.UserByUsername(t.Context(), "jane"); err == nil {
		t.Errorf("found %v", found)
	}
}

// hasStatus reports whether err is an answer with the status.
func hasStatus(err error, status int) bool {
	api, ok := errors.AsType[*APIError](err)
	return ok && api.Status == status
}
