package apply

import (
	"iter"
	"time"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
	"github.com/rollcall-cli/rollcall/internal/state"
)

// Step is an operation of a plan with its number there, from 0. It points to that of the
// plan, since there are several lists of them.
type Step struct {
	Number int
	// UserID is that of the operation or, where it has none, of the user that an earlier
	// one created; empty until then.
	UserID string
	// Operation is the plan's own, which is not to be changed.
	*plan.Operation
}

// WithUser returns the operation with the step's UserID.
func (s *Step) WithUser() plan.Operation {
	op := *s.Operation
	op.UserID = s.UserID
	return op
}

// Steps returns the operations of the plan that are not done yet. Progress is nil for
// a plan of which nothing was.
func Steps(p *plan.Plan, progress *state.Progress) []Step {
	steps := make([]Step, 0, len(p.Operations))
	created := map[identity.Key]string{}
	for i := range p.Operations {
		step := Step{i, p.Operations[i].UserID, &p.Operations[i]}
		key := identity.NewKey(step.Username)
		if progress != nil {
			if id, done := progress.Done[i]; done {
				if id != "" {
					created[key] = id
				}
				continue
			}
		}
		if step.UserID == "" {
			step.UserID = created[key]
		}
		steps = append(steps, step)
	}
	return steps
}

// Actions are the actions of the steps, in their order.
func Actions(steps []Step) iter.Seq[plan.Action] {
	return func(yield func(plan.Action) bool) {
		for i := range steps {
			if !yield(steps[i].Action) {
				return
			}
		}
	}
}

// Start enters in the state that steps of the plan are carried out, and begins the
// journal of the state at path; nil where none of the steps is sent. Without a path
// there is no journal: save then writes a state that has every operation that will be
// sent as open, so that the next command finds out what was done should this run not
// come to its end. Approvals beyond the limits are recorded as those of who at the time.
func Start(path string, save func() error, s *state.State, p *plan.Plan, steps []Step, who string, at time.Time) (*state.Journal, error) {
	domains := map[string]string{}
	for _, d := range p.Domains {
		domains[d.Name] = d.ID
		s.SetDomainID(d.Name, d.ID)
	}
	if len(p.Operations) > 0 {
		s.Start(p.ID)
	}
	var approval *state.Approval
	if p.Approval != nil {
		approval = &state.Approval{Plan: p.Approval.Plan, Removals: p.Approval.Count(), At: stamp(at), By: who}
		s.RecordApproval(*approval)
	}
	if Calls(steps) == 0 {
		return nil, nil
	}
	if path == "" {
		return nil, intend(s, steps, save)
	}
	return state.CreateJournal(path, s, p.ID, domains, approval)
}

// intend has the state written with the operations that will be sent as open.
func intend(s *state.State, steps []Step, save func() error) error {
	due := tokenDue(steps)
	for _, step := range steps {
		if step.Action.OnState() {
			continue
		}
		s.RecordOpen(step.Number, appendBegun(nil, &step, step.Action == plan.JoinDomain && due(step)))
	}
	err := save()
	s.Withdraw()
	return err
}

// Calls counts the steps that are sent.
func Calls(steps []Step) int {
	n := 0
	for i := range steps {
		if !steps[i].Action.OnState() {
			n++
		}
	}
	return n
}
