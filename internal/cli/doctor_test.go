package cli_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
	"github.com/rollcall-cli/rollcall/internal/state"
)

// Another run holds the lock: doctor says who, does not wait, and leaves the lock alone.
func TestDoctorLocked(t *testing.T) {
	t.Parallel()
	s := newSite(t, ldaptest.People(20))
	s.run(0, "apply", "--auto-approve")
	path := filepath.Join(s.folder, "rollcall.state.json")
	lock, err := state.AcquireLock(t.Context(), path, 0, state.Holder{PID: 77, User: "mia", Host: "ci-3", Operation: "apply", Since: time.Unix(0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	before := contents(t, s.folder)
	out := s.run(0, "doctor")
	for _, want := range []string{
		"  warn  lock          held by apply (process 77 of mia on ci-3) since 1970-01-01T00:00:00Z\n",
		"→ wait until that run has ended\n",
		"  ok    state         serial 1, lineage ",
		"    ok    entries       10 in ", // of those in the group
		"· 1 × no email: the entry has no \"mail\", such as uid=user000003,",
		"  warn  attributes    displayName never came: in 0 of 17 entries\n", // once, of two searches
	} {
		if !strings.Contains(out, want) {
			t.Errorf("not there: %s\n%s", want, out)
		}
	}
	if after := contents(t, s.folder); after != before {
		t.Errorf("before: %s\nafter: %s", before, after)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{ldaptest.ReaderPassword, testKey} {
		if strings.Contains(s.printed.String(), secret) {
			t.Error("a secret was printed")
		}
	}
}

// contents are the names, modes and contents of the files of a folder.
func contents(t *testing.T, folder string) string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(e.Name() + " " + info.Mode().String() + " " + info.ModTime().String() + "\n" + string(content))
	}
	return b.String()
}

func cmdSteady(ts *testscript.TestScript, _ bool, args []string) {
	text := strings.ReplaceAll(ts.ReadFile(args[0]), ts.Getenv("WORK"), "WORK")
	for _, r := range []struct{ pattern, with string }{
		{`127\.0\.0\.1:\d+`, "127.0.0.1:PORT"},
		{`(\d+ ms|under 1 ms|\d+\.\d s)`, "TIME"},
		{`\d+ days \(\d{4}-\d\d-\d\d\)`, "N days (DATE)"},
		{`\d+ seconds ago`, "TIME ago"},
		{`[0-9a-f]{8}-[0-9a-f-]{27}`, "UUID"},
		{`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`, "INSTANT"},
		{`supports [^"\n]*`, "supports THINGS"},
	} {
		text = regexp.MustCompile(r.pattern).ReplaceAllString(text, r.with)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

func cmdTruncate(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text[:len(text)-1]), 0o600))
}
