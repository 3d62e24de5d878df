package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
)

// State and plans are encrypted at rest: no file of a run that was killed, gone on with
// and ended names anybody, and nobody without an identity reads them.
func TestEncryptedAtRest(t *testing.T) {
	t.Parallel()
	own, other := newAge(t), newAge(t)
	c := newCrowd(t)
	server, folder := startCrowd(t, c.data), t.TempDir()
	c.unpack(t, folder)
	write(t, folder, "identity.txt", []byte("# created: today\n"+own.String()+"\n"))
	write(t, folder, "encryption.hcl", []byte(`rollcall {
  encryption {
    recipients    = ["`+own.Recipient().String()+`"]
    identity_file = "identity.txt"
  }
}
`))
	runIn(t, folder, server.URL, 0, "state", "rm", `domain.vpn["p060"]`) // a state that was plain is encrypted when it is written
	for i := range 5 {
		_ = os.Remove(filepath.Join(folder, "rollcall.state.json.backup."+string(rune('1'+i)))) // that of before is plain
	}
	runIn(t, folder, server.URL, 0, "plan", "--out", crowdPlan)
	nobodyNamed(t, folder)

	server.calls.Store(0)
	open := server.open.Load()
	cmd, out := c.apply(t.Context(), t, folder, server.URL)
	started := make(chan struct{})
	kill := func(call int64, acted bool) {
		if call == 120 && acted {
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
	nobodyNamed(t, folder)
	if printed := runIn(t, folder, server.URL, 0, "apply", crowdPlan); !strings.Contains(printed, "it was not known whether they were done: ") {
		t.Error(printed)
	}
	nobodyNamed(t, folder)
	if pulled := runIn(t, folder, server.URL, 0, "state", "pull"); !strings.Contains(pulled, `"username":"p100"`) {
		t.Error(pulled)
	}

	// Without an identity, with another's, and without the block.
	write(t, folder, "encryption.hcl", []byte(`rollcall {
  encryption { recipients = ["`+own.Recipient().String()+`"] }
}
`))
	for _, args := range [][]string{{"state", "list"}, {"plan"}, {"show", crowdPlan}, {"apply", crowdPlan}} {
		if printed := runIn(t, folder, server.URL, 1, args...); !strings.Contains(printed, "there is no identity to read it with") {
			t.Errorf("%q: %s", args, printed)
		}
	}
	here := &machine{t, folder, append(crowdEnviron(server.URL), "ROLLCALL_AGE_IDENTITY="+own.String())}
	if printed := here.run(0, "rollcall", "show", crowdPlan); !strings.Contains(printed, "Plan: 70 to add") {
		t.Error(printed)
	}
	here.run(0, "rollcall", "plan", "--detailed-exitcode")
	if sealed, err := os.ReadFile(filepath.Join(folder, crowdPlan)); err != nil || !bytes.HasPrefix(sealed, []byte("age-encryption.org/v1\n")) {
		t.Errorf("the plan is not encrypted: %v", err)
	}
	write(t, folder, "identity.txt", []byte(other.String()))
	write(t, folder, "encryption.hcl", []byte("rollcall {\n  encryption {\n    recipients = [\""+own.Recipient().String()+"\"]\n    identity_file = \"identity.txt\"\n  }\n}\n"))
	if printed := runIn(t, folder, server.URL, 1, "show", crowdPlan); !strings.Contains(printed, "it is encrypted for others") || strings.Contains(printed, "AGE-SECRET-KEY") {
		t.Error(printed)
	}
	write(t, folder, "encryption.hcl", nil)
	if printed := runIn(t, folder, server.URL, 1, "plan"); !strings.Contains(printed, "give its encryption block in the rollcall block") {
		t.Error(printed)
	}

	// An outer head that somebody changed is noticed.
	write(t, folder, "encryption.hcl", []byte("rollcall {\n  encryption {\n    recipients = [\""+own.Recipient().String()+"\"]\n    identity_file = \"identity.txt\"\n  }\n}\n"))
	write(t, folder, "identity.txt", []byte(own.String()))
	path := filepath.Join(folder, "rollcall.state.json")
	sealed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	runIn(t, folder, server.URL, 0, "plan", "--detailed-exitcode")
	write(t, folder, "rollcall.state.json", bytes.Replace(sealed, []byte(`"serial": `), []byte(`"serial": 1`), 1))
	if printed := runIn(t, folder, server.URL, 1, "plan"); !strings.Contains(printed, "somebody changed it") {
		t.Error(printed)
	}
}

func newAge(t *testing.T) *age.X25519Identity {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// nobodyNamed checks that no file but the directory's export names anybody.
func nobodyNamed(t *testing.T, folder string) {
	t.Helper()
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		content, err := os.ReadFile(filepath.Join(folder, file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if file.Name() != "people.ldif" && (bytes.Contains(content, []byte("p100")) || bytes.Contains(content, []byte("Person "))) {
			t.Errorf("%s names somebody: %.200s", file.Name(), content)
		}
	}
}
