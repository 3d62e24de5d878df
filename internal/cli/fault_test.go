package cli_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/cli"
	"github.com/rollcall-cli/rollcall/internal/providers/logintctest"
)

// The ways in which LoginTC fails, the calls that it fails on, and how often.
var (
	faultEffects = []string{
		"status=500", "status=503", "status=429", "status=429,retry_after=20", "drop=before", "drop=after", "body=half",
		"delay=45s", "type=text/html", "status=502,type=text/html", "page=repeat", "page=shift",
	}
	faultCalls = []string{
		"method=GET", "method=GET,path=/api/domains/" + vpnID + "/users?page=", "method=GET,path=/api/users?page=",
		"method=GET,path=/api/domains/" + siteID, "method=POST,path=/api/users", "method=PUT,path=/api/users/",
		"method=DELETE,path=/api/users/", "method=PUT,path=/api/domains/" + vpnID, "method=DELETE,path=/api/domains/" + vpnID,
		"path=/api/",
	}
	faultTimes = []string{"every=1", "every=2", "every=3,after=1", "every=1000,after=2"}
)

// TestFaults lets LoginTC misbehave in every way on every call. The run ends in the
// wanted state, or with an error that names the call and, where one user failed, the
// user; nobody is created twice, no token issued twice, nobody removed whom the plan
// does not name; and when LoginTC is well again, so is everything.
func TestFaults(t *testing.T) {
	t.Parallel()
	c := newFaulty(t)
	var ends [6]atomic.Int64
	t.Cleanup(func() {
		var all int64
		for i := range ends {
			all += ends[i].Load()
		}
		t.Logf("%d faults: %d done all the same, %d stopped at an error, %d failed in part, %d left alone what seemed changed",
			all, ends[0].Load(), ends[1].Load(), ends[5].Load(), ends[4].Load())
	})
	for _, effect := range faultEffects {
		t.Run(effect, func(t *testing.T) {
			t.Parallel()
			for _, call := range faultCalls {
				for _, when := range faultTimes {
					if code, ok := c.suffer(t, effect+","+call+","+when); ok {
						ends[code].Add(1)
					}
				}
			}
			// After a lost answer it is looked up what was done; that may fail as well.
			for _, lookup := range []string{"method=GET,path=/api/users?username=", "method=GET,path=/api/domains/" + vpnID + "/users/"} {
				for _, when := range faultTimes {
					if code, ok := c.suffer(t, "drop=after,method=POST,every=2", "drop=after,method=PUT,every=2", effect+","+lookup+","+when); ok {
						ends[code].Add(1)
					}
				}
			}
		})
	}
}

// faulty is an organization, a state and a directory between which there is some of
// everything to do.
type faulty struct {
	files map[string][]byte
	data  logintctest.Data
	want  []string // the members of the domain vpn, then those of site
}

func newFaulty(t *testing.T) *faulty {
	t.Helper()
	id := func(n int) string { return fmt.Sprintf("%040x", n) }
	c := &faulty{
		files: map[string][]byte{"main.hcl": []byte(strings.ReplaceAll(crowdConfiguration, "var.logintc_host", `"http://127.0.0.1:1"`))},
		data: logintctest.Data{
			Name: "Acme", APIKey: testKey, Domains: []logintctest.Domain{{ID: vpnID, Name: "VPN"}, {ID: siteID, Name: "Site"}},
			Users: []logintctest.User{
				{ID: id(1), Username: "bystander", Name: "By Stander", Email: "by@example.com", Domains: []string{vpnID}},
				{ID: id(2), Username: "elsewhere", Name: "Else Where", Email: "elsewhere@example.com"},
			},
		},
	}
	for i, name := range []string{"stays1", "stays2", "changes1", "changes2", "leaves1", "leaves2", "leaves3"} {
		c.data.Users = append(c.data.Users, logintctest.User{ID: id(10 + i), Username: name, Name: "Name " + name, Email: name + "@example.com", Domains: []string{vpnID}})
	}
	for i, name := range []string{"deleted1", "deleted2"} {
		c.data.Users = append(c.data.Users, logintctest.User{ID: id(20 + i), Username: name, Name: "Name " + name, Email: name + "@example.com", Domains: []string{siteID}})
	}
	entries := func(domain, suffix string, names ...string) string {
		var b strings.Builder
		for _, name := range names {
			fmt.Fprintf(&b, "dn: uid=%s,ou=People,dc=example,dc=com\nobjectClass: person\nuid: %s\ncn: Name %s%s\nmail: %s@example.com\nou: %s\n\n", name, name, name, suffix, name, domain)
		}
		return b.String()
	}
	c.files["people.ldif"] = []byte(entries("vpn", "", "stays1", "stays2", "changes1", "changes2", "leaves1", "leaves2", "leaves3") + entries("site", "", "deleted1", "deleted2"))
	var at string
	c.within(t, nil, func(_ *testing.T, run runner, _ *watched, folder string) {
		run(0, "apply", "--auto-approve")
		at = folder
	})
	state, err := os.ReadFile(filepath.Join(at, "rollcall.state.json"))
	if err != nil {
		t.Fatal(err)
	}
	c.files["rollcall.state.json"] = state
	c.files["people.ldif"] = []byte(entries("vpn", "", "stays1", "stays2", "new1", "new2", "new3", "new4", "elsewhere") + entries("vpn", " Changed", "changes1", "changes2"))
	c.want = []string{
		"bystander | By Stander", "changes1 | Name changes1 Changed", "changes2 | Name changes2 Changed", "elsewhere | Name elsewhere",
		"new1 | Name new1", "new2 | Name new2", "new3 | Name new3", "new4 | Name new4", "stays1 | Name stays1", "stays2 | Name stays2",
	}
	return c
}

