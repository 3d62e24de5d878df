package state

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/gofrs/flock"

	"github.com/rollcall-cli/rollcall/internal/atomicfile"
)

const (
	// pollLock is how often a lock that is held is asked for again.
	pollLock = 20 * time.Millisecond
	// leastWait is how long a lock is asked for even where nobody wants to wait:
	// LockStatus takes it for a moment, to see whether it can be had.
	leastWait = 100 * time.Millisecond
)

// Holder says who holds the lock, for people.
type Holder struct {
	// ID names a lock that no operating system lets go of, for: rollcall lock break ID.
	ID        string    `json:"id,omitempty"`
	PID       int       `json:"pid"`
	Host      string    `json:"host"`
	User      string    `json:"user"`
	Operation string    `json:"operation"`
	Since     time.Time `json:"since"`
}

// LockedError says that another process holds the lock.
type LockedError struct {
	Path string
	// Holder is zero where it could not be read.
	Holder Holder
}

func (e *LockedError) Error() string {
	if e.Holder.Operation == "" {
		return fmt.Sprintf("the state is locked by another run (%s); wait for it with --lock-timeout", e.Path)
	}
	text := fmt.Sprintf("the state is locked by %s (process %d of %s on %s) since %s; wait for it with --lock-timeout",
		e.Holder.Operation, e.Holder.PID, e.Holder.User, e.Holder.Host, e.Holder.Since.UTC().Format(time.RFC3339))
	if e.Holder.ID != "" {
		text += "; if that run is dead: rollcall lock break " + e.Holder.ID
	}
	return text
}

// Lock is the lock on a state. The operating system lets go of it when the
// process ends, however it ends.
type Lock struct {
	path  string
	flock *flock.Flock
}

// AcquireLock locks the state at path by a file beside it, PATH.lock. It waits as
// long as timeout and then returns a *LockedError.
func AcquireLock(ctx context.Context, path string, timeout time.Duration, holder Holder) (*Lock, error) {
	path += ".lock"
	if err := atomicfile.CheckRegular(path); err != nil {
		return nil, fmt.Errorf("locking the state: %w", err)
	}
	l := &Lock{path: path, flock: flock.New(path, flock.SetPermissions(atomicfile.Mode))}
	waiting, cancel := context.WithTimeout(ctx, max(timeout, leastWait))
	defer cancel()
	locked, err := l.flock.TryLock()
	if err == nil && !locked {
		locked, err = l.flock.TryLockContext(waiting, pollLock)
	}
	switch {
	case ctx.Err() != nil:
		return nil, errors.Join(ctx.Err(), l.flock.Close())
	case err != nil && !errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("locking the state: %w", err)
	case !locked:
		return nil, &LockedError{Path: path, Holder: readHolder(path)}
	}
	content, err := json.Marshal(holder)
	if err == nil {
		err = os.WriteFile(path, append(content, '\n'), atomicfile.Mode)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("locking the state: %w", err), l.flock.Close())
	}
	return l, nil
}

// LockStatus tells whether the state at path is locked, and by whom as far as that
// can be read. It makes no file and lets go at once of a lock that is free.
func LockStatus(path string) (held bool, holder Holder, err error) {
	path += ".lock"
	if err := atomicfile.CheckRegular(path); err != nil {
		return false, Holder{}, err
	}
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return false, Holder{}, nil
	}
	probe := flock.New(path, flock.SetFlag(os.O_RDONLY))
	free, err := probe.TryRLock()
	if err != nil {
		return false, Holder{}, errors.Join(fmt.Errorf("the lock can not be looked at: %w", err), probe.Close())
	}
	if free {
		return false, Holder{}, probe.Close()
	}
	return true, readHolder(path), probe.Close()
}

// readHolder reads who holds the lock; what can not be read stays empty, since it
// is only told to people.
func readHolder(path string) Holder {
	var h Holder
	content, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(content, &h)
	}
	if err != nil {
		return Holder{}
	}
	return h
}

// Release lets go of the lock. The file stays: taking it away would let two
// processes lock two files of one name.
func (l *Lock) Release() error {
	return errors.Join(os.Truncate(l.path, 0), l.flock.Unlock())
}
