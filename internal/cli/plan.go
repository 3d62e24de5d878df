package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/rollcall-cli/rollcall/internal/atomicfile"
	"github.com/rollcall-cli/rollcall/internal/config"
	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
	"github.com/rollcall-cli/rollcall/internal/providers/logintc"
	"github.com/rollcall-cli/rollcall/internal/render"
	"github.com/rollcall-cli/rollcall/internal/roster"
	"github.com/rollcall-cli/rollcall/internal/state"
)

type planOptions struct {
	out  string
	json bool
	// jsonInto is a file for the plan as JSON, beside what is printed; or empty.
	jsonInto         string
	detailedExitcode bool
	refreshOnly      bool
	redact           bool
	domains          []string
}

func newPlan(a *app) *cobra.Command {
	var o planOptions
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show who would be added, changed and removed",
		Long: `Reads the directories and LoginTC, compares them with the state, and shows what
apply would do. It changes nothing and takes no lock.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runPlan(cmd.Context(), o) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.out, "out", "", "save the plan to `file`, for: rollcall apply FILE")
	flags.BoolVar(&o.json, "json", false, "print the plan as JSON")
	flags.StringVar(&o.jsonInto, "json-into", "", "also write the plan as JSON to `file`")
	flags.BoolVar(&o.detailedExitcode, "detailed-exitcode", false, "exit with 2 where there are changes, 3 where only withheld ones")
	flags.BoolVar(&o.redact, "redact", false, "give people pseudonyms in what is printed, by the key in "+redactKey)
	flags.BoolVar(&o.refreshOnly, "refresh-only", false, "read no directory: show what changed in LoginTC since rollcall last wrote")
	a.snapshotFlag(cmd)
	flags.StringArrayVar(&o.domains, "domain", nil, "only the domain of this `name`; may be repeated")
	return cmd
}

func (a *app) runPlan(ctx context.Context, o planOptions) error {
	redact, err := a.redactor(o.redact)
	if err != nil {
		return err
	}
	cfg, err := a.load()
	if err != nil {
		return err
	}
	st, err := a.readState(ctx, cfg)
	if err != nil {
		return err
	}
	p, err := a.makePlan(ctx, cfg, st, o.domains, o.refreshOnly)
	if err != nil {
		return err
	}
	shown := redact(p)
	if err := a.show(shown, o.json); err != nil {
		return err
	}
	if o.jsonInto != "" {
		if err := atomicfile.Write(a.path(o.jsonInto), func(w io.Writer) error { return render.JSON(w, shown) }); err != nil {
			return fmt.Errorf("writing the plan as JSON: %w", err)
		}
	}
	if err := p.Failed(); err != nil {
		return err
	}
	if o.out != "" {
		if err := a.savePlan(cfg, p, o); err != nil {
			return err
		}
	}
	if o.detailedExitcode {
		return planOutcome(p)
	}
	return nil
}

// makePlan reads both sides at once and compares them with the state.
func (a *app) makePlan(ctx context.Context, cfg *config.Config, st *state.State, domains []string, refreshOnly bool) (*plan.Plan, error) {
	chosen, err := choose(cfg, domains)
	if err != nil {
		return nil, err
	}
	client, err := a.reader(cfg)
	if err != nil {
		return nil, err
	}
	progress := a.startProgress()
	defer progress.stop()
	compute := a.compute
	if refreshOnly {
		compute = a.refresh
	}
	p, err := compute(ctx, cfg, st, chosen, client, progress)
	if err != nil {
		return nil, err
	}
	p.RollcallVersion, p.ConfigDigest = a.Version, cfg.Digest
	p.Lineage, p.Serial = st.Lineage, st.Serial
	p.Created = a.Now().UTC()
	p.Expires = p.Created.Add(cfg.Settings.PlanExpiry)
	return p, p.Seal()
}

// compute reads the directories and LoginTC, and compares them.
func (a *app) compute(ctx context.Context, cfg *config.Config, st *state.State, chosen []*config.Domain, client *logintc.Reader, progress *progress) (*plan.Plan, error) {
	in, err := a.readBoth(ctx, cfg, st, chosen, client, progress)
	if err != nil {
		return nil, err
	}
	return plan.Compute(in), nil
}

// readBoth reads the directories and LoginTC side by side.
func (a *app) readBoth(ctx context.Context, cfg *config.Config, st *state.State, chosen []*config.Domain, client *logintc.Reader, progress *progress) (in plan.Input, err error) {
	var (
		readings []*reading
		members  []live
	)
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		readings, err = a.readRosters(groupCtx, cfg, st, chosen, progress.add)
		return err
	})
	group.Go(func() (err error) {
		members, err = a.readLive(groupCtx, client, st, chosen, progress.add)
		return err
	})
	if err := group.Wait(); err != nil {
		return in, err
	}
	in = input(cfg, st, readings, members)
	for _, d := range cfg.Domains {
		if !slices.Contains(chosen, d) {
			in.Partial, in.Others = true, append(in.Others, policy(d.Policy))
		}
	}
	if in.HasStrangers() {
		listing, err := client.Users(ctx, func(page []identity.Account) { progress.add("organization", len(page)) })
		if err != nil {
			return in, err
		}
		in.Organization = listing.Accounts
	}
	return in, nil
}

// refresh reads LoginTC alone, and compares it with the state.
func (a *app) refresh(ctx context.Context, cfg *config.Config, st *state.State, chosen []*config.Domain, client *logintc.Reader, progress *progress) (*plan.Plan, error) {
	members, err := a.readLive(ctx, client, st, chosen, progress.add)
	if err != nil {
		return nil, err
	}
	readings := make([]*reading, len(chosen))
	for i, d := range chosen {
		readings[i] = &reading{domain: d, roster: &roster.Roster{}}
	}
	in := input(cfg, st, readings, members)
	p := plan.Refresh(in)
	gone := func(d plan.Drift) bool { return d.Kind == plan.DriftRemoved }
	if !slices.ContainsFunc(p.Drift, gone) {
		return p, nil
	}
	listing, err := client.Users(ctx, func(page []identity.Account) { progress.add("organization", len(page)) })
	if err != nil {
		return nil, err
	}
	in.Organization = listing.Accounts // who is gone may be deleted
	return plan.Refresh(in), nil
}

// input puts together what a plan is computed from.
func input(cfg *config.Config, st *state.State, readings []*reading, members []live) plan.Input {
	in := plan.Input{RunLimit: cfg.Settings.MaxRemoveLimit, RequestsPerSecond: cfg.LoginTC.RequestsPerSecond, Jobs: cfg.LoginTC.Execution == config.ExecutionJob}
	for i, r := range readings {
		d := r.domain
		known := plan.Known{Scope: st.Scope(d.Name), Rosters: st.Rosters(d.Name)}
		if st.DomainID(d.Name) == d.ID { // else its members were another LoginTC domain's
			known.Members, known.Others = st.Members(d.Name), st.Others(d.Name)
		}
		in.Domains = append(in.Domains, plan.DomainInput{
			Name: d.Name, ID: d.ID, Title: members[i].title, Sources: r.sources, Shadowed: r.shadowed,
			Scope: scope(cfg, d), Policy: policy(d.Policy),
			People: r.roster.People, Unmapped: r.roster.Unmapped, Excluded: r.roster.Excluded, Warnings: r.roster.Warnings,
			Group: d.Group, Phone: rules(d.Policy).E164,
			Members: members[i].listing.Accounts, Pages: members[i].listing.Pages,
			Known: known,
		})
	}
	return in
}

// scope names what decides the roster of a domain. The settings of its first directory
// stand under their names alone, those of the others under the directory's as well. A path
// inside the configuration's folder is named from there, so that another checkout is no
// change.
func scope(cfg *config.Config, d *config.Domain) plan.Scope {
	s := plan.Scope{}
	set := func(setting, value string) {
		if value != "" {
			s[setting] = strings.ToValidUTF8(value, "\uFFFD")
		}
	}
	set("id", d.ID)
	set("directory", addresses(d.Directories))
	set("filter", d.Filter)
	set("members_of", strings.Join(d.MembersOf, " | "))
	for i, directory := range d.Directories {
		of := ""
		if i > 0 {
			of = directory.Address() + " "
		}
		set(of+"base_dn", directory.BaseDN)
		set(of+"scope", string(directory.Scope))
		set(of+"filter of the directory", directory.Filter)
		set(of+"referrals", directory.Referrals)
		path := directory.Path
		if inside, err := filepath.Rel(cfg.Dir, path); err == nil && filepath.IsLocal(inside) {
			path = inside
		}
		set(of+"path", path)
		sources := directory.User.Sources()
		for _, field := range []string{"username", "name", "email", "exclude"} { // they decide who is in a roster
			set(of+"user."+field, sources[field])
		}
	}
	return s
}

func policy(p *config.Policy) plan.Policy {
	return plan.Policy{
		Name: p.Address(), SyncMode: plan.SyncMode(p.SyncMode), MaxRemoveLimit: p.MaxRemoveLimit,
		OnLimit: plan.OnLimit(p.OnLimit), OnRename: plan.OnRename(p.OnRename), TokenMode: plan.TokenMode(p.TokenMode), Protect: p.Protect,
		RemoveUnmanaged: p.RemoveUnmanaged, MaxShrink: p.MaxShrink, RemoveAfter: p.RemoveAfter, Notify: p.Notify,
	}
}

// show prints a plan for people or for programs.
func (a *app) show(p *plan.Plan, json bool) error {
	if json {
		return render.JSON(a.Out, p)
	}
	return render.Text(a.Out, p, render.TextOptions{Color: a.color(a.OutTerminal), Width: a.Width})
}

func (a *app) savePlan(cfg *config.Config, p *plan.Plan, o planOptions) error {
	path := a.path(o.out)
	keys, err := a.keys(cfg)
	if err != nil {
		return err
	}
	err = atomicfile.Write(path, func(w io.Writer) error {
		if keys == nil {
			return p.Encode(w)
		}
		sealed, err := keys.Encrypt(w)
		if err != nil {
			return err
		}
		return errors.Join(p.Encode(sealed), sealed.Close())
	})
	if err != nil {
		return fmt.Errorf("saving the plan: %w", err)
	}
	if !o.json {
		_, err := fmt.Fprintf(a.Out, "\nSaved to %s. To do exactly this: rollcall apply %s\n", o.out, o.out)
		return err
	}
	return nil
}

// planOutcome is what --detailed-exitcode says of a plan.
func planOutcome(p *plan.Plan) error {
	switch {
	case p.HasChanges(), p.RefreshOnly && len(p.Drift) > 0:
		return outcome(exitChanges)
	case p.Summarize("").Withheld > 0:
		return outcome(exitWithheld)
	}
	return nil
}
