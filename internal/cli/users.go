package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rollcall-cli/rollcall/internal/render"
)

func newUsers(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "users [DOMAIN]",
		Short: "Show what the directories yield",
		Long: `Reads the directories for DOMAIN, or for every domain, and shows the users that
each should have. LoginTC is not asked.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.runUsers(cmd.Context(), args) },
	}
	a.snapshotFlag(cmd)
	return cmd
}

func (a *app) runUsers(ctx context.Context, domains []string) error {
	cfg, err := a.load()
	if err != nil {
		return err
	}
	chosen, err := choose(cfg, domains)
	if err != nil {
		return err
	}
	progress := a.startProgress()
	readings, err := a.readRosters(ctx, cfg, nil, chosen, progress.add)
	progress.stop()
	if err != nil {
		return err
	}
	for i, r := range readings {
		if len(readings) > 1 {
			if i > 0 {
				_, _ = fmt.Fprintln(a.Out)
			}
			_, _ = fmt.Fprintf(a.Out, "%s\n", r.domain.Address())
		}
		if err := errors.Join(render.Users(a.Out, r.roster.People), render.Excluded(a.Out, r.roster.Excluded)); err != nil {
			return err
		}
		for _, u := range r.roster.Unmapped {
			a.warn(fmt.Sprintf("%s: withheld: %s: %s", r.domain.Address(), u.DN, u.Reason))
		}
		for _, warning := range r.roster.Warnings {
			a.warn(r.domain.Address() + ": " + warning)
		}
	}
	return nil
}
