package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcall-cli/rollcall/internal/atomicfile"
	"github.com/rollcall-cli/rollcall/internal/config"
	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/providers/snapshot"
	"github.com/rollcall-cli/rollcall/internal/render"
)

func newSnapshot(a *app) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "snapshot DIRECTORY",
		Short: "Write what the configuration needs of a directory to a file",
		Long: `Reads a directory as plan does, and writes what the domains' searches found, with those
attributes that the configuration uses and no others, to a file. A plan can then be made
where the directory can not be reached: rollcall plan --snapshot FILE.`,
		Example: "  rollcall snapshot corp --out corp.snapshot",
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.runSnapshot(cmd.Context(), args[0], out) },
	}
	cmd.Flags().StringVar(&out, "out", "", "the `file` to write")
	_ = cmd.MarkFlagRequired("out") // it is defined above
	return cmd
}

// snapshotFlag adds the flag by which a command reads directories from files.
func (a *app) snapshotFlag(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&a.snapshots, "snapshot", nil, "read a directory from this `file`, which rollcall snapshot wrote; may be repeated")
}

func (a *app) runSnapshot(ctx context.Context, name, out string) error {
	cfg, err := a.load()
	if err != nil {
		return err
	}
	d, err := chooseDirectory(cfg, name)
	if err != nil {
		return err
	}
	searches, _ := arrange(cfg, cfg.Domains)
	var asked []identity.Search
	for _, s := range searches {
		if s.directory == d {
			asked = append(asked, s.ask())
		}
	}
	if len(asked) == 0 {
		return fmt.Errorf("no domain uses %s, so nothing of it is needed", d.Address())
	}
	from, err := a.open(d)
	if err != nil {
		return err
	}
	entries := 0
	err = a.attempts(ctx, d.Address(), from, func() error {
		return atomicfile.Write(a.path(out), func(w io.Writer) (err error) {
			entries, err = snapshot.Take(ctx, w, d.Address(), from, asked, a.Now())
			return err
		})
	})
	if err != nil {
		return fmt.Errorf("%s: no snapshot was written: %w", d.Address(), err)
	}
	_, err = fmt.Fprintf(a.Out, "Written to %s: %s of %s, for %s.\n", out, render.Count(entries, "entry", "entries"), render.Escape(d.Address()), render.Count(len(asked), "search", "searches"))
	return err
}

func chooseDirectory(cfg *config.Config, name string) (*config.Directory, error) {
	name = strings.TrimPrefix(name, "directory.")
	var all []string
	for _, d := range cfg.Directories {
		if d.Name == name {
			return d, nil
		}
		all = append(all, d.Name)
	}
	return nil, fmt.Errorf("there is no directory %q in the configuration; there is: %s", name, strings.Join(all, ", "))
}

// openSnapshots opens what --snapshot names, by directory, and holds it against the
// configuration's max_age.
func (a *app) openSnapshots(cfg *config.Config) (map[*config.Directory]*snapshot.Snapshot, error) {
	opened := map[*config.Directory]*snapshot.Snapshot{}
	for _, name := range a.snapshots {
		s, err := snapshot.Open(a.path(name))
		if err != nil {
			return nil, err
		}
		d, err := chooseDirectory(cfg, s.Directory)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if opened[d] != nil {
			return nil, fmt.Errorf("%s: there are two snapshots of %s; give one", name, d.Address())
		}
		age := a.Now().Sub(s.Taken)
		if age > d.MaxAge {
			return nil, fmt.Errorf("%s was taken %s, %s ago, and max_age of %s is %s: take a new one", name, s.Taken.Format(time.RFC3339), age.Round(time.Second), d.Address(), d.MaxAge)
		}
		if age < -time.Minute {
			return nil, fmt.Errorf("%s was taken %s, which is in the future: the clock of one of the two machines is wrong", name, s.Taken.Format(time.RFC3339))
		}
		opened[d] = s
	}
	return opened, nil
}