// runner runs rollcall, wants one exit code unless it is -1, and returns what came.
type runner func(code int, args ...string) (out string, got int)

// within runs test in a folder with the organization, in time of its own.
func (c *faulty) within(t *testing.T, faults []string, test func(t *testing.T, run runner, emulator *watched, folder string)) {
	t.Helper()
	folder := t.TempDir()
	for name, content := range c.files {
		write(t, folder, name, content)
	}
	synctest.Test(t, func(t *testing.T) { //nolint:thelper // the test itself
		emulator := c.emulator(t, c.data, faults)
		serve(t, emulator, func(run runner) { test(t, run, emulator, folder) }, folder)
	})
}

func (c *faulty) emulator(t *testing.T, data logintctest.Data, specs []string) *watched {
	t.Helper()
	options := logintctest.Options{API: "1.3", Data: data, PageSize: 3, Now: time.Now}
	for _, spec := range specs {
		fault, err := logintctest.ParseFault(spec)
		if err != nil {
			t.Fatal(err)
		}
		options.Faults = append(options.Faults, fault)
	}
	emulator, err := logintctest.New(options)
	if err != nil {
		t.Fatal(err)
	}
	return &watched{
		Emulator: emulator, unanswered: slices.ContainsFunc(specs, func(s string) bool { return strings.HasPrefix(s, "drop=after") }),
		late: slices.ContainsFunc(specs, func(s string) bool { return strings.HasPrefix(s, "delay=") }),
	}
}

// watched is an emulator of which is known what it acted upon.
type watched struct {
	*logintctest.Emulator
	// unanswered says that calls whose connection is closed were acted upon, late that
	// calls are after nobody waits for them any more.
	unanswered, late bool

	mu sync.Mutex
	// acted are the methods and paths of what was, refused those of what was there already.
	acted, refused []string
}

// ServeHTTP implements http.Handler.
func (w *watched) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	seen := &answerWriter{ResponseWriter: out}
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		call := r.Method + " " + r.URL.Path
		switch {
		case seen.status == 0 && w.unanswered, seen.status/100 == 2 && !strings.HasPrefix(out.Header().Get("Content-Type"), "text/"):
			w.acted = append(w.acted, call)
		case seen.status/100 == 4 && seen.status != http.StatusTooManyRequests:
			w.refused = append(w.refused, call)
		}
	}()
	w.Emulator.ServeHTTP(seen, r)
}

// answerWriter notes the status of an answer, 0 where there is none.
type answerWriter struct {
	http.ResponseWriter
	status int
}

func (w *answerWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *answerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// serve serves the emulator over pipes while test runs rollcall in the folder.
func serve(t *testing.T, emulator *watched, test func(runner), folder string) {
	t.Helper()
	p := logintctest.NewPipes()
	server := &http.Server{Handler: emulator}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(p) })
	test(func(code int, args ...string) (string, int) {
		t.Helper()
		var out bytes.Buffer
		e := cli.Env{
			In: strings.NewReader(""), Out: &out, Err: &out, Now: time.Now, Version: "0.1.0-test", Host: "testhost", User: "tester", PID: 1,
			Environ: crowdEnviron("unused"), Dial: p.Dial,
		}
		got := cli.Run(t.Context(), append([]string{"--chdir", folder}, args...), e)
		if code >= 0 && got != code {
			t.Errorf("rollcall %s: exit code %d, want %d\n%s", strings.Join(args, " "), got, code, out.String())
		}
		return out.String(), got
	})
	if err := server.Shutdown(t.Context()); err != nil { // once the calls under way are through
		t.Error(err)
	}
	serving.Wait()
}

