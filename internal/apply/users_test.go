package apply

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/rollcall-cli/rollcall/internal/plan"
	"github.com/rollcall-cli/rollcall/internal/state"
)

// Operations are in the journal before they are sent, those of many users at once; of those
// that are not sent after all it says so, so that nobody looks for them.
func TestWrittenAhead(t *testing.T) {
	t.Parallel()
	var operations []plan.Operation
	for i := range 3 * usersAhead {
		operations = append(operations, add(fmt.Sprintf("u%03d", i))...)
	}
	for name, c := range map[string]struct {
		fail func(cancel func()) func(call string) error
		done int
	}{
		"interrupted": {func(cancel func()) func(string) error {
			return func(call string) error {
				if call == "join d1 new-u070" {
					cancel()
				}
				return nil
			}
		}, 70*3 + 2},
		"one refused": {func(func()) func(string) error {
			return func(call string) error {
				if call == "join d1 new-u070" {
					return errors.New("refused")
				}
				return nil
			}
		}, 3*usersAhead*3 - 2},
	} {
		path := filepath.Join(t.TempDir(), "state.json")
		s, p := fresh(t), &plan.Plan{ID: "p", Operations: operations}
		steps := Steps(p, nil)
		journal, err := Start(path, nil, s, p, steps, "tester", at)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		target := &recorder{fail: c.fail(cancel)}
		_, o := begin(t, s, p)
		o.Target, o.Journal, o.Concurrency = target, journal, 1
		result := Run(ctx, steps, o)
		cancel()
		if len(result.Done) != c.done || len(result.Done)+len(result.Failed)+len(result.Skipped) != len(operations) {
			t.Errorf("%s: %d done, %d failed, %d left out", name, len(result.Done), len(result.Failed), len(result.Skipped))
		}
		later := state.Empty(nil)
		left, err := state.FoldJournal(path, later)
		if err != nil || left.Done != c.done || len(left.Open) != 0 || left.Unread != 0 {
			t.Errorf("%s: the journal says %+v, %v", name, left, err)
		}
		if got := len(later.Members("vpn")); got != len(s.Members("vpn")) {
			t.Errorf("%s: the journal comes to %d members, the run to %d", name, got, len(s.Members("vpn")))
		}
	}
}

// A run that breaks off leaves the operations open that were written ahead.
func TestBrokenOff(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	s, p := fresh(t), &plan.Plan{ID: "p", Operations: slices.Concat(add("a"), add("b"), leave("c"))}
	steps := Steps(p, nil)
	journal, err := Start(path, nil, s, p, steps, "tester", at)
	if err != nil {
		t.Fatal(err)
	}
	_, o := begin(t, s, p)
	o.Journal, o.Concurrency = journal, 1
	checked := 0
	o.Target = &recorder{fail: func(call string) error {
		left, err := state.FoldJournal(path, state.Empty(nil))
		var open []int
		for _, begun := range left.Open {
			open = append(open, begun.Number)
		}
		want := map[string][]int{
			"create a": {0, 1, 2, 3, 4, 5}, "join d1 new-a": {1, 2, 3, 4, 5}, "token d1 new-a": {2, 3, 4, 5},
			"create b": {3, 4, 5}, "join d1 new-b": {4, 5}, "token d1 new-b": {5}, "leave d1 id-c": {6},
		}[call]
		if err != nil || !slices.Equal(open, want) {
			t.Errorf("when it is told to %s, open are %v, and not %v (%v)", call, open, want, err)
		}
		checked++
		return nil
	}}
	if result := Run(t.Context(), steps, o); !result.Complete() || checked != 7 {
		t.Errorf("%+v after %d calls", result, checked)
	}
}
