package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rollcall-cli/rollcall/internal/cli"
	"github.com/rollcall-cli/rollcall/internal/plan"
	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
	"github.com/rollcall-cli/rollcall/internal/providers/logintctest"
)

var update = flag.Bool("update", false, "write what the scripts' golden files should have")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"rollcall": runRollcall})
}

// runRollcall is the program as cmd/rollcall makes it, without a terminal.
func runRollcall() {
	now := time.Now
	if at := os.Getenv("TEST_NOW"); at != "" {
		fixed, err := time.Parse(time.RFC3339, at)
		if err != nil {
			panic(err)
		}
		now = func() time.Time { return fixed }
	}
	os.Exit(cli.Run(contextOfSignals(), os.Args[1:], cli.Env{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Environ: os.Environ(),
		InTerminal: os.Getenv("TEST_TERMINAL") != "",
		Host:       "testhost", User: "tester", PID: os.Getpid(), Now: now, Version: "0.1.0-test",
	}))
}

// TestScripts runs testdata/script/*.txtar, each a day in the life of a user.
// Beside the usual commands they have:
//
//	exit CODE rollcall ARG...   runs rollcall, which must end with the code
//	directory FILE.ldif         starts an LDAP server with these entries: $LDAP_URL
//	add FILE.ldif               adds entries to it
//	delete DN                   deletes an entry
//	replace DN ATTR VALUE...    replaces an attribute
//	logintc FILE.json [sync]    starts the emulator: $LOGINTC_URL; without sync it
//	                            serves the documented calls alone, and no other may
//	                            have been sent, unless it says so: without
//	logintc FILE.json fault SPEC
//	                            starts one that misbehaves so
//	members DOMAIN-ID FILE      writes "username | name | email | token" lines
//	approval FILE               sets $PLAN_ID to the beginning of the id of a saved plan
//	hand METHOD PATH [BODY]     calls LoginTC as somebody would by hand, without rollcall;
//	                            ID-OF-NAME in the path stands for the id of that user
//	searches N                  there were N searches of the directory since the last time
//	steady FILE                 takes out of a file what is another thing at each run: ports,
//	                            times, dates, UUIDs, the folder
//	truncate FROM TO            copies a file without its last character
//	writes N                    there were N calls that write since the last time
func TestScripts(t *testing.T) {
	t.Parallel()
	runScripts(t, "testdata/script")
}

// TestRows runs testdata/rows/*.txtar, one for each row of the table of what
// LoginTC's own sync tool does, against slapd and the emulator. They have also:
//
//	slapd NAME FILE.ldif [lifetime DURATION] [access LINE]
//	                            starts OpenLDAP's server: $NAME_URL, $NAME_LDAPS_URL, $NAME_CA;
//	                            its certificate ends after the time, and the line of access
//	                            control comes before the others
//	proxy USER PASSWORD         starts a proxy that wants to be told these: $PROXY_URL; it
//	                            writes $WORK/proxy.log
//	logintc FILE.json tls       starts the emulator with TLS: $LOGINTC_URL, $LOGINTC_CA
//	user USERNAME FILE          writes what LoginTC has of a user beside name and email
//	expand FROM TO              copies a file with its ${NAME} replaced
//	operations FILE OUT         writes the operations of a plan as JSON, a line each
//	mails FILE                  writes the mails that LoginTC sent, sorted
func TestRows(t *testing.T) {
	t.Parallel()
	runScripts(t, "testdata/rows")
}

func runScripts(t *testing.T, folder string) {
	testscript.Run(t, testscript.Params{
		Dir:                 folder,
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Values[worldKey{}] = &scriptWorld{t: t}
			env.Setenv("ROLLCALL_VAR_ldap_password", testPassword)
			env.Setenv("ROLLCALL_VAR_logintc_api_key", testKey)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exit": cmdExit, "directory": cmdDirectory, "add": cmdAdd, "delete": cmdDelete, "replace": cmdReplace,
			"logintc": cmdLoginTC, "members": cmdMembers, "writes": cmdWrites,
			"searches": cmdSearches, "approval": cmdApproval, "hand": cmdHand, "slapd": cmdSlapd, "expand": cmdExpand, "operations": cmdOperations, "proxy": cmdProxy, "user": cmdUser, "mails": cmdMails, "steady": cmdSteady, "truncate": cmdTruncate,
		},
	})
}

const (
	testPassword = "s3cret-of-the-directory"
	testBase     = "dc=example,dc=com"
	testBindDN   = "cn=sync,ou=Services,dc=example,dc=com"
)

var testKey = strings.Repeat("k3y-of-LoginTC-", 5)[:64]

type worldKey struct{}

// scriptWorld is the servers of one script.
type scriptWorld struct {
	t         *testing.T
	directory entries
	logintc   *logintctest.Emulator
}

// entries is a directory that a script changes.
type entries interface {
	Add(ldif string) error
	Delete(dn string) error
	Replace(dn, attribute string, values ...string) error
}

