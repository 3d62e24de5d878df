package render

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Escape makes a string that came from a directory or LoginTC harmless to a
// terminal and plain to a reader: control characters, terminal escapes, what
// turns or hides text (bidirectional controls, zero-width characters, line
// separators) and octets that are not UTF-8 are shown as escapes. Letters of
// every script stay as they are.
func Escape(s string) string {
	harmless := harmlessPart(s)
	if harmless == len(s) {
		return s
	}
	var b strings.Builder
	b.WriteString(s[:harmless])
	for i := harmless; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case hides(r) && r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		case hides(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteString(s[i : i+size])
		}
		i += size
	}
	return b.String()
}

// harmlessPart is how much of a text is shown as it is.
func harmlessPart(s string) int {
	if plain(s) {
		return len(s)
	}
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 || hides(r) {
			return i
		}
		i += size
	}
	return len(s)
}

func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// hides reports whether the character acts on text, or can not be seen in it:
// all that is no letter, mark, number, punctuation, symbol or plain space (so
// control characters, bidirectional controls, zero-width characters, line
// separators, private use, other spaces), and letters and marks without a shape.
func hides(r rune) bool {
	return !unicode.IsPrint(r) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
}
