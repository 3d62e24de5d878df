package render

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"github.com/rollcall-cli/rollcall/internal/plan"
)

// What the operations that a domain shows do to a person.
const (
	giving = iota
	removing
	noting // in the state alone
	kindsOfOperations
)

// kindOf is what an operation does to a person. Who is created joins, which is shown.
func kindOf(action plan.Action) (kind int, shown bool) {
	switch action {
	case plan.JoinDomain, plan.UpdateUser, plan.AddPhone, plan.JoinGroup, plan.IssueToken, plan.EmailToken:
		return giving, true
	case plan.LeaveDomain, plan.DeleteUser:
		return removing, true
	case plan.Adopt, plan.MarkMissing, plan.MarkPresent, plan.Record, plan.Forget:
		return noting, true
	case plan.CreateUser:
	}
	return 0, false
}

// operations are those of one domain, by what they do and by username. There may be
// millions, beside a plan that fills the memory already, so that each is four octets: its
// place in the plan.
type operations struct {
	plan   *plan.Plan
	places [kindsOfOperations][]uint32
}

// byDomain are the operations of each domain that the plan lists.
func byDomain(p *plan.Plan) map[string]*operations {
	groups := map[string]*operations{}
	for i := range p.Domains {
		groups[p.Domains[i].Name] = &operations{plan: p}
	}
	each := func(do func(group *operations, kind int, place uint32)) {
		var group *operations
		for i := range p.Operations {
			op := &p.Operations[i]
			if i == 0 || op.Domain != p.Operations[i-1].Domain {
				group = groups[op.Domain]
			}
			if kind, shown := kindOf(op.Action); shown && group != nil {
				do(group, kind, uint32(i))
			}
		}
	}
	sizes := map[*operations]*[kindsOfOperations]int{}
	for _, group := range groups {
		sizes[group] = new([kindsOfOperations]int)
	}
	each(func(group *operations, kind int, _ uint32) { sizes[group][kind]++ })
	for group, size := range sizes {
		for kind := range group.places {
			group.places[kind] = make([]uint32, 0, size[kind])
		}
	}
	each(func(group *operations, kind int, place uint32) {
		group.places[kind] = append(group.places[kind], place)
	})
	for _, group := range groups {
		for _, places := range group.places {
			sortByUsername(p, places)
		}
	}
	return groups
}

// sortByUsername sorts places of operations by username, those of one user as they stand in
// the plan. Nearly always they are sorted already.
func sortByUsername(p *plan.Plan, places []uint32) {
	slices.SortFunc(places, func(a, b uint32) int {
		if c := strings.Compare(p.Operations[a].Username, p.Operations[b].Username); c != 0 {
			return c
		}
		return cmp.Compare(a, b)
	})
}

// of are the operations of a kind.
func (o *operations) of(kind int) iter.Seq[*plan.Operation] { return at(o.plan, o.places[kind]) }

// at are the operations at these places.
func at(p *plan.Plan, places []uint32) iter.Seq[*plan.Operation] {
	return func(yield func(*plan.Operation) bool) {
		for _, place := range places {
			if !yield(&p.Operations[place]) {
				return
			}
		}
	}
}

// renamed are an operation for each person who has another username by now. Most are
// renamed by two operations, of which the first by username counts.
func (o *operations) renamed() []uint32 {
	var places []uint32
	for _, kind := range []int{giving, removing} {
		for _, place := range o.places[kind] {
			if op := &o.plan.Operations[place]; op.Renamed() != "" && (op.Action == plan.JoinDomain || op.Action.Removes()) {
				places = append(places, place)
			}
		}
	}
	compare := func(a, b uint32) int {
		from, to := rename(&o.plan.Operations[a])
		otherFrom, otherTo := rename(&o.plan.Operations[b])
		return cmp.Or(strings.Compare(from, otherFrom), strings.Compare(to, otherTo))
	}
	sortByUsername(o.plan, places)
	slices.SortStableFunc(places, compare)
	places = slices.CompactFunc(places, func(a, b uint32) bool { return compare(a, b) == 0 })
	sortByUsername(o.plan, places)
	return places
}

// rename is the earlier and the present username of the person whom an operation renames.
func rename(op *plan.Operation) (from, to string) {
	if op.Action == plan.JoinDomain {
		return op.Renamed(), op.Username
	}
	return op.Username, op.Renamed()
}
