package remote

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/rollcall-cli/rollcall/internal/state"
)

// place keeps objects by their keys: a bucket, or a folder.
type place interface {
	// get returns nil where there is no such object.
	get(ctx context.Context, key string) ([]byte, error)
	put(ctx context.Context, key string, content []byte) error
	// create writes an object if there is none.
	create(ctx context.Context, key string, content []byte) (created bool, err error)
	copy(ctx context.Context, to, from string) error
	// remove takes an object away, if there is one.
	remove(ctx context.Context, key string) error
}

// objects keeps a state as an object. Its lock is another, KEY.lock, written on the
// condition that there is none. The state before each that changes is KEY.backup.SERIAL.
type objects struct {
	place
	key string
}

func (o *objects) lockKey() string { return o.key + ".lock" }

func (o *objects) read(ctx context.Context) ([]byte, error) { return o.get(ctx, o.key) }

func (o *objects) write(ctx context.Context, next state.Replacement, content []byte, lockID string) error {
	if err := o.holds(ctx, lockID); err != nil {
		return err
	}
	backup := func(serial uint64) string { return fmt.Sprintf("%s.backup.%d", o.key, serial) }
	if next.Changed && next.Before > 0 {
		if err := o.copy(ctx, backup(next.Before), o.key); err != nil {
			return fmt.Errorf("no backup of the last one could be made: %w", err)
		}
	}
	if err := o.put(ctx, o.key, content); err != nil {
		return err
	}
	if next.Changed && next.Before > state.Backups {
		if err := o.remove(ctx, backup(next.Before-state.Backups)); err != nil {
			return fmt.Errorf("the state is written, and an old backup could not be taken away: %w", err)
		}
	}
	return nil
}

// holds checks that the lock of the id is still there.
func (o *objects) holds(ctx context.Context, id string) error {
	present, err := o.holder(ctx)
	if err != nil {
		return err
	}
	if present == nil || present.ID != id {
		return fmt.Errorf("the lock %s was broken by somebody while this run held it; nothing was written", id)
	}
	return nil
}

func (o *objects) lock(ctx context.Context, holder state.Holder) (*state.Holder, error) {
	content, err := json.Marshal(holder)
	if err != nil {
		return nil, err
	}
	taken, err := o.create(ctx, o.lockKey(), content)
	if err != nil || taken {
		return nil, err
	}
	other, err := o.holder(ctx)
	switch {
	case err != nil:
		return nil, err
	case other == nil: // it was let go of just now
		return &state.Holder{}, nil
	case other.ID == holder.ID: // the write was sent twice, and the first took
		return nil, nil
	}
	return other, nil
}

func (o *objects) unlock(ctx context.Context, id string) error {
	present, err := o.holder(ctx)
	switch {
	case err != nil:
		return err
	case present == nil:
		return &NotLockedError{ID: id}
	case present.ID != id:
		return &NotLockedError{ID: id, Present: present.ID}
	}
	return o.remove(ctx, o.lockKey())
}

func (o *objects) holder(ctx context.Context) (*state.Holder, error) {
	content, err := o.get(ctx, o.lockKey())
	if err != nil || content == nil {
		return nil, err
	}
	return decodeHolder(content), nil
}
