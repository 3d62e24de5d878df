package logintctest_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/providers/logintctest"
)

func TestWrongHeaders(t *testing.T) {
	t.Parallel()
	server, c := start(t, logintctest.Options{})
	const create = `{"username":"new","name":"New","email":"new@example.com"}`
	tests := []struct {
		name, method, path, body string
		edit                     func(http.Header)
		status                   int
		code                     string
	}{
		{"no key", "GET", "/api/ping", "", func(h http.Header) { h.Del("Authorization") }, 401, "unauthorized"},
		{"wrong key", "GET", "/api/ping", "", func(h http.Header) {
			h.Set("Authorization", `LoginTC key="`+strings.Repeat("x", 64)+`"`)
		}, 401, "unauthorized"},
		{"key without quotes", "GET", "/api/ping", "", func(h http.Header) { h.Set("Authorization", "LoginTC key="+key) }, 401, "unauthorized"},
		{"other scheme", "GET", "/api/ping", "", func(h http.Header) { h.Set("Authorization", "Bearer "+key) }, 401, "unauthorized"},
		{"two keys", "GET", "/api/ping", "", func(h http.Header) { h.Add("Authorization", h.Get("Authorization")) }, 401, "unauthorized"},
		{"the key comes before the path", "GET", "/api/nothing", "", func(h http.Header) { h.Del("Authorization") }, 401, "unauthorized"},
		{"no accept", "GET", "/api/ping", "", func(h http.Header) { h.Del("Accept") }, 406, "notacceptable"},
		{"any accept", "GET", "/api/ping", "", func(h http.Header) { h.Set("Accept", "*/*") }, 406, "notacceptable"},
		{"plain JSON accept", "GET", "/api/ping", "", func(h http.Header) { h.Set("Accept", "application/json") }, 406, "notacceptable"},
		{"image for JSON", "GET", "/api/ping", "", func(h http.Header) { h.Set("Accept", "image/png") }, 406, "notacceptable"},
		{"no content type", "POST", "/api/users", create, func(h http.Header) { h.Del("Content-Type") }, 400, "badrequest.body"},
		{"plain JSON content", "POST", "/api/users", create, func(h http.Header) { h.Set("Content-Type", "application/json") }, 400, "badrequest.body"},
		{"body on a join", "PUT", "/api/domains/" + vpn + "/users/" + john, `{}`, nil, 400, "badrequest.body"},
		{"body on a token", "PUT", "/api/domains/" + vpn + "/users/" + jane + "/token", `{}`, nil, 400, "badrequest.body"},
		{"body on a deletion", "DELETE", "/api/users/" + jane, `{}`, nil, 400, "badrequest.body"},
		{"body on a reading", "GET", "/api/users/" + jane, `{}`, nil, 400, "badrequest.body"},
	}
	for _, test := range tests {
		r := c.request(test.method, test.path, test.body)
		if test.edit != nil {
			test.edit(r.Header)
		}
		got, err := c.do(r)
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		if got.status != test.status || got.code(t) != "api.error."+test.code {
			t.Errorf("%s: %d %s, want %d %s", test.name, got.status, got.body, test.status, test.code)
		}
	}
	unchanged(t, server)
}

