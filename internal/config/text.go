package config

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

const (
	styleError   = "\x1b[1;31m"
	styleWarning = "\x1b[1;33m"
	styleBold    = "\x1b[1m"
	styleDim     = "\x1b[2m"
	styleReset   = "\x1b[0m"
)

// WriteText writes the diagnostics for a person to read, a blank line after
// each. Control characters of the configuration are shown escaped.
func (d Diagnostics) WriteText(w io.Writer, color bool) error {
	var b strings.Builder
	for i := range d {
		d[i].write(&b, painter(color))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

type painter bool

func (p painter) paint(style, text string) string {
	if !p || text == "" {
		return text
	}
	return style + text + styleReset
}

func (d *Diagnostic) write(b *strings.Builder, p painter) {
	style, word := styleError, "Error: "
	if d.Severity == Warning {
		style, word = styleWarning, "Warning: "
	}
	b.WriteString(p.paint(style, word) + p.paint(styleBold, printable(d.Summary)) + "\n\n")
	if d.Range != nil {
		fmt.Fprintf(b, "  on %s line %d", printable(d.Range.Filename), d.Range.Start.Line)
		if d.Snippet != nil && d.Snippet.Context != "" {
			b.WriteString(", in " + printable(d.Snippet.Context))
		}
		if d.Snippet != nil && d.Snippet.Code != "" {
			b.WriteString(":\n")
			d.Snippet.write(b, p, style)
		} else {
			b.WriteString(".\n")
		}
		b.WriteByte('\n')
	}
	if d.Detail != "" {
		b.WriteString(printable(d.Detail) + "\n\n")
	}
}

// write puts the line and, below the highlighted part, carets.
func (s *Snippet) write(b *strings.Builder, p painter, style string) {
	number := fmt.Sprintf("%4d: ", s.Line)
	var code, highlighted, rest, indent strings.Builder
	carets := 0
	for i, r := range s.Code {
		shown, columns := cell(r)
		switch {
		case i < s.HighlightStart:
			code.WriteString(shown)
			indent.WriteString(strings.Repeat(" ", columns))
		case i < s.HighlightEnd:
			highlighted.WriteString(shown)
			carets += columns
		default:
			rest.WriteString(shown)
		}
	}
	b.WriteString(p.paint(styleDim, number) + code.String() + p.paint(styleBold, highlighted.String()) + rest.String() + "\n")
	b.WriteString(strings.Repeat(" ", len(number)) + indent.String() + p.paint(style, strings.Repeat("^", max(carets, 1))) + "\n")
}

// cell returns how a character is shown and how many columns that takes.
func cell(r rune) (string, int) {
	switch {
	case r == '\t':
		return "    ", 4
	case !unicode.IsPrint(r) && r != ' ':
		escaped := escapeRune(r)
		return escaped, len(escaped)
	case unicode.In(r, unicode.Mn, unicode.Me):
		return string(r), 0
	}
	if kind := width.LookupRune(r).Kind(); kind == width.EastAsianWide || kind == width.EastAsianFullwidth {
		return string(r), 2
	}
	return string(r), 1
}

// printable escapes what a terminal might obey.
func printable(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r == '\n' || r == ' ' || unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(escapeRune(r))
		}
	}
	return b.String()
}

func escapeRune(r rune) string { return strings.Trim(fmt.Sprintf("%+q", r), "'") }