// suffer plans and applies while LoginTC has the faults, and once more when it is
// well. It returns the exit code; ok is false where the faults do not go together.
func (c *faulty) suffer(t *testing.T, faults ...string) (code int, ok bool) {
	t.Helper()
	if strings.HasPrefix(faults[len(faults)-1], "page=") && !strings.Contains(faults[len(faults)-1], "GET") {
		return 0, false // only listings have pages
	}
	c.within(t, faults, func(t *testing.T, run runner, emulator *watched, folder string) {
		defer func() {
			if t.Failed() {
				t.Logf("with %s", strings.Join(faults, " and "))
			}
		}()
		var out string
		if out, code = run(-1, "plan", "--out", crowdPlan); code == 0 {
			out, code = run(-1, "apply", crowdPlan)
		}
		c.checkEnd(t, out, code)
		emulator.check(t)
		c.checkMembers(t, emulator.Data(), code == 0)
		well := c.emulator(t, emulator.Data(), nil)
		serve(t, well, func(run runner) {
			run(0, "plan", "--out", "next.plan")
			run(0, "apply", "next.plan")
			run(0, "plan", "--detailed-exitcode")
		}, folder)
		well.check(t)
		c.checkMembers(t, well.Data(), true)
	})
	return code, true
}

// checkEnd checks that what went wrong is said: the call, and whose it was.
func (c *faulty) checkEnd(t *testing.T, out string, code int) {
	t.Helper()
	named := regexp.MustCompile(`LoginTC: (GET|PUT|POST|DELETE) /`)
	switch code {
	case 0:
		return
	case 1:
		if !named.MatchString(out) {
			t.Errorf("no call is named in\n%s", out)
		}
		return
	case 4: // pages that repeat showed apply another LoginTC than plan
		if !strings.Contains(out, " was not done, since LoginTC changed after the plan was made: ") {
			t.Errorf("nothing says what changed:\n%s", out)
		}
		return
	case 5:
	default:
		t.Errorf("exit code %d\n%s", code, out)
	}
	failed := regexp.MustCompile(`(?m)^Warning: .* failed: .*$`).FindAllString(out, -1)
	for _, line := range failed {
		if !named.MatchString(line) || !regexp.MustCompile(`^Warning: domain\.(vpn|site)\["[a-z0-9]+"\]: [a-z_]+ failed: `).MatchString(line) {
			t.Errorf("neither user nor call is named: %s", line)
		}
	}
	if len(failed) == 0 && !strings.Contains(out, "Warning: LoginTC took it and lists otherwise: ") {
		t.Errorf("nothing says what failed:\n%s", out)
	}
}

// check checks that nothing was done twice.
func (w *watched) check(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	tokens := map[string]int{}
	for _, call := range w.acted {
		if strings.HasPrefix(call, "PUT ") && strings.HasSuffix(call, "/token") {
			if tokens[call]++; tokens[call] > 1 {
				t.Errorf("a token is issued twice: %s", call)
			}
		}
	}
	for _, call := range w.refused {
		if strings.HasPrefix(call, "POST ") && !w.late { // else LoginTC itself tells the first from the second
			t.Errorf("somebody is created twice: %s", call)
		}
	}
}

// checkMembers checks that nobody is missing who is to stay and, at the end, that
// everybody is there who is wanted, and nobody else.
func (c *faulty) checkMembers(t *testing.T, data logintctest.Data, end bool) {
	t.Helper()
	var members []string
	for _, u := range data.Users {
		if slices.Contains(u.Domains, vpnID) {
			members = append(members, u.Username+" | "+u.Name)
			if end && strings.HasPrefix(u.Username, "new") && u.Tokens[vpnID] == "" {
				t.Errorf("%s has no token", u.Username)
			}
		}
		if end && slices.Contains(u.Domains, siteID) {
			t.Errorf("%s is still there", u.Username)
		}
	}
	slices.Sort(members)
	for _, name := range []string{"bystander", "stays1", "stays2", "changes1", "changes2"} {
		if !slices.ContainsFunc(members, func(m string) bool { return strings.HasPrefix(m, name+" ") }) {
			t.Errorf("%s is gone", name)
		}
	}
	if diff := cmp.Diff(c.want, members); end && diff != "" {
		t.Error(diff)
	}
}
