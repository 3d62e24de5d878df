package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rollcall-cli/rollcall/internal/config"
	"github.com/rollcall-cli/rollcall/internal/render"
)

func newValidate(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "validate",
		Short: "Check the configuration",
		Long:  "Checks the configuration. Neither a directory nor LoginTC is asked.",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return a.runValidate(asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	return cmd
}

// validation is the document of validate --json, a public interface.
type validation struct {
	FormatVersion int                `json:"format_version"`
	Valid         bool               `json:"valid"`
	Diagnostics   config.Diagnostics `json:"diagnostics"`
}

func (a *app) runValidate(asJSON bool) error {
	cfg, diags := config.Load(a.configOptions())
	if asJSON {
		result := validation{FormatVersion: 1, Valid: !diags.HasErrors(), Diagnostics: diags}
		if diags == nil {
			result.Diagnostics = config.Diagnostics{}
		}
		if err := writeJSON(a.Out, result); err != nil {
			return err
		}
		if diags.HasErrors() {
			return outcome(exitError)
		}
		return nil
	}
	if diags.HasErrors() {
		return diags
	}
	if err := diags.WriteText(a.Err, a.color(a.ErrTerminal)); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.Out, "The configuration is valid: %s, %s, %s.\n",
		render.Count(len(cfg.Directories), "directory", "directories"),
		render.Count(len(cfg.Policies), "policy", "policies"), render.Count(len(cfg.Domains), "domain", "domains"))
	return err
}
