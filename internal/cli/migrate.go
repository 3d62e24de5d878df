package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/rollcall-cli/rollcall/internal/atomicfile"
	"github.com/rollcall-cli/rollcall/internal/config"
	"github.com/rollcall-cli/rollcall/internal/migrate"
)

type migrateOptions struct {
	old       migrate.Options
	jobStatus string
	dryRun    bool
	out       string
}

func newMigrate(a *app) *cobra.Command {
	var o migrateOptions
	cmd := &cobra.Command{
		Use:   "migrate CONFIG.CFG",
		Short: "Write a configuration from that of LoginTC's own sync tool",
		Long: `Reads the properties file of LoginTC's User Sync Tool and the options that it was
run with, and writes a configuration that does the same, and the names of the
variables to set. Passwords and keys are not copied. docs/migrate.md shows old and
new side by side.`,
		Example: "  rollcall migrate config.cfg -m remove -r 10 -t issue_token_with_email -l admin@example.com",
		Args:    cobra.ExactArgs(1),
		RunE:    func(_ *cobra.Command, args []string) error { return a.runMigrate(args[0], o) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&o.old.SyncMode, "sync-mode", "m", "", "the old `mode`: add_only, remove or delete")
	flags.StringVarP(&o.old.MaxRemoveLimit, "max-remove-limit", "r", "", "the old `limit` on removals")
	flags.StringVarP(&o.old.TokenMode, "token-mode", "t", "", "the old `mode`: do_not_issue_token, issue_token_with_email or issue_token_without_email")
	flags.StringVarP(&o.old.Notify, "email-notification", "l", "", "the old `address` of an administrator to tell")
	flags.StringVarP(&o.old.Group, "group", "g", "", "the old `group` for all users")
	flags.StringVarP(&o.old.DefaultEmail, "default-email", "e", "", "the old default `address`")
	flags.StringVarP(&o.old.DefaultName, "default-name", "n", "", "the old default `name`")
	flags.BoolVarP(&o.old.LocalValidation, "local-validation", "a", false, "the old tool validated locally")
	flags.BoolVarP(&o.old.IgnoreReferral, "ignore-referral", "i", false, "the old tool ignored referrals")
	flags.BoolVarP(&o.dryRun, "dry-run", "d", false, "the old tool only showed users, as rollcall users does")
	flags.StringVarP(&o.jobStatus, "job-status", "j", "", "the old tool showed a job, as rollcall job status `id` does")
	flags.StringVar(&o.out, "out", ".", "`folder` to write main.hcl and variables.env to; neither may be there")
	return cmd
}

func (a *app) runMigrate(name string, o migrateOptions) error {
	if o.jobStatus != "" {
		return fmt.Errorf("a look at a job is no configuration: leave -j out here, and use: rollcall job status %s", o.jobStatus)
	}
	text, err := os.ReadFile(a.path(name))
	if err != nil {
		return fmt.Errorf("the properties file can not be read: %w", err)
	}
	properties, err := migrate.Parse(name, text)
	if err != nil {
		return err
	}
	result, err := migrate.Configuration(properties, o.old)
	if err != nil {
		return err
	}
	formatted, diags := config.Format("main.hcl", []byte(result.Configuration))
	if diags.HasErrors() {
		return diags
	}
	files := []newFile{
		{filepath.Join(a.path(o.out), "main.hcl"), formatted},
		{filepath.Join(a.path(o.out), "variables.env"), []byte(result.Variables)},
	}
	if err := a.writeNew(a.path(o.out), files); err != nil {
		return err
	}
	dryRun := ""
	if o.dryRun {
		dryRun = " The old -d did what rollcall users does."
	}
	_, err = fmt.Fprintf(a.Out, `Wrote %s and %s.%s

Next:
  1. Put the passwords and keys into %s, which has their names, and source it.
  2. rollcall validate    is the configuration right?
  3. rollcall users       does the directory yield the people that it should?
  4. rollcall plan        who would be added, changed and removed?
`, files[0].path, files[1].path, dryRun, files[1].path)
	return err
}

type newFile struct {
	path string
	text []byte
}

// writeNew writes files into a folder, all of them or, where one is there already,
// none.
func (a *app) writeNew(folder string, files []newFile) error {
	for _, file := range files {
		if !isFree(file.path) {
			return fmt.Errorf("%s is there already, or can not be looked for: nothing was written; choose another folder with --out", file.path)
		}
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, file := range files {
		if err := atomicfile.Write(file.path, func(w io.Writer) error { _, err := w.Write(file.text); return err }); err != nil {
			return fmt.Errorf("writing %s: %w", file.path, err)
		}
	}
	return nil
}
