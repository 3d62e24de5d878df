package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rollcall-cli/rollcall/internal/apply"
	"github.com/rollcall-cli/rollcall/internal/config"
	"github.com/rollcall-cli/rollcall/internal/plan"
	"github.com/rollcall-cli/rollcall/internal/providers/logintc"
	"github.com/rollcall-cli/rollcall/internal/render"
	"github.com/rollcall-cli/rollcall/internal/state"
)

// carryOut does what the plan says, lists what came of it, and writes the state
// whatever happened.
func (a *app) carryOut(ctx context.Context, cfg *config.Config, st *state.State, p *plan.Plan, o applyOptions) error {
	client, err := a.writer(cfg)
	if err != nil {
		return err
	}
	steps := apply.Steps(p, st.Progress(p.ID))
	if done := len(p.Operations) - len(steps); done > 0 {
		_, _ = fmt.Fprintf(a.Out, "Going on with this plan: %d of its %s were done before.\n", done, render.Count(len(p.Operations), "operation", "operations"))
	}
	changes, err := lookAgain(ctx, client.Reader, p, steps)
	if err != nil {
		return fmt.Errorf("nothing was sent, since LoginTC could not be listed once more: %w", err)
	}
	rest, left := apply.Without(steps, changes)
	journal, err := apply.Start(cfg.Settings.StatePath, st, p, rest, a.User, a.Now())
	if err != nil {
		return fmt.Errorf("nothing was sent: %w", err)
	}
	a.events.planned(apply.Operations(steps))
	result, err := a.runPlanned(ctx, cfg, st, journal, p, rest, client, o)
	if err != nil {
		return errors.Join(err, end(journal))
	}
	result.Skipped = append(result.Skipped, left...)
	differences, unchecked := check(ctx, client.Reader, p, result)
	complete := apply.Conclude(st, p, result, differences, a.Now())
	unsaved := state.Save(cfg.Settings.StatePath, st, a.Version)
	if unsaved == nil {
		unsaved = end(journal)
	}
	unsent := a.notify(ctx, cfg, client, p, result)
	for _, c := range changes {
		a.warn(fmt.Sprintf("%s: %s was not done, since LoginTC changed after the plan was made: %s", c.Operation.Address(), c.Operation.Action, c.Text))
	}
	if err := a.report(p, rest, result, differences, o); err != nil && unsaved == nil {
		return err
	}
	switch {
	case unsaved != nil:
		return unsaved
	case ctx.Err() != nil:
		return outcome(exitInterrupted)
	case len(changes) > 0:
		return outcome(exitStale)
	case !complete && (!o.noWait || len(result.Failed)+len(result.Skipped) > 0):
		return outcome(exitFailed)
	case unchecked != nil:
		return fmt.Errorf("everything was done, and listing the members afterwards, to see whether it took, failed: %w", unchecked)
	case unsent != nil:
		return fmt.Errorf("everything was done, and telling the administrators failed: %w", unsent)
	case p.Summarize("").Withheld > 0:
		return outcome(exitWithheld)
	}
	return nil
}

// lookAgain lists the domains that the plan sends operations for, and says which of
// these no longer find what they expect.
func lookAgain(ctx context.Context, client *logintc.Reader, p *plan.Plan, steps []apply.Step) ([]apply.Change, error) {
	var live apply.Live
	for _, id := range apply.Expecting(p, steps) {
		listing, err := client.DomainUsers(ctx, id, nil)
		if err != nil {
			return nil, err
		}
		live.AddDomain(id, listing.Accounts)
	}
	if live.NeedsOrganization(steps) {
		listing, err := client.Users(ctx, nil)
		if err != nil {
			return nil, err
		}
		live.AddOrganization(listing.Accounts)
	}
	changes := live.Changes(steps)
	asked := 0
	for _, step := range steps {
		if step.Action != plan.Forget || slices.ContainsFunc(changes, func(c apply.Change) bool { return c.Operation.Number == step.Number }) {
			continue
		}
		if asked++; asked > mostAsked {
			break
		}
		member, err := client.HasMember(ctx, step.DomainID, step.UserID)
		if err != nil {
			return nil, err
		}
		if member {
			changes = append(changes, apply.Change{Operation: step, Text: "no listing has it, and it is a member still"})
		}
	}
	return changes, nil
}

// mostAsked is how many members that no listing has are asked for one by one before
// they are forgotten. Where there are more, somebody removed them, and the listings
// are believed.
const mostAsked = 100

// end takes the journal away, if there is one.
func end(journal *state.Journal) error {
	if journal == nil {
		return nil
	}
	return journal.Remove()
}

