package render

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"github.com/sergi/go-diff/diffmatchpatch"
)

const (
	// aside is how many characters that both values share are shown beside a
	// difference, where there are more.
	aside = 40
	// maxCompared bounds the values that are searched for what they share in
	// between: that takes time in proportion to the square of their length.
	maxCompared = 2000
)

// segment is a part of a value as it is shown: escaped, and cut where it is long.
type segment struct {
	Text string
	// Differs says that the other value does not have it.
	Differs bool
}

// segments divides two values into what they share and what one of them has. It does
// not depend on the machine's speed.
func segments(before, after string) (from, to []segment) {
	diffs := compare(before, after)
	for i, d := range diffs {
		switch d.Type {
		case diffmatchpatch.DiffEqual:
			shared := segment{Text: shorten(d.Text, i > 0, i < len(diffs)-1)}
			from, to = append(from, shared), append(to, shared)
		case diffmatchpatch.DiffDelete:
			from = append(from, segment{cut(d.Text), true})
		case diffmatchpatch.DiffInsert:
			to = append(to, segment{cut(d.Text), true})
		}
	}
	return from, to
}

// difference returns the two values with what differs marked: by colour and
// brackets, or by brackets alone.
func difference(p palette, before, after string) (marked, markedAfter string) {
	from, to := segments(before, after)
	return string(markGone(nil, p, from)), string(markCome(nil, p, to))
}

// markGone appends a value, and marks what the one after it has not.
func markGone(to []byte, p palette, from []segment) []byte {
	return mark(to, p, from, gone, "[-", "-]")
}

// markCome appends a value, and marks what the one before it has not.
func markCome(to []byte, p palette, is []segment) []byte {
	return mark(to, p, is, come, "{+", "+}")
}

func mark(to []byte, p palette, value []segment, c colour, open, end string) []byte {
	for _, s := range value {
		if s.Differs {
			to = p.append(to, c, open, s.Text, end)
		} else {
			to = append(to, s.Text...)
		}
	}
	return to
}

// compare divides two values into what they share and what one of them has. It
// divides between characters as a reader sees them: a letter and its accent stay
// together, and octets that are not UTF-8 stay what they are.
func compare(before, after string) []diffmatchpatch.Diff {
	var a alphabet
	var from, to []rune
	if max(len(before), len(after)) <= maxCompared {
		from, to = a.encodeText(before), a.encodeText(after)
	} else {
		was, is := slices.Collect(characters(before)), slices.Collect(characters(after))
		if max(len(was), len(is)) > maxCompared {
			return compareEnds(was, is)
		}
		from, to = a.encode(was), a.encode(is)
	}
	differ := diffmatchpatch.New()
	differ.DiffTimeout = 0
	diffs := differ.DiffCleanupSemantic(differ.DiffMainRunes(from, to, false))
	for i := range diffs {
		diffs[i].Text = a.decode(diffs[i].Text)
	}
	return diffs
}

// characters divides a value into its grapheme clusters (UAX #29).
func characters(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		rest, state := s, -1
		for rest != "" {
			var character string
			if character, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state); !yield(character) {
				return
			}
		}
	}
}

// compareEnds finds only what the values share at their start and end.
func compareEnds(from, to []string) []diffmatchpatch.Diff {
	head, shorter := 0, min(len(from), len(to))
	for head < shorter && from[head] == to[head] {
		head++
	}
	tail := 0
	for tail < shorter-head && from[len(from)-1-tail] == to[len(to)-1-tail] {
		tail++
	}
	part := func(kind diffmatchpatch.Operation, characters []string) diffmatchpatch.Diff {
		return diffmatchpatch.Diff{Type: kind, Text: strings.Join(characters, "")}
	}
	return slices.DeleteFunc([]diffmatchpatch.Diff{
		part(diffmatchpatch.DiffEqual, from[:head]),
		part(diffmatchpatch.DiffDelete, from[head:len(from)-tail]),
		part(diffmatchpatch.DiffInsert, to[head:len(to)-tail]),
		part(diffmatchpatch.DiffEqual, from[len(from)-tail:]),
	}, func(d diffmatchpatch.Diff) bool { return d.Text == "" })
}

// firstCode is the first rune that stands for a character that is not one rune:
// that of a private plane, whose own runes get another one there.
const firstCode = 0xf0000

// alphabet gives every character one rune, since go-diff compares runes.
type alphabet struct {
	codes      map[string]rune
	characters []string
}

func (a *alphabet) encode(characters []string) []rune {
	out := make([]rune, len(characters))
	for i, character := range characters {
		out[i] = a.rune(character)
	}
	return out
}

// encodeText encodes the characters of a value.
func (a *alphabet) encodeText(s string) []rune {
	if plain(s) {
		return []rune(s)
	}
	out := make([]rune, 0, utf8.RuneCountInString(s))
	for character := range characters(s) {
		out = append(out, a.rune(character))
	}
	return out
}

// rune is the rune that stands for a character.
func (a *alphabet) rune(character string) rune {
	r, size := utf8.DecodeRuneInString(character)
	if size < len(character) || r >= firstCode || r == utf8.RuneError && size == 1 {
		return a.code(character)
	}
	return r
}

func (a *alphabet) code(character string) rune {
	code, ok := a.codes[character]
	if !ok {
		if a.codes == nil {
			a.codes = map[string]rune{}
		}
		code = firstCode + rune(len(a.characters))
		a.codes[character] = code
		a.characters = append(a.characters, character)
	}
	return code
}

func (a *alphabet) decode(s string) string {
	if len(a.characters) == 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if r >= firstCode {
			b.WriteString(a.characters[r-firstCode])
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// shorten leaves out the middle, or the outer part, of what both values share.
func shorten(s string, head, tail bool) string {
	n := utf8.RuneCountInString(s)
	if n <= 3*aside {
		return Escape(s)
	}
	var start, end string
	if head {
		start = s[:offset(s, aside)]
	}
	if tail {
		end = s[offset(s, n-aside):]
	}
	return Escape(start) + omitted(n-utf8.RuneCountInString(start)-utf8.RuneCountInString(end)) + Escape(end)
}

// cut bounds a part that only one value has.
func cut(s string) string {
	if len(s) <= 5*aside {
		return Escape(s)
	}
	n := utf8.RuneCountInString(s)
	if n <= 5*aside {
		return Escape(s)
	}
	return Escape(s[:offset(s, 4*aside)]) + omitted(n-4*aside)
}

// offset is where the rune with that index starts; every octet that is not UTF-8
// counts as one.
func offset(s string, index int) int {
	for i := range s {
		if index == 0 {
			return i
		}
		index--
	}
	return len(s)
}

func omitted(n int) string { return fmt.Sprintf("…(%d more)…", n) }

// value shows one value, cut where it is very long.
func value(s string) string { return cut(s) }
