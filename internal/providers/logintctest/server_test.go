package logintctest_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/providers/logintctest"
)

func newRecorder() *httptest.ResponseRecorder { return httptest.NewRecorder() }

func newRequest(t *testing.T, method string) *http.Request {
	t.Helper()
	return httptest.NewRequestWithContext(t.Context(), method, "/api/ping", nil)
}

func TestListen(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"", "8080", ":0", "0.0.0.0:0", "[::]:0", "192.0.2.1:0", "example.com:0", "127.0.0.1:http:1", "localhost.example:0"} {
		l, err := logintctest.Listen(addr)
		if err == nil {
			_ = l.Close()
			t.Errorf("%q: listening on %s", addr, l.Addr())
		} else if !strings.Contains(err.Error(), strconv.Quote(addr)) || !strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("%q: the error does not name it and the remedy: %v", addr, err)
		}
	}
	for _, addr := range []string{"127.0.0.1:0", "localhost:0"} {
		l, err := logintctest.Listen(addr)
		if err != nil {
			t.Errorf("%q: %v", addr, err)
			continue
		}
		_ = l.Close()
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	bad := acme()
	bad.APIKey = "short"
	tests := []struct {
		opts logintctest.Options
		says string
	}{
		{logintctest.Options{API: "1.2"}, `"1.2"`},
		{logintctest.Options{JobPace: -1}, "job pace"},
		{logintctest.Options{PageSize: -1}, "page size"},
		{logintctest.Options{Latency: -1}, "latency"},
		{logintctest.Options{RateLimit: -1}, "rate limit"},
		{logintctest.Options{Data: bad}, "api_key"},
	}
	for _, test := range tests {
		if _, err := logintctest.Start(test.opts); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%+v: error %v", test.opts, err)
		}
	}
	e, err := logintctest.New(logintctest.Options{API: "1.3"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(logintctest.SampleData(), e.Data(), equateEmpty); diff != "" {
		t.Errorf("without data (-want +got):\n%s", diff)
	}
}

func TestServeEndsWithContext(t *testing.T) {
	t.Parallel()
	e, err := logintctest.New(logintctest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := logintctest.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- logintctest.Serve(ctx, l, e) }()
	resp, err := http.Get("http://" + l.Addr().String() + "/emulator/requests")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if resp, err := http.Get("http://" + l.Addr().String() + "/emulator/requests"); err == nil {
		_ = resp.Body.Close()
		t.Error("it still answers")
	}
}

func TestOwnPaths(t *testing.T) {
	t.Parallel()
	server, c := start(t, logintctest.Options{})
	c.send("GET", "/api/users?page=2", "")
	c.send("GET", "/nowhere?x=1", "")
	c.send("PUT", "/api/domains/"+vpn+"/users/"+jane+"/token", "")
	code := c.send("GET", "/api/domains/"+vpn+"/users/"+jane+"/token", "").body
	code = code[len(`{"state":"pending","code":"`) : len(code)-len(`"}`)]
	if data := c.send("GET", "/emulator/data", "").body; len(code) != 10 || strings.Contains(data, code) {
		t.Errorf("the activation code %q is in the data, or is none: %s", code, data)
	}
	want := `{"total":4,"calls":[` +
		`{"method":"GET","path":"/api/users?page=2","status":200},` +
		`{"method":"GET","path":"/nowhere?x=1","status":404},` +
		`{"method":"PUT","path":"/api/domains/` + vpn + `/users/` + jane + `/token","status":200},` +
		`{"method":"GET","path":"/api/domains/` + vpn + `/users/` + jane + `/token","status":200}]}`
	compact := strings.NewReplacer("\n", "", " ", "")
	if diff := cmp.Diff(want, compact.Replace(c.send("GET", "/emulator/requests", "").body)); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	want = `{"total":4,"refused":0,"calls":{"GET/api/domains/{id}/users/{id}/token":1,"GET/api/users":1,"GET/nowhere":1,"PUT/api/domains/{id}/users/{id}/token":1}}`
	if diff := cmp.Diff(want, compact.Replace(c.send("GET", "/emulator/counts", "").body)); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if got := c.send("POST", "/emulator/reset", ""); got.status != 204 {
		t.Errorf("reset: %d", got.status)
	}
	if diff := cmp.Diff(logintctest.Requests{Calls: []logintctest.Call{}}, server.Requests()); diff != "" {
		t.Errorf("after the reset (-want +got):\n%s", diff)
	}
	if got := c.send("GET", "/emulator/reset", ""); got.status != 404 {
		t.Errorf("GET /emulator/reset: %d", got.status)
	}
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	server, c := start(t, logintctest.Options{})
	pending := "/api/domains/" + site + "/users/" + jane + "/token"
	code := c.send("GET", pending, "").body
	err := server.Update(func(d *logintctest.Data) {
		d.Users = append(d.Users, logintctest.User{Username: "new", Name: "New", Email: "new@example.com", Domains: []string{vpn}})
		d.Users[1].Name = "Jane Changed"
		d.Users[1].Domains = []string{site}
		delete(d.Users[1].Tokens, vpn)
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.send("GET", pending, "").body; got != code {
		t.Errorf("the pending token changed from %s to %s", code, got)
	}
	want := acme()
	want.Users[1].Name, want.Users[1].Domains = "Jane Changed", []string{site}
	delete(want.Users[1].Tokens, vpn)
	want.Users = append(want.Users, logintctest.User{Username: "new", Name: "New", Email: "new@example.com", Domains: []string{vpn}})
	if diff := cmp.Diff(want, server.Data(), ignoreOrder, ignoreNewIDs, equateEmpty); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	before := server.Data()
	if err := server.Update(func(d *logintctest.Data) { d.Users[0].Username = "new" }); err == nil || !strings.Contains(err.Error(), "unchanged") {
		t.Errorf("a username twice: error %v", err)
	}
	if diff := cmp.Diff(before, server.Data()); diff != "" {
		t.Errorf("a refused change did something (-want +got):\n%s", diff)
	}
}

// TestConcurrent is for the race detector, and counts that nothing is lost.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	server, c := start(t, logintctest.Options{PageSize: 3, Faults: faults(t, "delay=1ms,every=7")})
	const workers, each = 8, 10
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			for i := range each {
				name := strconv.Itoa(w) + "-" + strconv.Itoa(i)
				created := c.send("POST", "/api/users", `{"username":"`+name+`","name":"N","email":"n@example.com"}`)
				id := created.body[len(`{"id":"`) : len(`{"id":"`)+40]
				c.send("PUT", "/api/domains/"+vpn+"/users/"+id, "")
				c.send("PUT", "/api/domains/"+vpn+"/users/"+id+"/token", "")
				c.send("GET", "/api/domains/"+vpn+"/users?page=2", "")
				if i%2 == 0 {
					c.send("DELETE", "/api/users/"+id, "")
				}
				_ = server.Data()
			}
		})
	}
	group.Wait()
	if got, want := len(server.Data().Users), 2+workers*each/2; got != want {
		t.Errorf("%d users, want %d", got, want)
	}
	requests := server.Requests()
	if want := workers * (each*4 + each/2); requests.Total != want {
		t.Errorf("%d requests, want %d", requests.Total, want)
	}
	for _, call := range requests.Calls {
		if call.Status != 200 && call.Status != 201 {
			t.Errorf("%+v", call)
		}
	}
}
