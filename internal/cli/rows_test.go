package cli_test

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rollcall-cli/rollcall/internal/config"
	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
	"github.com/rollcall-cli/rollcall/internal/providers/logintctest"
)

func cmdSlapd(ts *testscript.TestScript, _ bool, args []string) {
	folder := ts.MkAbs("slapd-" + args[0])
	ts.Check(os.Mkdir(folder, 0o700))
	options := ldaptest.SlapdOptions{LDIF: ts.ReadFile(args[1])}
	for i := 2; i+1 < len(args); i += 2 {
		switch args[i] {
		case "lifetime":
			lifetime, err := time.ParseDuration(args[i+1])
			ts.Check(err)
			options.Lifetime = lifetime
		case "access":
			options.Access = args[i+1]
		default:
			ts.Fatalf("slapd: %s is neither lifetime nor access", args[i])
		}
	}
	server, err := ldaptest.NewSlapd(folder, options)
	ts.Check(err)
	ts.Defer(server.Close)
	w := worldOf(ts)
	if w.directory == nil {
		w.directory = server
		ts.Setenv("ROLLCALL_VAR_ldap_password", ldaptest.ReaderPassword)
		ts.Setenv("ROLLCALL_VAR_ldap_url", server.URL)
	}
	ts.Setenv(args[0]+"_URL", server.URL)
	ts.Setenv(args[0]+"_LDAPS_URL", server.LDAPSURL)
	ts.Setenv(args[0]+"_PORT", server.URL[strings.LastIndexByte(server.URL, ':')+1:])
	ts.Setenv(args[0]+"_LDAPS_PORT", server.LDAPSURL[strings.LastIndexByte(server.LDAPSURL, ':')+1:])
	ts.Setenv(args[0]+"_CA", server.CAFile)
}

// startTLS starts the emulator behind TLS, as LoginTC is.
func startTLS(ts *testscript.TestScript, options logintctest.Options) *logintctest.Emulator {
	emulator, err := logintctest.New(options)
	ts.Check(err)
	server := httptest.NewUnstartedServer(emulator)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of clients that hang up
	server.StartTLS()
	ts.Defer(server.Close)
	authority := ts.MkAbs("logintc-ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	ts.Check(os.WriteFile(authority, certificate, 0o600))
	ts.Setenv("LOGINTC_URL", server.URL)
	ts.Setenv("LOGINTC_CA", authority)
	ts.Setenv("ROLLCALL_VAR_logintc_host", server.URL)
	return emulator
}

// cmdProxy starts tinyproxy, which tunnels CONNECT for whoever says who he is.
func cmdProxy(ts *testscript.TestScript, _ bool, args []string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	address := listener.Addr().(*net.TCPAddr)
	ts.Check(listener.Close())
	settings := fmt.Sprintf("Port %d\nListen 127.0.0.1\nAllow 127.0.0.1\nBasicAuth %s %s\nLogFile %q\nLogLevel Connect\nMaxClients 20\n",
		address.Port, args[0], args[1], ts.MkAbs("proxy.log"))
	ts.Check(os.WriteFile(ts.MkAbs("proxy.conf"), []byte(settings), 0o600))
	proxy := exec.Command("tinyproxy", "-d", "-c", ts.MkAbs("proxy.conf"))
	ts.Check(proxy.Start())
	ts.Defer(func() {
		_ = proxy.Process.Kill() // it may have ended already
		_ = proxy.Wait()
	})
	deadline := time.Now().Add(20 * time.Second)
	for {
		connection, err := net.Dial("tcp", address.String())
		if err == nil {
			ts.Check(connection.Close())
			break
		}
		if time.Now().After(deadline) {
			ts.Fatalf("tinyproxy does not answer: %v", err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	ts.Setenv("PROXY_URL", "http://"+address.String())
	ts.Setenv("PROXY_ADDRESS", address.String())
	ts.Setenv("PROXY_PORT", strconv.Itoa(address.Port))
}

func cmdExpand(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(os.Expand(ts.ReadFile(args[0]), ts.Getenv)), 0o600))
}

// cmdOperations writes what each operation does: action, username, and what is set.
func cmdOperations(ts *testscript.TestScript, _ bool, args []string) {
	var document struct {
		Operations []struct {
			Action, Username, Phone, Group string
			After                          map[string]*string
		}
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &document))
	var text strings.Builder
	for _, op := range document.Operations {
		line := op.Action + " " + op.Username + " " + op.Phone + op.Group
		for _, name := range slices.Sorted(maps.Keys(op.After)) {
			if value := op.After[name]; name != "username" && value == nil {
				line += " " + name + "=null"
			} else if name != "username" {
				line += fmt.Sprintf(" %s=%q", name, *value)
			}
		}
		text.WriteString(strings.Join(strings.Fields(line), " ") + "\n")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text.String()), 0o600))
}

