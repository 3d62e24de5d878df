package cli

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
	"github.com/rollcall-cli/rollcall/internal/render"
	"github.com/rollcall-cli/rollcall/internal/state"
)

func newState(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "state",
		Short: "Look into the state, and change it by hand",
	}
	cmd.AddCommand(newStateChanges(a)...)
	cmd.AddCommand(
		&cobra.Command{
			Use:   "list",
			Short: "List the members that rollcall manages",
			Args:  cobra.NoArgs,
			RunE:  func(cmd *cobra.Command, _ []string) error { return a.runStateList(cmd.Context()) },
		},
		&cobra.Command{
			Use:     "show ADDRESS",
			Short:   "Show what the state knows of one member",
			Example: `  rollcall state show 'domain.vpn["jane.doe"]'`,
			Args:    cobra.ExactArgs(1),
			RunE:    func(cmd *cobra.Command, args []string) error { return a.runStateShow(cmd.Context(), args[0]) },
		},
	)
	return cmd
}

func (a *app) loadState(ctx context.Context) (*state.State, error) {
	cfg, err := a.load()
	if err != nil {
		return nil, err
	}
	return a.readState(ctx, cfg)
}

func (a *app) runStateList(ctx context.Context) error {
	st, err := a.loadState(ctx)
	if err != nil {
		return err
	}
	for _, domain := range st.DomainNames() {
		for _, m := range st.Members(domain) {
			if _, err := fmt.Fprintln(a.Out, render.Escape(plan.Address(domain, m.Username))); err != nil {
				return err
			}
		}
	}
	return nil
}

// memberDocument is what state show prints, a public interface.
type memberDocument struct {
	FormatVersion int    `json:"format_version"`
	Address       string `json:"address"`
	identity.Member
}

func (a *app) runStateShow(ctx context.Context, address string) error {
	st, err := a.loadState(ctx)
	if err != nil {
		return err
	}
	for _, domain := range st.DomainNames() {
		for _, m := range st.Members(domain) {
			if plan.Address(domain, m.Username) != address {
				continue
			}
			encoder := json.NewEncoder(a.Out)
			encoder.SetIndent("", "  ")
			encoder.SetEscapeHTML(false)
			return encoder.Encode(memberDocument{1, address, m})
		}
	}
	return fmt.Errorf("the state has no %s; see: rollcall state list", address)
}
