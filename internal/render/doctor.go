package render

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/rivo/uniseg"

	"github.com/rollcall-cli/rollcall/internal/doctor"
)

// DoctorOptions say how checks are shown as text.
type DoctorOptions struct {
	Color bool
	// Width is where lines are broken between words, in columns; 0 stands for nowhere.
	Width int
}

// Doctor shows checks to people, and how many came to which result.
func Doctor(out io.Writer, report *doctor.Report, o DoctorOptions) error {
	w := &writer{Writer: bufio.NewWriter(out), palette: palette(o.Color), width: o.Width}
	for i := range report.Sections {
		w.checks(&report.Sections[i])
	}
	w.line("")
	if report.Count(doctor.Failed) > 0 {
		// What failed may stand above the screen.
		w.paragraph("Failed: ", len("Failed: "), "  ", Escape(strings.Join(failures(report), "; ")))
	}
	w.line("%s", w.verdict(report))
	return w.Flush()
}

// failures names the checks that failed, each once.
func failures(report *doctor.Report) []string {
	var names []string
	for i := range report.Sections {
		s := &report.Sections[i]
		for j := range s.Checks {
			name := s.Name + " " + s.Checks[j].Name
			if s.Checks[j].Result == doctor.Failed && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// widestCheck is the width of the longest name of a check.
const widestCheck = len("organization")

func (w *writer) checks(s *doctor.Section) {
	w.line("%s", w.bold(Escape(s.Name)))
	subject := ""
	for i := 0; i < len(s.Checks); i++ {
		c := &s.Checks[i]
		if c.Subject != subject && c.Subject != "" {
			w.line("  %s", Escape(c.Subject))
		}
		subject = c.Subject
		name, merged := c.Name, false
		// What was skipped for one reason is one line.
		for c.Result == doctor.Skipped && i+1 < len(s.Checks) && s.Checks[i+1].Result == doctor.Skipped &&
			s.Checks[i+1].Subject == c.Subject && s.Checks[i+1].Detail == c.Detail {
			i++
			name, merged = name+", "+s.Checks[i].Name, true
		}
		if merged {
			name += ":"
		}
		w.check(c, name)
	}
}

// check is one check: its result, name and detail, below it the cases and the remedy.
func (w *writer) check(c *doctor.Check, name string) {
	indent := "  "
	if c.Subject != "" {
		indent = "    "
	}
	word := map[doctor.Result]string{
		doctor.OK: w.green("ok") + "  ", doctor.Warning: w.yellow("warn"), doctor.Failed: w.alarm("fail"), doctor.Skipped: w.dim("skip"),
	}[c.Result]
	head := fmt.Sprintf("%s%s  %s  ", indent, word, pad(Escape(name), widestCheck))
	// The column where details stand; a colour takes none.
	column := len(indent) + len("fail  ") + max(widestCheck, uniseg.StringWidth(Escape(name))) + 2
	below := strings.Repeat(" ", len(indent)+len("fail  ")+widestCheck+2)
	w.paragraph(head, column, below, Escape(c.Detail))
	for _, item := range c.Items {
		w.paragraph(below+"· ", len(below)+2, below+"  ", Escape(item))
	}
	if c.Remedy != "" {
		w.paragraph(below+"→ ", len(below)+2, below+"  ", Escape(c.Remedy))
	}
}

// paragraph writes text after head, which ends in the column, and goes on below it where
// the line is full.
func (w *writer) paragraph(head string, column int, below, text string) {
	if w.width == 0 || column+uniseg.StringWidth(text) <= w.width {
		w.line("%s%s", head, text)
		return
	}
	line, width := head, column
	begun := false
	for word := range strings.FieldsSeq(text) {
		size := uniseg.StringWidth(word)
		switch {
		case !begun:
		case width+1+size > w.width:
			w.line("%s", line)
			line, width = below, len(below)
		default:
			line, width = line+" ", width+1
		}
		line, width, begun = line+word, width+size, true
	}
	w.line("%s", line)
}

// verdict is the line at the end.
func (w *writer) verdict(report *doctor.Report) string {
	failed, warnings := report.Count(doctor.Failed), report.Count(doctor.Warning)
	var parts []string
	if failed > 0 {
		parts = append(parts, w.alarm(fmt.Sprintf("%d failed", failed)))
	}
	if warnings > 0 {
		parts = append(parts, w.yellow(Count(warnings, "warning", "warnings")))
	}
	if skipped := report.Count(doctor.Skipped); skipped > 0 {
		parts = append(parts, fmt.Sprintf("%d skipped", skipped))
	}
	parts = append(parts, w.green(fmt.Sprintf("%d ok", report.Count(doctor.OK))))
	return strings.Join(parts, ", ") + "."
}

// doctorDocument is the checks for programs; docs/doctor.md.
type doctorDocument struct {
	FormatVersion   int           `json:"format_version"`
	RollcallVersion string        `json:"rollcall_version"`
	Result          doctor.Result `json:"result"`
	Summary         doctorSummary `json:"summary"`
	Checks          []doctorCheck `json:"checks"`
}

type doctorSummary struct {
	OK      int `json:"ok"`
	Warning int `json:"warning"`
	Failed  int `json:"failed"`
	Skipped int `json:"skipped"`
}

type doctorCheck struct {
	Section string `json:"section"`
	doctor.Check
}

// DoctorJSON shows checks to programs. Characters are escaped as in JSON.
func DoctorJSON(out io.Writer, report *doctor.Report, version string) error {
	d := doctorDocument{FormatVersion: 1, RollcallVersion: version, Checks: []doctorCheck{}, Summary: doctorSummary{
		OK: report.Count(doctor.OK), Warning: report.Count(doctor.Warning), Failed: report.Count(doctor.Failed), Skipped: report.Count(doctor.Skipped),
	}}
	switch {
	case d.Summary.Failed > 0:
		d.Result = doctor.Failed
	case d.Summary.Warning > 0:
		d.Result = doctor.Warning
	default:
		d.Result = doctor.OK
	}
	for i := range report.Sections {
		s := &report.Sections[i]
		for _, c := range s.Checks {
			c.Items = orEmpty(c.Items)
			d.Checks = append(d.Checks, doctorCheck{s.Name, c})
		}
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(d); err != nil {
		return err
	}
	_, err := out.Write(EscapeJSON(text.Bytes()))
	return err
}
