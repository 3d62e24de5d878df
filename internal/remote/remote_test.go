package remote

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/remote/remotetest"
	"github.com/rollcall-cli/rollcall/internal/state"
)

// stores are the kinds of places, each with what opens a new one of the same place.
func stores(t *testing.T) map[string]func(t *testing.T) *Store {
	t.Helper()
	s3, gcs := remotetest.StartS3(t), remotetest.StartGCS(t)
	for _, pair := range s3.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
	gitlab := remotetest.StartGitLab(t)
	folder := t.TempDir()
	open := func(o Options) func(t *testing.T) *Store {
		return func(t *testing.T) *Store {
			t.Helper()
			s, err := Open(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
	}
	t.Cleanup(func() {
		if refused := gitlab.Refused(); len(refused) > 0 {
			t.Errorf("refused: %q", refused)
		}
	})
	return map[string]func(t *testing.T) *Store{
		"s3":   open(Options{URL: s3.URL}),
		"gs":   open(Options{URL: gcs.URL, StorageEmulator: gcs.Address}),
		"file": open(Options{URL: "file://" + filepath.Join(folder, "rollcall.state.json")}),
		"gitlab": open(Options{URL: gitlab.URL, HTTP: HTTP{
			LockAddress: gitlab.URL + "/lock", UnlockAddress: gitlab.URL + "/lock", LockMethod: "POST", UnlockMethod: "DELETE",
			Username: remotetest.Username, Password: identity.NewSecret(remotetest.Password),
		}}),
	}
}

func holder(who string) state.Holder {
	return state.Holder{PID: 7, Host: "runner", User: who, Operation: "apply", Since: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)}
}

// put has a store write one more member under the lock.
func put(t *testing.T, s *Store, username string) {
	t.Helper()
	ctx := t.Context()
	if err := s.Lock(ctx, time.Minute, holder(username)); err != nil {
		t.Fatal(err)
	}
	st, err := s.Load(ctx)
	if err != nil {
		t.Fatal(err)
	}
	st.Upsert("vpn", identity.Member{UserID: fmt.Sprintf("%040x", username), User: identity.User{Username: username}, Since: holder("").Since, Origin: identity.OriginAdded})
	if err := errors.Join(s.Save(ctx, st, "0.1.0"), s.Release(ctx)); err != nil {
		t.Fatal(err)
	}
}

func members(t *testing.T, s *Store) (serial uint64, n int) {
	t.Helper()
	st, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return st.Serial, len(st.Members("vpn"))
}

// What is in a shared folder is for its owner alone.
func TestModes(t *testing.T) {
	folder := t.TempDir()
	s, err := Open(t.Context(), Options{URL: "file://" + filepath.Join(folder, "rollcall.state.json")})
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, "ada")
	put(t, s, "noor")
	if err := s.Lock(t.Context(), 0, holder("kim")); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(folder)
	if err != nil || len(files) != 3 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		if info, err := file.Info(); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v %v", file.Name(), info.Mode(), err)
		}
	}
	if _, err := Open(t.Context(), Options{URL: "file:///nowhere/at/all/state.json"}); err == nil || !strings.Contains(err.Error(), "no such file or directory") {
		t.Error(err)
	}
}

// The same holds for every place.
func TestStores(t *testing.T) {
	for name, open := range stores(t) {
		t.Run(name, func(t *testing.T) {
			if serial, n := members(t, open(t)); serial != 0 || n != 0 {
				t.Fatalf("serial %d, %d members before anything was written", serial, n)
			}
			for i := range state.Backups + 3 {
				put(t, open(t), fmt.Sprintf("user%d", i))
			}
			if serial, n := members(t, open(t)); serial != state.Backups+3 || n != state.Backups+3 {
				t.Fatalf("serial %d, %d members", serial, n)
			}
			if b, ok := open(t).backend.(*objects); ok {
				for serial := range uint64(state.Backups + 3) {
					kept, err := b.get(t.Context(), fmt.Sprintf("%s.backup.%d", b.key, serial))
					if want := serial >= 3; err != nil || (kept != nil) != want {
						t.Errorf("backup %d: %d bytes, %v", serial, len(kept), err)
					}
				}
			}
			t.Run("lock", func(t *testing.T) { testLock(t, open) })
			t.Run("break", func(t *testing.T) { testBreak(t, open) })
			t.Run("race", func(t *testing.T) { testRace(t, open) })
			t.Run("stale", func(t *testing.T) { testStale(t, open) })
		})
	}
}

