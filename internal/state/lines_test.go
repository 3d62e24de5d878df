package state

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// The journal is read by earlier versions too, which wrote it so.
func TestLinesAreAsEncodingJSONHasThem(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.SampledFrom([]string{"", "jane", `<j>&"\`, "\u2028", "\xff"}), rapid.String())
		var changes []Change
		for range rapid.IntRange(0, 3).Draw(t, "changes") {
			c := Change{Domain: text.Draw(t, "domain"), Key: identity.Key(text.Draw(t, "key"))}
			if rapid.Bool().Draw(t, "put") {
				m := anyMember(t)
				c.Member = &m
			}
			changes = append(changes, c)
		}
		number, id, failed := rapid.Int().Draw(t, "number"), text.Draw(t, "user id"), rapid.Bool().Draw(t, "failed")
		operation, _ := json.Marshal(text.Draw(t, "operation"))
		for _, one := range []struct {
			line func([]byte) ([]byte, error)
			want record
		}{
			{func(to []byte) ([]byte, error) { return appendBegin(to, number, operation), nil }, record{Begin: &number, Operation: operation}},
			{func(to []byte) ([]byte, error) { return appendEnd(to, number, failed, id, changes) }, record{End: &number, Failed: failed, UserID: id, Changes: changes}},
		} {
			var want bytes.Buffer
			e := json.NewEncoder(&want)
			e.SetEscapeHTML(false)
			wrong := e.Encode(one.want)
			got, err := one.line([]byte("x"))
			if (err == nil) != (wrong == nil) || string(got) != "x"+want.String() {
				t.Fatalf("%s %v, not %s %v", got, err, &want, wrong)
			}
		}
	})
}

// Ends that come together are kept back until there are many, or all.
func TestEndsTogether(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	j, err := CreateJournal(path, empty(), "p", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	lines := func() int {
		content, err := os.ReadFile(JournalPath(path))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(content), "\n") - 1
	}
	const many = 3000
	err = j.Together(func() {
		for n := range many {
			if err := j.End(n, strings.Repeat("i", 40), nil); err != nil {
				t.Error(err)
			}
			if n == 99 && lines() != 0 {
				t.Errorf("%d lines of 100", lines())
			}
		}
		if n := lines(); n < many/2 || n == many {
			t.Errorf("%d lines of %d", n, many)
		}
	})
	if err != nil || lines() != many {
		t.Errorf("%d lines of %d, %v", lines(), many, err)
	}
	if err := j.Fail(many); err != nil || lines() != many+1 {
		t.Errorf("%d lines, and one alone: %v", lines(), err)
	}
	if _, l := fold(t, path); l.Done != many || len(l.Open) != 0 {
		t.Errorf("%+v", l)
	}
	if err := j.Remove(); err != nil {
		t.Fatal(err)
	}
	if j.Together(func() { _ = j.Fail(0) }) == nil {
		t.Error("written to a closed file")
	}
}
