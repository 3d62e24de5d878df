package apply

import (
	"slices"
	"testing"
	"time"
)

// A job that takes long is looked at ever more rarely, one that will be through soon then.
func TestLooks(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		done []int // of 100, at each look
		want []time.Duration
	}{
		"nothing is known": {[]int{0, 0, 0, 0, 0, 0, 0, 0}, []time.Duration{100 * ms, 200 * ms, 400 * ms, 800 * ms, 1600 * ms, 3200 * ms, 5000 * ms, 5000 * ms}},
		"slow":             {[]int{0, 1, 2, 4}, []time.Duration{100 * ms, 200 * ms, 400 * ms, 800 * ms}},
		"soon through":     {[]int{0, 0, 60}, []time.Duration{100 * ms, 200 * ms, 200 * ms}},
		"almost through":   {[]int{0, 0, 99}, []time.Duration{100 * ms, 200 * ms, 100 * ms}},
		"through, and yet": {[]int{0, 0, 100, 100, 300}, []time.Duration{100 * ms, 200 * ms, 100 * ms, 100 * ms, 100 * ms}},
		"stands still":     {[]int{0, 50, 50, 50}, []time.Duration{100 * ms, 100 * ms, 200 * ms, 400 * ms}},
	} {
		l := looks{operations: 100}
		var got []time.Duration
		for _, done := range c.done {
			got = append(got, l.next(done))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, not %v", name, got, c.want)
		}
	}
	// One that says for an hour that it is all but through is looked at little more often
	// than one that says nothing.
	l, n := looks{operations: 100}, 0
	for ; l.waited < time.Hour; n++ {
		l.next(100)
	}
	if n > 760 || l.last != lastLook {
		t.Errorf("%d looks in an hour, the last after %v", n, l.last)
	}
}
