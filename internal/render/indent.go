package render

import (
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// indenter indents a compact document of JSON while it is written, as encoding/json would
// with two spaces, and escapes what hides. No text may come in two pieces.
type indenter struct {
	out   io.Writer
	text  []byte
	depth int
	// opened says that a list or object began, and nothing is in it yet.
	opened bool
}

// Write implements io.Writer.
func (d *indenter) Write(piece []byte) (int, error) {
	text := d.text[:0]
	for i := 0; i < len(piece); i++ {
		c := piece[i]
		if d.opened && c != '}' && c != ']' {
			text = d.line(text)
		}
		switch c {
		case '"':
			n := textLength(piece[i:])
			text = appendEscaped(text, piece[i:i+n])
			i += n - 1
		case '{', '[':
			d.depth++
			d.opened = true
			text = append(text, c)
		case '}', ']':
			d.depth--
			if !d.opened {
				text = d.line(text)
			}
			d.opened = false
			text = append(text, c)
		case ',':
			text = d.line(append(text, c))
		case ':':
			text = append(text, c, ' ')
		default:
			text = append(text, c)
		}
	}
	d.text = text
	_, err := d.out.Write(text)
	return len(piece), err
}

// line appends the end of a line, and the indent of the next.
func (d *indenter) line(text []byte) []byte {
	d.opened = false
	text = append(text, '\n')
	for range d.depth {
		text = append(text, "  "...)
	}
	return text
}

// textLength is the length of the text that a piece of JSON begins with.
func textLength(piece []byte) int {
	for i := 1; i < len(piece); i++ {
		switch piece[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
	return len(piece)
}

// EscapeJSON returns a document in which characters that act on a terminal or can not
// be seen are escaped, as JSON does (RFC 8259, 7). Outside of strings JSON has only
// ASCII, and the encoder has escaped what is below it.
func EscapeJSON(document []byte) []byte { return appendEscaped(nil, document) }

func appendEscaped(to, text []byte) []byte {
	const hex = "0123456789abcdef"
	done := 0
	for i := 0; i < len(text); {
		if text[i] < 0x7f {
			i++
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		if hides(r) {
			to = append(to, text[done:i]...)
			for _, unit := range utf16.Encode([]rune{r}) {
				to = append(to, '\\', 'u', hex[unit>>12], hex[unit>>8&15], hex[unit>>4&15], hex[unit&15])
			}
			done = i + size
		}
		i += size
	}
	return append(to, text[done:]...)
}
