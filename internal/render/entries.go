package render

import (
	"bufio"
	"cmp"
	"io"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
)

// recreated are the operations about members whose entries were deleted and created
// again, by username.
func recreated(operations []*plan.Operation) (found []*plan.Operation) {
	for _, op := range sortedByUsername(operations, plan.Record, plan.MarkPresent) {
		if op.Recreated != "" {
			found = append(found, op)
		}
	}
	return found
}

// recreated shows whose entry has another unique id by now.
func (w *writer) recreated(operations []*plan.Operation) {
	found := recreated(operations)
	if len(found) > 0 {
		w.line("")
	}
	for _, op := range found {
		w.line("  %s  %s", w.yellow("! "+value(op.Username)), Escape(op.Reason))
	}
}

func recreatedLines(operations []*plan.Operation) (lines []string) {
	for _, op := range recreated(operations) {
		lines = append(lines, "! "+value(op.Username)+" ("+value(op.DN)+")  "+Escape(op.Reason))
	}
	return lines
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
		w.wrapped("  ", names[source])
	}
	return w.Flush()
}
