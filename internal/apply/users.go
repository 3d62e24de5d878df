package apply

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
)

// usersAhead is of how many users the operations are written down before the first of
// them is sent: the journal is synced once for all.
const usersAhead = 64

// users carries out the operations of several users.
func (r *run) users(ctx context.Context, chains []chain) {
	group := new(errgroup.Group)
	group.SetLimit(max(r.Concurrency, 1))
	for some := range slices.Chunk(chains, usersAhead) {
		all := slices.Concat(some...)
		due := tokenDue(all)
		begun, err := false, error(nil)
		if ctx.Err() == nil && !r.isFull() {
			err = r.begin(all, due)
			begun = err == nil
		}
		for i, operations := range some {
			group.Go(func() error {
				if err != nil && i == 0 {
					r.fails(operations, err)
				} else {
					r.user(ctx, operations, begun, due)
				}
				return nil
			})
		}
	}
	_ = group.Wait() // failures are in the result
}

// tokenDue says whether a step is of a member who is to get a token by one of the steps.
func tokenDue(steps []Step) func(Step) bool {
	due := map[string]bool{}
	for i := range steps {
		if steps[i].Action.IssuesToken() {
			due[steps[i].Address()] = true
		}
	}
	return func(s Step) bool { return len(due) > 0 && due[s.Address()] }
}

// chain is the operations of one user.
type chain []Step

// split groups operations by user and sets apart the users that only leave.
func split(operations []Step) (grants, removals []chain) {
	for start := 0; start < len(operations); {
		end := start + 1
		for end < len(operations) && identity.NewKey(operations[end].Username) == identity.NewKey(operations[start].Username) {
			end++
		}
		operations := chain(operations[start:end])
		if operations.onlyLeaves() {
			removals = append(removals, operations)
		} else {
			grants = append(grants, operations)
		}
		start = end
	}
	return grants, removals
}

func (c chain) onlyLeaves() bool {
	removes := false
	for i := range c {
		if !c[i].Action.OnState() && !c[i].Action.Removes() {
			return false
		}
		removes = removes || c[i].Action.Removes()
	}
	return removes
}

// user carries out the operations of one user until one fails. Begun says that the journal
// has them, due which of them are of members who are to get a token.
func (r *run) user(ctx context.Context, operations chain, begun bool, due func(Step) bool) {
	created := "" // the id of a user that this run created
	for i := range operations {
		op := operations[i]
		if op.UserID == "" {
			op.UserID = created
		}
		if op.Action.OnState() {
			r.note(op, "", false)
			continue
		}
		if !begun || ctx.Err() != nil || r.isFull() {
			r.skip(operations[i:], begun)
			return
		}
		id, err := r.send(op, due(op))
		if err != nil {
			r.skip(operations[i+1:], begun)
			return
		}
		if op.Action == plan.CreateUser {
			created = id
		}
	}
}

// fails notes that the first operation of a user could not be written down, and leaves the
// others out.
func (r *run) fails(operations chain, err error) {
	for i, op := range operations {
		if op.Action.OnState() {
			r.note(op, "", false)
			continue
		}
		if r.Begin != nil {
			r.Begin(op)
		}
		r.end(op, "", err, false)
		r.skip(operations[i+1:], false)
		return
	}
}