func TestWrongCalls(t *testing.T) {
	t.Parallel()
	server, c := start(t, logintctest.Options{API: "1.3"})
	token := "/api/domains/" + vpn + "/users/" + jane + "/token"
	tests := []struct {
		method, path string
		status       int
		code, allow  string
	}{
		{"GET", "/", 404, "notfound.call", ""},
		{"GET", "/api", 404, "notfound.call", ""},
		{"GET", "/api/", 404, "notfound.call", ""},
		{"GET", "/api/nothing", 404, "notfound.call", ""},
		{"GET", "/api/users/", 404, "notfound.call", ""},
		{"GET", "/api//users", 404, "notfound.call", ""},
		{"GET", "/api/ping/", 404, "notfound.call", ""},
		{"GET", "/api/users/jane", 404, "notfound.user", ""},
		{"GET", "/api/users/" + strings.ToUpper(site), 404, "notfound.user", ""},
		{"GET", "/api/domains/short/users?page=1", 404, "notfound.domain", ""},
		{"GET", "/api/domains/" + vpn + "/sessions", 404, "notfound.call", ""},
		{"GET", "/api/jobs/" + nobody, 404, "notfound.call", ""},
		{"PUT", "/api/groups/staff/users/" + jane, 404, "notfound.call", ""},
		{"PUT", token + "?email=true", 404, "notfound.call", ""},
		{"GET", "/api/users?page=1&size=5", 404, "notfound.call", ""},
		{"GET", "/api/users?page=1&page=2", 400, "badrequest.query", ""},
		{"GET", "/api/users?page=1&username=jane", 400, "badrequest.query", ""},
		{"GET", "/api/users?username=%ff", 400, "badrequest.query", ""},
		{"GET", "/api/users?username=%zz", 400, "badrequest.query", ""},
		{"GET", "/api/users?page=", 400, "badrequest.page", ""},
		{"GET", "/api/users?page=0", 400, "badrequest.page", ""},
		{"GET", "/api/users?page=-1", 400, "badrequest.page", ""},
		{"GET", "/api/users?page=01", 400, "badrequest.page", ""},
		{"GET", "/api/users?page=one", 400, "badrequest.page", ""},
		{"GET", "/api/users?page=99999999999999999999", 400, "badrequest.page", ""},
		{"GET", "/api/domains/" + vpn + "/users?page=0", 400, "badrequest.page", ""},
		{"DELETE", "/api/users", 405, "methodnotallowed", "GET, POST"},
		{"PATCH", "/api/users/" + jane, 405, "methodnotallowed", "GET, PUT, DELETE"},
		{"DELETE", "/api/domains/" + vpn, 405, "methodnotallowed", "GET"},
		{"POST", token, 405, "methodnotallowed", "GET, PUT, DELETE"},
		{"POST", "/api/domains/" + vpn + "/users", 405, "methodnotallowed", "GET, PUT"},
	}
	for _, test := range tests {
		got := c.send(test.method, test.path, "")
		if got.status != test.status || got.code(t) != "api.error."+test.code || got.header.Get("Allow") != test.allow {
			t.Errorf("%s %s: %d %s, Allow %q; want %d %s, %q", test.method, test.path,
				got.status, got.body, got.header.Get("Allow"), test.status, test.code, test.allow)
		}
	}
	if got := c.send("HEAD", "/api/ping", ""); got.status != 405 {
		t.Errorf("HEAD: status %d", got.status)
	}
	if got := c.send("GET", "/api/users?page=9223372036854775807", ""); got.body != "[]" {
		t.Errorf("the last page that there can be: %d %s", got.status, got.body)
	}
	unchanged(t, server)
}

