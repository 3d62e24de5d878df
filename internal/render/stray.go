package render

import (
	"fmt"
	"strings"

	"github.com/rollcall-cli/rollcall/internal/plan"
)

// strays shows the operations that no domain shows: of a domain that the plan
// does not list, of an unknown kind, or that create a user who joins nothing.
// Compute makes none of them, but a plan file may have been written by anybody.
func (w *writer) strays(p *plan.Plan) {
	lines := strayLines(p)
	if len(lines) > 0 {
		w.line("")
		w.line("%s", w.alarm("Operations that rollcall does not plan:"))
	}
	for _, line := range lines {
		w.line("  %s %s", w.alarm("!"), strings.TrimPrefix(line, "! "))
	}
}

func strayLines(p *plan.Plan) (lines []string) {
	listed := map[string]bool{}
	for i := range p.Domains {
		listed[p.Domains[i].Name] = true
	}
	var joining map[string]bool
	for i := range p.Operations {
		op := &p.Operations[i]
		if listed[op.Domain] && belongs(op.Action) {
			if op.Action != plan.CreateUser || i+1 < len(p.Operations) && joins(&p.Operations[i+1], op.Username) {
				continue // nearly always: who is created joins at once
			}
			if joining == nil {
				joining = joiners(p)
			}
			if joining[op.Username] {
				continue
			}
		}
		values := strings.TrimRight(value(after(op).Name)+"  "+value(after(op).Email), " ")
		lines = append(lines, fmt.Sprintf("! %s %s  %s", Escape(string(op.Action)), value(op.Address()), values))
	}
	return lines
}

func joins(op *plan.Operation, username string) bool {
	return op.Action == plan.JoinDomain && op.Username == username
}

// joiners are the usernames of those who join a domain.
func joiners(p *plan.Plan) map[string]bool {
	joining := map[string]bool{}
	for i := range p.Operations {
		if op := &p.Operations[i]; joins(op, op.Username) {
			joining[op.Username] = true
		}
	}
	return joining
}

// belongs reports whether the part of a domain shows operations of that kind.
func belongs(action plan.Action) bool {
	switch action {
	case plan.CreateUser, plan.UpdateUser, plan.JoinDomain, plan.IssueToken, plan.EmailToken, plan.AddPhone, plan.JoinGroup,
		plan.LeaveDomain, plan.DeleteUser,
		plan.Adopt, plan.MarkMissing, plan.MarkPresent, plan.Record, plan.Forget:
		return true
	}
	return false
}
