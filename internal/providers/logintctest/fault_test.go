package logintctest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/providers/logintctest"
)

func faults(t *testing.T, specs ...string) []logintctest.Fault {
	t.Helper()
	var all []logintctest.Fault
	for _, spec := range specs {
		f, err := logintctest.ParseFault(spec)
		if err != nil {
			t.Fatalf("%q: %v", spec, err)
		}
		all = append(all, f)
	}
	return all
}

func TestParseFaultRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ spec, says string }{
		{"", "known are"},
		{"every=5", "does not say what happens"},
		{"status=200", "400 to 599"},
		{"status=abc", "400 to 599"},
		{"status=500,status=503", "twice"},
		{"status=500,drop=before", "do not go together"},
		{"type=text/html,body=half", "do not go together"},
		{"page=shift,drop=after", "do not go together"},
		{"drop=during", "before or after"},
		{"body=none", "half"},
		{"delay=2", "duration"},
		{"delay=-2s", "duration"},
		{"type=html", "media type"},
		{"page=first", "repeat or shift"},
		{"retry_after=1,drop=before", "goes with status"},
		{"retry_after=soon,status=429", "seconds"},
		{"status=500,every=0", "from 1"},
		{"status=500,after=-1", "from 0"},
		{"status=500,method=post", "POST"},
		{"status=500,method=", "POST"},
		{"status=500,path=/users", "begins with /api"},
		{"status=500, every=5", "known are"},
		{"stauts=500", "known are"},
	}
	for _, test := range tests {
		if _, err := logintctest.ParseFault(test.spec); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%q: error %v, want one that says %q", test.spec, err, test.says)
		}
	}
}

// TestFaultsHit counts which of ten requests are hit.
func TestFaultsHit(t *testing.T) {
	t.Parallel()
	ping := func(c client) int { return c.send("GET", "/api/ping", "").status }
	tests := []struct {
		specs []string
		want  []int
	}{
		{[]string{"status=500"}, []int{500, 500, 500, 500, 500, 500}},
		{[]string{"status=503,every=3"}, []int{200, 200, 503, 200, 200, 503}},
		{[]string{"status=503,after=4"}, []int{200, 200, 200, 200, 503, 503}},
		{[]string{"status=503,after=2,every=2"}, []int{200, 200, 200, 503, 200, 503}},
		{[]string{"status=503,method=POST"}, []int{200, 200, 200, 200, 200, 200}},
		{[]string{"status=503,path=/api/users"}, []int{200, 200, 200, 200, 200, 200}},
		{[]string{"status=503,method=GET,path=/api/p,every=6"}, []int{200, 200, 200, 200, 200, 503}},
		{[]string{"status=503,every=2", "status=500,every=3"}, []int{200, 503, 500, 503, 200, 503}},
	}
	for _, test := range tests {
		server, c := start(t, logintctest.Options{Faults: faults(t, test.specs...)})
		var got []int
		for range test.want {
			got = append(got, ping(c))
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%v (-want +got):\n%s", test.specs, diff)
		}
		resp, err := http.Get(server.URL + "/emulator/data")
		if err != nil || resp.StatusCode != 200 {
			t.Errorf("%v: the emulator's own path: %v", test.specs, err)
			continue
		}
		_ = resp.Body.Close()
	}
}

func TestFaultsAnswer(t *testing.T) {
	t.Parallel()
	const create = `{"username":"new","name":"New","email":"new@example.com"}`
	tests := []struct {
		spec            string
		status          int // 0: no answer
		created, broken bool
		header, value   string
	}{
		{"status=500", 500, false, false, "Content-Type", vendorType},
		{"status=429,retry_after=7", 429, false, false, "Retry-After", "7"},
		{"type=text/html", 200, false, false, "Content-Type", "text/html"},
		{"type=text/html,status=502", 502, false, false, "Content-Type", "text/html"},
		{"drop=before", 0, false, false, "", ""},
		{"drop=after", 0, true, false, "", ""},
		{"body=half", 201, true, true, "Content-Type", vendorType},
	}
	for _, test := range tests {
		server, c := start(t, logintctest.Options{Faults: faults(t, test.spec)})
		got, err := c.do(c.request("POST", "/api/users", create))
		if got.status != test.status || (err != nil) != (test.status == 0 || test.broken) {
			t.Errorf("%s: status %d, error %v", test.spec, got.status, err)
		}
		if test.header != "" && got.header.Get(test.header) != test.value {
			t.Errorf("%s: %s is %q, want %q", test.spec, test.header, got.header.Get(test.header), test.value)
		}
		if length := len(got.body); test.broken && (!errors.Is(err, io.ErrUnexpectedEOF) || strconv.Itoa(length*2) > got.header.Get("Content-Length") || length == 0) {
			t.Errorf("%s: %d bytes of %s, error %v", test.spec, length, got.header.Get("Content-Length"), err)
		}
		if created := len(server.Data().Users) == 3; created != test.created {
			t.Errorf("%s: created is %t", test.spec, created)
		}
		want := []logintctest.Call{{Method: "POST", Path: "/api/users", Status: test.status}}
		if diff := cmp.Diff(want, server.Requests().Calls); diff != "" {
			t.Errorf("%s: calls (-want +got):\n%s", test.spec, diff)
		}
	}
	// An answer without a body has no half.
	_, c := start(t, logintctest.Options{Faults: faults(t, "body=half")})
	if got := c.send("PUT", "/api/domains/"+vpn+"/users/"+john, ""); got.status != 200 {
		t.Errorf("body=half of an empty body: %d", got.status)
	}
}

