// Package render shows a plan, to people as text and to programs as JSON. It
// computes nothing: what it counts, plan counted.
//
// Everything that a directory or LoginTC supplied is data and is shown escaped.
package render

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"time"

	"github.com/rollcall-cli/rollcall/internal/plan"
)

// TextOptions say how a plan is shown as text.
type TextOptions struct {
	Color bool
	// Width is the columns of the terminal; 0 stands for 100.
	Width int
	// Selection says what is shown; the summary at the end is of the whole plan.
	Selection Selection
	// Compact says that each person has one line, and nothing is said of how the
	// directories were read.
	Compact bool
}

// firstScreen is how many lines about people a plan may have before its summary
// is shown at the top as well.
const firstScreen = 30

// writer prints lines and keeps the first error.
type writer struct {
	*bufio.Writer
	palette
	width int
	// compact is as in TextOptions; people says that nothing else is shown than people.
	compact, people bool
	// text is the line that is made, in memory that the next one uses again: a line for each of a
	// million people should need none.
	text []byte
}

// add adds parts to the line.
func (w *writer) add(parts ...string) {
	for _, part := range parts {
		w.text = append(w.text, part...)
	}
}

// tint adds parts to the line, in a colour.
func (w *writer) tint(c colour, parts ...string) {
	w.text = w.append(w.text, c, parts...)
}

// start and stop add what begins and ends a colour.
func (w *writer) start(c colour) {
	if w.palette {
		w.add(string(c))
	}
}

func (w *writer) stop() {
	if w.palette {
		w.add(plainly)
	}
}

// pad adds a text, and spaces up to a width in columns.
func (w *writer) pad(s string, width int) {
	w.text = append(w.text, s...)
	for range width - columnsOf(s) {
		w.text = append(w.text, ' ')
	}
}

// end writes the line.
func (w *writer) end() {
	_, _ = w.Write(append(bytes.TrimRight(w.text, " "), '\n')) // Flush returns the error
	w.text = w.text[:0]
}

// put writes a line of these parts.
func (w *writer) put(parts ...string) {
	w.add(parts...)
	w.end()
}

func (w *writer) line(format string, args ...any) {
	w.put(fmt.Sprintf(format, args...))
}

// Text shows a plan to people: first what must not be missed, then each domain
// with its removals first, then what was withheld, and one line of summary last.
func Text(out io.Writer, p *plan.Plan, o TextOptions) error {
	w := &writer{Writer: bufio.NewWriter(out), palette: palette(o.Color), width: cmp.Or(o.Width, 100), compact: o.Compact, people: o.Compact || len(o.Selection.Parts) > 0}
	w.line("%s", w.bold("Plan "+ShortID(p.ID))+w.dim(" (expires "+p.Expires.UTC().Format("2006-01-02 15:04 MST")+")"))
	w.scopeChanges(p)
	for _, failure := range p.Failures {
		w.line("")
		w.line("%s %s", w.alarm("Stopped:"), Escape(failure))
	}
	if len(p.Operations)+len(p.Withheld) > firstScreen {
		w.overview(p)
	}
	shown := o.Selection.Select(p)
	w.domains(shown)
	w.strays(p)
	w.drift(shown)
	w.withheld(shown)
	w.ending(p)
	return w.Flush()
}

// domains shows each domain.
func (w *writer) domains(p *plan.Plan) {
	if p.RefreshOnly {
		return // no directory was read, and nobody is added or removed
	}
	of := byDomain(p)
	for i := range p.Domains {
		w.domain(&p.Domains[i], of[p.Domains[i].Name])
	}
}

// ShortID is the part of a plan's id that people compare.
func ShortID(id string) string { return Escape(id[:min(12, len(id))]) }

func (w *writer) scopeChanges(p *plan.Plan) {
	for _, d := range p.Domains {
		if len(d.ScopeChanges) == 0 {
			continue
		}
		w.line("")
		w.line("%s what decides who is in %s has changed; whom that removes, nobody left behind:", w.alarm("Scope change:"), domainName(d.Name))
		for _, c := range d.ScopeChanges {
			w.line("  %s", Escape(c.Setting))
			before, after := difference(w.palette, c.Before, c.After)
			w.line("    %s %s", w.red("-"), before)
			w.line("    %s %s", w.green("+"), after)
		}
	}
}

// overview is what a plan that fills many screens comes to.
func (w *writer) overview(p *plan.Plan) {
	w.line("")
	w.line("%s", w.bold(Summary(p)))
	if len(p.Domains) < 2 {
		return
	}
	names := 0
	for i := range p.Domains {
		names = max(names, widest(domainName(p.Domains[i].Name)))
	}
	for i := range p.Domains {
		name := p.Domains[i].Name
		s := p.Summarize(name)
		w.line("  %s  %d to add, %d to change, %d to remove, %d withheld", pad(domainName(name), names), s.Add, s.Change, s.Remove, s.Withheld+s.WithheldData)
	}
}

func (w *writer) ending(p *plan.Plan) {
	if len(p.Warnings) > 0 {
		w.line("")
		for _, warning := range p.Warnings {
			w.line("%s %s", w.yellow("Warning:"), Escape(warning))
		}
	}
	w.line("")
	if p.RunLimit != nil {
		use := fmt.Sprintf("Removals over all domains: %d of %d allowed (max_remove_limit = %s in the rollcall block)", p.RunLimit.Used, p.RunLimit.Allowed, quotedLimit(*p.RunLimit))
		if p.RunLimit.Wanted > p.RunLimit.Allowed {
			use = w.alarm(use + fmt.Sprintf(", %d due: none is made", p.RunLimit.Wanted))
		}
		w.line("%s", use)
	}
	if p.APICalls > 0 {
		line := Count(p.APICalls, "API call", "API calls")
		if p.APISeconds > 0 {
			line += fmt.Sprintf(", at least %s at the configured rate", time.Duration(p.APISeconds*float64(time.Second)).Round(100*time.Millisecond))
		}
		w.line("%s", line)
	}
	w.line("%s", w.bold(Summary(p)))
}

// Withheld lists what limits and guards withheld, for the end of a run.
func Withheld(out io.Writer, p *plan.Plan, color bool) error {
	w := &writer{Writer: bufio.NewWriter(out), palette: palette(color), width: 100}
	w.withheld(p)
	return w.Flush()
}

func quotedLimit(use plan.LimitUse) string {
	if use.Limit.Percent {
		return `"` + use.Limit.String() + `"`
	}
	return use.Limit.String()
}
