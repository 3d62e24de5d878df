package render

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares what came out with testdata/name, which leaves out most of the
// values that are huge on purpose.
func golden(t *testing.T, name, got string) {
	t.Helper()
	got = strings.ReplaceAll(got, strings.Repeat("x", 1000), "")
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (- want, + got; go test -update writes it anew):\n%s", path, diff)
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for name, p := range plans() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden(t, name+".txt", textOf(t, p, TextOptions{}))
			golden(t, name+".color.txt", textOf(t, p, TextOptions{Color: true}))
			var document strings.Builder
			if err := JSON(&document, p); err != nil {
				t.Fatal(err)
			}
			golden(t, name+".json", document.String())
		})
	}
}

// TestFirstScreen shows what an administrator sees first of a large plan.
func TestFirstScreen(t *testing.T) {
	t.Parallel()
	all := strings.SplitAfter(textOf(t, large(1000), TextOptions{Width: 80}), "\n")
	golden(t, "large.txt", strings.Join(all[:60], ""))
	if last, overview := all[len(all)-2], all[2]; last != overview {
		t.Errorf("the summary at the end is %q, the one at the top %q", last, overview)
	}
}

func TestUsers(t *testing.T) {
	t.Parallel()
	var people []identity.Person
	for _, line := range lines(ada, jane, kim, zoe, "a-username-that-is-far-too-long-for-any-column | "+nasty()[0]+" | ") {
		people = append(people, person(line))
	}
	var b strings.Builder
	if err := Users(&b, people); err != nil {
		t.Fatal(err)
	}
	golden(t, "users.txt", b.String())

	b.Reset()
	if err := Users(&b, nil); err != nil || b.String() != "Fetched 0 user(s)\n" {
		t.Errorf("nobody: %q, %v", b.String(), err)
	}
}
