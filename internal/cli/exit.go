package cli

import (
	"context"
	"errors"

	"github.com/rollcall-cli/rollcall/internal/plan"
	"github.com/rollcall-cli/rollcall/internal/state"
)

// The exit codes. They are a public interface; README.md lists them.
const (
	exitDone        = 0
	exitError       = 1
	exitChanges     = 2
	exitWithheld    = 3
	exitStale       = 4
	exitFailed      = 5
	exitLocked      = 6
	exitInterrupted = 130
)

// outcome is an error that stands for an exit code alone: what it means was
// printed as part of the command's output.
type outcome int

func (o outcome) Error() string {
	switch o {
	case exitChanges:
		return "there are changes"
	case exitWithheld:
		return "a limit or guard withheld operations"
	case exitStale:
		return "LoginTC changed after the plan was made"
	case exitFailed:
		return "some operations failed"
	case exitInterrupted:
		return "interrupted"
	}
	return "failed"
}

// exitCode is the one place where errors become exit codes. Show is the error if
// it is still to be shown.
func exitCode(err error) (code int, show error) {
	var (
		result  outcome
		stale   *plan.StaleError
		damaged *plan.DamagedError
		locked  *state.LockedError
	)
	switch {
	case err == nil:
		return exitDone, nil
	case errors.As(err, &result):
		return int(result), nil
	case errors.As(err, &stale), errors.As(err, &damaged):
		return exitStale, err
	case errors.As(err, &locked):
		return exitLocked, err
	case errors.Is(err, context.Canceled):
		return exitInterrupted, errInterrupted
	}
	return exitError, err
}

var errInterrupted = errors.New("interrupted; nothing was left half done")
