package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/rollcall-cli/rollcall/internal/config"
	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
	"github.com/rollcall-cli/rollcall/internal/render"
)

func newExplain(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "explain USERNAME",
		Short: "Show why a username is treated as it is",
		Long: `Makes a plan and shows for one username, in each domain: which directory and filter
were asked, the entry, which expression gave each value, what the policy says, what the
state knows, what LoginTC has, and what comes of it. It changes nothing.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.runExplain(cmd.Context(), args[0]) },
	}
	a.snapshotFlag(cmd)
	return cmd
}

func (a *app) runExplain(ctx context.Context, username string) error {
	cfg, err := a.load()
	if err != nil {
		return err
	}
	st, err := a.readState(ctx, cfg)
	if err != nil {
		return err
	}
	client, err := a.reader(cfg)
	if err != nil {
		return err
	}
	progress := a.startProgress()
	in, err := a.readBoth(ctx, cfg, st, cfg.Domains, client, progress)
	progress.stop()
	if err != nil {
		return err
	}
	p := plan.Compute(in)
	found := false
	explanations := make([]render.Explanation, len(in.Domains))
	for i, d := range cfg.Domains {
		explanations[i] = explain(identity.NewKey(username), d, &in, i, p)
		e := &explanations[i]
		found = found || e.Person != nil || e.Unmapped != nil || e.Excluded != nil || e.Known != nil || e.Account != nil
	}
	if err := render.Explain(a.Out, username, explanations, a.color(a.OutTerminal)); err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("neither a directory nor the state nor LoginTC has %q; see: rollcall users", username)
	}
	return nil
}

// explain gathers what is known of a username in the domain at i of the input.
func explain(key identity.Key, d *config.Domain, in *plan.Input, i int, p *plan.Plan) render.Explanation {
	domain := &in.Domains[i]
	e := render.Explanation{Domain: *domain}
	if at := slices.IndexFunc(domain.People, func(p identity.Person) bool { return identity.NewKey(p.Username) == key }); at >= 0 {
		e.Person = &domain.People[at]
		e.Sources = d.Directories[e.Person.Source].User.Sources()
	}
	if at := slices.IndexFunc(domain.Unmapped, func(u identity.Unmapped) bool { return identity.NewKey(u.Username) == key }); at >= 0 {
		e.Unmapped = &domain.Unmapped[at]
	}
	if at := slices.IndexFunc(domain.Excluded, func(x identity.Excluded) bool { return identity.NewKey(x.Username) == key }); at >= 0 {
		e.Excluded = &domain.Excluded[at]
	}
	if at := slices.IndexFunc(domain.Known.Members, func(m identity.Member) bool { return identity.NewKey(m.Username) == key }); at >= 0 {
		e.Known = &domain.Known.Members[at]
	}
	named := func(a identity.Account) bool { return identity.NewKey(a.Username) == key }
	if at := slices.IndexFunc(domain.Members, named); at >= 0 {
		e.Account, e.Member = &domain.Members[at], true
	} else if at := slices.IndexFunc(in.Organization, named); at >= 0 {
		e.Account = &in.Organization[at]
	}
	for _, op := range p.Operations {
		if op.Domain == d.Name && identity.NewKey(op.Username) == key {
			e.Operations = append(e.Operations, op)
		}
	}
	for _, w := range p.Withheld {
		if w.Domain == d.Name && identity.NewKey(w.Username) == key {
			e.Withheld = append(e.Withheld, w)
		}
	}
	return e
}
