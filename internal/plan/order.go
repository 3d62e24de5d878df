package plan

import (
	"cmp"
	"slices"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// finish puts everything in its order and counts the calls.
func (c *computer) finish() {
	p := c.plan
	p.Operations, c.operations = c.operations, nil
	order(p.Operations)
	for _, d := range c.domains {
		d.out.Others = d.others(p.Operations)
		p.Domains = append(p.Domains, d.out)
	}
	sortDrift(p.Drift)
	slices.SortFunc(p.Withheld, func(a, b Withheld) int {
		return cmp.Or(cmp.Compare(a.Domain, b.Domain), cmp.Compare(a.Username, b.Username), cmp.Compare(a.DN, b.DN), cmp.Compare(a.Guard, b.Guard))
	})
	c.countCalls()
	if c.in.RequestsPerSecond > 0 {
		p.APISeconds = float64(p.APICalls) / c.in.RequestsPerSecond
	}
}

// countCalls counts the calls of apply: the operations or the jobs, the mails to
// administrators, and the listings before and after, which show what is there and what was reached.
func (c *computer) countCalls() {
	operations, mails, forgets := map[string]int{}, map[string]int{}, map[string]int{}
	for i := range c.plan.Operations {
		op := &c.plan.Operations[i]
		if op.Action.OnState() {
			if op.Action == Forget {
				forgets[op.Domain]++ // each is asked for, to see that it is gone
			}
			continue
		}
		operations[op.Domain]++
		if op.Action == JoinDomain || op.Action.Removes() {
			mails[op.Domain] = 1
		}
	}
	for _, d := range c.domains {
		n := operations[d.Name]
		c.plan.APICalls += forgets[d.Name]
		switch {
		case n == 0 && forgets[d.Name] > 0:
			c.plan.APICalls += max(d.Pages, 1)
			continue
		case n == 0:
			continue
		case c.in.Jobs:
			n = 2 // to submit the job, and at least one look at it
		case d.Policy.Notify != "":
			n += mails[d.Name]
		}
		c.plan.APICalls += n + 2*max(d.Pages, 1)
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
	case IssueToken, EmailToken:
		return 3
	case AddPhone:
		return 4
	case JoinGroup:
		return 5
	case LeaveDomain:
		return 6
	case DeleteUser:
		return 7
	case Adopt, MarkMissing, MarkPresent, Record, Forget:
	}
	return -1
}

// order sorts operations: users that only leave after all others, then by
// user, then by rank, then by domain.
func order(operations []Operation) {
	type place struct {
		key identity.Key
		at  int
	}
	list := make([]place, len(operations))
	for i := range operations {
		list[i] = place{identity.NewKey(operations[i].Username), i}
	}
	slices.SortFunc(list, func(a, b place) int {
		x, y := &operations[a.at], &operations[b.at]
		return cmp.Or(
			cmp.Compare(a.key, b.key), cmp.Compare(rank(x.Action), rank(y.Action)),
			cmp.Compare(x.Domain, y.Domain), cmp.Compare(x.Action, y.Action), cmp.Compare(x.UserID, y.UserID),
			cmp.Compare(x.Phone(), y.Phone()), cmp.Compare(x.Group(), y.Group()))
	})
	from := make([]int, 0, len(list)) // where each operation comes from
	var leaving []int
	for start, end := 0, 0; start < len(list); start = end {
		leaves, stays := false, false
		for end = start; end < len(list) && list[end].key == list[start].key; end++ {
			action := operations[list[end].at].Action
			leaves = leaves || action.Removes()
			stays = stays || !action.Removes() && !action.OnState()
		}
		for _, one := range list[start:end] {
			if leaves && !stays {
				leaving = append(leaving, one.at)
			} else {
				from = append(from, one.at)
			}
		}
	}
	permute(operations, append(from, leaving...))
}

// permute puts in each place the operation that is in the place from of it. It does so
// within the list, which may be most of what is in memory, and consumes from.
func permute(operations []Operation, from []int) {
	for start := range from {
		first := operations[start]
		for at := start; from[at] != at; {
			next := from[at]
			from[at] = at
			if next == start {
				operations[at] = first
				break
			}
			operations[at] = operations[next]
			at = next
		}
	}
}
