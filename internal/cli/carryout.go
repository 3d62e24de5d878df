package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/rollcall-cli/rollcall/internal/apply"
	"github.com/rollcall-cli/rollcall/internal/config"
	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
	"github.com/rollcall-cli/rollcall/internal/providers/logintc"
	"github.com/rollcall-cli/rollcall/internal/render"
	"github.com/rollcall-cli/rollcall/internal/state"
)

// execution is a plan while it is carried out.
type execution struct {
	*app
	cfg    *config.Config
	state  *state.State
	plan   *plan.Plan
	client *logintc.Writer
	o      applyOptions
	// steps are those that are left and find what they expect.
	steps   []apply.Step
	journal *state.Journal // nil where nothing is sent, and where journalPath is empty
}

// carryOut does what the plan says, lists what came of it, and writes the state
// whatever happened.
func (a *app) carryOut(ctx context.Context, cfg *config.Config, store stateStore, st *state.State, p *plan.Plan, o applyOptions) error {
	client, err := a.writer(cfg)
	if err != nil {
		return err
	}
	x := &execution{app: a, cfg: cfg, state: st, plan: p, client: client, o: o}
	steps := apply.Steps(p, st.Progress(p.ID))
	if done := len(p.Operations) - len(steps); done > 0 {
		_, _ = fmt.Fprintf(a.Out, "Going on with this plan: %d of its %s were done before.\n", done, render.Count(len(p.Operations), "operation", "operations"))
	}
	changes, err := lookAgain(ctx, client.Reader, st, p, steps)
	if err != nil {
		return fmt.Errorf("nothing was sent, since LoginTC could not be listed once more: %w", err)
	}
	var left []apply.Step
	x.steps, left = apply.Without(steps, changes)
	save := func() error { return store.Save(context.WithoutCancel(ctx), st, a.Version) }
	if x.journal, err = apply.Start(journalPath(cfg), save, st, p, x.steps, a.User, a.Now()); err != nil {
		return fmt.Errorf("nothing was sent: %w", err)
	}
	a.events.planned(steps)
	result, err := x.run(ctx)
	if err != nil {
		return errors.Join(err, x.journal.Remove())
	}
	result.Skipped = append(result.Skipped, left...)
	differences, unchecked := x.check(ctx, result)
	complete := apply.Conclude(st, p, result, differences, a.Now())
	unsaved := save()
	if unsaved == nil {
		unsaved = x.journal.Remove()
	}
	unsent := x.notify(ctx, result)
	for _, c := range changes {
		a.warn(fmt.Sprintf("%s: %s was not done, since LoginTC changed after the plan was made: %s", c.Operation.Address(), c.Operation.Action, c.Text))
	}
	if err := x.report(result, differences); err != nil && unsaved == nil {
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
func lookAgain(ctx context.Context, client *logintc.Reader, st *state.State, p *plan.Plan, steps []apply.Step) ([]apply.Change, error) {
	ids := apply.Expecting(p, steps)
	listings, err := listDomains(ctx, client, ids, unifying(st, p, ids))
	if err != nil {
		return nil, err
	}
	var live apply.Live
	for i, id := range ids {
		live.AddDomain(id, listings[i].Accounts)
	}
	if live.NeedsOrganization(steps) {
		listing, err := client.Users(ctx, nil)
		if err != nil {
			return nil, err
		}
		live.AddOrganization(listing.Accounts)
	}
	changes := live.Changes(steps)
	still, err := stillMembers(ctx, client, steps, changes)
	return append(changes, still...), err
}

// unifying returns for each of the plan's domains with these ids what lets members whom the
// state knows have their texts in common with it.
func unifying(st *state.State, p *plan.Plan, ids []string) []func([]identity.Account) {
	all := make([]func([]identity.Account), len(ids))
	for _, d := range p.Domains {
		if i := slices.Index(ids, d.ID); i >= 0 {
			all[i] = identity.Known(st.Members(d.Name)).UnifyAccounts
		}
	}
	return all
}

// listDomains lists the members of domains, all at once; each domain has a function that
// is given every page.
func listDomains(ctx context.Context, client *logintc.Reader, ids []string, each []func([]identity.Account)) ([]logintc.Listing, error) {
	listings := make([]logintc.Listing, len(ids))
	group, ctx := errgroup.WithContext(ctx)
	for i, id := range ids {
		group.Go(func() (err error) {
			listings[i], err = client.DomainUsers(ctx, id, each[i])
			return err
		})
	}
	return listings, group.Wait()
}

// mostAsked is how many members that no listing has are asked for one by one before
// they are forgotten. Where there are more, somebody removed them, and the listings
// are believed.
const mostAsked = 100

// stillMembers asks for the members who are to be forgotten and that no listing has,
// and returns those who are there.
func stillMembers(ctx context.Context, client *logintc.Reader, steps []apply.Step, changes []apply.Change) (still []apply.Change, err error) {
	var asked []apply.Step
	for _, step := range steps {
		changed := func(c apply.Change) bool { return c.Operation.Number == step.Number }
		if step.Action == plan.Forget && len(asked) < mostAsked && !slices.ContainsFunc(changes, changed) {
			asked = append(asked, step)
		}
	}
	member := make([]bool, len(asked))
	group, ctx := errgroup.WithContext(ctx)
	for i, step := range asked {
		group.Go(func() (err error) {
			member[i], err = client.HasMember(ctx, step.DomainID, step.UserID)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for i, step := range asked {
		if member[i] {
			still = append(still, apply.Change{Operation: step, Text: "no listing has it, and it is a member still"})
		}
	}
	return still, nil
}

// run sends the operations, one by one or as jobs. Codes that it is given, and the
// receipt, are on the disk when it returns.
func (x *execution) run(ctx context.Context) (result apply.Result, err error) {
	jobs := x.cfg.LoginTC.Execution == config.ExecutionJob
	bar := x.startBar(apply.Calls(x.steps))
	options := apply.Options{
		Target: x.client, State: x.state, Journal: x.journal, Concurrency: x.cfg.LoginTC.Concurrency, MaxErrors: maxErrors(x.cfg), Now: x.Now,
	}
	if x.o.codes != "" {
		codes, err := createCodes(x.path(x.o.codes))
		if err != nil {
			return result, err
		}
		options.Codes = codes.write
		defer func() {
			if unwritten := codes.close(); unwritten != nil {
				x.warn(fmt.Sprintf("%s may lack activation codes: %v", x.o.codes, unwritten))
			}
		}()
	}
	var slip *receipt
	if x.o.receipt != "" {
		if slip, err = x.createReceipt(x.o.receipt, x.plan); err != nil {
			return result, err
		}
		defer func() {
			if unwritten := slip.close(x.steps, result); unwritten != nil {
				x.warn(fmt.Sprintf("%s may lack operations: %v", x.o.receipt, unwritten))
			}
		}()
	}
	said := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(said)
		x.warn("interrupted: the operations under way are finished, and the state is written. Once more stops at once; the next run then finds out what was done")
	})
	defer func() {
		if !stop() {
			<-said
		}
	}()
	options.Begin = x.events.start
	options.End = func(op apply.Step, err error) {
		if bar != nil && !jobs {
			_ = bar.Add(1)
		}
		if slip != nil {
			slip.end(op, err)
		}
		x.logOperation(ctx, op, err)
		x.events.end(op, err)
	}
	if jobs {
		return apply.RunJobs(ctx, x.plan, x.steps, options, x.jobOptions(bar)), nil
	}
	return apply.Run(ctx, x.steps, options), nil
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
func (x *execution) notify(ctx context.Context, result apply.Result) error {
	if x.cfg.LoginTC.Execution == config.ExecutionJob {
		return nil
	}
	var errs []error
	for _, d := range x.plan.Domains {
		added, removed := result.Moved(d.Name)
		if d.Notify != "" && len(added)+len(removed) > 0 {
			errs = append(errs, x.client.Notify(ctx, d.ID, d.Notify, added, removed))
		}
	}
	return errors.Join(errs...)
}

// check lists the domains once more and compares them with what was done. The
// differences found beside an error count.
func (x *execution) check(ctx context.Context, result apply.Result) ([]apply.Difference, error) {
	ids := result.Touched(x.plan)
	found, errs := make([][]apply.Difference, len(ids)), make([]error, len(ids))
	each := unifying(x.state, x.plan, ids)
	var listing sync.WaitGroup
	for i, id := range ids {
		listing.Go(func() {
			members, err := x.client.DomainUsers(ctx, id, each[i])
			if errs[i] = err; err == nil {
				found[i] = result.Differences(id, members.Accounts)
			}
		})
	}
	listing.Wait()
	return slices.Concat(found...), errors.Join(errs...)
}

// report prints what was done and what was not. Somebody who applies a saved plan
// is told once more what it withheld.
func (x *execution) report(result apply.Result, differences []apply.Difference) error {
	for _, job := range result.Unsettled {
		x.reportUnsettled(job)
	}
	for _, f := range result.Failed {
		text := fmt.Sprintf("%s: %s failed: %v", f.Operation.Address(), f.Operation.Action, f.Err)
		if apply.Uncertain(f.Err) {
			text += "; the next run finds out whether it was done all the same"
		}
		x.warn(text)
	}
	if result.Unwritten != nil {
		x.warn(fmt.Sprintf("the run was stopped, since its journal could not be written: %v", result.Unwritten))
	}
	if len(result.Skipped) > 0 {
		x.warn(fmt.Sprintf("%s left out: its target changed, an earlier one of the same user failed or was left out, the run was interrupted, or as many users had failed as max_errors allows",
			render.Count(len(result.Skipped), "operation was", "operations were")))
	}
	for _, d := range differences {
		x.warn("LoginTC took it and lists otherwise: " + d.Text)
	}
	if x.o.planFile != "" {
		if err := render.Withheld(x.Out, x.plan, x.color(x.OutTerminal)); err != nil {
			return err
		}
	}
	done := plan.Count(apply.Actions(result.Done))
	applied := render.Applied(done, plan.Count(apply.Actions(x.steps)).Adopt)
	x.events.summary(x.plan, done, applied)
	if x.plan.RefreshOnly {
		_, err := fmt.Fprintf(x.Out, "\nTaken into the state: %s.\n", render.Count(len(x.plan.Drift), "difference", "differences"))
		return err
	}
	_, err := fmt.Fprintf(x.Out, "\n%s\n", applied)
	if err == nil && x.o.planFile != "" && len(result.Failed)+len(result.Skipped)+len(differences) > 0 {
		_, err = fmt.Fprintf(x.Out, "To go on with what is left of this plan: rollcall apply %s\n", x.o.planFile)
	}
	return err
}
