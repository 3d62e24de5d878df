package render

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
	"pgregory.net/rapid"

	"github.com/rollcall-cli/rollcall/internal/plan"
)

func markdownOf(tb failing, p *plan.Plan, most int) string {
	tb.Helper()
	var b strings.Builder
	if err := Markdown(&b, p, most); err != nil {
		tb.Fatal(err)
	}
	if b.Len() > most {
		tb.Errorf("%d bytes, at most %d wanted", b.Len(), most)
	}
	return b.String()
}

func TestMarkdownGolden(t *testing.T) {
	t.Parallel()
	for name, p := range plans() {
		golden(t, name+".md", markdownOf(t, p, DefaultMarkdown))
	}
}

// allowed are the only tags of HTML that the document has.
var allowed = regexp.MustCompile(`^(<!-- rollcall plan -->\n?|</?(code|details|summary|sub)>)+$`)

// acting returns what in a document is more than text, by what GitHub's dialect makes
// of it: links, images, other HTML, and mentions outside of code.
func acting(document string) string {
	source := []byte(document)
	root := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(source))
	var bad string
	note := func(format string, args ...any) {
		if bad == "" {
			bad = fmt.Sprintf(format, args...)
		}
	}
	inCode := 0
	_ = ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Link, *ast.Image, *ast.AutoLink:
			note("a %s", n.Kind())
		case *ast.RawHTML:
			tag := string(n.Segments.Value(source))
			if !allowed.MatchString(tag) {
				note("HTML %q", tag)
			}
			switch tag {
			case "<code>":
				inCode++
			case "</code>":
				inCode--
			}
		case *ast.HTMLBlock:
			for i := range n.Lines().Len() {
				line := n.Lines().At(i)
				tags := regexp.MustCompile(`<[^>]*>`).FindAllString(string(line.Value(source)), -1)
				if len(tags) > 0 && !allowed.MatchString(strings.Join(tags, "")) {
					note("HTML %q", tags)
				}
			}
		case *ast.Text:
			if inCode == 0 && bytes.ContainsAny(n.Segment.Value(source), "@#") {
				note("text %q", n.Segment.Value(source))
			}
		case *ast.Heading, *ast.Paragraph, *ast.FencedCodeBlock, *ast.Document, *ast.Emphasis:
		default:
			note("a %s", n.Kind())
		}
		return ast.WalkContinue, nil
	})
	return bad
}

// spiteful are texts that would act in a comment.
func spiteful() []string {
	return []string{
		"@everybody", "[x](https://evil.example)", "![x](https://evil.example/x.png)", "<img src=x onerror=alert(1)>", "https://evil.example",
		"www.evil.example", "```", "\n```\n# owned", "~~~~", "</code></summary></details><script>", "`code`", "**bold**", "#1", "a@evil.example", "&lt;b&gt;", "| a | b |",
	}
}

func TestNothingActsInAComment(t *testing.T) {
	t.Parallel()
	for _, s := range append(spiteful()[:6], "<script>", "</details>x</b>", "#1", "a@evil.example", "```diff\n- x\n```\n[x](https://evil.example)") {
		if acting("Hello "+s) == "" {
			t.Errorf("the check lets %q through", s)
		}
	}
	for name, p := range plans() {
		if bad := acting(markdownOf(t, p, DefaultMarkdown)); bad != "" {
			t.Errorf("%s: %s", name, bad)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		p := arbitrary(t)
		spite := func() string { return rapid.SampledFrom(spiteful()).Draw(t, "spite") }
		d := &p.Domains[0]
		d.Title, p.RollcallVersion, p.Warnings, p.Failures = spite(), spite(), []string{spite()}, []string{spite()}
		d.Sources[0].Directory, d.ScopeChanges[0].After = spite(), spite()
		for i := range p.Operations {
			op := &p.Operations[i]
			op.Username, op.DN, op.Reason = spite(), spite(), spite()
			op.Details = &plan.Details{OtherUsername: spite(), GroupName: spite(), PhoneNumber: spite()}
			if op.After != nil {
				op.After.Name, op.After.Email = spite(), spite()
			}
		}
		for i := range p.Withheld {
			p.Withheld[i].Username, p.Withheld[i].Reason = spite(), spite()
		}
		document := markdownOf(t, p, DefaultMarkdown)
		if bad := acting(document); bad != "" {
			t.Fatalf("%s in\n%s", bad, document)
		}
		if bad := harmful(document); bad != "" {
			t.Fatalf("%q in\n%s", bad, document)
		}
	})
}

// However large the plan, the comment is not; every removal is there, or how many are not.
func TestMarkdownIsBounded(t *testing.T) {
	t.Parallel()
	for _, n := range []int{10, 300, 1_000, 100_000} {
		p := large(n)
		removals := p.Summarize("").Remove
		for _, most := range []int{MinMarkdown, 10_000, DefaultMarkdown, 1 << 20} {
			document := markdownOf(t, p, most)
			shown := len(regexp.MustCompile(`(?m)^- domain\.(vpn|site)\["`).FindAllString(document, -1))
			left := 0
			if found := regexp.MustCompile(`among them (\d+) removals?\*\*`).FindStringSubmatch(document); found != nil {
				_, _ = fmt.Sscan(found[1], &left)
			}
			if shown+left != removals {
				t.Errorf("%d people in %d bytes: %d removals are shown, %d said to be left out, of %d", n, most, shown, left, removals)
			}
			if left > 0 && strings.Contains(document, "<details>") {
				t.Errorf("%d people in %d bytes: additions stand where removals are missing", n, most)
			}
			if bad := acting(document); bad != "" {
				t.Errorf("%d people in %d bytes: %s", n, most, bad)
			}
		}
	}
	if err := Markdown(&strings.Builder{}, large(1), MinMarkdown-1); err == nil {
		t.Error("no place for a plan")
	}
}

func TestSelection(t *testing.T) {
	t.Parallel()
	p := removals()
	show := func(parts, domains []string, compact bool) string {
		s, err := NewSelection(p, parts, domains)
		if err != nil {
			t.Fatal(err)
		}
		return textOf(t, p, TextOptions{Selection: s, Compact: compact})
	}
	for name, c := range map[string]struct {
		got           string
		has, has2, no string
	}{
		"removals of one domain": {show([]string{"remove"}, []string{"domain.site"}, false), "- kim.park", "Plan: ", "jane.doe"},
		"additions":              {show([]string{"add"}, nil, false), "domain.vpn", "Plan: ", "- kim.park"},
		"compact":                {show(nil, nil, true), "- jane.doe", "deleted from the organization", "read directory.corp"},
	} {
		if !strings.Contains(c.got, c.has) || !strings.Contains(c.got, c.has2) || strings.Contains(c.got, c.no) {
			t.Errorf("%s:\n%s", name, c.got)
		}
	}
	if _, err := NewSelection(p, []string{"removals"}, nil); err == nil {
		t.Error("no such part")
	}
	if _, err := NewSelection(p, nil, []string{"x"}); err == nil || !strings.Contains(err.Error(), "it has: site, vpn") {
		t.Errorf("%v", err)
	}
}

// failing is what a test and a drawn case have in common.
type failing interface {
	Helper()
	Errorf(format string, args ...any)
	Fatal(args ...any)
}
