package apply

import (
	"time"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
	"github.com/rollcall-cli/rollcall/internal/state"
)

// Step is an operation of a plan with its number there, from 0.
type Step struct {
	Number int
	plan.Operation
}

// Steps returns the operations of the plan that are not done yet. Progress is nil for
// a plan of which nothing was.
func Steps(p *plan.Plan, progress *state.Progress) []Step {
	steps := make([]Step, 0, len(p.Operations))
	created := map[identity.Key]string{}
	for i, op := range p.Operations {
		key := identity.NewKey(op.Username)
		if progress != nil {
			if id, done := progress.Done[i]; done {
				if id != "" {
					created[key] = id
				}
				continue
			}
		}
		if op.UserID == "" {
			op.UserID = created[key]
		}
		steps = append(steps, Step{i, op})
	}
	return steps
}

// Operations returns the operations of the steps.
func Operations(steps []Step) []plan.Operation {
	operations := make([]plan.Operation, len(steps))
	for i := range steps {
		operations[i] = steps[i].Operation
	}
	return operations
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
		operation, err := encodeBegun(step, step.Action == plan.JoinDomain && due(step))
		if err != nil {
			return err
		}
		s.RecordOpen(step.Number, operation)
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
