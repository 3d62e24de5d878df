// Package remote keeps a state where several machines reach it: as an object in a
// bucket, or behind an HTTP server as GitLab's managed state is.
//
// A lock here is no lock of an operating system. It stays when its holder dies, has an
// id, and is broken by hand.
package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall-cli/rollcall/internal/state"
)

// Options say where a state is.
type Options struct {
	// URL has the scheme s3, gs, azblob, file, http or https. That of a bucket has the
	// object's key as its path: s3://bucket/folder/rollcall.state.json?region=eu-west-1.
	URL string
	// HTTP is for http and https.
	HTTP HTTP
	// Proxy returns the proxy for a request to Google or an HTTP server, as http.Transport
	// takes it; nil stands for none. Others find theirs in the environment.
	Proxy func(*http.Request) (*url.URL, error)
	// StorageEmulator is a server that stands in for Google's, with or without a scheme,
	// as Google's client reads it from STORAGE_EMULATOR_HOST.
	StorageEmulator string
	// Cipher encrypts the state; nil where nothing does.
	Cipher state.Cipher
}

// maxState bounds a state, in octets: one of a million members has about 400 MiB.
const maxState = 2 << 30

// patience bounds each reading, writing and locking: a server that does not answer is an
// error in the end.
const patience = 5 * time.Minute

// A lock that is held is asked for again after a while that doubles up to the most.
const (
	firstWait = 200 * time.Millisecond
	mostWait  = 2 * time.Second
)

// backend keeps the octets of a state and its lock.
type backend interface {
	// read returns nil where there is no state yet.
	read(ctx context.Context) ([]byte, error)
	// write replaces the state under the lock of the id, and keeps the one before as a
	// backup where the backend has none of its own.
	write(ctx context.Context, next state.Replacement, content []byte, lockID string) error
	// lock returns who holds the lock if that is somebody else.
	lock(ctx context.Context, holder state.Holder) (other *state.Holder, err error)
	// unlock lets go of the lock if it is the one of the id.
	unlock(ctx context.Context, id string) error
	// holder returns who holds the lock, nil where nobody does.
	holder(ctx context.Context) (*state.Holder, error)
}

// Store is a state elsewhere. It is not safe for concurrent use.
type Store struct {
	backend
	cipher state.Cipher
	// name is the URL without its query, for people.
	name string
	// lockID is the id of the lock that is held, or empty.
	lockID string
}

// Open opens the state at a URL. It sends nothing yet, or what is needed to find the
// bucket.
func Open(ctx context.Context, o Options) (*Store, error) {
	name, _, _ := strings.Cut(o.URL, "?")
	if strings.HasPrefix(o.URL, "http://") || strings.HasPrefix(o.URL, "https://") {
		return &Store{backend: newHTTP(o), cipher: o.Cipher, name: name}, nil
	}
	at, key, err := openPlace(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("the state %s: %w", name, err)
	}
	return &Store{backend: &objects{at, key}, cipher: o.Cipher, name: name}, nil
}

func openPlace(ctx context.Context, o Options) (place, string, error) {
	switch {
	case strings.HasPrefix(o.URL, "file:"):
		return openFolder(o.URL)
	case strings.HasPrefix(o.URL, "gs:"):
		return openGoogle(ctx, o)
	}
	return openBucket(ctx, o.URL)
}

// Load reads the state. Where there is none yet it returns an empty one, without
// lineage.
func (s *Store) Load(ctx context.Context) (*state.State, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	content, err := s.read(ctx)
	if err != nil {
		return nil, fmt.Errorf("the state %s can not be read: %w", s.name, err)
	}
	if content == nil {
		return state.Empty(s.cipher), nil
	}
	return state.Decode(s.name, bytes.NewReader(content), s.cipher)
}

// Save writes the state if anything of it changed. The lock is held, and still this
// store's: where somebody broke it, nothing is written.
func (s *Store) Save(ctx context.Context, st *state.State, version string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	present := func() (io.ReadCloser, error) {
		content, err := s.read(ctx)
		if err != nil || content == nil {
			return nil, err
		}
		return io.NopCloser(bytes.NewReader(content)), nil
	}
	return st.Replace("the state "+s.name, version, present, func(next state.Replacement) error {
		var content bytes.Buffer
		if err := next.Encode(&content); err != nil {
			return err
		}
		if err := s.write(ctx, next, content.Bytes(), s.lockID); err != nil {
			return fmt.Errorf("writing the state %s: %w", s.name, err)
		}
		return nil
	})
}

// Lock locks the state. It waits as long as timeout and then returns a
// *state.LockedError.
func (s *Store) Lock(ctx context.Context, timeout time.Duration, holder state.Holder) error {
	id, err := uuid.NewRandom()
	if err != nil {
		return err
	}
	holder.ID = id.String()
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	for wait := firstWait; ; wait = min(2*wait, mostWait) {
		other, err := s.tryLock(ctx, holder)
		if err != nil {
			return fmt.Errorf("locking the state %s: %w", s.name, err)
		}
		if other == nil {
			s.lockID = holder.ID
			return nil
		}
		if timeout <= 0 {
			return &state.LockedError{Path: s.name, Holder: *other}
		}
		again := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			again.Stop()
			return ctx.Err()
		case <-deadline.C:
			again.Stop()
			return &state.LockedError{Path: s.name, Holder: *other}
		case <-again.C:
		}
	}
}

func (s *Store) tryLock(ctx context.Context, holder state.Holder) (other *state.Holder, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return s.lock(ctx, holder)
}

// Release lets go of the lock that Lock took.
func (s *Store) Release(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := s.unlock(ctx, s.lockID); err != nil {
		return fmt.Errorf("letting go of the lock of the state %s: %w; if it stays: rollcall lock break %s", s.name, err, s.lockID)
	}
	s.lockID = ""
	return nil
}

// Holder tells whether the state is locked, and by whom.
func (s *Store) Holder(ctx context.Context) (held bool, holder state.Holder, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	h, err := s.holder(ctx)
	if err != nil {
		return false, holder, fmt.Errorf("the lock of the state %s can not be looked at: %w", s.name, err)
	}
	if h == nil {
		return false, holder, nil
	}
	return true, *h, nil
}

// NotLockedError says that there is no lock of the id.
type NotLockedError struct{ ID, Present string }

func (e *NotLockedError) Error() string {
	if e.Present == "" {
		return "the state is not locked"
	}
	return fmt.Sprintf("the state is locked, and not by %s: the lock has the id %s", e.ID, e.Present)
}

// Break takes away the lock of the id.
func (s *Store) Break(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return s.unlock(ctx, id)
}

// readAll reads at most as much as a state may have.
func readAll(r io.Reader) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(r, maxState+1))
	if err == nil && len(content) > maxState {
		err = errors.New("it is too large to be a state")
	}
	return content, err
}

// decodeHolder reads who holds a lock. What can not be read is somebody unknown.
func decodeHolder(content []byte) *state.Holder {
	var h state.Holder
	if json.Unmarshal(content, &h) != nil {
		return &state.Holder{}
	}
	return &h
}