func testLock(t *testing.T, open func(*testing.T) *Store) {
	ctx := t.Context()
	first, second := open(t), open(t)
	if held, _, err := second.Holder(ctx); held || err != nil {
		t.Fatal(held, err)
	}
	if err := first.Lock(ctx, 0, holder("ada")); err != nil {
		t.Fatal(err)
	}
	locked, ok := errors.AsType[*state.LockedError](second.Lock(ctx, 300*time.Millisecond, holder("noor")))
	if !ok || locked.Holder.User != "ada" || locked.Holder.ID != first.lockID || !locked.Holder.Since.Equal(holder("").Since) || locked.Holder.PID != 7 {
		t.Fatalf("%+v", locked)
	}
	if held, h, err := second.Holder(ctx); !held || h != locked.Holder || err != nil {
		t.Fatal(held, h, err)
	}
	ended, cancel := context.WithCancel(ctx)
	time.AfterFunc(50*time.Millisecond, cancel)
	if err := second.Lock(ended, time.Hour, holder("noor")); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	time.AfterFunc(100*time.Millisecond, func() { _ = first.Release(ctx) }) // the next line says whether it did
	if err := second.Lock(ctx, time.Minute, holder("noor")); err != nil {
		t.Fatal(err)
	}
	if err := second.Release(ctx); err != nil {
		t.Fatal(err)
	}
}

// Who dies leaves the lock; it is broken by its id alone, and whoever held it after all
// writes nothing more.
func testBreak(t *testing.T, open func(*testing.T) *Store) {
	ctx := t.Context()
	dead, other := open(t), open(t)
	if err := dead.Lock(ctx, 0, holder("dead")); err != nil {
		t.Fatal(err)
	}
	st, err := dead.Load(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Break(ctx, "another"); err == nil || !strings.Contains(err.Error(), dead.lockID) {
		t.Fatal(err)
	}
	if err := other.Break(ctx, dead.lockID); err != nil {
		t.Fatal(err)
	}
	if _, ok := errors.AsType[*NotLockedError](other.Break(ctx, dead.lockID)); !ok {
		t.Fatal("it was broken twice")
	}
	put(t, other, "other")
	st.Upsert("vpn", identity.Member{UserID: "x", User: identity.User{Username: "late"}, Origin: identity.OriginAdded})
	if err := dead.Save(ctx, st, "0.1.0"); err == nil {
		t.Fatal("who lost the lock has written")
	}
}

// Ten writers at once: one at a time, and nothing is lost.
func testRace(t *testing.T, open func(*testing.T) *Store) {
	serial, before := members(t, open(t))
	var group sync.WaitGroup
	for i := range 10 {
		s := open(t)
		group.Go(func() { put(t, s, fmt.Sprintf("racer%d", i)) })
	}
	group.Wait()
	if now, n := members(t, open(t)); now != serial+10 || n != before+10 {
		t.Errorf("serial %d, %d members; before %d and %d", now, n, serial, before)
	}
}

// A state that was replaced since it was read is not overwritten.
func testStale(t *testing.T, open func(*testing.T) *Store) {
	ctx := t.Context()
	s := open(t)
	stale, err := s.Load(ctx)
	if err != nil {
		t.Fatal(err)
	}
	put(t, open(t), "newer")
	if err := s.Lock(ctx, 0, holder("stale")); err != nil {
		t.Fatal(err)
	}
	stale.Upsert("vpn", identity.Member{UserID: "x", User: identity.User{Username: "late"}, Origin: identity.OriginAdded})
	if err := s.Save(ctx, stale, "0.1.0"); err == nil || !strings.Contains(err.Error(), "replaced since it was read") {
		t.Error(err)
	}
	if err := s.Release(ctx); err != nil {
		t.Error(err)
	}
}
