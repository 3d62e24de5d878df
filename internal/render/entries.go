package render

import (
	"bufio"
	"cmp"
	"io"
	"slices"

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

// Excluded lists whom the user blocks exclude, by their expressions, where there is anybody.
func Excluded(out io.Writer, excluded []identity.Excluded) error {
	if len(excluded) == 0 {
		return nil
	}
	var sources []string
	names := map[string][]string{}
	for i := range excluded {
		source := excluded[i].Source
		if names[source] == nil {
			sources = append(sources, source)
		}
		names[source] = append(names[source], cmp.Or(excluded[i].Username, excluded[i].DN))
	}
	slices.Sort(sources)
	w := &writer{Writer: bufio.NewWriter(out), width: 100}
	for _, source := range sources {
		w.line("")
		w.line("Excluded %d user(s) by user.exclude: %s", len(names[source]), Escape(source))
		w.wrapped("  ", names[source])
	}
	return w.Flush()
}
