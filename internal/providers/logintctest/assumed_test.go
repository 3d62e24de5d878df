package logintctest_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/providers/logintctest"
)

// TestAssumedCalls walks the assumed calls, on one organization. Under "1.3" each of
// them answers 404.
func TestAssumedCalls(t *testing.T) {
	t.Parallel()
	server, c := start(t, logintctest.Options{API: "sync"})
	_, documented := start(t, logintctest.Options{API: "1.3"})
	notices := "/api/domains/" + vpn + "/notifications"
	jobs := "/api/domains/" + vpn + "/jobs"
	token := "/api/domains/" + vpn + "/users/" + jane + "/token"
	for _, step := range []struct {
		method, path, send string
		status             int
		want               string // part of the body
	}{
		{"POST", "/api/users/" + john + "/phones", `{"number":"+4930123456"}`, 200, `"phones":["+1 555","+4930123456"]`},
		{"POST", "/api/users/" + john + "/phones", `{"number":"+4930123456"}`, 200, `"phones":["+1 555","+4930123456"]`},
		{"POST", "/api/users/" + john + "/phones", `{"number":""}`, 400, "0 characters"},
		{"POST", "/api/users/" + john + "/phones", `{"phone":"+4930"}`, 400, "not documented"},
		{"POST", "/api/users/" + nobody + "/phones", `{"number":"+4930"}`, 404, "notfound.user"},
		{"PUT", "/api/groups/North%2FSouth%20%26%20Zo%C3%AB/users/" + john, "", 200, ""},
		{"PUT", "/api/groups/staff/users/" + john, "", 200, ""},
		{"PUT", "/api/groups/" + strings.Repeat("x", 129) + "/users/" + john, "", 400, "badrequest.group"},
		{"PUT", "/api/groups/staff/users/" + nobody, "", 404, "notfound.user"},
		{"PUT", token + "?email=true", "", 200, `{"state":"pending"}`},
		{"PUT", token + "?email=yes", "", 400, "badrequest.query"},
		{"POST", notices, `{"email":"admin@example.com","added":["a"],"removed":["b","c"]}`, 202, ""},
		{"POST", notices, `{"email":"nobody@example.com","added":["a"],"removed":[]}`, 202, ""},
		{"POST", notices, `{"email":"admin@example.com","added":[],"removed":[]}`, 400, "nobody was"},
		{"POST", notices, `{"email":"admin@example.com","added":["a"]}`, 400, "missing"},
		{"POST", notices, `{"email":"admin@example.com","added":"a","removed":[]}`, 400, "expected"},
		{"POST", jobs, `{"type":"SyncUsersJob","actions":[]}`, 400, "at least one"},
		{"POST", jobs, `{"type":"Job","actions":[{"action":"leave_domain","user":"x"}]}`, 400, "SyncUsersJob"},
		{"POST", jobs, `{"type":"SyncUsersJob","actions":[{"action":"leave_domain","user":"x","username":"y"}]}`, 400, "element 1"},
		{"POST", jobs, `{"type":"SyncUsersJob","actions":[{"action":"leave_domain"}]}`, 400, "either user or username"},
		{"POST", jobs, `{"type":"SyncUsersJob","actions":[{"action":"frobnicate","user":"x"}]}`, 400, "frobnicate"},
		{"POST", jobs, `{"type":"SyncUsersJob","actions":[{"action":"join_domain","user":"x","name":"y"}]}`, 400, `not one of join_domain`},
		{"POST", jobs, `{"type":"SyncUsersJob","actions":[{"action":"update_user","user":"x"}]}`, 400, "nothing is to be changed"},
		{"POST", jobs, `{"type":"SyncUsersJob","notify":"x","actions":[{"action":"join_domain","user":"x"}]}`, 400, "notify"},
		{"GET", "/api/jobs/" + nobody, "", 404, "notfound.job"},
	} {
		got := c.send(step.method, step.path, step.send)
		body := strings.ReplaceAll(got.body, `\"`, `"`)
		if got.status != step.status || !strings.Contains(body, step.want) || step.want == "" && body != "" {
			t.Errorf("%s %s %s: %d %s; want %d with %q", step.method, step.path, step.send, got.status, got.body, step.status, step.want)
		}
		if off := documented.send(step.method, step.path, step.send); off.status != 404 || off.code(t) != "api.error.notfound.call" {
			t.Errorf("under 1.3: %s %s: %d %s", step.method, step.path, off.status, off.body)
		}
	}
	data := server.Data()
	if diff := cmp.Diff([]string{"staff", "North/South & Zoë"}, data.Users[1].Groups); diff != "" {
		t.Error(diff)
	}
	want := []logintctest.Mail{
		{To: "jane@example.com", Kind: "token", Domain: vpn, Username: "jane"},
		{To: "admin@example.com", Kind: "notification", Domain: vpn, Added: []string{"a"}, Removed: []string{"b", "c"}},
	}
	if diff := cmp.Diff(want, server.Mails().Mails); diff != "" {
		t.Error(diff)
	}
}

