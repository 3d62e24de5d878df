package cli

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/rollcall-cli/rollcall/internal/atomicfile"
	"github.com/rollcall-cli/rollcall/internal/plan"
	"github.com/rollcall-cli/rollcall/internal/render"
)

type showOptions struct {
	json, markdown, compact, redact bool
	// maxBytes bounds Markdown.
	maxBytes int
	// html is a file for the plan as a page, or empty.
	html          string
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
	flags.StringVar(&o.html, "html", "", "write the plan as a page for a browser to `file`")
	flags.IntVar(&o.maxBytes, "max-bytes", render.DefaultMarkdown, "the most `bytes` of --markdown")
	flags.StringSliceVar(&o.only, "only", nil, "show but this `part`: add, change, remove, withheld or drift; may be repeated")
	flags.StringSliceVar(&o.domains, "domain", nil, "show but the domain of this `name`; may be repeated")
	flags.BoolVar(&o.redact, "redact", false, "give people pseudonyms, by the key in "+redactKey)
	flags.BoolVar(&o.compact, "compact", false, "one line for each person, and nothing of how the directories were read")
	return cmd
}

func (a *app) runShow(name string, o showOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	redact, err := a.redactor(o.redact)
	if err != nil {
		return err
	}
	p, err := a.openPlan(name)
	if err != nil {
		return err
	}
	p = redact(p)
	switch {
	case o.json:
		return render.JSON(a.Out, p)
	case o.markdown:
		return render.Markdown(a.Out, p, o.maxBytes)
	case o.html != "":
		if err := atomicfile.Write(a.path(o.html), func(w io.Writer) error { return render.HTML(w, p) }); err != nil {
			return fmt.Errorf("writing the page: %w", err)
		}
		_, err := fmt.Fprintf(a.Out, "Written to %s: open it in a browser.\n", o.html)
		return err
	}
	selection, err := render.NewSelection(p, o.only, o.domains)
	if err != nil {
		return err
	}
	return render.Text(a.Out, p, render.TextOptions{Color: a.color(a.OutTerminal), Width: a.Width, Selection: selection, Compact: o.compact})
}

// check refuses flags that do not go together.
func (o *showOptions) check() error {
	formats := 0
	for _, given := range []bool{o.json, o.markdown, o.html != ""} {
		if given {
			formats++
		}
	}
	if formats > 1 {
		return errors.New("give one of --json, --markdown and --html")
	}
	if formats > 0 && (o.compact || len(o.only)+len(o.domains) > 0) {
		return errors.New("--json, --markdown and --html show the whole plan: leave out --only, --domain and --compact")
	}
	return nil
}

// redactKey is the variable of the environment that has the key for pseudonyms.
const redactKey = "ROLLCALL_REDACT_KEY"

// redactor returns what is done to a plan before it is shown: people get pseudonyms, or
// nothing.
func (a *app) redactor(redact bool) (func(*plan.Plan) *plan.Plan, error) {
	if !redact {
		return func(p *plan.Plan) *plan.Plan { return p }, nil
	}
	key, _ := a.lookup(redactKey)
	if len(key) < render.MinRedactKey {
		return nil, fmt.Errorf("--redact needs a key of at least %d characters in %s: whoever has it can tell whose a pseudonym is, and with the same key a person keeps it", render.MinRedactKey, redactKey)
	}
	return func(p *plan.Plan) *plan.Plan { return render.Redact(p, []byte(key)) }, nil
}
