package render

import (
	"bufio"
	"errors"
	"html/template"
	"maps"
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

// rowsOf are all rows of a page.
func rowsOf(p *plan.Plan) (rows []pageRow) {
	newPageTable(p).each(func(row *pageRow) { rows = append(rows, *row) })
	return rows
}

// The filters of a page say what the summary says.
func TestPageCounts(t *testing.T) {
	t.Parallel()
	for name, p := range plans() {
		s := p.Summarize("")
		want := map[string]int{"remove": s.Remove, "change": s.Change, "add": s.Add, "withheld": s.Withheld + s.WithheldData, "drift": s.Drift, "state": s.Adopt + s.StateOnly}
		got := map[string]int{}
		for _, row := range rowsOf(p) {
			got[row.Kind]++
		}
		left := maps.Clone(got)
		for _, kind := range newPageTable(p).kinds() {
			if kind.Count != got[kind.Kind] {
				t.Errorf("%s: %s %d, and there are %d rows", name, kind.Label, kind.Count, got[kind.Kind])
			}
			delete(left, kind.Kind)
		}
		if len(left) > 0 {
			t.Errorf("%s: no filter shows %v", name, left)
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

// rowTemplate is a row as html/template would write it.
const rowTemplate = `
<tr class="{{.Kind}}" data-kind="{{.Kind}}" data-domain="{{.Domain}}">
<td><span class="tag">{{.Kind}}</span></td>
<td><span class="who">{{.Who}}</span>{{with .DN}}<span class="small">{{.}}</span>{{end}}</td>
<td>
{{- range .Values}}<span class="pair">{{.}}</span>{{end}}
{{- range .Changes}}<span class="pair"><span class="label">{{.Label}}</span> {{template "gone" .From}}{{if and .From .To}} → {{end}}{{template "come" .To}}</span>{{end -}}
</td>
<td>{{.Domain}}</td>
<td>{{range .What}}{{.}}{{end}}{{with .Why}}<span class="small">{{.}}</span>{{end}}</td>
</tr>
{{- define "gone"}}{{range .}}{{if .Differs}}<del>{{.Text}}</del>{{else}}{{.Text}}{{end}}{{end}}{{end}}
{{- define "come"}}{{range .}}{{if .Differs}}<ins>{{.Text}}</ins>{{else}}{{.Text}}{{end}}{{end}}{{end}}`

// A row is escaped as html/template, which knows where a value stands, would escape it.
func TestRowsAreAsTemplatesHaveThem(t *testing.T) {
	t.Parallel()
	tmpl := template.Must(template.New("row").Parse(rowTemplate))
	text := rapid.OneOf(rapid.SampledFrom(append(spiteful(), "", "jane.doe", "+1 & 'x' \"y\" <z>\x00", "\xff\ufdec")), rapid.String())
	segments := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) segment {
		return segment{text.Draw(t, "text"), rapid.Bool().Draw(t, "differs")}
	}), 0, 3)
	rapid.Check(t, func(t *rapid.T) {
		row := pageRow{
			Kind: text.Draw(t, "kind"), Domain: text.Draw(t, "domain"), Who: text.Draw(t, "who"), DN: text.Draw(t, "dn"),
			Values: rapid.SliceOfN(text, 0, 3).Draw(t, "values"), What: rapid.SliceOfN(text, 0, 3).Draw(t, "what"), Why: text.Draw(t, "why"),
			Changes: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) pageChange {
				return pageChange{text.Draw(t, "label"), segments.Draw(t, "from"), segments.Draw(t, "to")}
			}), 0, 3).Draw(t, "changes"),
		}
		var want strings.Builder
		if err := tmpl.Execute(&want, row); err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		w := newTableWriter(bufio.NewWriter(&got))
		w.row(&row)
		if err := w.Flush(); err != nil || got.String() != want.String() {
			t.Fatalf("%v: %s\nis not\n%s", err, got.String(), want.String())
		}
	})
}

// A page that can not be written is an error, wherever it breaks off.
func TestHTMLFails(t *testing.T) {
	t.Parallel()
	p := large(1000)
	full := errors.New("no space left")
	for _, room := range []int{0, 10_000, 100_000} {
		if err := HTML(&tight{room, full}, p); !errors.Is(err, full) {
			t.Errorf("room for %d: %v", room, err)
		}
	}
}

// tight has room for so many octets.
type tight struct {
	room int
	full error
}

func (w *tight) Write(p []byte) (int, error) {
	if w.room -= len(p); w.room < 0 {
		return 0, w.full
	}
	return len(p), nil
}