// A user's aliases, phones and groups as POST and PUT take them.
func TestAssumedFields(t *testing.T) {
	t.Parallel()
	_, c := start(t, logintctest.Options{})
	user := "/api/users/" + jane
	for _, step := range []struct {
		send   string
		status int
		want   string
	}{
		{`{"alias1":"jd","phones":["+491"],"groups":["a"]}`, 200, `"alias1":"jd","alias2":null,"alias3":null,"phones":["+491"],"groups":["a"]`},
		{`{"alias2":"x","phones":["+492","+491"]}`, 200, `"alias1":"jd","alias2":"x","alias3":null,"phones":["+491","+492"],"groups":["a"]`},
		{`{"alias1":null}`, 200, `"alias1":null,"alias2":"x"`},
		{`{"alias1":""}`, 400, "0 characters"},
		{`{"alias1":7}`, 400, "expected"},
		{`{"alias4":"x"}`, 400, "not documented"},
		{`{"phones":[null]}`, 400, "expected"},
		{`{"phones":"+491"}`, 400, "expected"},
		{`{"alias1":"a","alias1":"b"}`, 400, "twice"},
	} {
		got := c.send("PUT", user, step.send)
		if body := strings.ReplaceAll(got.body, `\"`, `"`); got.status != step.status || !strings.Contains(body, step.want) {
			t.Errorf("%s: %d %s; want %d with %s", step.send, got.status, got.body, step.status, step.want)
		}
	}
	made := c.send("POST", "/api/users", `{"username":"new","name":"N","email":"n@example.com","alias3":"n3","alias1":null}`)
	if made.status != 201 || !strings.Contains(made.body, `"alias1":null,"alias2":null,"alias3":"n3"`) {
		t.Errorf("%d %s", made.status, made.body)
	}
}

// clock is a clock that a test moves.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func submit(t *testing.T, c client, notify string, actions ...string) string {
	t.Helper()
	if notify != "" {
		notify = fmt.Sprintf(`"notify":%q,`, notify)
	}
	got := c.send("POST", "/api/domains/"+vpn+"/jobs", fmt.Sprintf(`{"type":"SyncUsersJob",%s"actions":[%s]}`, notify, strings.Join(actions, ",")))
	id := regexp.MustCompile(`^\{"id":"([0-9a-f]{40})"\}$`).FindStringSubmatch(got.body)
	if got.status != 202 || id == nil {
		t.Fatalf("%d %s", got.status, got.body)
	}
	return id[1]
}

// look returns the job without what is made anew each time.
func look(t *testing.T, c client, id string) string {
	t.Helper()
	got := c.send("GET", "/api/jobs/"+id, "")
	var job map[string]any
	if err := json.Unmarshal([]byte(got.body), &job); err != nil || got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	var results []string
	for _, r := range job["results"].([]any) {
		result := r.(map[string]any)
		text := result["status"].(string)
		if code, ok := result["code"].(string); ok && len(code) == 10 {
			text += " with code"
		}
		if code, ok := result["errorCode"].(string); ok {
			text += " " + code
		}
		results = append(results, text)
	}
	return fmt.Sprintf("%v %v/%v %v %v %v %v: %s", job["status"], job["actionsCompleted"], job["actionsTotal"], job["dtCreated"], job["dtStarted"],
		job["dtCompleted"], job["errorCode"], strings.Join(results, ", "))
}

