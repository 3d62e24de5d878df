package config

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// source is a file as it was read.
type source struct {
	bytes []byte
	file  *hcl.File
	// variables says that it is a file of variables, of which no value is shown.
	variables bool
	masked    []maskedLine
}

// place names the block that a diagnostic is about.
type place struct{ address, header string }

// of returns the place of a block inside another, or of one that is in none.
func (p place) of(block *hcl.Block) place {
	if p == (place{}) {
		return placeOf(block)
	}
	return place{p.address, p.header + " " + block.Type}
}

type finding struct {
	place
	diag *hcl.Diagnostic
	// foreign says that the parser or the evaluator speaks, which may quote
	// values.
	foreign bool
	// hideValues masks the whole line's values.
	hideValues bool
}

// reporter collects what is wrong and makes diagnostics of it at the end, when
// all secrets are known.
type reporter struct {
	sources  map[string]*source
	findings []finding
	scrubber scrubber
}

func newReporter() *reporter { return &reporter{sources: map[string]*source{}} }

func (r *reporter) add(severity hcl.DiagnosticSeverity, at place, rng *hcl.Range, summary, detail string) {
	r.findings = append(r.findings, finding{place: at, diag: &hcl.Diagnostic{
		Severity: severity, Summary: summary, Detail: detail, Subject: rng,
	}})
}

// fail reports an error at a place in a file.
func (r *reporter) fail(at place, rng hcl.Range, summary, detail string) {
	r.add(hcl.DiagError, at, &rng, summary, detail)
}

// failNowhere reports an error that is about no place in a file.
func (r *reporter) failNowhere(summary, detail string) {
	r.add(hcl.DiagError, place{}, nil, summary, detail)
}

func (r *reporter) warn(at place, rng hcl.Range, summary, detail string) {
	r.add(hcl.DiagWarning, at, &rng, summary, detail)
}

// foreign passes on what the parser or the evaluator says.
func (r *reporter) foreign(at place, diags hcl.Diagnostics) {
	for _, d := range diags {
		r.findings = append(r.findings, finding{place: at, diag: d, foreign: true})
	}
}

// structure passes on which blocks and attributes are not expected or missing.
// A misspelled name may be that of a secret, so no value is shown.
func (r *reporter) structure(at place, diags hcl.Diagnostics) {
	for _, d := range diags {
		// A misspelled attribute is not missing as well.
		if name, found := strings.CutPrefix(d.Detail, "The argument "); found {
			name, _, _ = strings.Cut(name, " ")
			misspelled := func(x *hcl.Diagnostic) bool { return strings.HasSuffix(x.Detail, "Did you mean "+name+"?") }
			if slices.ContainsFunc(diags, misspelled) {
				continue
			}
		}
		r.findings = append(r.findings, finding{place: at, diag: d, hideValues: true})
	}
}

func (r *reporter) hasErrors() bool {
	return slices.ContainsFunc(r.findings, func(f finding) bool { return f.diag.Severity == hcl.DiagError })
}

// diagnostics returns everything that was reported, sorted and without secrets.
func (r *reporter) diagnostics() Diagnostics {
	var all Diagnostics
	for _, f := range r.findings {
		all = append(all, r.diagnostic(f))
	}
	return all.sort()
}

func (r *reporter) diagnostic(f finding) Diagnostic {
	d := Diagnostic{Severity: Error, Summary: f.diag.Summary, Address: f.address, Detail: f.diag.Detail}
	if f.diag.Severity == hcl.DiagWarning {
		d.Severity = Warning
	}
	// A function that panicked says so with a stack trace.
	if before, _, found := strings.Cut(d.Detail, "panic in function implementation:"); found {
		d.Detail = before + "the function does not take these values."
	}
	if rng := f.diag.Subject; rng != nil {
		d.Range = &Range{rng.Filename, Pos(rng.Start), Pos(rng.End)}
		if src := r.sources[rng.Filename]; src != nil {
			f.locate(src)
			d.Address = f.address
			snippet, hidden := src.snippet(*rng, f.hideValues)
			snippet.Context = r.scrubber.scrub(f.header)
			if code := r.scrubber.scrub(snippet.Code); code != snippet.Code {
				snippet.Code, snippet.HighlightStart, snippet.HighlightEnd = code, 0, len(code)
			}
			d.Snippet = snippet
			if hidden && f.foreign {
				d.Detail = "More is not said, since this line may hold a secret."
			}
		}
	}
	d.Summary, d.Detail = r.scrubber.scrub(d.Summary), r.scrubber.scrub(d.Detail)
	return d
}

