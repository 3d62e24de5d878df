package render

import (
	"bufio"
	"cmp"
	"io"
	"iter"
	"slices"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
)

// recreated are the operations about members whose entries were deleted and created
// again, by username.
func (o *operations) recreated() iter.Seq[*plan.Operation] {
	return func(yield func(*plan.Operation) bool) {
		for op := range o.of(noting) {
			if op.Recreated() != "" && (op.Action == plan.Record || op.Action == plan.MarkPresent) && !yield(op) {
				return
			}
		}
	}
}

// recreated shows whose entry has another unique id by now.
func (w *writer) recreated(operations *operations) {
	first := true
	for op := range operations.recreated() {
		if first {
			w.put()
			first = false
		}
		w.add("  ")
		w.tint(yellow, "! ", value(op.Username))
		w.add("  ", Escape(op.Reason))
		w.end()
	}
}

// Excluded lists whom the user blocks exclude, by the expression that does, where there is
// anybody.
func Excluded(out io.Writer, excluded []identity.Excluded) error {
	w := &writer{Writer: bufio.NewWriter(out), width: 100}
	names := map[string][]string{}
	var sources []string
	for i := range excluded {
		e := &excluded[i]
		if names[e.Source] == nil {
			sources = append(sources, e.Source)
		}
		names[e.Source] = append(names[e.Source], cmp.Or(e.Username, e.DN))
	}
	for _, source := range sources {
		w.line("")
		w.line("Excluded %d user(s) by user.exclude: %s", len(names[source]), Escape(source))
		w.wrapped("  ", len(names[source]), slices.Values(names[source]))
	}
	return w.Flush()
}
