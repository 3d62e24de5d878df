package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
	"github.com/rollcall-cli/rollcall/internal/state"
)

// Jobs is where the operations of a domain are carried out as one asynchronous job.
type Jobs interface {
	// Submit starts a job that performs exactly the operations, in their order. After
	// an error that is Uncertain the job may have been started all the same.
	Submit(ctx context.Context, domain plan.Domain, operations []Step) (id string, err error)
	// Look says how far a job is.
	Look(ctx context.Context, id string) (JobProgress, error)
}

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

// RunJobs carries the steps of each of the plan's domains out as one job, a domain
// after the other: a user that one of them creates may join the next. Of the options
// it uses State, Journal, Now, Codes and End.
func RunJobs(ctx context.Context, p *plan.Plan, steps []Step, o Options, jobs JobOptions) Result {
	r := newRun(o)
	sent, count := map[string][]Step{}, map[string]int{}
	for i := range steps {
		count[steps[i].Domain]++
	}
	for domain, n := range count {
		sent[domain] = make([]Step, 0, n)
	}
	for _, step := range steps {
		if step.Action.OnState() {
			r.note(step, "", false)
		} else {
			sent[step.Domain] = append(sent[step.Domain], step)
		}
	}
	through := 0
	for _, d := range p.Domains {
		operations := sent[d.Name]
		if len(operations) == 0 {
			continue
		}
		if ctx.Err() != nil || r.isFull() {
			r.result.Skipped = append(r.result.Skipped, operations...)
			continue
		}
		r.job(ctx, d, operations, jobs, through)
		through += len(operations)
	}
	return r.result
}

// job submits one job and takes its outcomes in.
func (r *run) job(ctx context.Context, d plan.Domain, operations []Step, jobs JobOptions, before int) {
	due := tokenDue(operations)
	if err := r.begin(operations, due); err != nil {
		r.settle(operations, []Outcome{{Err: err}}, due)
		return
	}
	id, err := jobs.Jobs.Submit(ctx, d, operations)
	switch {
	case err != nil:
		if Uncertain(err) {
			r.unsettled(d, "", err, operations, due)
			return
		}
		r.settle(operations, []Outcome{{Err: err}}, due)
		return
	case jobs.Submitted != nil:
		jobs.Submitted(d, id)
	}
	r.mu.Lock()
	r.written(r.Journal.Job(state.Job{ID: id, Operations: numbers(operations)}))
	r.mu.Unlock()
	if !jobs.Wait {
		r.unsettled(d, id, nil, operations, due)
		return
	}
	progress, err := await(ctx, jobs, id, before, len(operations))
	if err != nil {
		r.unsettled(d, id, err, operations, due)
		return
	}
	r.settle(operations, progress.outcomes(len(operations)), due)
}

// unsettled notes that nobody knows yet what became of a job: its operations stay open,
// and the next run finds out.
func (r *run) unsettled(d plan.Domain, id string, err error, operations []Step, due func(Step) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.Unsettled = append(r.result.Unsettled, Unsettled{d.Name, id, err})
	for _, op := range operations {
		r.stayOpen(op, due(op))
	}
	if id != "" {
		r.State.RecordJob(state.Job{ID: id, Operations: numbers(operations)})
	}
}

func numbers(steps []Step) []int {
	numbers := make([]int, len(steps))
	for i := range steps {
		numbers[i] = steps[i].Number
	}
	return numbers
}

// outcomes are those of a job that ended and had n operations. Where some are missing
// the first of these failed with the job.
func (p *JobProgress) outcomes(n int) []Outcome {
	if len(p.Outcomes) >= n {
		return p.Outcomes
	}
	err := p.Err
	if err == nil {
		err = fmt.Errorf("the job ended with %d outcomes of %d", len(p.Outcomes), n)
	}
	return append(p.Outcomes, Outcome{Err: err})
}

// The pauses between looks at a job.
const (
	firstLook = 100 * time.Millisecond
	lastLook  = 5 * time.Second
)

// looks are the pauses between looks at a job of so many operations: each twice the one
// before, but not beyond the time at which the job will be through if it goes on as it did.
// That may be wrong for long, so each is at least an eighth of all that was waited.
type looks struct {
	operations   int
	last, waited time.Duration
}

// next is the pause after a look that found so many operations done.
func (l *looks) next(done int) time.Duration {
	pause := max(firstLook, min(2*l.last, lastLook))
	if done > 0 && l.waited > 0 {
		rest := l.waited.Seconds() * float64(l.operations-done) / float64(done)
		soon := time.Duration(min(rest, lastLook.Seconds()) * float64(time.Second))
		pause = min(pause, max(firstLook, l.waited/8, soon))
	}
	l.last = pause
	l.waited += pause
	return pause
}

// await looks at a job of so many operations until it ends.
func await(ctx context.Context, jobs JobOptions, id string, before, operations int) (JobProgress, error) {
	pauses := looks{operations: operations}
	for {
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
		timer := time.NewTimer(pauses.next(progress.Done))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return JobProgress{}, ctx.Err()
		}
	}
}

// settle notes what became of the operations. Those without an outcome were left out. Due
// says which of them are of members who are to get a token.
func (r *run) settle(operations []Step, outcomes []Outcome, due func(Step) bool) {
	r.result.Done = slices.Grow(r.result.Done, len(operations))
	err := r.Journal.Together(func() { r.outcomes(operations, outcomes, due) })
	r.mu.Lock()
	defer r.mu.Unlock()
	r.written(err)
}

func (r *run) outcomes(operations []Step, outcomes []Outcome, due func(Step) bool) {
	var last string // id; the operations of one user stand together and share it
	for i, op := range operations {
		if i >= len(outcomes) || outcomes[i].Skipped {
			r.leaveOut(op, true)
			continue
		}
		outcome := outcomes[i]
		if outcome.UserID == last {
			outcome.UserID = last
		}
		last = outcome.UserID
		created := ""
		if op.UserID == "" {
			op.UserID = outcome.UserID
			if op.Action == plan.CreateUser {
				created = outcome.UserID
			}
		}
		err := outcome.Err
		if err == nil && op.UserID == "" {
			err = errors.New("LoginTC did not say which user it is")
		}
		if err == nil && op.Action == plan.IssueToken {
			err = r.handOver(&op, outcome.Code)
		}
		r.end(op, created, err, due(op))
	}
}
