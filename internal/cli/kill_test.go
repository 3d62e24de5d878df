package cli_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rollcall-cli/rollcall/internal/state"
)

// kills is how many moments an apply is killed at, killSeed what they are drawn from.
const (
	kills    = 100
	killSeed = 20261124
)

// TestKilled kills an apply of 300 operations at random moments: at a call, before it
// is acted upon or after, or some time after the process began. What follows, a new
// plan or the old one applied again, ends with exactly the wanted members; no user is
// created and no token issued twice; every file can be read at every moment.
func TestKilled(t *testing.T) {
	t.Parallel()
	organization := newCrowd(t)
	calls, took := organization.undisturbed(t)
	t.Logf("seed %d, undisturbed: %d calls, %s", killSeed, calls, took)
	moments := rand.New(rand.NewPCG(killSeed, 0))
	var begun atomic.Int64 // how many were killed with operations under way or done
	t.Cleanup(func() { t.Logf("%d of %d kills left a journal behind", begun.Load(), kills) })
	for i := range kills {
		m := moment{kind: killKind(i % 3), again: moments.IntN(2) == 0}
		m.call = 1 + moments.Int64N(calls-10) // how many pages are asked for at the end varies
		m.after = time.Duration(moments.Int64N(int64(took)))
		t.Run(fmt.Sprintf("%03d %s", i, m), func(t *testing.T) {
			t.Parallel()
			if organization.killed(t, m) {
				begun.Add(1)
			}
		})
	}
}

type killKind int

const (
	beforeCall killKind = iota
	afterCall
	afterTime
)

// moment is when to kill, and whether the same plan is applied again or a new one made.
type moment struct {
	kind  killKind
	call  int64
	after time.Duration
	again bool
}

func (m moment) String() string {
	what := fmt.Sprintf("before call %d", m.call)
	switch m.kind {
	case afterCall:
		what = fmt.Sprintf("after call %d", m.call)
	case afterTime:
		what = fmt.Sprintf("after %s", m.after.Round(time.Millisecond))
	case beforeCall:
	}
	if m.again {
		return what + ", the same plan again"
	}
	return what + ", a new plan"
}

// undisturbed counts the calls of an apply that is left alone, and the time it takes.
func (c *crowd) undisturbed(t *testing.T) (calls int64, took time.Duration) {
	t.Helper()
	server, folder := c.prepare(t)
	cmd, out := c.apply(t.Context(), t, folder, server.URL)
	began := time.Now()
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	took = time.Since(began)
	if n := len(writesOf(server.Emulator)); n != 300 {
		t.Fatalf("%d operations, want 300\n%s", n, out)
	}
	c.check(t, server, folder)
	return server.calls.Load(), took
}

// killed applies the plan, kills it, and goes on. It reports whether there was a
// journal. One that was quicker than its killer is tried again.
func (c *crowd) killed(t *testing.T, m moment) (journal bool) {
	t.Helper()
	server, folder := c.prepare(t)
	open := server.open.Load()
	cmd, out := c.apply(t.Context(), t, folder, server.URL)
	started := make(chan struct{})
	if m.kind != afterTime {
		kill := func(call int64, acted bool) {
			if call == m.call && acted == (m.kind == afterCall) {
				<-started
				_ = cmd.Process.Kill()
			}
		}
		server.at.Store(&kill)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	close(started)
	if m.kind == afterTime {
		defer time.AfterFunc(m.after, func() { _ = cmd.Process.Kill() }).Stop()
	}
	finished := cmd.Wait() == nil // it may have been quicker than the time
	server.at.Store(nil)
	server.settle(open)
	if finished {
		if m.kind != afterTime {
			t.Fatalf("it was not killed\n%s", out)
		}
		m.after /= 2
		return c.killed(t, m)
	}
	path := filepath.Join(folder, "rollcall.state.json")
	journal = state.HasJournal(path)
	c.readable(t, path)
	if m.again {
		// Unless it was killed after the state was saved, it goes on where it was.
		if out, code := tryIn(t, folder, server.URL, "apply", crowdPlan); code != 0 && (code != 4 || !strings.Contains(out, "it was applied already")) {
			t.Fatalf("exit code %d\n%s", code, out)
		}
	} else {
		runIn(t, folder, server.URL, 0, "plan", "--out", "next.plan")
		runIn(t, folder, server.URL, 0, "apply", "next.plan")
	}
	c.check(t, server, folder)
	return journal
}

// Ctrl-C once: what is under way is finished and the state written. Twice ends the
// process while a call is under way. Either way the plan goes on where it was.
func TestInterruptedOnceAndTwice(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	for name, twice := range map[string]bool{"once": false, "twice": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.interrupted(t, twice)
		})
	}
}

func (c *crowd) interrupted(t *testing.T, twice bool) {
	t.Helper()
	server, folder := c.prepare(t)
	open := server.open.Load()
	cmd, out := c.apply(t.Context(), t, folder, server.URL)
	reached, proceed := make(chan struct{}), make(chan struct{})
	hang := func(call int64, acted bool) {
		if call == 60 && acted {
			close(reached)
			<-proceed
		}
	}
	server.at.Store(&hang)
	err := cmd.Start()
	if err != nil {
		t.Fatal(err)
	}
	<-reached
	err = cmd.Process.Signal(os.Interrupt)
	for err == nil && twice { // the first is heeded, the call still under way; one more ends it
		time.Sleep(50 * time.Millisecond)
		if exited(cmd) {
			break
		}
		err = cmd.Process.Signal(os.Interrupt)
	}
	if !twice {
		close(proceed)
	}
	_ = cmd.Wait()
	if twice {
		close(proceed)
	}
	server.settle(open)
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !ok || status.Signaled() != twice || !twice && status.ExitStatus() != 130 {
		t.Errorf("it ended so: %s\n%s", cmd.ProcessState, out)
	}
	if !strings.Contains(out.String(), "Once more stops at once") {
		t.Errorf("%s", out)
	}
	if left := state.HasJournal(filepath.Join(folder, "rollcall.state.json")); left != twice {
		t.Errorf("a journal is left: %v", left)
	}
	printed := runIn(t, folder, server.URL, 0, "apply", crowdPlan)
	if !strings.Contains(printed, "Going on with this plan: ") || strings.Contains(printed, "the last apply broke off after ") != twice {
		t.Error(printed)
	}
	c.check(t, server, folder)
}

// While an apply is under way others see the state as it was before, and leave its
// journal alone.
func TestOthersDuringAnApply(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	server, folder := c.prepare(t)
	cmd, out := c.apply(t.Context(), t, folder, server.URL)
	reached, proceed := make(chan struct{}), make(chan struct{})
	hang := func(call int64, acted bool) {
		if call == 60 && acted {
			close(reached)
			<-proceed
		}
	}
	server.at.Store(&hang)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-reached
	planned, planCode := tryIn(t, folder, server.URL, "plan")
	applied, applyCode := tryIn(t, folder, server.URL, "apply", crowdPlan)
	close(proceed)
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if planCode != 0 || !strings.Contains(planned, "an apply is under way, and what it does is not in the state yet") {
		t.Errorf("exit code %d\n%s", planCode, planned)
	}
	if applyCode != 6 || !strings.Contains(applied, "the state is locked by apply (process ") {
		t.Errorf("exit code %d\n%s", applyCode, applied)
	}
	c.check(t, server, folder)
}

// exited reports whether the process is a zombie that waits to be waited for.
func exited(cmd *exec.Cmd) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", cmd.Process.Pid))
	return err != nil || bytes.Contains(stat, []byte(") Z "))
}
