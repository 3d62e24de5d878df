package identity

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// prepare appends the form of a value in which the rule compares it (RFC 4518, 2). Octets
// that are no UTF-8 have no characters and are compared as they are.
func (rule matchingRule) prepare(to, value []byte) []byte {
	if rule == octets || !utf8.Valid(value) {
		return append(to, value...)
	}
	for _, c := range value {
		if c < ' ' || c >= 0x7f {
			return rule.squeeze(to, rule.normalize(string(value)))
		}
	}
	begin := len(to)
	to = rule.squeeze(to, value)
	if rule != caseExact {
		for i := begin; i < len(to); i++ {
			if c := to[i]; c >= 'A' && c <= 'Z' {
				to[i] = c + 'a' - 'A'
			}
		}
	}
	return to
}

// normalize maps and folds characters and brings them into NFKC, until that changes
// nothing any more.
func (rule matchingRule) normalize(value string) []byte {
	value = strings.Map(mapped, value)
	for range 4 { // what needs more than two is not known
		next := norm.NFKC.String(value)
		if rule != caseExact {
			next = norm.NFKC.String(cases.Fold().String(strings.Map(fold, next)))
		}
		if next == value {
			break
		}
		value = next
	}
	return []byte(value)
}

// mapped is the character that one is mapped to, -1 for none (RFC 4518, 2.2).
func mapped(r rune) rune {
	switch {
	case r >= '\t' && r <= '\r', r == 0x85, r != 0x200b && unicode.Is(unicode.Z, r):
		return ' '
	case r == 0xad, r == 0x1806, r == 0x34f, r >= 0x180b && r <= 0x180d, r >= 0xfe00 && r <= 0xfe0f, r == 0xfffc,
		r == 0x200b, unicode.Is(unicode.Cc, r), r == 0x6dd, r == 0x70f, r == 0x180e, r >= 0x200c && r <= 0x200f,
		r >= 0x202a && r <= 0x202e, r >= 0x2060 && r <= 0x2063, r >= 0x206a && r <= 0x206f, r == 0xfeff,
		r >= 0xfff9 && r <= 0xfffb, r >= 0x1d173 && r <= 0x1d17a, r == 0xe0001, r >= 0xe0020 && r <= 0xe007f:
		return -1
	}
	return r
}

// squeeze appends a value without insignificant characters (RFC 4518, 2.6). A space that
// carries a combining mark is none.
func (rule matchingRule) squeeze(to, value []byte) []byte {
	begin, pending := len(to), false
	for i, c := range value {
		switch {
		case c == ' ' && !carries(value[i+1:]):
			pending = rule == caseIgnore || rule == caseExact
			continue
		case rule == telephone && c == '-':
			continue
		}
		if pending && len(to) > begin {
			to = append(to, ' ')
		}
		to, pending = append(to, c), false
	}
	if rule != telephone {
		return to
	}
	for _, hyphen := range [...]string{"\u058a", "\u2010", "\u2011", "\u2212", "\ufe63", "\uff0d"} {
		to = append(to[:begin], bytes.ReplaceAll(to[begin:], []byte(hyphen), nil)...)
	}
	return to
}

// carries reports whether what follows begins with a combining mark.
func carries(rest []byte) bool {
	if len(rest) == 0 || rest[0] < utf8.RuneSelf {
		return false
	}
	r, _ := utf8.DecodeRune(rest)
	return unicode.Is(unicode.M, r)
}
