package apply

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
	"github.com/rollcall-cli/rollcall/internal/state"
)

// Inspector reads what LoginTC has, to find out what became of operations.
type Inspector interface {
	Members(ctx context.Context, domainID string) ([]identity.Account, error)
	Organization(ctx context.Context) ([]identity.Account, error)
	HasToken(ctx context.Context, domainID, userID string) (bool, error)
	// Look is as in Jobs.
	Look(ctx context.Context, jobID string) (JobProgress, error)
}

// JobRunsError says that a job which a run submitted that broke off is still running.
type JobRunsError struct{ ID string }

func (e *JobRunsError) Error() string {
	return fmt.Sprintf("the job %s, which it submitted, is still running: wait until it has ended (rollcall job status %s)", e.ID, e.ID)
}

// Settled is an operation whose end was missing, and what became of it.
type Settled struct {
	plan.Operation
	Done bool
}

// Settle finds out what became of the operations whose ends are missing in a journal
// or whose outcomes are not known, and enters it in the state, which has started their plan. Domains and, where need
// be, the organization are listed once; each token is asked for; a job says itself
// what it did. An error says that not everything could be found out, such as a
// *JobRunsError; the state is then not to be saved.
func Settle(ctx context.Context, s *state.State, left *state.Leftover, from Inspector, at time.Time) ([]Settled, error) {
	if len(left.Open) == 0 {
		return nil, nil
	}
	operations := make([]begun, len(left.Open))
	for i := range left.Open {
		if err := json.Unmarshal(left.Open[i].Operation, &operations[i]); err != nil {
			return nil, fmt.Errorf("the journal has an operation that can not be read: %w", err)
		}
	}
	outcomes, err := outcomesOf(ctx, left.Jobs, from)
	if err != nil {
		return nil, err
	}
	live, err := look(ctx, operations, from)
	if err != nil {
		return nil, err
	}
	settled := make([]Settled, len(operations))
	for i := range operations {
		op, number := &operations[i].Operation, left.Open[i].Number
		account := live.target(op)
		if account != nil && op.UserID == "" {
			op.UserID = account.ID
		}
		outcome, known := outcomes[number]
		if op.UserID == "" {
			op.UserID = outcome.UserID
		}
		done := known && outcome.Err == nil && !outcome.Skipped
		if !known {
			if done, err = live.isDone(ctx, op, account, from); err != nil {
				return nil, err
			}
		}
		settled[i] = Settled{*op, done}
		if !done {
			continue
		}
		created := ""
		if op.Action == plan.CreateUser {
			created = op.UserID
		}
		s.Apply(changes(s, &Step{number, op.UserID, op}, operations[i].TokenDue, stamp(at)))
		s.RecordDone(number, created)
	}
	s.Settle()
	return settled, nil
}

// outcomesOf returns what jobs say of their operations, by the operations' numbers.
func outcomesOf(ctx context.Context, jobs []state.Job, from Inspector) (map[int]Outcome, error) {
	outcomes := map[int]Outcome{}
	for _, job := range jobs {
		progress, err := from.Look(ctx, job.ID)
		if err != nil {
			return nil, err
		}
		if !progress.Ended {
			return nil, &JobRunsError{job.ID}
		}
		said := progress.outcomes(len(job.Operations))
		for i, number := range job.Operations {
			outcomes[number] = Outcome{Skipped: true}
			if i < len(said) {
				outcomes[number] = said[i]
			}
		}
	}
	return outcomes, nil
}

// look lists what the operations are about.
func look(ctx context.Context, operations []begun, from Inspector) (*Live, error) {
	live := &Live{}
	for i := range operations {
		id := operations[i].DomainID
		if _, listed := live.domains[id]; listed {
			continue
		}
		members, err := from.Members(ctx, id)
		if err != nil {
			return nil, err
		}
		live.AddDomain(id, members)
	}
	stranger := func(o begun) bool { return live.target(&o.Operation) == nil }
	if slices.ContainsFunc(operations, stranger) {
		users, err := from.Organization(ctx)
		if err != nil {
			return nil, err
		}
		live.AddOrganization(users)
	}
	return live, nil
}

// target is the user that an operation is about, or nil: by its id, or by its
// username where an operation of the same run creates it.
func (l *Live) target(op *plan.Operation) *identity.Account {
	if op.UserID != "" {
		return l.user(op.UserID)
	}
	for _, members := range l.domains {
		if a := named(members, op.Username); a != nil {
			return a
		}
	}
	return named(l.organization, op.Username)
}

// named returns the user of exactly that username, of whom there is one at most.
func named(users map[string]*identity.Account, username string) *identity.Account {
	for _, a := range users {
		if a.Username == username {
			return a
		}
	}
	return nil
}

// isDone tells by what LoginTC has now whether an operation was done. Account is its
// user or nil.
func (l *Live) isDone(ctx context.Context, op *plan.Operation, account *identity.Account, from Inspector) (bool, error) {
	if account == nil { // deleted, or not created yet
		return op.Action.Removes(), nil
	}
	member := l.domains[op.DomainID][account.ID] != nil
	switch op.Action {
	case plan.CreateUser:
		return true, nil // there was no such user when it began
	case plan.UpdateUser:
		return op.After.IsMetBy(&account.User), nil
	case plan.JoinDomain:
		return member, nil
	case plan.LeaveDomain:
		return !member, nil
	case plan.DeleteUser:
		return false, nil
	case plan.IssueToken, plan.EmailToken:
		if !member {
			return false, nil
		}
		return from.HasToken(ctx, op.DomainID, account.ID)
	case plan.AddPhone:
		return slices.Contains(account.Phones(), op.Phone()), nil
	case plan.JoinGroup:
		return slices.Contains(account.Groups(), op.Group()), nil
	case plan.Adopt, plan.MarkMissing, plan.MarkPresent, plan.Record, plan.Forget:
	}
	return false, fmt.Errorf("the journal has the operation %q, which is not sent", op.Action)
}
