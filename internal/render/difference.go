package render

import (
	"fmt"
	"strings"

	"github.com/sergi/go-diff/diffmatchpatch"
)

// context is how many characters that both values share are shown beside a
// difference, where there are more.
const context = 40

// difference returns the two values with what differs marked: by colour and
// brackets, or by brackets alone. It does not depend on the machine's speed.
func difference(p palette, before, after string) (marked, markedAfter string) {
	differ := diffmatchpatch.New()
	differ.DiffTimeout = 0
	diffs := differ.DiffCleanupSemantic(differ.DiffMainRunes([]rune(before), []rune(after), false))
	var from, to strings.Builder
	for i, d := range diffs {
		switch d.Type {
		case diffmatchpatch.DiffEqual:
			shared := shorten(d.Text, i > 0, i < len(diffs)-1)
			from.WriteString(shared)
			to.WriteString(shared)
		case diffmatchpatch.DiffDelete:
			from.WriteString(p.gone("[-" + cut(d.Text) + "-]"))
		case diffmatchpatch.DiffInsert:
			to.WriteString(p.come("{+" + cut(d.Text) + "+}"))
		}
	}
	return from.String(), to.String()
}

// shorten leaves out the middle, or the outer part, of what both values share.
func shorten(s string, head, tail bool) string {
	runes := []rune(s)
	if len(runes) <= 3*context {
		return Escape(s)
	}
	var out string
	kept := 0
	if head {
		out, kept = Escape(string(runes[:context])), context
	}
	end := ""
	if tail {
		end, kept = Escape(string(runes[len(runes)-context:])), kept+context
	}
	return out + omitted(len(runes)-kept) + end
}

// cut bounds a part that only one value has.
func cut(s string) string {
	runes := []rune(s)
	if len(runes) <= 5*context {
		return Escape(s)
	}
	return Escape(string(runes[:4*context])) + omitted(len(runes)-4*context)
}

func omitted(n int) string { return fmt.Sprintf("…(%d more)…", n) }

// value shows one value, cut where it is very long.
func value(s string) string { return cut(s) }
