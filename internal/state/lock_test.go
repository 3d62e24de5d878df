package state

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestMain lets the test binary be a process that holds a lock until it is killed.
func TestMain(m *testing.M) {
	if path := os.Getenv("TEST_HOLD_LOCK"); path != "" {
		if _, err := AcquireLock(context.Background(), path, 0, Holder{PID: os.Getpid(), Host: "h", User: "u", Operation: "apply", Since: at}); err != nil {
			panic(err)
		}
		if _, err := os.Stdout.WriteString("held\n"); err != nil {
			panic(err)
		}
		select {}
	}
	os.Exit(m.Run())
}

// hold starts a process that holds the lock.
func hold(t *testing.T, path string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "TEST_HOLD_LOCK="+path)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "held\n" {
		t.Fatalf("%q, %v", line, err)
	}
	return cmd
}

func TestLockIsHeldByOneProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	holder := hold(t, path)
	start := time.Now()
	_, err := AcquireLock(t.Context(), path, 200*time.Millisecond, Holder{PID: 1})
	var locked *LockedError
	if !errors.As(err, &locked) {
		t.Fatalf("%v", err)
	}
	if waited := time.Since(start); waited < 200*time.Millisecond {
		t.Errorf("waited only %s", waited)
	}
	if locked.Holder.PID != holder.Process.Pid || !strings.Contains(err.Error(), "locked by apply (process ") || !strings.Contains(err.Error(), "of u on h) since 2026-11-24T03:00:00Z") {
		t.Errorf("%v", err)
	}
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = holder.Wait() // killed
	l, err := AcquireLock(t.Context(), path, 0, Holder{PID: 2})
	if err != nil {
		t.Fatalf("a killed holder leaves nothing to unlock: %v", err)
	}
	if err := l.Release(); err != nil {
		t.Error(err)
	}
}

func TestLockWaits(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	first, err := AcquireLock(t.Context(), path, 0, Holder{PID: 1})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		second, err := AcquireLock(t.Context(), path, time.Minute, Holder{PID: 2})
		if err == nil {
			err = second.Release()
		}
		done <- err
	}()
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestLockIsNoSymlinkAndCanBeCancelled(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "state.json")
	if err := os.Symlink(filepath.Join(folder, "x"), path+".lock"); err != nil {
		t.Fatal(err)
	}
	if _, err := AcquireLock(t.Context(), path, 0, Holder{}); err == nil || !strings.Contains(err.Error(), "is no regular file") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := AcquireLock(ctx, filepath.Join(folder, "other"), time.Minute, Holder{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// Whoever looks at the lock sees its holder, and is in nobody's way.
func TestLockStatus(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	free := func() {
		t.Helper()
		if held, holder, err := LockStatus(path); held || holder != (Holder{}) || err != nil {
			t.Fatalf("%v, %+v, %v", held, holder, err)
		}
	}
	free()
	if _, err := os.Stat(path + ".lock"); !errors.Is(err, os.ErrNotExist) {
		t.Error("a look made a file")
	}
	holder := Holder{PID: 7, Host: "h", User: "u", Operation: "apply", Since: time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)}
	looking, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			for looking.Err() == nil {
				_, _, _ = LockStatus(path)
			}
		})
	}
	for range 50 {
		lock, err := AcquireLock(t.Context(), path, 0, holder)
		if err != nil {
			t.Fatal(err)
		}
		if held, got, err := LockStatus(path); !held || got != holder || err != nil {
			t.Fatalf("%v, %+v, %v", held, got, err)
		}
		if err := lock.Release(); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	group.Wait()
	free()
}
