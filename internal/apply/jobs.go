package apply

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
)

// Jobs is where the operations of a domain are carried out as one asynchronous job.
type Jobs interface {
	// Submit starts a job that performs exactly the operations, in their order. An
	// error is an ErrUncertain where the job may have been started all the same.
	Submit(ctx context.Context, domain plan.Domain, operations []plan.Operation) (id string, err error)
	// Look says how far a job is.
	Look(ctx context.Context, id string) (JobProgress, error)
}

// ErrUncertain says that a job may have been started though no answer said so.
var ErrUncertain = errors.New("whether the job was started is not known")

// JobProgress is how far a job is.
type JobProgress struct {
	Ended bool
	// Done actions are through.
	Done int
	// Outcomes are in the order of the operations; those that are not through are
	// missing at the end.
	Outcomes []Outcome
	// Err is why the job as a whole failed, or nil.
	Err error
}

// Outcome is what became of one operation of a job.
type Outcome struct {
	// UserID is LoginTC's id of the user.
	UserID string
	// Code is the activation code of a token that was issued without e-mail.
	Code identity.Secret
	// Err is why it failed, Skipped says that it was left out after a failure of the
	// same user.
	Err     error
	Skipped bool
}

// JobOptions are what a run by jobs needs beside the target.
type JobOptions struct {
	Jobs Jobs
	// Wait says that each job is waited for and its outcomes go into the state.
	Wait bool
	// Submitted is told of every job, Progress of the operations that are through of
	// all domains; both may be nil.
	Submitted func(domain plan.Domain, id string)
	Progress  func(done int)
}

// Unsettled is a job that was submitted, or may have been, and whose outcomes are
// not known.
type Unsettled struct {
	Domain string
	// ID is empty where no answer gave it.
	ID string
	// Err is why nothing is known; nil where nobody waited.
	Err error
}

// RunJobs carries the operations of each domain out as one job, a domain after the
// other: a user that one of them creates may join the next. Of the options it uses
// State, Now, Codes and End.
func RunJobs(ctx context.Context, p *plan.Plan, o Options, jobs JobOptions) Result {
	r := newRun(p, o)
	sent := map[string][]plan.Operation{}
	for _, op := range p.Operations {
		if op.Action.OnState() {
			r.note(op, false)
		} else {
			sent[op.Domain] = append(sent[op.Domain], op)
		}
	}
	through := 0
	for _, d := range p.Domains {
		operations := sent[d.Name]
		if len(operations) == 0 {
			continue
		}
		if ctx.Err() != nil {
			r.result.Skipped = append(r.result.Skipped, operations...)
			continue
		}
		r.job(ctx, d, operations, jobs, through)
		through += len(operations)
	}
	return r.result
}

// job submits one job and takes its outcomes in.
func (r *run) job(ctx context.Context, d plan.Domain, operations []plan.Operation, jobs JobOptions, before int) {
	id, err := jobs.Jobs.Submit(ctx, d, operations)
	switch {
	case err != nil:
		if errors.Is(err, ErrUncertain) || ctx.Err() != nil {
			r.result.Unsettled = append(r.result.Unsettled, Unsettled{d.Name, "", err})
			return
		}
		r.settle(operations, []Outcome{{Err: err}})
		return
	case jobs.Submitted != nil:
		jobs.Submitted(d, id)
	}
	if !jobs.Wait {
		r.result.Unsettled = append(r.result.Unsettled, Unsettled{d.Name, id, nil})
		return
	}
	progress, err := await(ctx, jobs, id, before)
	if err != nil {
		r.result.Unsettled = append(r.result.Unsettled, Unsettled{d.Name, id, err})
		return
	}
	if len(progress.Outcomes) < len(operations) && progress.Err == nil {
		progress.Err = fmt.Errorf("the job ended with %d outcomes of %d", len(progress.Outcomes), len(operations))
	}
	if len(progress.Outcomes) < len(operations) {
		progress.Outcomes = append(progress.Outcomes, Outcome{Err: progress.Err})
	}
	r.settle(operations, progress.Outcomes)
}

// The pauses between looks at a job.
const (
	firstLook = 100 * time.Millisecond
	lastLook  = 5 * time.Second
)

// await looks at a job until it ends.
func await(ctx context.Context, jobs JobOptions, id string, before int) (JobProgress, error) {
	for pause := firstLook; ; pause = min(2*pause, lastLook) {
		progress, err := jobs.Jobs.Look(ctx, id)
		if err != nil {
			return JobProgress{}, err
		}
		if jobs.Progress != nil {
			jobs.Progress(before + progress.Done)
		}
		if progress.Ended {
			return progress, nil
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return JobProgress{}, ctx.Err()
		}
	}
}

// settle notes what became of the operations. Those without an outcome were left out.
func (r *run) settle(operations []plan.Operation, outcomes []Outcome) {
	tokens := map[identity.Key]bool{}
	for i := range operations {
		if operations[i].Action.IssuesToken() {
			tokens[identity.NewKey(operations[i].Username)] = true
		}
	}
	for i, op := range operations {
		if i >= len(outcomes) || outcomes[i].Skipped {
			r.result.Skipped = append(r.result.Skipped, op)
			continue
		}
		outcome := outcomes[i]
		if op.UserID == "" {
			op.UserID = outcome.UserID
		}
		err := outcome.Err
		if err == nil && op.UserID == "" {
			err = errors.New("LoginTC did not say which user it is")
		}
		if err == nil && op.Action == plan.IssueToken {
			err = r.handOver(op, outcome.Code)
		}
		r.end(op, err, tokens[identity.NewKey(op.Username)])
	}
}