// runPlanned sends the operations, one by one or as jobs. Codes that it is given, and
// the receipt, are on the disk when it returns.
func (a *app) runPlanned(ctx context.Context, cfg *config.Config, st *state.State, journal *state.Journal, p *plan.Plan, steps []apply.Step, client *logintc.Writer, o applyOptions) (result apply.Result, err error) {
	jobs := cfg.LoginTC.Execution == config.ExecutionJob
	bar := a.startBar(apply.Calls(steps))
	options := apply.Options{
		Target: client, State: st, Journal: journal, Concurrency: cfg.LoginTC.Concurrency, MaxErrors: maxErrors(cfg), Now: a.Now,
	}
	if o.codes != "" {
		codes, err := createCodes(a.path(o.codes))
		if err != nil {
			return result, err
		}
		options.Codes = codes.write
		defer func() {
			if unwritten := codes.close(); unwritten != nil {
				a.warn(fmt.Sprintf("%s may lack activation codes: %v", o.codes, unwritten))
			}
		}()
	}
	var slip *receipt
	if o.receipt != "" {
		if slip, err = a.createReceipt(o.receipt, p); err != nil {
			return result, err
		}
		defer func() {
			if unwritten := slip.close(steps, result); unwritten != nil {
				a.warn(fmt.Sprintf("%s may lack operations: %v", o.receipt, unwritten))
			}
		}()
	}
	said := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(said)
		a.warn("interrupted: the operations under way are finished, and the state is written. Once more stops at once; the next run then finds out what was done")
	})
	defer func() {
		if !stop() {
			<-said
		}
	}()
	options.Begin = a.events.start
	options.End = func(op plan.Operation, err error) {
		if bar != nil && !jobs {
			_ = bar.Add(1)
		}
		if slip != nil {
			slip.end(op, err)
		}
		a.logOperation(ctx, op, err)
		a.events.end(op, err)
	}
	if jobs {
		return apply.RunJobs(ctx, p, steps, options, a.jobOptions(p, client, bar, o)), nil
	}
	return apply.Run(ctx, steps, options), nil
}

func maxErrors(cfg *config.Config) map[string]int {
	limits := map[string]int{}
	for _, d := range cfg.Domains {
		limits[d.Name] = d.Policy.MaxErrors
	}
	return limits
}

// notify has the administrators told of who was added and removed. A job tells them
// itself.
func (a *app) notify(ctx context.Context, cfg *config.Config, client *logintc.Writer, p *plan.Plan, result apply.Result) error {
	if cfg.LoginTC.Execution == config.ExecutionJob {
		return nil
	}
	var errs []error
	for _, d := range p.Domains {
		added, removed := result.Moved(d.Name)
		if d.Notify != "" && len(added)+len(removed) > 0 {
			errs = append(errs, client.Notify(ctx, d.ID, d.Notify, added, removed))
		}
	}
	return errors.Join(errs...)
}

// check lists the domains once more and compares them with what was done. The
// differences found before an error count.
func check(ctx context.Context, client *logintc.Reader, p *plan.Plan, result apply.Result) ([]apply.Difference, error) {
	var differences []apply.Difference
	for _, id := range result.Touched(p) {
		listing, err := client.DomainUsers(ctx, id, nil)
		if err != nil {
			return differences, err
		}
		differences = append(differences, result.Differences(id, listing.Accounts)...)
	}
	return differences, nil
}

// report prints what was done and what was not. Somebody who applies a saved plan
// is told once more what it withheld.
func (a *app) report(p *plan.Plan, steps []apply.Step, result apply.Result, differences []apply.Difference, o applyOptions) error {
	for _, job := range result.Unsettled {
		a.reportUnsettled(job)
	}
	for _, f := range result.Failed {
		text := fmt.Sprintf("%s: %s failed: %v", f.Operation.Address(), f.Operation.Action, f.Err)
		if apply.Uncertain(f.Err) {
			text += "; the next run finds out whether it was done all the same"
		}
		a.warn(text)
	}
	if result.Unwritten != nil {
		a.warn(fmt.Sprintf("the run was stopped, since its journal could not be written: %v", result.Unwritten))
	}
	if len(result.Skipped) > 0 {
		a.warn(fmt.Sprintf("%s left out: an earlier one of the same user failed, the run was interrupted, or as many users had failed as max_errors allows",
			render.Count(len(result.Skipped), "operation was", "operations were")))
	}
	for _, d := range differences {
		a.warn("LoginTC took it and lists otherwise: " + d.Text)
	}
	if o.planFile != "" {
		if err := render.Withheld(a.Out, p, a.color(a.OutTerminal)); err != nil {
			return err
		}
	}
	done := plan.Count(apply.Operations(result.Done))
	applied := render.Applied(done, plan.Count(apply.Operations(steps)).Adopt)
	a.events.summary(p, done, applied)
	if p.RefreshOnly {
		_, err := fmt.Fprintf(a.Out, "\nTaken into the state: %s.\n", render.Count(len(p.Drift), "difference", "differences"))
		return err
	}
	_, err := fmt.Fprintf(a.Out, "\n%s\n", applied)
	if err == nil && o.planFile != "" && len(result.Failed)+len(result.Skipped)+len(differences) > 0 {
		_, err = fmt.Fprintf(a.Out, "To go on with what is left of this plan: rollcall apply %s\n", o.planFile)
	}
	return err
}
