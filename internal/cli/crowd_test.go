package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/cli"
	"github.com/rollcall-cli/rollcall/internal/providers/logintctest"
	"github.com/rollcall-cli/rollcall/internal/state"
)

// crowd is an organization, a state and a plan of 300 operations between them: 70
// people are created and join with a token, 30 are renamed, 30 leave, 30 are deleted.
type crowd struct {
	files map[string][]byte
	data  logintctest.Data
}

const crowdPlan = "reviewed.plan"

func newCrowd(t *testing.T) *crowd {
	t.Helper()
	before, after := crowdPeople(0, 100, ""), crowdPeople(60, 170, " Renamed")
	server := startCrowd(t, logintctest.Data{
		Name: "Acme", APIKey: testKey, Domains: []logintctest.Domain{{ID: vpnID, Name: "VPN"}, {ID: siteID, Name: "Site"}},
	})
	c := &crowd{files: map[string][]byte{"people.ldif": []byte(before), "main.hcl": []byte(crowdConfiguration)}}
	folder := t.TempDir()
	c.unpack(t, folder)
	runIn(t, folder, server.URL, 0, "apply", "--auto-approve")
	write(t, folder, "people.ldif", []byte(after))
	for _, name := range []string{"people.ldif", "rollcall.state.json"} {
		content, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		c.files[name] = content
	}
	c.data = server.Data()
	return c
}

// crowdPeople are those from low to high; a third of those in both are renamed. Of the
// first 60 half are in the domain whose members are deleted.
func crowdPeople(low, high int, renamed string) string {
	var b strings.Builder
	for i := low; i < high; i++ {
		name := fmt.Sprintf("Person %d", i)
		if i < 90 {
			name += renamed
		}
		domain := "vpn"
		if i < 30 {
			domain = "site"
		}
		fmt.Fprintf(&b, "dn: uid=p%03d,ou=People,dc=example,dc=com\nobjectClass: person\nuid: p%03d\ncn: %s\nmail: p%03d@example.com\nou: %s\n\n", i, i, name, i, domain)
	}
	return b.String()
}

const crowdConfiguration = `
variable "logintc_api_key" { sensitive = true }
variable "logintc_host" {}

logintc "acme" {
  host                = var.logintc_host
  api_key             = var.logintc_api_key
}

directory "ldif" "export" {
  path    = "people.ldif"
  base_dn = "ou=People,dc=example,dc=com"

  user {
    username = entry.uid
    name     = entry.cn
    email    = entry.mail
  }
}

policy "vpn" {
  sync_mode        = "remove"
  max_remove_limit = 30
  max_shrink       = 1000
  token_mode       = "issue_token_without_email"
}

policy "site" {
  sync_mode        = "delete"
  max_remove_limit = 30
  max_shrink       = 1000
}

domain "vpn" {
  id        = "` + vpnID + `"
  directory = directory.export
  filter    = "(ou=vpn)"
  policy    = policy.vpn
}

domain "site" {
  id          = "` + siteID + `"
  directory   = directory.export
  filter      = "(ou=site)"
  policy      = policy.site
  allow_empty = true
}
`

// prepare starts the organization, and makes the plan in a new folder.
func (c *crowd) prepare(t *testing.T) (server *crowdServer, folder string) {
	t.Helper()
	server, folder = startCrowd(t, c.data), t.TempDir()
	c.unpack(t, folder)
	runIn(t, folder, server.URL, 0, "plan", "--out", crowdPlan)
	server.calls.Store(0)
	return server, folder
}

func (c *crowd) unpack(t *testing.T, folder string) {
	t.Helper()
	for name, content := range c.files {
		write(t, folder, name, content)
	}
}

