package logintctest_test

import (
	"bytes"
	"image/png"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/providers/logintctest"
)

func userObject(id, username, name, email, domains string) string {
	return `{"id":"` + id + `","username":"` + username + `","name":"` + name + `","email":"` + email +
		`","domains":[` + domains + `],"bypasscodes":[],"hardware":null}`
}

// TestDocumentedCalls walks the documentation call by call, on one organization.
func TestDocumentedCalls(t *testing.T) {
	t.Parallel()
	server, c := start(t, logintctest.Options{API: "1.3"})

	const both, none = `"` + vpn + `","` + site + `"`, ""
	janeObject := userObject(jane, "jane", "Jane Doe", "jane@example.com", both)
	johnObject := userObject(john, "john", "John Roe", "john@example.com", none)
	member := "/api/domains/" + vpn + "/users/" + john
	// ID and CODE stand for what is made anew each time.
	const pending = `{"state":"pending","code":"CODE"}`
	steps := []struct {
		method, path, send string
		status             int
		want               string // the body, or the code of an error
	}{
		{"GET", "/api/ping", "", 200, `{"status":"OK"}`},
		{"GET", "/api/organization", "", 200, `{"name":"Acme"}`},
		{"GET", "/api/users?page=1", "", 200, "[" + johnObject + "," + janeObject + "]"},
		{"GET", "/api/users?page=2", "", 200, "[]"},
		{"GET", "/api/users", "", 200, "[" + johnObject + "," + janeObject + "]"},
		{"GET", "/api/users?username=jane", "", 200, janeObject},
		{"GET", "/api/users?username=Jane", "", 404, "api.error.notfound.user"},
		{"POST", "/api/users", `{"username":"zoë & <co>","name":"Zoë","email":"zoe@example.com"}`, 201, `{"id":"ID","username":"zoë \u0026 \u003cco\u003e","name":"Zoë","email":"zoe@example.com","domains":[],"bypasscodes":[],"hardware":null}`},
		{"GET", "/api/users/" + jane, "", 200, janeObject},
		{"GET", "/api/users/" + nobody, "", 404, "api.error.notfound.user"},
		{"PUT", "/api/users/" + john, `{"name":"John R."}`, 200, userObject(john, "john", "John R.", "john@example.com", none)},
		{"PUT", "/api/users/" + john, `{"email":"j@example.com"}`, 200, userObject(john, "john", "John R.", "j@example.com", none)},
		{"PUT", "/api/users/" + john, `{}`, 200, userObject(john, "john", "John R.", "j@example.com", none)},
		{"GET", "/api/domains/" + vpn, "", 200, `{"id":"` + vpn + `","name":"VPN","type":"RADIUS","keyType":"PIN","maxAllowedRetries":3,"requestTimeout":60,"activationCodeExpiration":14,"requestPollingEnabled":true,"bypassEnabled":true}`},
		{"GET", "/api/domains/" + nobody, "", 404, "api.error.notfound.domain"},
		{"GET", "/api/domains/" + vpn + "/users?page=1", "", 200, "[" + janeObject + "]"},
		{"GET", "/api/domains/" + nobody + "/users?page=1", "", 404, "api.error.notfound.domain"},
		{"GET", member, "", 404, "api.error.notfound.member"},
		{"PUT", member + "/token", "", 404, "api.error.notfound.member"},
		{"GET", member + "/token", "", 404, "api.error.notfound.token"},
		{"PUT", member, "", 200, ""},
		{"PUT", member, "", 200, ""},
		{"GET", member, "", 200, userObject(john, "john", "John R.", "j@example.com", `"`+vpn+`"`)},
		{"GET", member + "/token", "", 404, "api.error.notfound.token"},
		{"PUT", member + "/token", "", 200, pending},
		{"GET", member + "/token", "", 200, pending},
		{"DELETE", member + "/token", "", 200, ""},
		{"DELETE", member + "/token", "", 404, "api.error.notfound.token"},
		{"PUT", member + "/token", "", 200, pending},
		{"DELETE", member, "", 200, ""},
		{"DELETE", member, "", 404, "api.error.notfound.member"},
		{"GET", member + "/token", "", 404, "api.error.notfound.token"},
		{"GET", "/api/users/" + john, "", 200, userObject(john, "john", "John R.", "j@example.com", none)},
		{"GET", "/api/domains/" + vpn + "/users/" + jane + "/token", "", 200, `{"state":"active"}`},
		{"PUT", "/api/domains/" + vpn + "/users/" + jane + "/token", "", 200, pending},
		{"DELETE", "/api/users/" + jane, "", 200, ""},
		{"GET", "/api/users/" + jane, "", 404, "api.error.notfound.user"},
		{"GET", "/api/domains/" + vpn + "/users?page=1", "", 200, "[]"},
		{"DELETE", "/api/users/" + jane, "", 404, "api.error.notfound.user"},
	}
	made := regexp.MustCompile(`"id":"[0-9a-f]{40}"|"code":"[a-z0-9]{10}"`)
	var calls []logintctest.Call
	for _, step := range steps {
		got := c.send(step.method, step.path, step.send)
		calls = append(calls, logintctest.Call{Method: step.method, Path: step.path, Status: step.status})
		body := got.body
		if step.status >= 400 {
			body = got.code(t)
		}
		if strings.Contains(step.want, `"ID"`) || step.want == pending {
			body = made.ReplaceAllStringFunc(body, func(s string) string {
				if strings.HasPrefix(s, `"id"`) {
					return `"id":"ID"`
				}
				return `"code":"CODE"`
			})
		}
		if got.status != step.status {
			t.Errorf("%s %s: status %d, want %d: %s", step.method, step.path, got.status, step.status, got.body)
		}
		if diff := cmp.Diff(step.want, body); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", step.method, step.path, diff)
		}
		if want := strconv.Itoa(len(got.body)); got.header.Get("Content-Length") != want {
			t.Errorf("%s %s: Content-Length %q, want %s", step.method, step.path, got.header.Get("Content-Length"), want)
		}
	}
	if diff := cmp.Diff(logintctest.Requests{Total: len(calls), Calls: calls}, server.Requests()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestImage(t *testing.T) {
	t.Parallel()
	_, c := start(t, logintctest.Options{})
	r := c.request("GET", "/api/domains/"+vpn+"/image", "")
	r.Header.Set("Accept", "image/png") // as the official clients do
	got, err := c.do(r)
	if err != nil || got.status != 200 || got.header.Get("Content-Type") != "image/png" {
		t.Fatalf("status %d, type %q, error %v", got.status, got.header.Get("Content-Type"), err)
	}
	if _, err := png.Decode(bytes.NewReader([]byte(got.body))); err != nil {
		t.Errorf("the image is no PNG: %v", err)
	}
}

func TestSetMembers(t *testing.T) {
	t.Parallel()
	server, c := start(t, logintctest.Options{})
	path := "/api/domains/" + vpn + "/users"
	got := c.send("PUT", path, `[{"username":"new","email":"new@example.com","name":"New"},{"username":"john","email":"other@example.com","name":"Other"}]`)
	if got.status != 200 || got.body != "" {
		t.Fatalf("status %d: %s", got.status, got.body)
	}
	want := acme()
	want.Users[0].Domains = []string{vpn} // john joins and keeps name and email
	want.Users[1].Domains = []string{site}
	delete(want.Users[1].Tokens, vpn)
	want.Users = append(want.Users, logintctest.User{Username: "new", Name: "New", Email: "new@example.com", Domains: []string{vpn}})
	if diff := cmp.Diff(want, server.Data(), ignoreOrder, ignoreNewIDs, equateEmpty); diff != "" {
		t.Errorf("organization (-want +got):\n%s", diff)
	}
	// A list that is refused changes nothing.
	before := server.Data()
	got = c.send("PUT", path, `[{"username":"x","email":"x@example.com","name":"X"},{"username":"x","email":"x@example.com","name":"X"}]`)
	if got.status != 400 || got.code(t) != "api.error.duplicate.username" {
		t.Errorf("status %d: %s", got.status, got.body)
	}
	if diff := cmp.Diff(before, server.Data()); diff != "" {
		t.Errorf("organization (-want +got):\n%s", diff)
	}
	if got = c.send("PUT", path, `[]`); got.status != 200 {
		t.Errorf("an empty list: status %d: %s", got.status, got.body)
	}
	if got = c.send("GET", path+"?page=1", ""); got.body != "[]" {
		t.Errorf("members after an empty list: %s", got.body)
	}
}
