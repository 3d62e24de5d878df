package render

import (
	"encoding/json"
	"strings"
	"testing"
)

// A plan of 100,000 people names everybody whom it touches, in every format that is not
// bounded; Markdown is held by TestMarkdownIsBounded.
func TestHuge(t *testing.T) {
	t.Parallel()
	p := large(100_000)
	s := p.Summarize("")
	var b strings.Builder
	if err := JSON(&b, p); err != nil {
		t.Fatal(err)
	}
	var document struct {
		Operations []struct{ Address, Action string }
	}
	if err := json.Unmarshal([]byte(b.String()), &document); err != nil {
		t.Fatal(err)
	}
	if len(document.Operations) != len(p.Operations) {
		t.Errorf("JSON has %d operations of %d", len(document.Operations), len(p.Operations))
	}
	text := textOf(t, p, TextOptions{})
	page := htmlOf(t, p)
	for what, c := range map[string]struct {
		lines, rows string
		want        int
	}{
		"removals":  {"\n  - user.", `<tr class="remove"`, s.Remove},
		"changes":   {"\n  ~ user.", `<tr class="change"`, s.Change},
		"additions": {"\n  + user.", `<tr class="add"`, s.Add},
	} {
		// Those of the second domain have other names.
		if got := strings.Count(text, c.lines) + strings.Count(text, strings.Replace(c.lines, "user.", "jane.doe ", 1)) + strings.Count(text, strings.Replace(c.lines, "user.", "kim.park ", 1)); got != c.want {
			t.Errorf("text has %d %s of %d", got, what, c.want)
		}
		if got := strings.Count(page, c.rows); got != c.want {
			t.Errorf("the page has %d %s of %d", got, what, c.want)
		}
	}
}
