package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rollcall-cli/rollcall/internal/remote/remotetest"
)

// places are where a state may be kept elsewhere, each as a state block.
func places(t *testing.T) map[string]string {
	t.Helper()
	s3, gcs, gitlab := remotetest.StartS3(t), remotetest.StartGCS(t), remotetest.StartGitLab(t)
	for _, pair := range append(s3.Environ(), gcs.Environ()...) {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
	t.Cleanup(func() {
		if refused := gitlab.Refused(); len(refused) > 0 {
			t.Errorf("refused: %q", refused)
		}
	})
	return map[string]string{
		"gs":     fmt.Sprintf("url = %q", gcs.URL),
		"s3":     fmt.Sprintf("url = %q", s3.URL),
		"file":   fmt.Sprintf("url = %q", "file://"+filepath.Join(t.TempDir(), "state.json")),
		"gitlab": fmt.Sprintf("url = %q\nusername = %q\npassword_file = \"token\"", gitlab.URL, remotetest.Username),
	}
}

// move brings the state of the folder to another place.
func move(t *testing.T, folder, url, block string) {
	t.Helper()
	write(t, folder, "token", []byte(remotetest.Password))
	write(t, folder, "moved.json", []byte(runIn(t, folder, url, 0, "state", "pull")))
	write(t, folder, "state.hcl", []byte("rollcall {\n  state {\n"+block+"\n}\n}\n"))
	runIn(t, folder, url, 0, "state", "push", "moved.json")
	if err := os.Remove(filepath.Join(folder, "rollcall.state.json")); err != nil {
		t.Fatal(err)
	}
}

// A run that is killed while it holds a lock elsewhere leaves the lock, and nothing is
// lost: once the lock is broken, the next command finds out what was done.
func TestKilledWithTheStateElsewhere(t *testing.T) {
	c := newCrowd(t)
	for name, block := range places(t) {
		t.Run(name, func(t *testing.T) {
			server, folder := startCrowd(t, c.data), t.TempDir()
			c.unpack(t, folder)
			move(t, folder, server.URL, block)
			runIn(t, folder, server.URL, 0, "plan", "--out", crowdPlan)
			server.calls.Store(0)
			open := server.open.Load()
			cmd, out := c.apply(t.Context(), t, folder, server.URL)
			started := make(chan struct{})
			kill := func(call int64, acted bool) {
				if call == 150 && acted {
					<-started
					_ = cmd.Process.Kill()
				}
			}
			server.at.Store(&kill)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			close(started)
			if err := cmd.Wait(); err == nil {
				t.Fatalf("it was not killed\n%s", out)
			}
			server.at.Store(nil)
			server.settle(open)

			if printed := runIn(t, folder, server.URL, 0, "plan"); !strings.Contains(printed, "an apply is under way, and what it does is not in the state yet") {
				t.Error(printed)
			}
			refused := runIn(t, folder, server.URL, 6, "apply", crowdPlan)
			id := regexp.MustCompile(`if that run is dead: rollcall lock break (\S+)`).FindStringSubmatch(refused)
			if id == nil || !strings.Contains(runIn(t, folder, server.URL, 0, "lock", "status"), id[1]) {
				t.Fatal(refused)
			}
			runIn(t, folder, server.URL, 1, "lock", "break", "another")
			runIn(t, folder, server.URL, 0, "lock", "break", id[1])
			printed := runIn(t, folder, server.URL, 0, "apply", crowdPlan)
			if !strings.Contains(printed, "it was not known whether they were done: ") || !strings.Contains(printed, "Going on with this plan: ") {
				t.Error(printed)
			}
			write(t, folder, "rollcall.state.json", []byte(runIn(t, folder, server.URL, 0, "state", "pull"))) // for check
			c.check(t, server, folder)
			if out := runIn(t, folder, server.URL, 0, "lock", "status"); !strings.Contains(out, "not locked") {
				t.Error(out)
			}
		})
	}
}

// Two machines apply at once: one waits for the other, and then finds nothing to do.
func TestTwoMachines(t *testing.T) {
	c := newCrowd(t)
	for name, block := range places(t) {
		t.Run(name, func(t *testing.T) {
			server, first := startCrowd(t, c.data), t.TempDir()
			c.unpack(t, first)
			move(t, first, server.URL, block)
			second := t.TempDir()
			for _, file := range []string{"main.hcl", "state.hcl", "people.ldif", "token"} {
				content, err := os.ReadFile(filepath.Join(first, file))
				if err != nil {
					t.Fatal(err)
				}
				write(t, second, file, content)
			}
			done := make(chan string)
			for _, folder := range []string{first, second} {
				go func() {
					out, code := tryIn(t, folder, server.URL, "apply", "--auto-approve", "--lock-timeout", "2m")
					done <- fmt.Sprintf("exit code %d\n%s", code, out)
				}()
			}
			outs := []string{<-done, <-done}
			for i, want := range []string{"Applied: 70 added, 30 changed, 60 removed", "Applied: 0 added, 0 changed, 0 removed"} {
				if !strings.HasPrefix(outs[i], "exit code 0\n") || !strings.Contains(outs[i], want) {
					t.Errorf("%d: %s", i, outs[i])
				}
			}
			write(t, first, "rollcall.state.json", []byte(runIn(t, first, server.URL, 0, "state", "pull"))) // for check
			c.check(t, server, first)
		})
	}
}

// The state is changed by hand: members forgotten, a domain renamed, another refused.
func TestStateCommands(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	server, folder := c.prepare(t)
	run := func(code int, want string, args ...string) {
		t.Helper()
		if out := runIn(t, folder, server.URL, code, args...); !strings.Contains(out, want) {
			t.Errorf("%q: no %q in\n%s", args, want, out)
		}
	}
	earlier := runIn(t, folder, server.URL, 0, "state", "pull")
	run(1, `the state has no domain.vpn["nobody"]; nothing was changed`, "state", "rm", `domain.vpn["p061"]`, `domain.vpn["nobody"]`)
	run(0, "The state has serial 2 now, with 99 members in 2 domains.", "state", "rm", `domain.vpn["p061"]`)
	run(0, "1 to adopt", "plan")
	run(1, `the state has no domain "x"`, "state", "mv", "domain.x", "domain.y")
	run(1, `has a domain "site" already`, "state", "mv", "domain.vpn", "domain.site")
	run(0, "The state has serial 3 now", "state", "mv", "domain.vpn", "domain.remote")
	run(0, `domain.remote["p060"]`, "state", "list")
	run(0, "The state has serial 4 now", "state", "mv", "domain.remote", "domain.vpn")
	write(t, folder, "earlier.json", []byte(earlier))
	run(1, "it is older; nothing was changed", "state", "push", "earlier.json")
	write(t, folder, "other.json", regexp.MustCompile(`"lineage": "........`).ReplaceAll([]byte(earlier), []byte(`"lineage": "00000000`)))
	run(1, "it is another state; nothing was changed", "state", "push", "other.json")
	write(t, folder, "newer.json", regexp.MustCompile(`"serial": \d+`).ReplaceAll([]byte(earlier), []byte(`"serial": 9`)))
	run(0, "The state has serial 10 now, with 100 members in 2 domains.", "state", "push", "newer.json")
	run(1, "can not be read", "state", "push", "main.hcl")
	run(1, "there is nothing to break", "lock", "break", "x")
	run(4, "", "apply", crowdPlan)
	run(0, "Applied: 70 added, 30 changed, 60 removed", "apply", "--auto-approve")
	c.check(t, server, folder)
	if n := len(writesOf(server.Emulator)); n != 300 {
		t.Errorf("%d operations", n)
	}
}
