package cli

import (
	"context"
	"time"

	"github.com/rollcall-cli/rollcall/internal/config"
	"github.com/rollcall-cli/rollcall/internal/remote"
	"github.com/rollcall-cli/rollcall/internal/state"
)

// stateStore keeps the state: in a file, or where several machines reach it.
type stateStore interface {
	Load(ctx context.Context) (*state.State, error)
	// Save writes what changed; the lock is held.
	Save(ctx context.Context, s *state.State, version string) error
	// Lock waits as long as timeout, and then returns a *state.LockedError.
	Lock(ctx context.Context, timeout time.Duration, holder state.Holder) error
	Release(ctx context.Context) error
	Holder(ctx context.Context) (held bool, holder state.Holder, err error)
}

// store opens what keeps the state of the configuration, once.
func (a *app) store(ctx context.Context, cfg *config.Config) (stateStore, error) {
	if a.states != nil {
		return a.states, nil
	}
	cipher, err := a.cipher(cfg)
	if err != nil {
		return nil, err
	}
	s := cfg.Settings.State
	if s.URL == "" {
		a.states = &fileStore{path: s.Path, cipher: cipher}
		return a.states, nil
	}
	proxy, err := a.proxy(nil)
	if err != nil {
		return nil, err
	}
	emulator, _ := a.lookup("STORAGE_EMULATOR_HOST")
	opened, err := remote.Open(ctx, remote.Options{
		URL: s.URL, Cipher: cipher,
		HTTP: remote.HTTP{
			LockAddress: s.LockAddress, LockMethod: s.LockMethod, UnlockAddress: s.UnlockAddress, UnlockMethod: s.UnlockMethod,
			Username: s.Username, Password: s.Password,
		},
		Proxy: proxy, StorageEmulator: emulator,
	})
	if err != nil {
		return nil, err
	}
	a.states = opened
	return opened, nil
}

// fileStore keeps the state in a file.
type fileStore struct {
	path   string
	cipher state.Cipher
	lock   *state.Lock
}

func (f *fileStore) Load(context.Context) (*state.State, error) { return state.Load(f.path, f.cipher) }

func (f *fileStore) Save(_ context.Context, s *state.State, version string) error {
	return state.Save(f.path, s, version)
}

func (f *fileStore) Lock(ctx context.Context, timeout time.Duration, holder state.Holder) (err error) {
	f.lock, err = state.AcquireLock(ctx, f.path, timeout, holder)
	return err
}

func (f *fileStore) Release(context.Context) error { return f.lock.Release() }

func (f *fileStore) Holder(context.Context) (held bool, holder state.Holder, err error) {
	return state.LockStatus(f.path)
}

// journalPath is the path of the state beside which a run keeps its journal. It is empty
// where there is none: beside a state elsewhere, and beside one that is encrypted, since a
// journal names people.
func journalPath(cfg *config.Config) string {
	if cfg.Settings.Encryption != nil {
		return ""
	}
	return cfg.Settings.State.Path
}

// hasJournal reports whether a run left a journal beside the state; one elsewhere has
// none.
func hasJournal(cfg *config.Config) bool {
	return cfg.Settings.State.URL == "" && state.HasJournal(cfg.Settings.State.Path)
}

// locked does something while it holds the lock on the state. The lock is let go of
// even where ctx has ended.
func (a *app) locked(ctx context.Context, cfg *config.Config, operation string, do func(stateStore) error) (err error) {
	store, err := a.store(ctx, cfg)
	if err != nil {
		return err
	}
	err = store.Lock(ctx, a.lockTimeout, state.Holder{PID: a.PID, Host: a.Host, User: a.User, Since: a.Now().UTC(), Operation: operation})
	if err != nil {
		return err
	}
	defer func() {
		if released := store.Release(context.WithoutCancel(ctx)); err == nil {
			err = released
		}
	}()
	return do(store)
}
