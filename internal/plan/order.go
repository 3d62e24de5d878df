package plan

import (
	"cmp"
	"slices"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// finish puts everything in its order and counts the calls.
func (c *computer) finish() {
	p := c.plan
	for _, d := range c.domains {
		p.Domains = append(p.Domains, d.out)
	}
	p.Operations = ordered(c.operations)
	slices.SortFunc(p.Withheld, func(a, b Withheld) int {
		return cmp.Or(cmp.Compare(a.Domain, b.Domain), cmp.Compare(a.Username, b.Username), cmp.Compare(a.DN, b.DN), cmp.Compare(a.Guard, b.Guard))
	})
	touched := map[string]bool{}
	for i := range p.Operations {
		if op := &p.Operations[i]; !op.Action.OnState() {
			p.APICalls++
			touched[op.Domain] = true
		}
	}
	// The listing after the last operation, which shows what was reached.
	for _, d := range c.domains {
		if touched[d.Name] {
			p.APICalls += max(d.Pages, 1)
		}
	}
	if c.in.RequestsPerSecond > 0 {
		p.APISeconds = float64(p.APICalls) / c.in.RequestsPerSecond
	}
}

// rank is the order of one user's operations: what gives access stands before
// what takes it, so that a run that breaks off leaves nobody without. What the
// state notes needs no call and stands before all.
func rank(action Action) int {
	switch action {
	case CreateUser:
		return 0
	case UpdateUser:
		return 1
	case JoinDomain:
		return 2
	case IssueToken:
		return 3
	case LeaveDomain:
		return 4
	case DeleteUser:
		return 5
	case Adopt, MarkMissing, MarkPresent, Record, Forget:
	}
	return -1
}

// ordered sorts operations: users that only leave after all others, then by
// user, then by rank, then by domain.
func ordered(operations []Operation) []Operation {
	type sortable struct {
		key     identity.Key
		at      int
		removal bool
	}
	grants := map[identity.Key]bool{}
	removes := map[identity.Key]bool{}
	list := make([]sortable, len(operations))
	for i := range operations {
		key := identity.NewKey(operations[i].Username)
		list[i] = sortable{key: key, at: i}
		if action := operations[i].Action; action.Removes() {
			removes[key] = true
		} else if !action.OnState() {
			grants[key] = true
		}
	}
	for i := range list {
		list[i].removal = removes[list[i].key] && !grants[list[i].key]
	}
	slices.SortFunc(list, func(a, b sortable) int {
		x, y := &operations[a.at], &operations[b.at]
		if a.removal != b.removal {
			if a.removal {
				return 1
			}
			return -1
		}
		return cmp.Or(
			cmp.Compare(a.key, b.key), cmp.Compare(rank(x.Action), rank(y.Action)),
			cmp.Compare(x.Domain, y.Domain), cmp.Compare(x.Action, y.Action), cmp.Compare(x.UserID, y.UserID))
	})
	sorted := make([]Operation, len(operations))
	for i := range list {
		sorted[i] = operations[list[i].at]
	}
	return sorted
}
