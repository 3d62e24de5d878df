package render

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rollcall-cli/rollcall/internal/plan"
)

func htmlOf(tb failing, p *plan.Plan) string {
	tb.Helper()
	var b strings.Builder
	if err := HTML(&b, p); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

// body is a page without its style and script, which have files of their own.
func body(document string) string {
	document = strings.Replace(document, pageCSS, "", 1)
	return strings.Replace(document, pageJS, "", 1)
}

func TestHTMLGolden(t *testing.T) {
	t.Parallel()
	for name, p := range plans() {
		golden(t, name+".html", body(htmlOf(t, p)))
	}
}

// The filters of a page say what the summary says.
func TestPageCounts(t *testing.T) {
	t.Parallel()
	for name, p := range plans() {
		s := p.Summarize("")
		want := map[string]int{"remove": s.Remove, "change": s.Change, "add": s.Add, "withheld": s.Withheld + s.WithheldData, "drift": s.Drift, "state": s.Adopt + s.StateOnly}
		got := map[string]int{}
		for _, row := range pageRows(p) {
			got[row.Kind]++
		}
		for kind, n := range want {
			if got[kind] != n {
				t.Errorf("%s: %d rows of %s, want %d", name, got[kind], kind, n)
			}
		}
	}
}

// Whatever a plan holds, its page has the elements of this package and no other, and
// nothing that can not be seen.
func TestPageIsText(t *testing.T) {
	t.Parallel()
	tags := regexp.MustCompile(`<(/?[a-zA-Z!][^\s>/]*)([^>]*)>`)
	known := regexp.MustCompile(`^/?(html|head|meta|title|style|body|header|h[123]|p|main|section|ul|li|table|thead|tbody|tr|th|td|span|details|summary|dl|dt|dd|div|input|button|select|option|colgroup|col|footer|script|code|svg|rect|del|ins)$|^!DOCTYPE$`)
	acting := regexp.MustCompile(`\s(on\w+|href|src|style)\s*=`)
	rapid.Check(t, func(t *rapid.T) {
		p := arbitrary(t)
		if rapid.Bool().Draw(t, "spiteful") {
			p.Domains[0].Title = rapid.SampledFrom(spiteful()).Draw(t, "spite")
			for i := range p.Operations {
				p.Operations[i].Username = rapid.SampledFrom(spiteful()).Draw(t, "spite")
				p.Operations[i].Domain = p.Domains[0].Name
			}
		}
		document := body(htmlOf(t, p))
		if bad := harmful(document); bad != "" {
			t.Fatalf("%q in\n%s", bad, document)
		}
		for _, tag := range tags.FindAllStringSubmatch(document, -1) {
			if !known.MatchString(tag[1]) || acting.MatchString(tag[2]) {
				t.Fatalf("%q in\n%s", tag[0], document)
			}
		}
		if n := strings.Count(document, "<script>"); n != 1 {
			t.Fatalf("%d scripts in\n%s", n, document)
		}
	})
}