func TestJobs(t *testing.T) {
	t.Parallel()
	at := &clock{time.Date(2017, 8, 2, 17, 46, 43, 0, time.UTC)}
	server, c := start(t, logintctest.Options{JobPace: time.Second, Now: at.now})
	first := submit(t, c, "admin@example.com",
		`{"action":"create_user","username":"new","name":"N","email":"n@example.com","alias1":"nn"}`,
		`{"action":"join_domain","username":"new"}`, `{"action":"issue_token","username":"new"}`,
		`{"action":"create_user","username":"john","name":"J","email":"j@example.com"}`, `{"action":"join_domain","username":"john"}`,
		`{"action":"leave_domain","user":"`+jane+`"}`, `{"action":"delete_user","user":"`+nobody+`"}`)
	second := submit(t, c, "", `{"action":"update_user","user":"`+john+`","name":"J. R.","alias1":null}`, `{"action":"join_domain","user":"`+john+`"}`,
		`{"action":"issue_token_with_email","user":"`+john+`"}`, `{"action":"associate_phone","user":"`+john+`","number":"+49"}`,
		`{"action":"join_group","user":"`+john+`","group":"g"}`, `{"action":"delete_user","user":"`+jane+`"}`)
	const created = "2017-08-02T17:46:43+0000"
	for _, step := range []struct {
		pass  time.Duration
		id    string
		wants string
	}{
		{0, first, "Running 0/7 " + created + " " + created + " <nil> <nil>: "},
		{2 * time.Second, first, "Running 2/7 " + created + " " + created + " <nil> <nil>: Completed, Completed"},
		{0, second, "Queued 0/6 " + created + " <nil> <nil> <nil>: "},
		{5 * time.Second, first, "Failed 7/7 " + created + " " + created + " 2017-08-02T17:46:50+0000 api.error.job.actions: " +
			"Completed, Completed, Completed with code, Failed api.error.duplicate.username, Skipped, Completed, Failed api.error.notfound.user"},
		{0, second, "Running 0/6 " + created + " 2017-08-02T17:46:50+0000 <nil> <nil>: "},
		{time.Minute, second, "Completed 6/6 " + created + " 2017-08-02T17:46:50+0000 2017-08-02T17:46:56+0000 <nil>: " +
			"Completed, Completed, Completed, Completed, Completed, Completed"},
	} {
		at.at = at.at.Add(step.pass)
		if diff := cmp.Diff(step.wants, look(t, c, step.id)); diff != "" {
			t.Error(diff)
		}
	}
	var names []string
	for _, u := range server.Data().Users {
		names = append(names, fmt.Sprint(u.Username, " ", u.Name, " ", u.Phones, u.Groups, len(u.Domains), len(u.Tokens)))
	}
	if diff := cmp.Diff([]string{"john J. R. [+1 555 +49] [staff g] 1 1", "new N [] [] 1 1"}, names); diff != "" {
		t.Error(diff)
	}
	mails := []logintctest.Mail{
		{To: "admin@example.com", Kind: "notification", Domain: vpn, Added: []string{"new"}, Removed: []string{"jane"}},
		{To: "john@example.com", Kind: "token", Domain: vpn, Username: "john"},
	}
	if diff := cmp.Diff(mails, server.Mails().Mails); diff != "" {
		t.Error(diff)
	}
}

// The rest of a job whose domain is deleted stays undone.
func TestJobWithoutDomain(t *testing.T) {
	t.Parallel()
	at := &clock{time.Date(2017, 8, 2, 17, 46, 43, 0, time.UTC)}
	server, c := start(t, logintctest.Options{JobPace: time.Second, Now: at.now})
	id := submit(t, c, "admin@example.com", `{"action":"join_domain","user":"`+john+`"}`, `{"action":"leave_domain","user":"`+john+`"}`)
	at.at = at.at.Add(time.Second)
	err := server.Update(func(d *logintctest.Data) {
		d.Domains = d.Domains[1:]
		for i := range d.Users {
			d.Users[i].Domains, d.Users[i].Tokens = nil, nil
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	want := "Failed 1/2 2017-08-02T17:46:43+0000 2017-08-02T17:46:43+0000 2017-08-02T17:46:44+0000 api.error.notfound.domain: Completed"
	if diff := cmp.Diff(want, look(t, c, id)); diff != "" {
		t.Error(diff)
	}
}