func cmdUser(ts *testscript.TestScript, _ bool, args []string) {
	text := "none\n"
	for _, u := range worldOf(ts).logintc.Data().Users {
		if u.Username == args[0] {
			alias := func(s *string) string {
				if s == nil {
					return "-"
				}
				return *s
			}
			text = fmt.Sprintf("aliases: %s %s %s\nphones: %s\ngroups: %s\n", alias(u.Alias1), alias(u.Alias2), alias(u.Alias3),
				strings.Join(u.Phones, " "), strings.Join(u.Groups, " "))
		}
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
}

func cmdMails(ts *testscript.TestScript, _ bool, args []string) {
	var lines []string
	for _, m := range worldOf(ts).logintc.Mails().Mails {
		line, err := json.Marshal(m)
		ts.Check(err)
		lines = append(lines, string(line)+"\n")
	}
	slices.Sort(lines) // several users are worked on at once
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Join(lines, "")), 0o600))
}

// assumedCall finds calls that LoginTC does not document.
func assumedCall(path string) bool {
	return regexp.MustCompile(`/phones$|^/api/groups/|[?&]email=|/jobs|/notifications$`).MatchString(path)
}

// noAssumedCalls says that no call was sent that LoginTC does not document. The
// emulator would have answered 404.
func noAssumedCalls(t testing.TB, name string, e *logintctest.Emulator) {
	t.Helper()
	for _, call := range e.Requests().Calls {
		if assumedCall(call.Path) {
			t.Errorf("%s: an assumed call was sent under 1.3: %+v", name, call)
		}
	}
}

// configurations are those of the scripts and examples, by where they stand.
func configurations(t *testing.T) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for _, pattern := range []string{"testdata/script/*.txtar", "testdata/rows/*.txtar", "../../examples/*/*.hcl"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, err)
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(file, ".hcl") {
				all[file] = content
				continue
			}
			for _, inner := range txtar.Parse(content).Files {
				if strings.HasSuffix(inner.Name, ".hcl") {
					all[file+" "+inner.Name] = inner.Data
				}
			}
		}
	}
	return all
}

// Every configuration of the scripts and examples that says api = "sync" is refused with
// api = "1.3", and says which attribute needs it.
func TestAssumedCallsNeedSync(t *testing.T) {
	t.Parallel()
	found := 0
	for name, text := range configurations(t) {
		sync := regexp.MustCompile(`api\s*= "sync"`)
		if !sync.Match(text) {
			continue
		}
		found++
		dir := t.TempDir()
		text := sync.ReplaceAll(text, []byte(`api = "1.3"`))
		if err := os.WriteFile(filepath.Join(dir, "main.hcl"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		var environ []string
		for _, name := range regexp.MustCompile(`variable "(\w+)"`).FindAllSubmatch(text, -1) {
			environ = append(environ, "ROLLCALL_VAR_"+string(name[1])+"=ldap://127.0.0.1:389")
		}
		_, diags := config.Load(config.Options{Dir: dir, Environ: environ})
		if says := diags.Error(); !strings.Contains(says, `needs api = "sync"`) && !strings.Contains(says, `Set api = "sync"`) {
			t.Errorf("%s: %s", name, says)
		}
	}
	if found < 8 {
		t.Errorf("only %d configurations need api = \"sync\"", found)
	}
}