func TestWrongBodies(t *testing.T) {
	t.Parallel()
	server, c := start(t, logintctest.Options{API: "1.3"})
	user := func(username, name, email string) string {
		return fmt.Sprintf(`{"username":%q,"name":%q,"email":%q}`, username, name, email)
	}
	valid, update, set := user("new", "New", "new@example.com"), "/api/users/"+john, "/api/domains/"+vpn+"/users"
	tests := []struct{ method, path, body, says string }{
		{"POST", "/api/users", "", "Content-Type"},
		{"POST", "/api/users", " ", "not JSON"},
		{"POST", "/api/users", "{", "not JSON"},
		{"POST", "/api/users", "[" + valid + "]", `"{" is expected`},
		{"POST", "/api/users", "null", "is expected"},
		{"POST", "/api/users", valid + valid, "follows"},
		{"POST", "/api/users", valid + "x", "follows"},
		{"POST", "/api/users", `{"username":"new","name":"New"}`, `"email" is missing`},
		{"POST", "/api/users", `{"username":"new","name":"New","email":null}`, "a string is expected"},
		{"POST", "/api/users", `{"username":7,"name":"New","email":"new@example.com"}`, "a string is expected"},
		{"POST", "/api/users", `{"username":{"x":1},"name":"New","email":"new@example.com"}`, "a string is expected"},
		{"POST", "/api/users", strings.Replace(valid, "username", "Username", 1), `"Username" is not documented`},
		{"POST", "/api/users", strings.Replace(valid, "{", `{"alias1":"x",`, 1), `"alias1" is not documented`},
		{"POST", "/api/users", strings.Replace(valid, "{", `{"username":"x",`, 1), "there twice"},
		{"POST", "/api/users", "{\"username\":\"\xff\",\"name\":\"New\",\"email\":\"new@example.com\"}", "not UTF-8"},
		{"POST", "/api/users", user("", "New", "new@example.com"), "0 characters"},
		{"POST", "/api/users", user(strings.Repeat("é", 129), "New", "new@example.com"), "129 characters"},
		{"POST", "/api/users", user("new", "", "new@example.com"), "0 characters"},
		{"POST", "/api/users", user("new", strings.Repeat("x", 129), "new@example.com"), "129 characters"},
		{"POST", "/api/users", user("new", "New", ""), "not an e-mail address"},
		{"POST", "/api/users", user("new", "New", "nobody"), "not an e-mail address"},
		{"POST", "/api/users", user("new", "New", "New <new@example.com>"), "not an e-mail address"},
		{"POST", "/api/users", user("jane", "New", "new@example.com"), "another user"},
		{"PUT", update, `{"username":"johnny"}`, `"username" is not documented`},
		{"PUT", update, `{"name":""}`, "0 characters"},
		{"PUT", update, `{"email":"nobody"}`, "not an e-mail address"},
		{"PUT", update, "", "Content-Type"},
		{"PUT", set, valid, `"[" is expected`},
		{"PUT", set, "[" + valid + `,{"username":"x"}]`, "element 2"},
		{"PUT", set, "[" + valid + ",]", ""},
		{"PUT", set, "[" + valid + "]]", "follows"},
	}
	for _, test := range tests {
		got := c.send(test.method, test.path, test.body)
		code := got.code(t)
		if got.status != 400 || !strings.HasPrefix(code, "api.error.") || !strings.Contains(strings.ReplaceAll(got.body, `\"`, `"`), test.says) {
			t.Errorf("%s %s %q: %d %s; want 400 that says %q", test.method, test.path, test.body, got.status, got.body, test.says)
		}
	}
	unchanged(t, server)

	longest := user(strings.Repeat("é", 128), strings.Repeat("é", 128), "new@example.com")
	if got := c.send("POST", "/api/users", longest); got.status != 201 {
		t.Errorf("128 characters: %d %s", got.status, got.body)
	}
}

// TestRaw sends what net/http's client does not.
func TestRaw(t *testing.T) {
	t.Parallel()
	server, _ := start(t, logintctest.Options{})
	tests := []struct {
		name, line, headers, body, status string
	}{
		{"no Content-Length", "PUT /api/domains/" + vpn + "/users/" + john, "", "", "HTTP/1.1 400 Bad Request"},
		{"Content-Length 0", "PUT /api/domains/" + vpn + "/users/" + john, "Content-Length: 0\r\n", "", "HTTP/1.1 200 OK"},
		{
			"empty chunked body", "POST /api/users",
			"Transfer-Encoding: chunked\r\nContent-Type: " + vendorType + "\r\n", "0\r\n\r\n", "HTTP/1.1 400 Bad Request",
		},
		{"chunked join", "PUT /api/domains/" + vpn + "/users/" + john, "Transfer-Encoding: chunked\r\n", "0\r\n\r\n", "HTTP/1.1 400 Bad Request"},
	}
	for _, test := range tests {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(server.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: x\r\nAuthorization: LoginTC key=\"%s\"\r\nAccept: %s\r\n%s\r\n%s",
			test.line, key, vendorType, test.headers, test.body)
		if err != nil {
			t.Fatal(err)
		}
		got, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil || strings.TrimSpace(got) != test.status {
			t.Errorf("%s: %q, error %v; want %s", test.name, got, err, test.status)
		}
		_ = conn.Close()
	}
}

func unchanged(t *testing.T, server *logintctest.Server) {
	t.Helper()
	if diff := cmp.Diff(acme(), server.Data(), ignoreOrder, equateEmpty); diff != "" {
		t.Errorf("the organization changed (-want +got):\n%s", diff)
	}
}
