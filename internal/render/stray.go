package render

import (
	"fmt"
	"slices"
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
	var joining []uint32
	for i := range p.Operations {
		op := &p.Operations[i]
		if listed[op.Domain] && belongs(op.Action) {
			if op.Action != plan.CreateUser || joinsNext(p, i) {
				continue // nearly always: who is created joins at once
			}
			if joining == nil {
				joining = joiners(p)
			}
			if joins(p, joining, op.Username) {
				continue
			}
		}
		values := strings.TrimRight(value(after(op).Name)+"  "+value(after(op).Email), " ")
		lines = append(lines, fmt.Sprintf("! %s %s  %s", Escape(string(op.Action)), value(op.Address()), values))
	}
	return lines
}

// joinsNext reports whether the next operation is that the same user joins a domain.
func joinsNext(p *plan.Plan, i int) bool {
	return i+1 < len(p.Operations) && p.Operations[i+1].Action == plan.JoinDomain && p.Operations[i+1].Username == p.Operations[i].Username
}

// joiners are the places of operations by which somebody joins a domain, by username.
func joiners(p *plan.Plan) []uint32 {
	places := []uint32{}
	for i := range p.Operations {
		if p.Operations[i].Action == plan.JoinDomain {
			places = append(places, uint32(i))
		}
	}
	sortByUsername(p, places)
	return places
}

// joins reports whether a user is among the joiners.
func joins(p *plan.Plan, joiners []uint32, username string) bool {
	_, found := slices.BinarySearchFunc(joiners, username, func(place uint32, username string) int {
		return strings.Compare(p.Operations[place].Username, username)
	})
	return found
}

// belongs reports whether the part of a domain shows operations of that kind.
func belongs(action plan.Action) bool {
	_, shown := kindOf(action)
	return shown || action == plan.CreateUser
}
