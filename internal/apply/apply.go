// Package apply carries a plan out against a target: exactly its operations,
// and notes in the state what each one left behind.
//
// It decides nothing: what a plan may do was checked before. It neither computes
// operations nor prints.
package apply

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
	"github.com/rollcall-cli/rollcall/internal/state"
)

// MaxErrors is how many users of a domain may fail before the run stops, unless
// Options say otherwise.
const MaxErrors = 10

// Users writes users of the organization.
type Users interface {
	CreateUser(ctx context.Context, user identity.User) (identity.Account, error)
	// UpdateUser writes what differs from before.
	UpdateUser(ctx context.Context, userID string, before, after identity.User) error
	DeleteUser(ctx context.Context, userID string) error
	AssociatePhone(ctx context.Context, userID, number string) error
	JoinGroup(ctx context.Context, userID, group string) error
}

// Memberships writes memberships and their tokens.
type Memberships interface {
	JoinDomain(ctx context.Context, domainID, userID string) error
	LeaveDomain(ctx context.Context, domainID, userID string) error
	// IssueToken returns the activation code.
	IssueToken(ctx context.Context, domainID, userID string) (identity.Secret, error)
	// IssueTokenWithEmail has LoginTC mail the code to the user.
	IssueTokenWithEmail(ctx context.Context, domainID, userID string) error
}

// Target is where a plan is carried out.
type Target interface {
	Users
	Memberships
}

// Options are what a run needs beside its plan.
type Options struct {
	Target Target
	// State is changed as operations end. The caller has started the plan there, and
	// saves it.
	State *state.State
	// Journal has every operation that is sent, before it is and after it was.
	Journal *state.Journal
	// Concurrency is how many users are worked on at once; at least 1.
	Concurrency int
	// MaxErrors are by domain how many users may fail before the run stops; where a
	// domain has none, the constant of that name holds.
	MaxErrors map[string]int
	Now       func() time.Time
	// Codes is given the activation code of every token that is issued without
	// e-mail; nil where nobody wants it. Where it fails, the operation has failed, so
	// that the next plan issues the token again.
	Codes func(domain, username string, code identity.Secret) error
	// Begin and End are told of every operation that is sent, from several
	// goroutines; nil where nobody listens.
	Begin func(Step)
	End   func(Step, error)
}

// Result is what became of a plan's operations.
type Result struct {
	// Done are those that were carried out, in the order in which they ended.
	Done []Step
	// Failed are those that LoginTC refused or that could not be sent.
	Failed []Failure
	// Skipped are those left out after a failure of the same user, after
	// MaxErrors, or after an interruption.
	Skipped []Step
	// Unsettled are jobs whose outcomes are not known.
	Unsettled []Unsettled
	// Unwritten is why the journal could not be written, which stopped the run.
	Unwritten error
	// removed are the members that were taken out of the state, by address.
	removed map[string]identity.Member
}

// Complete reports whether everything was done.
func (r Result) Complete() bool {
	return len(r.Failed) == 0 && len(r.Skipped) == 0 && len(r.Unsettled) == 0
}

// Failure is an operation that failed.
type Failure struct {
	Operation Step
	Err       error
}

// Run carries steps of the plan out: those of one user in order, several users at
// once, and users that only leave after all others are done. When ctx ends, the
// operations under way are finished and no other is begun.
func Run(ctx context.Context, steps []Step, o Options) Result {
	r := newRun(o)
	var cancel context.CancelFunc
	r.calls, cancel = lasting(ctx)
	defer cancel()
	r.result.Done = make([]Step, 0, Calls(steps))
	grants, removals := split(steps)
	r.users(ctx, grants)
	r.users(ctx, removals)
	return r.result
}

type run struct {
	Options
	// calls ends the time of grace after the run was interrupted.
	calls  context.Context
	mu     sync.Mutex
	result Result
	failed map[string]int // by domain
	full   bool           // as many users of a domain failed as may
}

func newRun(o Options) *run { return &run{Options: o, failed: map[string]int{}} }

// send carries out one operation. When the run is interrupted meanwhile it still has the
// time of grace to be finished.
// TokenDue says that a token is to follow.
func (r *run) send(op Step, tokenDue bool) (userID string, err error) {
	if r.Begin != nil {
		r.Begin(op)
	}
	userID, err = r.call(r.calls, &op)
	r.end(op, userID, err, tokenDue)
	return userID, err
}

