package render

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rollcall-cli/rollcall/internal/plan"
)

// withheld shows what was kept out of the plan: grouped by reason, nobody left out.
func (w *writer) withheld(p *plan.Plan) {
	if len(p.Withheld) == 0 {
		return
	}
	w.line("")
	w.line("%s", w.bold("Withheld, so not done:"))
	for _, group := range withheldGroups(p) {
		first := &p.Withheld[group[0]]
		w.line("")
		w.line("  %s %s: %s", w.yellow("!"), Count(len(group), "removal in "+domainName(first.Domain), "removals in "+domainName(first.Domain)), Escape(first.Reason))
		w.wrapped("      ", len(group), func(yield func(string) bool) {
			for _, place := range group {
				if !yield(p.Withheld[place].Username) {
					return
				}
			}
		})
	}
	if n := p.Approvable(); n > 0 {
		w.line("")
		w.line("  If %s right after all: rollcall apply --approve-removals %s:%d", Count(n, "removal that a limit withheld is", "removals that limits withheld are"), ShortID(p.ID), n)
	}
	w.withheldData(p)
}

// withheldData shows who was kept out of the plan for their data.
func (w *writer) withheldData(p *plan.Plan) {
	first := true
	for i := range p.Withheld {
		x := &p.Withheld[i]
		if x.Guard != plan.GuardData {
			continue
		}
		if first {
			w.put()
			first = false
		}
		who := value(x.Username)
		if x.Username == "" {
			who = "(no username)"
		}
		w.add("  ")
		w.tint(yellow, "!")
		w.add(" domain.", Escape(x.Domain), ": ", who, " ")
		w.tint(dim, "(", value(x.DN), ")")
		w.end()
		w.put("      ", Escape(x.Reason))
	}
}

// withheldGroups are the places of what limits and guards withheld, of one domain and for one
// reason together, in the order of the plan.
func withheldGroups(p *plan.Plan) [][]uint32 {
	places := make([]uint32, 0, len(p.Withheld))
	for i := range p.Withheld {
		if p.Withheld[i].Guard != plan.GuardData {
			places = append(places, uint32(i))
		}
	}
	compare := func(a, b uint32) int {
		x, y := &p.Withheld[a], &p.Withheld[b]
		if c := strings.Compare(x.Domain, y.Domain); c != 0 {
			return c
		}
		return strings.Compare(x.Reason, y.Reason)
	}
	slices.SortFunc(places, func(a, b uint32) int {
		if c := compare(a, b); c != 0 {
			return c
		}
		return cmp.Compare(a, b)
	})
	var groups [][]uint32
	for len(places) > 0 {
		n := 1
		for n < len(places) && compare(places[0], places[n]) == 0 {
			n++
		}
		groups = append(groups, places[:n])
		places = places[n:]
	}
	slices.SortFunc(groups, func(a, b []uint32) int { return cmp.Compare(a[0], b[0]) })
	return groups
}
