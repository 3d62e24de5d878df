package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rollcall-cli/rollcall/internal/apply"
	"github.com/rollcall-cli/rollcall/internal/config"
	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
	"github.com/rollcall-cli/rollcall/internal/providers/logintc"
	"github.com/rollcall-cli/rollcall/internal/render"
	"github.com/rollcall-cli/rollcall/internal/state"
)

type applyOptions struct {
	planFile    string
	autoApprove bool
	domains     []string
}

func newApply(a *app) *cobra.Command {
	var o applyOptions
	cmd := &cobra.Command{
		Use:   "apply [PLAN]",
		Short: "Do exactly what a plan says",
		Long: `With PLAN, does exactly what that saved plan says, or refuses: a plan whose
configuration or state has changed since, that has expired, was edited, or was
applied already sends nothing.

Without PLAN, makes a plan, shows it, and asks before doing it.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.planFile = args[0]
			}
			return a.runApply(cmd.Context(), o)
		},
	}
	cmd.Flags().BoolVar(&o.autoApprove, "auto-approve", false, "do not ask")
	cmd.Flags().StringArrayVar(&o.domains, "domain", nil, "without PLAN: only the domain of this `name`; may be repeated")
	return cmd
}

func (a *app) runApply(ctx context.Context, o applyOptions) (err error) {
	if o.planFile != "" && len(o.domains) > 0 {
		return errors.New("a saved plan names its domains itself: give --domain to: rollcall plan")
	}
	if o.planFile == "" && !o.autoApprove && !a.InTerminal {
		return errors.New("nobody can be asked, since standard input is no terminal: give a saved plan, or --auto-approve")
	}
	cfg, err := a.load()
	if err != nil {
		return err
	}
	lock, err := a.lock(ctx, cfg, "apply")
	if err != nil {
		return err
	}
	defer func() {
		if released := lock.Release(); err == nil {
			err = released
		}
	}()
	st, err := state.Load(cfg.Settings.StatePath)
	if err != nil {
		return err
	}
	p, err := a.planToApply(ctx, cfg, st, o)
	if err != nil {
		return err
	}
	if err := p.Verify(present(cfg, st, p, a)); err != nil {
		return err
	}
	if o.planFile == "" && !o.autoApprove && len(p.Operations) > 0 {
		if err := a.approve(ctx); err != nil {
			return err
		}
	}
	return a.carryOut(ctx, cfg, st, p, o)
}

// planToApply reads the saved plan, or makes one and shows it.
func (a *app) planToApply(ctx context.Context, cfg *config.Config, st *state.State, o applyOptions) (*plan.Plan, error) {
	if o.planFile != "" {
		return a.openPlan(o.planFile)
	}
	p, err := a.makePlan(ctx, cfg, st, o.domains)
	if err != nil {
		return nil, err
	}
	return p, a.show(p, false)
}

// openPlan reads a plan file.
func (a *app) openPlan(name string) (*plan.Plan, error) {
	file, err := os.Open(a.path(name))
	if err != nil {
		return nil, fmt.Errorf("the plan can not be read: %w", err)
	}
	defer func() { _ = file.Close() }()
	p, err := plan.Decode(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

// present is what a plan is held against before anything of it is done.
func present(cfg *config.Config, st *state.State, p *plan.Plan, a *app) plan.Present {
	limits := map[string]identity.Limit{}
	for _, d := range cfg.Domains {
		limits[d.Name] = d.Policy.MaxRemoveLimit
	}
	return plan.Present{
		ConfigDigest: cfg.Digest, Lineage: st.Lineage, Serial: st.Serial, Applied: st.HasApplied(p.ID),
		Now: a.Now(), Limits: limits, RunLimit: cfg.Settings.MaxRemoveLimit,
	}
}

// approve asks, and takes nothing but "yes" for a yes. It does not wait for an
// answer when ctx ends.
func (a *app) approve(ctx context.Context) error {
	_, _ = fmt.Fprint(a.Out, "\nDo you want rollcall to do this? Only \"yes\" is taken for a yes.\n\n  Answer: ")
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(a.In).ReadString('\n') // what can not be read is no yes
		answer <- strings.TrimSpace(line)
	}()
	select {
	case line := <-answer:
		_, _ = fmt.Fprintln(a.Out)
		if line != "yes" {
			return errors.New("not applied: only \"yes\" is taken for a yes")
		}
		return nil
	case <-ctx.Done():
		_, _ = fmt.Fprintln(a.Out)
		return ctx.Err()
	}
}

// carryOut does what the plan says, lists what came of it, and writes the state
// whatever happened.
func (a *app) carryOut(ctx context.Context, cfg *config.Config, st *state.State, p *plan.Plan, o applyOptions) error {
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
	apply.Conclude(st, p, result.Complete(), a.Now())
	saved := state.Save(cfg.Settings.StatePath, st, a.Version)
	var differences []string
	var checked error
	if ctx.Err() == nil {
		differences, checked = a.check(ctx, client.Reader, p, result)
	}
	reported := a.report(p, result, differences, o.planFile != "")
	if err := errors.Join(saved, checked, reported); err != nil {
		return err
	}
	return applyOutcome(ctx, p, result, differences)
}

// check lists the domains once more and compares them with what was done.
func (a *app) check(ctx context.Context, client *logintc.Reader, p *plan.Plan, result apply.Result) ([]string, error) {
	var differences []string
	for _, id := range result.Touched(p) {
		listing, err := client.DomainUsers(ctx, id, nil)
		if err != nil {
			return nil, fmt.Errorf("the operations were done, and listing the members afterwards failed: %w", err)
		}
		differences = append(differences, result.Differences(id, listing.Accounts)...)
	}
	return differences, nil
}

// report prints what was done and what was not. Somebody who applies a saved plan
// is told once more what it withheld.
func (a *app) report(p *plan.Plan, result apply.Result, differences []string, saved bool) error {
	for _, f := range result.Failed {
		a.warn(fmt.Sprintf("%s: %s failed: %v", f.Operation.Address(), f.Operation.Action, f.Err))
	}
	if result.Skipped > 0 {
		a.warn(fmt.Sprintf("%d operations were left out: an earlier one of the same user failed, the run was interrupted, or %d users had failed", result.Skipped, apply.MaxErrors))
	}
	for _, difference := range differences {
		a.warn("LoginTC, listed afterwards, differs: " + difference)
	}
	if saved {
		if err := render.Withheld(a.Out, p, a.color(a.OutTerminal)); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(a.Out, "\n%s\n", render.Applied(plan.Count(result.Done), p.Summarize("").Adopt))
	return err
}

// applyOutcome is the exit code of a run that came to its end.
func applyOutcome(ctx context.Context, p *plan.Plan, result apply.Result, differences []string) error {
	switch {
	case ctx.Err() != nil:
		return outcome(exitInterrupted)
	case !result.Complete() || len(differences) > 0:
		return outcome(exitFailed)
	case p.Summarize("").Withheld > 0:
		return outcome(exitWithheld)
	}
	return nil
}
