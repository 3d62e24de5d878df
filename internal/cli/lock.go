package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcall-cli/rollcall/internal/render"
	"github.com/rollcall-cli/rollcall/internal/state"
)

func newLock(a *app) *cobra.Command {
	lock := &cobra.Command{Use: "lock", Short: "Look at the lock on the state"}
	var asJSON bool
	status := &cobra.Command{
		Use:   "status",
		Short: "Show who holds the lock, and since when",
		Long: `Shows who holds the lock on the state. The operating system lets go of it when its
holder ends, however that ends: there is nothing to unlock.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.runLockStatus(asJSON) },
	}
	status.Flags().BoolVar(&asJSON, "json", false, "print it as JSON")
	lock.AddCommand(status)
	return lock
}

// lockDocument is the lock for programs; docs/json-output.md.
type lockDocument struct {
	FormatVersion int           `json:"format_version"`
	Held          bool          `json:"held"`
	Holder        *state.Holder `json:"holder"`
}

func (a *app) runLockStatus(asJSON bool) error {
	cfg, err := a.load()
	if err != nil {
		return err
	}
	held, holder, err := state.LockStatus(cfg.Settings.StatePath)
	if err != nil {
		return err
	}
	if asJSON {
		document := lockDocument{FormatVersion: 1, Held: held}
		if held && holder.PID != 0 {
			document.Holder = &holder
		}
		return writeJSON(a.Out, document)
	}
	switch {
	case !held:
		_, err = fmt.Fprintln(a.Out, "The state is not locked.")
	case holder.PID == 0:
		_, err = fmt.Fprintln(a.Out, "The state is locked; by whom can not be read.")
	default:
		_, err = fmt.Fprintf(a.Out, "The state is locked by %s (process %d of %s on %s) since %s.\n", render.Escape(holder.Operation), holder.PID,
			render.Escape(holder.User), render.Escape(holder.Host), holder.Since.UTC().Format(time.RFC3339))
	}
	return err
}
