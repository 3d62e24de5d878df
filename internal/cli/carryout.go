package cli

import (
	"context"
	"fmt"

	"github.com/rollcall-cli/rollcall/internal/apply"
	"github.com/rollcall-cli/rollcall/internal/config"
	"github.com/rollcall-cli/rollcall/internal/plan"
	"github.com/rollcall-cli/rollcall/internal/providers/logintc"
	"github.com/rollcall-cli/rollcall/internal/render"
	"github.com/rollcall-cli/rollcall/internal/state"
)

// carryOut does what the plan says, lists what came of it, and writes the state
// whatever happened. Saved says that the plan was not shown just now.
func (a *app) carryOut(ctx context.Context, cfg *config.Config, st *state.State, p *plan.Plan, saved bool) error {
	client, err := a.writer(cfg)
	if err != nil {
		return err
	}
	bar := a.startBar(p.Calls())
	result := apply.Run(ctx, p, apply.Options{
		Target: client, State: st, Concurrency: cfg.LoginTC.Concurrency, Now: a.Now,
		End: func(plan.Operation, error) {
			if bar != nil {
				_ = bar.Add(1)
			}
		},
	})
	differences, unchecked := check(ctx, client.Reader, p, result)
	result.Restore(st, differences)
	complete := result.Complete() && len(differences) == 0
	apply.Conclude(st, p, complete, a.Now())
	unsaved := state.Save(cfg.Settings.StatePath, st, a.Version)
	if err := a.report(p, result, differences, saved); err != nil && unsaved == nil {
		return err
	}
	switch {
	case unsaved != nil:
		return unsaved
	case ctx.Err() != nil:
		return outcome(exitInterrupted)
	case !complete:
		return outcome(exitFailed)
	case unchecked != nil:
		return fmt.Errorf("everything was done, and listing the members afterwards, to see whether it took, failed: %w", unchecked)
	case p.Summarize("").Withheld > 0:
		return outcome(exitWithheld)
	}
	return nil
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
func (a *app) report(p *plan.Plan, result apply.Result, differences []apply.Difference, saved bool) error {
	for _, f := range result.Failed {
		a.warn(fmt.Sprintf("%s: %s failed: %v", f.Operation.Address(), f.Operation.Action, f.Err))
	}
	if result.Skipped > 0 {
		a.warn(fmt.Sprintf("%s left out: an earlier one of the same user failed, the run was interrupted, or %d users had failed",
			render.Count(result.Skipped, "operation was", "operations were"), apply.MaxErrors))
	}
	for _, d := range differences {
		a.warn("LoginTC took it and lists otherwise: " + d.Text)
	}
	if saved {
		if err := render.Withheld(a.Out, p, a.color(a.OutTerminal)); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(a.Out, "\n%s\n", render.Applied(plan.Count(result.Done), p.Summarize("").Adopt))
	return err
}