func worldOf(ts *testscript.TestScript) *scriptWorld { return ts.Value(worldKey{}).(*scriptWorld) }

func cmdExit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exit CODE PROGRAM ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	ts.Logf("[exit code %d]", got)
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func cmdDirectory(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	server, err := ldaptest.StartMemory(ldaptest.MemoryOptions{
		BindDN: testBindDN, BindPassword: testPassword, LDIF: ts.ReadFile(args[0]),
	})
	ts.Check(err)
	ts.Defer(func() { server.Close() })
	w.directory = server
	ts.Setenv("LDAP_URL", server.URL())
	ts.Setenv("ROLLCALL_VAR_ldap_url", server.URL())
}

func cmdAdd(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(worldOf(ts).directory.Add(os.Expand(ts.ReadFile(args[0]), ts.Getenv)))
}

func cmdDelete(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(worldOf(ts).directory.Delete(args[0]))
}

func cmdReplace(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(worldOf(ts).directory.Replace(args[0], args[1], args[2:]...))
}

func cmdLoginTC(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	data, err := logintctest.LoadData(strings.NewReader(strings.ReplaceAll(ts.ReadFile(args[0]), "API_KEY", testKey)))
	ts.Check(err)
	options := logintctest.Options{Data: data, PageSize: 2, API: "1.3"}
	if len(args) > 1 && args[1] == "fault" {
		fault, err := logintctest.ParseFault(args[2])
		ts.Check(err)
		options.Faults, args = []logintctest.Fault{fault}, args[:1]
	}
	if len(args) > 1 && args[1] != "without" {
		options.API = "sync"
	}
	if len(args) > 1 && args[1] == "tls" {
		w.logintc = startTLS(ts, options)
		return
	}
	server, err := logintctest.Start(options)
	ts.Check(err)
	w.logintc = server.Emulator
	ts.Defer(func() {
		if len(args) == 1 {
			noAssumedCalls(w.t, ts.Name(), server.Emulator)
		}
		server.Close()
	})
	ts.Setenv("LOGINTC_URL", server.URL)
	ts.Setenv("ROLLCALL_VAR_logintc_host", server.URL)
}

func cmdSearches(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := worldOf(ts).directory.(*ldaptest.Memory).Searches(); len(got) != want {
		ts.Fatalf("%d searches, want %d: %q", len(got), want, got)
	}
}

func cmdApproval(ts *testscript.TestScript, _ bool, args []string) {
	file, err := os.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	defer func() { _ = file.Close() }()
	p, err := plan.Decode(file)
	ts.Check(err)
	ts.Setenv("PLAN_ID", p.ID[:12])
}

func cmdHand(ts *testscript.TestScript, _ bool, args []string) {
	path := args[1]
	for _, u := range worldOf(ts).logintc.Data().Users {
		path = strings.ReplaceAll(path, "ID-OF-"+u.Username, u.ID)
	}
	ts.Check(byHand(ts.Getenv("LOGINTC_URL"), args[0], path, strings.Join(args[2:], "")))
}

// byHand calls LoginTC as somebody would without rollcall.
func byHand(url, method, path, body string) error {
	request, err := http.NewRequestWithContext(context.Background(), method, url+"/api"+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", `LoginTC key="`+testKey+`"`)
	request.Header.Set("Accept", "application/vnd.logintc.v1+json")
	if body != "" {
		request.Header.Set("Content-Type", "application/vnd.logintc.v1+json")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s %s: %s", method, path, response.Status)
	}
	return nil
}

func cmdMembers(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), membersOf(worldOf(ts).logintc.Data(), args[0]), 0o600))
}

// membersOf lists the members of a domain, a line each.
func membersOf(data logintctest.Data, domainID string) []byte {
	var out bytes.Buffer
	for _, u := range data.Users {
		if slices.Contains(u.Domains, domainID) {
			token := u.Tokens[domainID]
			if token == "" {
				token = "no token"
			}
			fmt.Fprintf(&out, "%s | %s | %s | %s\n", u.Username, u.Name, u.Email, token)
		}
	}
	return out.Bytes()
}

func cmdWrites(ts *testscript.TestScript, _ bool, args []string) {
	emulator := worldOf(ts).logintc
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := writesOf(emulator)
	emulator.Reset()
	if len(got) != want {
		listing, err := json.MarshalIndent(got, "", "  ")
		ts.Check(err)
		ts.Fatalf("%d calls that write, want %d: %s", len(got), want, listing)
	}
}

func writesOf(e *logintctest.Emulator) []logintctest.Call {
	var writes []logintctest.Call
	for _, call := range e.Requests().Calls {
		if call.Method != "GET" {
			writes = append(writes, call)
		}
	}
	return writes
}

// contextOfSignals ends with SIGINT or SIGTERM, as in cmd/rollcall.
func contextOfSignals() context.Context {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx
}
