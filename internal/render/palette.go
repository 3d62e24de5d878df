package render

import (
	"strings"

	"github.com/rivo/uniseg"
)

// palette colours text, or leaves it as it is. Whatever a colour says, a sign or
// word says too.
type palette bool

// colour is what a terminal is told to show a text in (ECMA-48, SGR).
type colour string

const (
	bold   colour = "\x1b[1m"
	dim    colour = "\x1b[2m"
	red    colour = "\x1b[31m"
	green  colour = "\x1b[32m"
	yellow colour = "\x1b[33m"
	alarm  colour = "\x1b[1;31m"
	// gone and come mark the characters of a change.
	gone colour = "\x1b[31;1m"
	come colour = "\x1b[32;1m"

	plainly = "\x1b[0m"
)

// append appends a text of these parts in a colour; nothing has none.
func (p palette) append(to []byte, c colour, parts ...string) []byte {
	size := len(to)
	if p {
		to = append(to, c...)
	}
	begun := len(to)
	for _, part := range parts {
		to = append(to, part...)
	}
	if len(to) == begun {
		return to[:size]
	}
	if p {
		to = append(to, plainly...)
	}
	return to
}

func (p palette) paint(c colour, s string) string {
	return string(p.append(nil, c, s))
}

func (p palette) bold(s string) string   { return p.paint(bold, s) }
func (p palette) dim(s string) string    { return p.paint(dim, s) }
func (p palette) red(s string) string    { return p.paint(red, s) }
func (p palette) green(s string) string  { return p.paint(green, s) }
func (p palette) yellow(s string) string { return p.paint(yellow, s) }
func (p palette) alarm(s string) string  { return p.paint(alarm, s) }

// columnsOf is how many columns a text takes.
func columnsOf(s string) int {
	if plain(s) {
		return len(s)
	}
	return uniseg.StringWidth(s)
}

// pad fills s with spaces up to a width in columns.
func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-columnsOf(s)))
}

// maxColumn bounds the columns of usernames and names: a longer one makes its own
// line ragged, not all.
const maxColumn = 32

// widest is the greatest width of a column of these.
func widest(column ...string) int {
	width := 0
	for _, s := range column {
		if w := columnsOf(s); w <= maxColumn {
			width = max(width, w)
		}
	}
	return width
}
