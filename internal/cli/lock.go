package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcall-cli/rollcall/internal/remote"
	"github.com/rollcall-cli/rollcall/internal/render"
	"github.com/rollcall-cli/rollcall/internal/state"
)

func newLock(a *app) *cobra.Command {
	lock := &cobra.Command{Use: "lock", Short: "Look at the lock on the state, and break it"}
	var asJSON bool
	status := &cobra.Command{
		Use:   "status",
		Short: "Show who holds the lock, and since when",
		Long: `Shows who holds the lock on the state. Of a file the operating system lets go when its
holder ends, however that ends: there is nothing to unlock. A state at a url has a lock
with an id, which stays when its holder dies: see lock break.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runLockStatus(cmd.Context(), asJSON) },
	}
	status.Flags().BoolVar(&asJSON, "json", false, "print it as JSON")
	lock.AddCommand(status, &cobra.Command{
		Use:   "break ID",
		Short: "Take away the lock of a run that is dead",
		Long: `Takes away the lock with this id from a state at a url. Make sure first that the run
which holds it is dead: two that apply at once undo what the other does. What it had
begun the next command finds out.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.runLockBreak(cmd.Context(), args[0]) },
	})
	return lock
}

// lockDocument is the lock for programs; docs/json-output.md.
type lockDocument struct {
	FormatVersion int           `json:"format_version"`
	Held          bool          `json:"held"`
	Holder        *state.Holder `json:"holder"`
}

func (a *app) runLockStatus(ctx context.Context, asJSON bool) error {
	cfg, err := a.load()
	if err != nil {
		return err
	}
	store, err := a.store(ctx, cfg)
	if err != nil {
		return err
	}
	held, holder, err := store.Holder(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		document := lockDocument{FormatVersion: 1, Held: held}
		if held && holder.Operation != "" {
			document.Holder = &holder
		}
		return writeJSON(a.Out, document)
	}
	switch {
	case !held:
		_, err = fmt.Fprintln(a.Out, "The state is not locked.")
	case holder.Operation == "":
		_, err = fmt.Fprintln(a.Out, "The state is locked; by whom can not be read.")
	default:
		_, err = fmt.Fprintf(a.Out, "The state is locked by %s (process %d of %s on %s) since %s.\n", render.Escape(holder.Operation), holder.PID,
			render.Escape(holder.User), render.Escape(holder.Host), holder.Since.UTC().Format(time.RFC3339))
		if err == nil && holder.ID != "" {
			_, err = fmt.Fprintf(a.Out, "If that run is dead: rollcall lock break %s\n", render.Escape(holder.ID))
		}
	}
	return err
}

func (a *app) runLockBreak(ctx context.Context, id string) error {
	cfg, err := a.load()
	if err != nil {
		return err
	}
	store, err := a.store(ctx, cfg)
	if err != nil {
		return err
	}
	elsewhere, ok := store.(*remote.Store)
	if !ok {
		return errors.New("the operating system lets go of the lock of a state file when its holder ends: there is nothing to break; see: rollcall lock status")
	}
	if err := elsewhere.Break(ctx, id); err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.Out, "The lock is taken away. What its holder had begun the next command finds out.")
	return err
}
