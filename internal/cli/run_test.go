package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-cli/rollcall/internal/cli"
	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
	"github.com/rollcall-cli/rollcall/internal/providers/logintctest"
	"github.com/rollcall-cli/rollcall/internal/state"
)

// env is a process without a terminal.
func env(out io.Writer) cli.Env {
	return cli.Env{
		In: strings.NewReader(""), Out: out, Err: out, Now: time.Now, Version: "0.1.0-test",
		Environ: []string{"ROLLCALL_VAR_logintc_api_key=" + testKey},
	}
}

func TestDemo(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if code := cli.Run(t.Context(), []string{"demo"}, env(&out)); code != 0 {
		t.Fatalf("exit code %d\n%s", code, out.String())
	}
	for _, want := range []string{
		"$ rollcall plan --out first.plan", "Plan: 4 to add, 1 to change, 0 to remove. 1 to adopt.", "No changes.", "it was applied already",
		"Plan: 1 to add, 1 to change, 1 to remove.", "Applied: 1 added, 1 changed, 1 removed.", "3 removals are due and max_remove_limit (1) allows 1", "(exit code 3)",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the demo does not show: %s", want)
		}
	}
}

// The emulator as a process of its own: its first line, its data, its calls.
func TestEmulator(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	read, write := io.Pipe()
	done := make(chan int, 1)
	go func() {
		done <- cli.Run(ctx, []string{"emulator", "--data", "../../examples/quickstart/organization.json", "--page-size", "1", "--fault", "status=503,every=2"}, env(write))
	}()
	first, err := bufio.NewReader(read).ReadString('\n')
	address, ok := strings.CutPrefix(strings.TrimSpace(first), "listening on ")
	if err != nil || !ok || !strings.HasPrefix(address, "http://127.0.0.1:") {
		t.Fatalf("%q, %v", first, err)
	}
	statuses := []int{}
	for _, path := range []string{"/api/ping", "/api/ping", "/emulator/data", "/emulator/requests"} {
		statuses = append(statuses, get(t, address+path))
	}
	if want := "[401 503 200 200]"; fmt.Sprint(statuses) != want {
		t.Errorf("%v, want %s", statuses, want)
	}
	cancel()
	if code := <-done; code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"emulator", "--listen", "0.0.0.0:0"}, "loopback"},
		{[]string{"emulator", "--data", "nowhere.json"}, "the organization can not be read"},
		{[]string{"emulator", "--fault", "status=oops"}, `--fault "status=oops"`},
	} {
		var out bytes.Buffer
		if code := cli.Run(t.Context(), c.args, env(&out)); code != 1 || !strings.Contains(out.String(), c.want) {
			t.Errorf("%v: %d, %s", c.args, code, out.String())
		}
	}
}

