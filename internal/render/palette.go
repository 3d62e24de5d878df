package render

import (
	"strings"

	"github.com/rivo/uniseg"
)

// palette colours text, or leaves it as it is. Whatever a colour says, a sign or
// word says too.
type palette bool

func (p palette) paint(code, s string) string {
	if !p || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (p palette) bold(s string) string   { return p.paint("1", s) }
func (p palette) dim(s string) string    { return p.paint("2", s) }
func (p palette) red(s string) string    { return p.paint("31", s) }
func (p palette) green(s string) string  { return p.paint("32", s) }
func (p palette) yellow(s string) string { return p.paint("33", s) }
func (p palette) alarm(s string) string  { return p.paint("1;31", s) }

// gone and come mark the characters of a change.
func (p palette) gone(s string) string { return p.paint("31;1", s) }
func (p palette) come(s string) string { return p.paint("32;1", s) }

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