// locate finds the block where whoever reported did not know it.
func (f *finding) locate(src *source) {
	if f.place != (place{}) || src.file == nil {
		return
	}
	if _, native := src.file.Body.(*hclsyntax.Body); !native {
		return
	}
	if block := src.file.OutermostBlockAtPos(f.diag.Subject.Start); block != nil {
		f.place = placeOf(block)
	}
}

// placeOf names a block: directory "ldap" "corp" is directory.corp.
func placeOf(block *hcl.Block) place {
	p := place{header: block.Type}
	for _, label := range block.Labels {
		p.header += ` "` + label + `"`
	}
	switch n := len(block.Labels); {
	case n == 0:
		p.address = block.Type
	case block.Type == "variable":
		p.address = "var." + block.Labels[0]
	default:
		p.address = block.Type + "." + block.Labels[n-1]
	}
	return p
}

type maskedLine struct {
	plain, shown string
	// from is where the hidden part begins, or -1.
	from int
}

// lines returns the lines of the file as they may be shown.
func (s *source) lines() []maskedLine {
	if s.masked != nil {
		return s.masked
	}
	m := &masker{names: secretNames()}
	if s.variables {
		m.names = anyName()
	}
	for line := range bytes.SplitSeq(s.bytes, []byte("\n")) {
		plain := strings.TrimSuffix(string(line), "\r")
		shown, from := m.line(plain)
		s.masked = append(s.masked, maskedLine{plain, shown, from})
	}
	return s.masked
}

// snippet returns the first line of a range as it may be shown, and whether
// something of it is hidden.
func (s *source) snippet(rng hcl.Range, hideValues bool) (*Snippet, bool) {
	lines := s.lines()
	line := lines[min(max(rng.Start.Line, 1), len(lines))-1]
	if hideValues && line.from < 0 {
		line.shown, line.from = (&masker{names: anyName()}).line(line.plain)
	}
	code := line.shown
	lineStart := bytes.LastIndexByte(s.bytes[:min(rng.Start.Byte, len(s.bytes))], '\n') + 1
	start, end := min(rng.Start.Byte-lineStart, len(code)), len(code)
	if rng.End.Line == rng.Start.Line {
		end = min(rng.End.Byte-lineStart, len(code))
	}
	if line.from >= 0 && start >= line.from {
		start, end = strings.LastIndex(code, hiddenText), len(code)
	}
	snippet := &Snippet{Code: code, Line: rng.Start.Line, HighlightStart: max(start, 0), HighlightEnd: max(start, end, 0)}
	return snippet.shorten(), line.from >= 0
}

// shorten cuts a very long line around its highlighted part.
func (s *Snippet) shorten() *Snippet {
	const most, before = 300, 100
	if len(s.Code) <= most {
		return s
	}
	from := max(0, s.HighlightStart-before)
	for from < len(s.Code) && !utf8.RuneStart(s.Code[from]) {
		from++
	}
	to := min(len(s.Code), from+most)
	for to < len(s.Code) && !utf8.RuneStart(s.Code[to]) {
		to++
	}
	s.Code = s.Code[from:to]
	s.HighlightStart = min(max(s.HighlightStart-from, 0), len(s.Code))
	s.HighlightEnd = min(max(s.HighlightEnd-from, 0), len(s.Code))
	return s
}