// numbered is an organization of n users, all of them members.
func numbered(n int) logintctest.Data {
	d := acme()
	d.Users = nil
	for i := range n {
		d.Users = append(d.Users, logintctest.User{
			Username: fmt.Sprintf("user-%06d", i+1), Name: "User", Email: "user@example.com", Domains: []string{vpn},
		})
	}
	return d
}

// pages returns the numbers of the users on each page, to the first empty one.
func pages(c client, path string) [][]int {
	c.t.Helper()
	var all [][]int
	for page := 1; page < 50; page++ {
		var users []struct{ Username string }
		if err := json.Unmarshal([]byte(c.send("GET", path+"?page="+strconv.Itoa(page), "").body), &users); err != nil {
			c.t.Fatal(err)
		}
		if len(users) == 0 {
			return all
		}
		var numbers []int
		for _, u := range users {
			n, err := strconv.Atoi(strings.TrimPrefix(u.Username, "user-"))
			if err != nil {
				c.t.Fatal(err)
			}
			numbers = append(numbers, n)
		}
		all = append(all, numbers)
	}
	c.t.Fatal("the listing does not end")
	return nil
}

func TestPages(t *testing.T) {
	t.Parallel()
	tests := []struct {
		users int
		spec  string
		want  [][]int
	}{
		{0, "", nil},
		{2, "", [][]int{{1, 2}}},
		{5, "", [][]int{{1, 2}, {3, 4}, {5}}},
		{4, "", [][]int{{1, 2}, {3, 4}}},
		{2, "page=repeat", [][]int{{1, 2}, {1, 2}}},
		{5, "page=repeat", [][]int{{1, 2}, {1, 2}, {3, 4}, {5}}},
		{4, "page=repeat,path=/api/users?page=3", [][]int{{1, 2}, {3, 4}, {3, 4}}},
		{0, "page=shift", nil},
		{2, "page=shift", [][]int{{1, 2}, {2}}},
		{3, "page=shift", [][]int{{1, 2}, {2, 3}}},
		{5, "page=shift", [][]int{{1, 2}, {2, 3, 4}, {4, 5}}},
		{6, "page=shift,every=3", [][]int{{1, 2}, {3, 4}, {4, 5, 6}}},
	}
	for _, test := range tests {
		opts := logintctest.Options{Data: numbered(test.users), PageSize: 2}
		if test.spec != "" {
			opts.Faults = faults(t, test.spec)
		}
		_, c := start(t, opts)
		if diff := cmp.Diff(test.want, pages(c, "/api/users")); diff != "" {
			t.Errorf("%d users, %q (-want +got):\n%s", test.users, test.spec, diff)
		}
	}
}

func TestLatencyAndDelay(t *testing.T) {
	t.Parallel()
	// The clock of the bubble moves on only when all wait: no time passes.
	synctest.Test(t, func(t *testing.T) {
		e, err := logintctest.New(logintctest.Options{Data: acme(), Latency: time.Second, Faults: faults(t, "delay=2s,method=POST")})
		if err != nil {
			t.Fatal(err)
		}
		for method, want := range map[string]time.Duration{"GET": time.Second, "POST": 3 * time.Second} {
			begin := time.Now()
			e.ServeHTTP(newRecorder(), newRequest(t, method))
			if got := time.Since(begin); got != want {
				t.Errorf("%s took %s, want %s", method, got, want)
			}
		}
	})
}

// TestClientGone: who does not wait for the answer has not been served.
func TestClientGone(t *testing.T) {
	t.Parallel()
	e, err := logintctest.New(logintctest.Options{Data: acme(), Faults: faults(t, "delay=1h")})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := newRequest(t, "DELETE").WithContext(ctx)
	func() {
		defer func() {
			if err, isError := recover().(error); !isError || !errors.Is(err, http.ErrAbortHandler) {
				t.Errorf("the handler ended with %v", err)
			}
		}()
		e.ServeHTTP(newRecorder(), r)
	}()
	want := []logintctest.Call{{Method: "DELETE", Path: "/api/ping", Status: 0}}
	if diff := cmp.Diff(want, e.Requests().Calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	_, c := start(t, logintctest.Options{RateLimit: 0.25, Now: func() time.Time { return now }})
	if got := c.send("GET", "/api/ping", ""); got.status != 200 {
		t.Errorf("the first: %d", got.status)
	}
	now = now.Add(time.Second)
	if got := c.send("GET", "/api/ping", ""); got.status != 429 || got.header.Get("Retry-After") != "3" {
		t.Errorf("too early: %d, Retry-After %q", got.status, got.header.Get("Retry-After"))
	}
	now = now.Add(3 * time.Second)
	if got := c.send("GET", "/api/ping", ""); got.status != 200 {
		t.Errorf("at the time that was told: %d", got.status)
	}
	_, c = start(t, logintctest.Options{RateLimit: 0.001})
	first, second := c.send("GET", "/api/ping", ""), c.send("GET", "/api/ping", "")
	if first.status != 200 || second.status != 429 || second.header.Get("Retry-After") != "1000" {
		t.Errorf("by the system's clock: %d, then %d, Retry-After %q", first.status, second.status, second.header.Get("Retry-After"))
	}
}