func write(t *testing.T, folder, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// crowdServer is an emulator that tells before and after each call.
type crowdServer struct {
	*logintctest.Emulator
	URL   string
	calls atomic.Int64
	// open counts connections.
	open atomic.Int64
	// at, where there is one, is told of each call, before it is acted upon and after.
	at atomic.Pointer[func(call int64, acted bool)]
}

func startCrowd(t *testing.T, data logintctest.Data) *crowdServer {
	t.Helper()
	emulator, err := logintctest.New(logintctest.Options{API: "1.3", Data: data})
	if err != nil {
		t.Fatal(err)
	}
	s := &crowdServer{Emulator: emulator}
	tell := func(call int64, acted bool) {
		if at := s.at.Load(); at != nil {
			(*at)(call, acted)
		}
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := s.calls.Add(1)
		tell(n, false)
		answer := httptest.NewRecorder()
		emulator.ServeHTTP(answer, r)
		tell(n, true)
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes()) // the other side may be dead
	}))
	server.Config.ConnState = func(_ net.Conn, to http.ConnState) {
		switch to {
		case http.StateNew:
			s.open.Add(1)
		case http.StateClosed:
			s.open.Add(-1)
		case http.StateActive, http.StateIdle, http.StateHijacked:
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// settle waits until no more than the connections are open: what a process that was
// killed had sent has been acted upon then.
func (s *crowdServer) settle(open int64) {
	for s.open.Load() > open {
		time.Sleep(time.Millisecond)
	}
}

func crowdEnviron(url string) []string {
	return []string{
		"ROLLCALL_VAR_logintc_api_key=" + testKey, "ROLLCALL_VAR_logintc_host=" + url,
		"STORAGE_EMULATOR_HOST=" + os.Getenv("STORAGE_EMULATOR_HOST"), // of the tests that have one
	}
}

// runIn runs rollcall in this process and wants one of the exit codes.
func runIn(t *testing.T, folder, url string, code int, args ...string) string {
	t.Helper()
	out, got := tryIn(t, folder, url, args...)
	if got != code {
		t.Fatalf("rollcall %s: exit code %d, want %d\n%s", strings.Join(args, " "), got, code, out)
	}
	return out
}

func tryIn(t *testing.T, folder, url string, args ...string) (out string, code int) {
	t.Helper()
	var b bytes.Buffer
	e := cli.Env{
		In: strings.NewReader(""), Out: &b, Err: &b, Now: time.Now, Version: "0.1.0-test", Host: "testhost", User: "tester", PID: 1,
		Environ: crowdEnviron(url),
	}
	code = cli.Run(t.Context(), append([]string{"--chdir", folder}, args...), e)
	return b.String(), code
}

// apply starts a process that applies the plan.
func (c *crowd) apply(ctx context.Context, t *testing.T, folder, url string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	cmd := exec.CommandContext(ctx, "rollcall", "apply", crowdPlan, "--chdir", folder)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Env = append(os.Environ(), crowdEnviron(url)...)
	return cmd, &out
}

// readable checks that the state and its backups can be read.
func (c *crowd) readable(t *testing.T, path string) {
	t.Helper()
	files, err := filepath.Glob(path + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, ".lock") || strings.HasSuffix(file, ".journal") {
			continue // the lock is for people, and the journal is read by what follows
		}
		if _, err := state.Load(file, nil); err != nil {
			t.Error(err)
		}
	}
}

// check holds the organization, the calls that made it and the state against what
// they should be.
func (c *crowd) check(t *testing.T, server *crowdServer, folder string) {
	t.Helper()
	var want []string
	for i := 60; i < 170; i++ {
		name := fmt.Sprintf("Person %d", i)
		if i < 90 {
			name += " Renamed"
		}
		want = append(want, fmt.Sprintf("p%03d | %s | p%03d@example.com | pending", i, name, i))
	}
	got := strings.Split(strings.TrimSpace(string(membersOf(server.Data(), vpnID))), "\n")
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("members of vpn: %s", diff)
	}
	if got := membersOf(server.Data(), siteID); len(got) != 0 {
		t.Errorf("members of site: %s", got)
	}
	if n := len(server.Data().Users); n != 140 { // those who left are users still
		t.Errorf("%d users, want 140", n)
	}
	creations, tokens := 0, map[string]int{}
	for _, call := range writesOf(server.Emulator) {
		switch {
		case call.Method == http.MethodPost:
			if creations++; call.Status != http.StatusCreated {
				t.Errorf("a creation was refused: %d", call.Status)
			}
		case strings.HasSuffix(call.Path, "/token"):
			if tokens[call.Path]++; tokens[call.Path] > 1 {
				t.Errorf("%s %s twice", call.Method, call.Path)
			}
		}
	}
	if creations != 70 || len(tokens) != 70 {
		t.Errorf("%d creations and %d tokens, want 70 of each", creations, len(tokens))
	}
	if state.HasJournal(filepath.Join(folder, "rollcall.state.json")) {
		t.Error("there is still a journal")
	}
	c.readable(t, filepath.Join(folder, "rollcall.state.json"))
	runIn(t, folder, server.URL, 0, "plan", "--detailed-exitcode")
}
