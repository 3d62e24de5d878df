package render

import (
	"strings"
	"testing"
	"time"

	"github.com/sergi/go-diff/diffmatchpatch"
	"pgregory.net/rapid"
)

func TestDifference(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 150)
	for _, c := range []struct{ name, before, after, from, to string }{
		{"a letter more", "Jane Do", "Jane Doe", "Jane Do", "Jane Do{+e+}"},
		{"a part in the middle", "noor.haddad@example.com", "noor@example.com", "noor[-.haddad-]@example.com", "noor@example.com"},
		{"something else", "Ada", "박지민", "[-Ada-]", "{+박지민+}"},
		{"from nothing", "", "Ada", "", "{+Ada+}"},
		{"one letter of another script", "박지민", "박지훈", "박지[-민-]", "박지{+훈+}"},
		{"the same letter written otherwise", "M\u00fcller", "Mu\u0308ller", "M[-\u00fc-]ller", "M{+u\u0308+}ller"},
		{"an accent is no character", "Muller", "Mu\u0308ller", "M[-u-]ller", "M{+u\u0308+}ller"},
		{"octets that are not UTF-8", "a\x80", "a\x81", `a[-\x80-]`, `a{+\x81+}`},
		{"private use", "\U000f0000e\u0301", "\U000f0001e\u0301", `[-\U000f0000-]` + "e\u0301", `{+\U000f0001+}` + "e\u0301"},
		{"what is marked is escaped", "a\x1b[1m", "a", `a[-\u001b[1m-]`, "a"},
		{
			"long, cut around the difference", long + "1" + long, long + "2" + long,
			"…(110 more)…" + long[:40] + "[-1-]" + long[:40] + "…(110 more)…",
			"…(110 more)…" + long[:40] + "{+2+}" + long[:40] + "…(110 more)…",
		},
		{"a long part", "", strings.Repeat("é", 300), "", "{+" + strings.Repeat("é", 160) + "…(140 more)…+}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			from, to := difference(false, c.before, c.after)
			if from != c.from || to != c.to {
				t.Errorf("got\n%q\n%q\nwant\n%q\n%q", from, to, c.from, c.to)
			}
		})
	}
}

// TestCompareLaw says that nothing is lost or made up: without its additions a
// difference is the old value, without its deletions the new one.
func TestCompareLaw(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		before, after := anything().Draw(t, "before"), anything().Draw(t, "after")
		var from, to strings.Builder
		for _, d := range compare(before, after) {
			if d.Type != diffmatchpatch.DiffInsert {
				from.WriteString(d.Text)
			}
			if d.Type != diffmatchpatch.DiffDelete {
				to.WriteString(d.Text)
			}
		}
		if from.String() != before || to.String() != after {
			t.Fatalf("%q and %q became %q and %q", before, after, from.String(), to.String())
		}
	})
}

// TestHugeValues bounds the time that two huge values without likeness take.
func TestHugeValues(t *testing.T) {
	t.Parallel()
	before, after := strings.Repeat("ab", 100_000), strings.Repeat("cd", 100_000)
	began := time.Now()
	from, to := difference(false, before, after)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
	if len(from)+len(to) > 1000 || !strings.Contains(from, "(199840 more)") {
		t.Errorf("got %q, %q", from, to)
	}
}