// call makes the call of an operation, and returns the id of a user that it creates.
func (r *run) call(ctx context.Context, op *Step) (userID string, err error) {
	switch op.Action {
	case plan.CreateUser:
		account, err := r.Target.CreateUser(ctx, *op.After)
		return account.ID, err
	case plan.UpdateUser:
		return "", r.Target.UpdateUser(ctx, op.UserID, *op.Before, *op.After)
	case plan.DeleteUser:
		return "", r.Target.DeleteUser(ctx, op.UserID)
	case plan.JoinDomain:
		return "", r.Target.JoinDomain(ctx, op.DomainID, op.UserID)
	case plan.LeaveDomain:
		return "", r.Target.LeaveDomain(ctx, op.DomainID, op.UserID)
	case plan.IssueToken:
		code, err := r.Target.IssueToken(ctx, op.DomainID, op.UserID)
		if err != nil {
			return "", err
		}
		return "", r.handOver(op, code)
	case plan.EmailToken:
		return "", r.Target.IssueTokenWithEmail(ctx, op.DomainID, op.UserID)
	case plan.AddPhone:
		return "", r.Target.AssociatePhone(ctx, op.UserID, op.Phone())
	case plan.JoinGroup:
		return "", r.Target.JoinGroup(ctx, op.UserID, op.Group())
	case plan.Adopt, plan.MarkMissing, plan.MarkPresent, plan.Record, plan.Forget:
		return "", fmt.Errorf("%s is not sent", op.Action)
	}
	return "", fmt.Errorf("this version does not know the operation %q", op.Action)
}

// handOver gives a code to whoever wants it. A token that is active has none.
func (r *run) handOver(op *Step, code identity.Secret) error {
	if r.Codes == nil || code.IsZero() {
		return nil
	}
	if err := r.Codes(op.Domain, op.Username, code); err != nil {
		return fmt.Errorf("the token was issued and its activation code could not be written down: %w", err)
	}
	return nil
}

// end notes what became of an operation, and the id of the user that it created.
func (r *run) end(op Step, created string, err error, tokenDue bool) {
	if err != nil {
		r.fail(op, err, tokenDue)
	} else {
		if op.UserID == "" {
			op.UserID = created
		}
		r.note(op, created, tokenDue)
	}
	if r.End != nil {
		r.End(op, err)
	}
}

// fail notes a failure. Where the operation may have been done all the same, it stays
// open: the next run finds out.
func (r *run) fail(op Step, err error, tokenDue bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.Failed = append(r.result.Failed, Failure{op, err})
	r.failed[op.Domain]++
	r.full = r.full || r.failed[op.Domain] >= r.maxErrors(op.Domain)
	if Uncertain(err) {
		r.stayOpen(op, tokenDue)
	} else {
		r.written(r.Journal.Fail(op.Number))
	}
}

// stayOpen notes that it is not known whether an operation was done. The caller holds
// the mutex.
func (r *run) stayOpen(op Step, tokenDue bool) {
	r.State.RecordOpen(op.Number, appendBegun(nil, &op, tokenDue))
}

// Uncertain reports whether an operation may have been done though it failed: an error
// of the target's says so by a method of this name.
func Uncertain(err error) bool {
	unsure, ok := errors.AsType[interface {
		error
		Uncertain() bool
	}](err)
	return ok && unsure.Uncertain()
}

// grace is how long an operation under way may still take after an interruption:
// an answer, and not every repetition that a server asks for.
const grace = 10 * time.Second

// lasting returns a context that ends the time of grace after ctx.
func lasting(ctx context.Context) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(grace, cancel)
		context.AfterFunc(longer, func() { timer.Stop() })
	})
	return longer, func() { stop(); cancel() }
}

func (r *run) isFull() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.full
}

func (r *run) maxErrors(domain string) int {
	if limit, ok := r.MaxErrors[domain]; ok {
		return limit
	}
	return MaxErrors
}

// skip notes operations that were left out; those on the state alone depend on
// nothing that failed and are done.
func (r *run) skip(operations chain, begun bool) {
	for _, op := range operations {
		if op.Action.OnState() {
			r.note(op, "", false)
		} else {
			r.leaveOut(op, begun)
		}
	}
}

// leaveOut notes an operation that was left out. Begun says that the journal has it.
func (r *run) leaveOut(op Step, begun bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.Skipped = append(r.result.Skipped, op)
	if begun {
		r.written(r.Journal.Fail(op.Number))
	}
}
