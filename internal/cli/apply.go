package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rollcall-cli/rollcall/internal/config"
	"github.com/rollcall-cli/rollcall/internal/plan"
	"github.com/rollcall-cli/rollcall/internal/render"
	"github.com/rollcall-cli/rollcall/internal/state"
)

type applyOptions struct {
	planFile    string
	autoApprove bool
	domains     []string
	refreshOnly bool
	json        bool
	// codes is the file for activation codes, or empty.
	codes string
	// receipt is the file for what became of each operation, or empty.
	receipt string
	noWait  bool
	// approval is what --approve-removals says, or nil.
	approval *approval
}

func newApply(a *app) *cobra.Command {
	var o applyOptions
	var approve string
	cmd := &cobra.Command{
		Use:   "apply [PLAN]",
		Short: "Do exactly what a plan says",
		Long: `With PLAN, does exactly what that saved plan says, or refuses: a plan whose
configuration or state has changed since, that has expired, was edited, or was
applied already sends nothing.

Without PLAN, makes a plan, shows it, and asks before doing it.

With execution = "job" in the logintc block the operations of each domain are
submitted as one asynchronous job, which is waited for unless --no-wait says so.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.planFile = args[0]
			}
			var err error
			if o.approval, err = parseApproval(approve); err != nil {
				return err
			}
			return a.runApply(cmd.Context(), o)
		},
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print an event a line as JSON, and no text")
	cmd.Flags().BoolVar(&o.autoApprove, "auto-approve", false, "do not ask")
	a.snapshotFlag(cmd)
	cmd.Flags().StringArrayVar(&o.domains, "domain", nil, "without PLAN: only the domain of this `name`; may be repeated")
	cmd.Flags().BoolVar(&o.refreshOnly, "refresh-only", false, "without PLAN: but take into the state what changed in LoginTC since rollcall last wrote")
	cmd.Flags().StringVar(&approve, "approve-removals", "", "also do the removals that limits withheld in the plan of this id, if they are so many, as `id:count`")
	cmd.Flags().StringVar(&o.codes, "activation-codes", "", "write domain, username and activation code of issued tokens to this new `file`, as CSV")
	cmd.Flags().StringVar(&o.receipt, "receipt", "", "write what became of each operation to this new `file`, as JSON lines")
	cmd.Flags().BoolVar(&o.noWait, "no-wait", false, "submit jobs and do not wait for them")
	return cmd
}

func (a *app) runApply(ctx context.Context, o applyOptions) error {
	if o.json {
		a.startEvents()
		if o.planFile == "" && !o.autoApprove {
			return errors.New("nobody can be asked with --json: give a saved plan, or --auto-approve")
		}
	}
	if o.planFile != "" && o.refreshOnly {
		return errors.New("a saved plan says itself what it does: give --refresh-only to: rollcall plan")
	}
	if o.planFile != "" && len(a.snapshots) > 0 {
		return errors.New("a saved plan reads no directory: give --snapshot to: rollcall plan")
	}
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
	if err := a.checkApply(cfg, o); err != nil {
		return err
	}
	return a.locked(ctx, cfg, "apply", func(store stateStore) error { return a.applyLocked(ctx, cfg, store, o) })
}

// applyLocked makes or reads the plan, holds it against what there is now, and does it.
func (a *app) applyLocked(ctx context.Context, cfg *config.Config, store stateStore, o applyOptions) error {
	st, err := a.recoverState(ctx, cfg, store)
	if err != nil {
		return err
	}
	p, err := a.planToApply(ctx, cfg, st, o)
	if err != nil {
		return err
	}
	if o.approval != nil {
		if p, err = p.Approve(o.approval.plan, o.approval.count); err != nil {
			return err
		}
		_, _ = fmt.Fprintf(a.Out, "\nApproved beyond the limits: %s.\n", render.Count(o.approval.count, "removal", "removals"))
	}
	if err := p.Verify(present(cfg, st, p, a)); err != nil {
		return err
	}
	if o.planFile == "" && !o.autoApprove && len(p.Operations)+len(p.Drift) > 0 {
		if err := a.approve(ctx); err != nil {
			return err
		}
		// The answer may have come the next morning.
		if err := p.Verify(present(cfg, st, p, a)); err != nil {
			return err
		}
	}
	return a.carryOut(ctx, cfg, store, st, p, o)
}

// checkApply holds the flags against the configuration and the disk, before anything
// is read.
func (a *app) checkApply(cfg *config.Config, o applyOptions) error {
	jobs := cfg.LoginTC.Execution == config.ExecutionJob
	if o.noWait && !jobs {
		return errors.New(`--no-wait is about jobs: set execution = "job" in the logintc block, or leave it out`)
	}
	if o.noWait && o.codes != "" {
		return errors.New("the activation codes are known when the jobs are done: give --no-wait or --activation-codes, not both")
	}
	for _, file := range []string{o.codes, o.receipt} {
		if file != "" && !isFree(a.path(file)) {
			return fmt.Errorf("%s is there already, or can not be looked for: activation codes and receipts go to new files, so that none are lost", file)
		}
	}
	return nil
}

// planToApply reads the saved plan, or makes one and shows it.
func (a *app) planToApply(ctx context.Context, cfg *config.Config, st *state.State, o applyOptions) (*plan.Plan, error) {
	if o.planFile != "" {
		return a.openPlan(o.planFile)
	}
	p, err := a.makePlan(ctx, cfg, st, o.domains, o.refreshOnly)
	if err != nil {
		return nil, err
	}
	return p, a.show(p, false)
}

// openPlan reads a plan file.
func (a *app) openPlan(name string) (*plan.Plan, error) {
	if info, err := os.Stat(a.path(name)); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file (%s), so it is no plan", name, info.Mode().Type())
	}
	file, err := os.Open(a.path(name))
	if err != nil {
		return nil, fmt.Errorf("the plan can not be read: %w", err)
	}
	defer func() { _ = file.Close() }()
	content, err := a.decrypted(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p, err := plan.Decode(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

// present is what a plan is held against before anything of it is done.
func present(cfg *config.Config, st *state.State, p *plan.Plan, a *app) plan.Present {
	domains := map[string]plan.PresentDomain{}
	for _, d := range cfg.Domains {
		domains[d.Name] = plan.PresentDomain{ID: d.ID, Policy: policy(d.Policy)}
	}
	return plan.Present{
		ConfigDigest: cfg.Digest, Lineage: st.Lineage, Serial: st.Serial, Applied: st.HasApplied(p.ID),
		Continues: st.Progress(p.ID) != nil,
		Now:       a.Now(), Domains: domains, RunLimit: cfg.Settings.MaxRemoveLimit,
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
