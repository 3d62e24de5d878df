package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/sergi/go-diff/diffmatchpatch"
	"github.com/spf13/cobra"

	"github.com/rollcall-cli/rollcall/internal/atomicfile"
	"github.com/rollcall-cli/rollcall/internal/config"
	"github.com/rollcall-cli/rollcall/internal/render"
)

type fmtOptions struct{ check, diff bool }

func newFmt(a *app) *cobra.Command {
	var o fmtOptions
	cmd := &cobra.Command{
		Use:   "fmt",
		Short: "Format the configuration",
		Long:  "Rewrites the *.hcl files of the configuration in the usual form and names those it changed.",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return a.runFmt(o) },
	}
	cmd.Flags().BoolVar(&o.check, "check", false, "write nothing; exit with 1 if a file is not formatted")
	cmd.Flags().BoolVar(&o.diff, "diff", false, "show the differences")
	return cmd
}

func (a *app) runFmt(o fmtOptions) error {
	files, err := config.SourceFiles(a.dir())
	if err != nil {
		return err
	}
	var changed int
	for _, file := range files {
		before, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		after, diags := config.Format(file, before)
		if diags.HasErrors() {
			return diags
		}
		if bytes.Equal(before, after) {
			continue
		}
		changed++
		name, err := filepath.Rel(a.dir(), file)
		if err != nil {
			name = file
		}
		_, _ = fmt.Fprintln(a.Out, name)
		if o.diff {
			a.printDiff(string(before), string(after))
		}
		if o.check {
			continue
		}
		if err := replaceSource(file, after); err != nil {
			return err
		}
	}
	if o.check && changed > 0 {
		return errors.New("the files named above are not formatted; format them with: rollcall fmt")
	}
	return nil
}

// replaceSource rewrites a file that belongs to the user and keeps its mode.
func replaceSource(file string, content []byte) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	if err := atomicfile.Write(file, func(w io.Writer) error { _, err := w.Write(content); return err }); err != nil {
		return err
	}
	return os.Chmod(file, info.Mode().Perm())
}

// printDiff shows removed and added lines, with nothing between them.
func (a *app) printDiff(before, after string) {
	differ := diffmatchpatch.New()
	differ.DiffTimeout = 0 // the output must not depend on the machine
	x, y, lines := differ.DiffLinesToChars(before, after)
	for _, diff := range differ.DiffCharsToLines(differ.DiffMain(x, y, false), lines) {
		sign := "-"
		switch diff.Type {
		case diffmatchpatch.DiffEqual:
			continue
		case diffmatchpatch.DiffInsert:
			sign = "+"
		case diffmatchpatch.DiffDelete:
		}
		for line := range strings.Lines(diff.Text) {
			_, _ = fmt.Fprintf(a.Out, "  %s %s\n", sign, render.Escape(strings.TrimSuffix(line, "\n")))
		}
	}
}
