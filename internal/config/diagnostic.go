package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Severity says whether a diagnostic stops the run.
type Severity string

// Errors stop the run, warnings do not.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Diagnostic is one thing that is wrong with a configuration. Its JSON form is
// part of the program's public interface.
type Diagnostic struct {
	Severity Severity `json:"severity"`
	// Summary is a few words without a full stop, Detail what would be right, in
	// sentences.
	Summary string `json:"summary"`
	Detail  string `json:"detail,omitempty"`
	// Address names the block, such as "directory.corp", where there is one.
	Address string   `json:"address,omitempty"`
	Range   *Range   `json:"range,omitempty"`
	Snippet *Snippet `json:"snippet,omitempty"`
}

// Range is a part of a file. End is exclusive.
type Range struct {
	// Filename is relative to the folder of the configuration.
	Filename string `json:"filename"`
	Start    Pos    `json:"start"`
	End      Pos    `json:"end"`
}

// Pos is a place in a file.
type Pos struct {
	// Line and Column count from 1, columns in characters; Byte counts from 0.
	Line   int `json:"line"`
	Column int `json:"column"`
	Byte   int `json:"byte"`
}

// Snippet is the line of the file that a diagnostic is about. Values that are
// or might be secret are replaced.
type Snippet struct {
	// Context is the header of the block, such as `directory "ldap" "corp"`.
	Context string `json:"context,omitempty"`
	Code    string `json:"code"`
	// Line is the number of the line, from 1.
	Line int `json:"line"`
	// HighlightStart and HighlightEnd are offsets in bytes into Code.
	HighlightStart int `json:"highlight_start"`
	HighlightEnd   int `json:"highlight_end"`
}

// Diagnostics are sorted: those about no file first, then by file and place.
type Diagnostics []Diagnostic

// HasErrors reports whether any of them is an error.
func (d Diagnostics) HasErrors() bool {
	return slices.ContainsFunc(d, func(x Diagnostic) bool { return x.Severity == Error })
}

// Error implements error: one line for each error.
func (d Diagnostics) Error() string {
	var lines []string
	for i := range d {
		if d[i].Severity == Error {
			lines = append(lines, d[i].line())
		}
	}
	return strings.Join(lines, "\n")
}

func (d *Diagnostic) line() string {
	text := d.Summary
	if d.Detail != "" {
		text += ": " + strings.Join(strings.Fields(d.Detail), " ")
	}
	if d.Range != nil {
		text = fmt.Sprintf("%s:%d,%d: %s", d.Range.Filename, d.Range.Start.Line, d.Range.Start.Column, text)
	}
	return text
}

func (d Diagnostics) sort() Diagnostics {
	slices.SortStableFunc(d, func(x, y Diagnostic) int { return cmpRanges(x.Range, y.Range) })
	return slices.CompactFunc(d, func(x, y Diagnostic) bool {
		return x.Severity == y.Severity && x.Summary == y.Summary && x.Detail == y.Detail &&
			x.Range != nil && y.Range != nil && *x.Range == *y.Range
	})
}

func cmpRanges(x, y *Range) int {
	switch {
	case x == nil && y == nil:
		return 0
	case x == nil:
		return -1
	case y == nil:
		return 1
	}
	return cmp.Or(
		cmp.Compare(x.Filename, y.Filename),
		cmp.Compare(x.Start.Line, y.Start.Line),
		cmp.Compare(x.Start.Byte, y.Start.Byte),
	)
}
