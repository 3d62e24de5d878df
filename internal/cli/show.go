package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/rollcall-cli/rollcall/internal/render"
)

type showOptions struct {
	json, markdown, compact bool
	// maxBytes bounds Markdown.
	maxBytes      int
	only, domains []string
}

func newShow(a *app) *cobra.Command {
	var o showOptions
	cmd := &cobra.Command{
		Use:   "show PLAN",
		Short: "Show a saved plan",
		Args:  cobra.ExactArgs(1),
		RunE:  func(_ *cobra.Command, args []string) error { return a.runShow(args[0], o) },
	}
	flags := cmd.Flags()
	flags.BoolVar(&o.json, "json", false, "print the plan as JSON")
	flags.BoolVar(&o.markdown, "markdown", false, "print the plan as Markdown, for a comment in a review")
	flags.IntVar(&o.maxBytes, "max-bytes", render.DefaultMarkdown, "the most `bytes` of --markdown")
	flags.StringSliceVar(&o.only, "only", nil, "show but this `part`: add, change, remove, withheld or drift; may be repeated")
	flags.StringSliceVar(&o.domains, "domain", nil, "show but the domain of this `name`; may be repeated")
	flags.BoolVar(&o.compact, "compact", false, "one line for each person, and nothing of how the directories were read")
	return cmd
}

func (a *app) runShow(name string, o showOptions) error {
	if o.json && o.markdown {
		return errors.New("give --json or --markdown, not both")
	}
	if (o.json || o.markdown) && (o.compact || len(o.only)+len(o.domains) > 0) {
		return errors.New("--json and --markdown show the whole plan: leave out --only, --domain and --compact")
	}
	p, err := a.openPlan(name)
	if err != nil {
		return err
	}
	switch {
	case o.json:
		return render.JSON(a.Out, p)
	case o.markdown:
		return render.Markdown(a.Out, p, o.maxBytes)
	}
	selection, err := render.NewSelection(p, o.only, o.domains)
	if err != nil {
		return err
	}
	return render.Text(a.Out, p, render.TextOptions{Color: a.color(a.OutTerminal), Width: a.Width, Selection: selection, Compact: o.compact})
}
