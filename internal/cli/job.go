package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/rollcall-cli/rollcall/internal/apply"
	"github.com/rollcall-cli/rollcall/internal/config"
	"github.com/rollcall-cli/rollcall/internal/plan"
	"github.com/rollcall-cli/rollcall/internal/providers/logintc"
	"github.com/rollcall-cli/rollcall/internal/render"
)

func newJob(a *app) *cobra.Command {
	job := &cobra.Command{Use: "job", Short: "Look at asynchronous jobs of LoginTC"}
	var asJSON bool
	status := &cobra.Command{
		Use:   "status ID",
		Short: "Show how far a job is",
		Long: `Shows the status, dates, count of actions and error of a job that "apply" with
execution = "job" submitted. Needs api = "sync" in the logintc block.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.runJobStatus(cmd.Context(), args[0], asJSON) },
	}
	status.Flags().BoolVar(&asJSON, "json", false, "print it as JSON")
	job.AddCommand(status)
	return job
}

func (a *app) runJobStatus(ctx context.Context, id string, asJSON bool) error {
	cfg, err := a.load()
	if err != nil {
		return err
	}
	if cfg.LoginTC.API != config.APISync {
		return fmt.Errorf(`logintc.%s: LoginTC does not document jobs: "rollcall job" needs api = "sync"`, cfg.LoginTC.Name)
	}
	client, err := a.reader(cfg)
	if err != nil {
		return err
	}
	job, err := client.Job(ctx, id)
	if err != nil {
		return err
	}
	if asJSON {
		return writeJobJSON(a.Out, &job)
	}
	return writeJob(a.Out, &job)
}

// writeJob prints the fields that LoginTC's own tool prints, and what failed.
func writeJob(out io.Writer, job *logintc.Job) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(name, value string) {
		if value == "" {
			value = "-"
		}
		_, _ = fmt.Fprintf(w, "%s:\t%s\n", name, render.Escape(value)) // Flush returns the error
	}
	at := func(t logintc.JobTime) string {
		if t.IsZero() {
			return ""
		}
		return t.Format(time.RFC3339)
	}
	line("ID", job.ID)
	line("Type", job.Type)
	line("Status", job.Status)
	line("Created", at(job.Created))
	line("Started", at(job.Started))
	line("Completed", at(job.Completed))
	line("Actions", fmt.Sprintf("%d of %d", job.ActionsCompleted, job.ActionsTotal))
	line("Error code", job.ErrorCode)
	line("Error message", job.ErrorMessage)
	for i, r := range job.Results {
		if r.Status == logintc.JobFailed {
			line(fmt.Sprintf("Action %d", i+1), "failed: "+r.ErrorCode+": "+r.ErrorMessage)
		}
	}
	return w.Flush()
}

// jobDocument is a job for programs; docs/json-output.md.
type jobDocument struct {
	FormatVersion    int          `json:"format_version"`
	ID               string       `json:"id"`
	Type             string       `json:"type"`
	Status           string       `json:"status"`
	Created          *time.Time   `json:"created"`
	Started          *time.Time   `json:"started"`
	Completed        *time.Time   `json:"completed"`
	ActionsCompleted int          `json:"actions_completed"`
	ActionsTotal     int          `json:"actions_total"`
	ErrorCode        string       `json:"error_code"`
	ErrorMessage     string       `json:"error_message"`
	Failures         []jobFailure `json:"failures"`
}

// jobFailure is an action that failed; Action is its number, from 1.
type jobFailure struct {
	Action       int    `json:"action"`
	ErrorCode    string `json:"error_code"`
	ErrorMessage string `json:"error_message"`
}

func writeJobJSON(out io.Writer, job *logintc.Job) error {
	at := func(t logintc.JobTime) *time.Time {
		if t.IsZero() {
			return nil
		}
		return &t.Time
	}
	document := jobDocument{
		FormatVersion: 1, ID: job.ID, Type: job.Type, Status: job.Status,
		Created: at(job.Created), Started: at(job.Started), Completed: at(job.Completed),
		ActionsCompleted: job.ActionsCompleted, ActionsTotal: job.ActionsTotal,
		ErrorCode: job.ErrorCode, ErrorMessage: job.ErrorMessage, Failures: []jobFailure{},
	}
	for i, r := range job.Results {
		if r.Status == logintc.JobFailed {
			document.Failures = append(document.Failures, jobFailure{i + 1, r.ErrorCode, r.ErrorMessage})
		}
	}
	return writeJSON(out, document)
}

// jobs makes jobs of LoginTC of what apply wants to be done.
type jobs struct{ client *logintc.Writer }

// Submit implements apply.Jobs.
func (j jobs) Submit(ctx context.Context, d plan.Domain, operations []apply.Step) (string, error) {
	return j.client.SubmitJob(ctx, d.ID, d.Notify, len(operations), func(i int) logintc.JobAction { return jobAction(&operations[i]) })
}

func jobAction(op *apply.Step) logintc.JobAction {
	action := logintc.JobAction{Action: string(op.Action), UserID: op.UserID, Number: op.Phone(), Group: op.Group()}
	if op.UserID == "" {
		action.Username = op.Username
	}
	if op.Action == plan.CreateUser {
		action.SetValues(*op.After)
	}
	if op.Action == plan.UpdateUser {
		action.SetChange(*op.Before, *op.After)
	}
	return action
}

// Look implements apply.Jobs.
func (j jobs) Look(ctx context.Context, id string) (apply.JobProgress, error) {
	return lookAtJob(ctx, j.client.Reader, id)
}

func lookAtJob(ctx context.Context, client *logintc.Reader, id string) (apply.JobProgress, error) {
	job, err := client.Job(ctx, id)
	if err != nil {
		return apply.JobProgress{}, err
	}
	progress := apply.JobProgress{Ended: job.Ended(), Done: job.ActionsCompleted, Outcomes: make([]apply.Outcome, 0, len(job.Results))}
	for _, r := range job.Results {
		outcome := apply.Outcome{UserID: r.UserID, Code: r.Code, Skipped: r.Status == logintc.JobSkipped}
		switch r.Status {
		case logintc.JobCompleted, logintc.JobSkipped:
		case logintc.JobFailed:
			outcome.Err = fmt.Errorf("%s: %s", r.ErrorCode, r.ErrorMessage)
		default:
			outcome.Err = fmt.Errorf("LoginTC says %q of it, which is not known", r.Status)
		}
		progress.Outcomes = append(progress.Outcomes, outcome)
	}
	if job.Status != logintc.JobCompleted {
		progress.Err = fmt.Errorf("the job is %s: %s: %s", job.Status, job.ErrorCode, job.ErrorMessage)
	}
	return progress, nil
}

// jobOptions says how jobs are shown while they run.
func (x *execution) jobOptions(bar *progressbar.ProgressBar) apply.JobOptions {
	return apply.JobOptions{
		Jobs: jobs{x.client}, Wait: !x.o.noWait,
		Submitted: func(d plan.Domain, id string) {
			if len(x.plan.Domains) > 1 {
				_, _ = fmt.Fprintf(x.Out, "domain.%s\n", render.Escape(d.Name))
			}
			_, _ = fmt.Fprintf(x.Out, "Async job created with id: %s\n", id)
		},
		Progress: func(done int) {
			if bar != nil {
				_ = bar.Set(done)
			}
		},
	}
}

// reportUnsettled says that nobody knows yet what became of a job.
func (a *app) reportUnsettled(job apply.Unsettled) {
	if errors.Is(job.Err, context.Canceled) {
		job.Err = errors.New("interrupted")
	}
	switch {
	case job.ID == "":
		a.warn(fmt.Sprintf("domain.%s: %v", job.Domain, job.Err))
	case job.Err == nil:
		_, _ = fmt.Fprintf(a.Out, "\ndomain.%s: the job goes on without rollcall. Look at it: rollcall job status %s\n", render.Escape(job.Domain), job.ID)
	default:
		a.warn(fmt.Sprintf("domain.%s: the job goes on and is not waited for (%v); look at it: rollcall job status %s", job.Domain, job.Err, job.ID))
	}
}
