package cli

import (
	"github.com/spf13/cobra"
)

func newShow(a *app) *cobra.Command {
	var json bool
	cmd := &cobra.Command{
		Use:   "show PLAN",
		Short: "Show a saved plan",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			p, err := a.openPlan(args[0])
			if err != nil {
				return err
			}
			return a.show(p, json)
		},
	}
	cmd.Flags().BoolVar(&json, "json", false, "print the plan as JSON")
	return cmd
}