func get(t *testing.T, address string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if strings.Contains(address, "/emulator/") {
		var document map[string]any
		if err := json.NewDecoder(response.Body).Decode(&document); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	return response.StatusCode
}

// What README says of examples/quickstart.
func TestQuickstart(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS("../../examples/quickstart")); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(filepath.Join(folder, "organization.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	data, err := logintctest.LoadData(file)
	if err != nil {
		t.Fatal(err)
	}
	server, err := logintctest.Start(logintctest.Options{Data: data})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	for _, c := range []struct {
		args string
		want string
	}{
		{"fmt --check", ""}, {"plan --out first.plan", "Plan: 1 to add, 1 to change, 0 to remove."}, {"apply first.plan", "Applied: 1 added, 1 changed, 0 removed."}, {"plan --detailed-exitcode", "No changes."},
	} {
		var out bytes.Buffer
		e := env(&out)
		e.Environ = []string{"ROLLCALL_VAR_logintc_api_key=" + data.APIKey}
		if code := cli.Run(t.Context(), append(strings.Fields(c.args), "--chdir", folder, "--var", "logintc_host="+server.URL), e); code != 0 || !strings.Contains(out.String(), c.want) {
			t.Fatalf("%s: exit code %d\n%s", c.args, code, out.String())
		}
	}
}

func TestLocked(t *testing.T) {
	t.Parallel()
	s := newSite(t, ldaptest.People(5))
	lock, err := state.AcquireLock(t.Context(), filepath.Join(s.folder, "rollcall.state.json"), 0, state.Holder{PID: 77, User: "mia", Host: "ci-3", Operation: "apply", Since: time.Unix(0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	out := s.run(6, "apply", "--auto-approve")
	if !strings.Contains(out, "the state is locked by apply (process 77 of mia on ci-3) since 1970-01-01T00:00:00Z") {
		t.Error(out)
	}
	s.run(6, "apply", "--auto-approve", "--lock-timeout", "50ms")
	s.run(0, "plan")
	if w := writesOf(s.logintc.Emulator); len(w) != 0 {
		t.Errorf("%d writes", len(w))
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	s.run(0, "apply", "--auto-approve")
}

// LoginTC refuses some calls: the rest is done, and the next run has what is left.
func TestSomeOperationsFail(t *testing.T) {
	t.Parallel()
	s := newSite(t, ldaptest.People(9))
	fault, err := logintctest.ParseFault("status=500,method=PUT,every=4")
	if err != nil {
		t.Fatal(err)
	}
	broken, err := logintctest.Start(logintctest.Options{Data: s.logintc.Data(), Faults: []logintctest.Fault{fault}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broken.Close)
	s.logintc = broken
	s.configure(s.slapd.LDAPSURL, 0)
	out := s.run(5, "apply", "--auto-approve")
	if !strings.Contains(out, "failed: LoginTC: PUT /domains/") || !strings.Contains(out, "500 Internal Server Error") {
		t.Error(out)
	}
	whole, err := logintctest.Start(logintctest.Options{Data: broken.Data()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(whole.Close)
	s.logintc = whole
	s.configure(s.slapd.LDAPSURL, 0)
	s.run(0, "apply", "--auto-approve")
	for id, in := range map[string]func(int) bool{vpnID: even, siteID: third} {
		if got := string(membersOf(whole.Data(), id)); got != expected(9, in) {
			t.Errorf("%s", got)
		}
	}
	s.run(0, "plan", "--detailed-exitcode")
}

// Ctrl-C once: the operations under way are finished, the state is written, and
// the next run has the rest.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	s := newSite(t, ldaptest.People(60))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for ctx.Err() == nil {
			if len(writesOf(s.logintc.Emulator)) > 10 {
				cancel()
			}
			time.Sleep(time.Millisecond)
		}
	}()
	var out bytes.Buffer
	e := env(&out)
	e.Environ = append(e.Environ, "ROLLCALL_VAR_ldap_password="+ldaptest.ReaderPassword)
	if code := cli.Run(ctx, []string{"apply", "--auto-approve", "--chdir", s.folder}, e); code != 130 {
		t.Fatalf("exit code %d\n%s", code, out.String())
	}
	if n := len(writesOf(s.logintc.Emulator)); n > 60 {
		t.Errorf("%d writes after an interruption at 10", n)
	}
	s.run(0, "apply", "--auto-approve")
	if got := string(membersOf(s.logintc.Data(), vpnID)); got != expected(60, even) {
		t.Errorf("%s", got)
	}
}

// LoginTC takes a removal and does not do it: the member stays rollcall's, so that
// the next run removes it, and this one says so.
func TestRemovalThatDidNotTake(t *testing.T) {
	t.Parallel()
	s := newSite(t, ldaptest.People(9))
	s.run(0, "apply", "--auto-approve")
	if err := s.slapd.Delete(dnOf(ldaptest.Person(2))); err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse(s.logintc.URL)
	if err != nil {
		t.Fatal(err)
	}
	forward, direct := httputil.NewSingleHostReverseProxy(target), s.logintc.URL
	swallow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete {
			w.WriteHeader(http.StatusAccepted)
			return
		}
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(swallow.Close)
	s.logintc.URL = swallow.URL
	s.configure(s.slapd.LDAPSURL, 1)
	out := s.run(5, "apply", "--auto-approve")
	if !strings.Contains(out, `domain.vpn["user000002"] was removed and is still a member`) {
		t.Error(out)
	}
	s.logintc.URL = direct
	s.configure(s.slapd.LDAPSURL, 1)
	s.run(0, "apply", "--auto-approve")
	if strings.Contains(string(membersOf(s.logintc.Data(), vpnID)), "user000002") {
		t.Error("the leaver is still a member")
	}
}
