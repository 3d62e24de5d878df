package logintc

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// What a server allows is used, whatever it allows and however it says so, and little
// is refused once that is known.
func TestThrottleLearnsTheRate(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		server    takes
		latency   time.Duration
		calls     int
		perSecond float64
		stock     int     // what it takes in the beginning beside
		use       float64 // at least
		refused   float64 // of the later half, at most
	}{
		"20 a second":             {bucket(20, 20, true), 2 * ms, 1000, 20, 20, 0.95, 0.02},
		"with 50 ms":              {bucket(20, 20, true), 50 * ms, 1000, 20, 20, 0.95, 0.02},
		"with 500 ms":             {bucket(20, 20, true), 500 * ms, 1000, 20, 20, 0.94, 0.02},
		"without Retry-After":     {bucket(20, 20, false), 50 * ms, 1000, 20, 20, 0.95, 0.02},
		"with a large stock":      {bucket(20, 200, true), 50 * ms, 2000, 20, 200, 0.95, 0.02},
		"with a small stock":      {bucket(20, 5, true), 50 * ms, 2000, 20, 5, 0.85, 0.02},
		"with none":               {bucket(20, 1, true), 50 * ms, 2000, 20, 1, 0.75, 0.02},
		"nor Retry-After":         {bucket(20, 1, false), 50 * ms, 2000, 20, 1, 0.80, 0.02},
		"200 a second":            {bucket(200, 200, true), 50 * ms, 10_000, 200, 200, 0.95, 0.01},
		"2 a second":              {bucket(2, 2, true), 50 * ms, 500, 2, 2, 0.95, 0.04},
		"one in two seconds":      {bucket(0.5, 1, true), 50 * ms, 200, 0.5, 1, 0.85, 0.06},
		"20 in each second":       {windows(20, time.Second), 50 * ms, 1000, 20, 20, 0.80, 0.02},
		"100 in each minute":      {windows(100, time.Minute), 50 * ms, 1000, 100. / 60, 100, 0.95, 0.03},
		"less from one moment on": {change(1000, bucket(20, 20, true), bucket(5, 5, true)), 50 * ms, 1500, 10, 20, 0.90, 0.03},
		"more from one moment on": {change(300, bucket(5, 5, true), bucket(50, 50, true)), 50 * ms, 3300, 27.5, 5, 0.75, 0.01},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := crowd(t, Options{}, c.server, c.latency, 32, c.calls)
			later := h.after(len(h.attempts) / 2)
			use := float64(c.calls-c.stock) / (c.perSecond * h.took.Seconds())
			lost := float64(later.count(refused)) / float64(len(later.attempts))
			if use < c.use || lost > c.refused || h.count(refused) > 60 {
				t.Errorf("%.1f%% used in %s; %d refused, %.2f%% of the later half", 100*use, h.took, h.count(refused), 100*lost)
			}
		})
	}
}

// A server that refuses once by mistake costs what it asked for, and one that refuses
// whatever the rate is costs not many times that.
func TestThrottleIsNotMisled(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		refuses func(number int) bool
		calls   int
		most    time.Duration // beyond what it asked for
	}{
		"never":      {func(int) bool { return false }, 10_000, 0},
		"once":       {func(n int) bool { return n == 1000 }, 10_000, 500 * time.Millisecond},
		"twice":      {func(n int) bool { return n == 1000 || n == 1100 }, 10_000, 8 * time.Second},
		"every 10th": {func(n int) bool { return n%10 == 0 }, 1000, 4 * time.Minute},
		"every 4th":  {func(n int) bool { return n%4 == 0 }, 100, 2 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const latency = 50 * time.Millisecond
			h := crowd(t, Options{}, moody(refused, time.Second, c.refuses), latency, 32, c.calls)
			least := time.Duration(c.calls/32+3)*latency + time.Duration(h.count(refused))*time.Second
			if lost := h.took - least; lost > c.most {
				t.Errorf("%s lost of %s, with %d refused", lost, h.took, h.count(refused))
			}
		})
	}
}

// The limit follows how many calls at once a server can do with, down and up.
func TestThrottleLearnsHowManyAtOnce(t *testing.T) {
	t.Parallel()
	h := crowd(t, Options{}, rooms(10, 3000, 100), 50*time.Millisecond, 40, 6000)
	if n := h.count(overloaded); n > 3000/7 { // an answer takes as long as a failure
		t.Errorf("%d of 3000 were too many", n)
	}
	if n := h.after(4000).mostAtOnce(); n != 32 {
		t.Errorf("%d at once where there is room", n)
	}
	if least := 3000 / 10 * 50 * time.Millisecond; h.attempts[2999].at.Sub(h.attempts[0].at) > 2*least {
		t.Error("the room was not used")
	}
}

// A server that can do with nothing is tried one by one.
func TestThrottleBacksOff(t *testing.T) {
	t.Parallel()
	h := crowd(t, Options{}, change(500, moody(overloaded, 0, func(int) bool { return true }), rooms(100, 0, 100)), time.Second, 40, 1000)
	failed := history{attempts: h.attempts[40:500]}
	if n := failed.mostAtOnce(); n != 1 {
		t.Errorf("%d at once", n)
	}
	if n := h.mostAtOnce(); n != 32 {
		t.Errorf("%d at once when it is well again", n)
	}
}

// Never are more under way than the bound, nor are they sent faster than the rate that
// is configured, nor in a pause; and each is answered in the end.
func TestThrottleLaws(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		o := Options{
			Concurrency:       rapid.IntRange(1, 64).Draw(r, "concurrency"),
			RequestsPerSecond: rapid.SampledFrom([]float64{0, 0, 0.5, 3, 50, 1000}).Draw(r, "requests per second"),
		}
		perSecond := rapid.SampledFrom([]float64{0.2, 1, 7, 100, 2000}).Draw(r, "the server's rate")
		limited := bucket(perSecond, rapid.IntRange(1, 100).Draw(r, "burst"), rapid.Bool().Draw(r, "asks"))
		fails := rapid.IntRange(3, 100).Draw(r, "fails every")
		server := func(a arrival) (outcome, time.Duration) {
			if a.number%fails == 0 {
				return overloaded, 0
			}
			return limited(a)
		}
		latency := time.Duration(rapid.IntRange(0, 3000).Draw(r, "latency")) * time.Millisecond
		calls := rapid.IntRange(1, 200).Draw(r, "calls")
		h := crowd(t, o, server, latency, rapid.IntRange(1, 80).Draw(r, "callers"), calls)
		if n := h.count(answered); n != calls {
			r.Errorf("%d of %d answered", n, calls)
		}
		if n := h.mostAtOnce(); n > o.Concurrency {
			r.Errorf("%d at once of %d", n, o.Concurrency)
		}
		for i, a := range h.attempts {
			if i == 0 {
				continue
			}
			if gap := a.at.Sub(h.attempts[i-1].at).Seconds(); o.RequestsPerSecond > 0 && gap < 0.999/o.RequestsPerSecond {
				r.Errorf("%g s after the one before", gap)
			}
			for _, b := range h.attempts[:i] {
				if b.outcome == refused && a.at.After(b.ended) && a.at.Before(b.ended.Add(b.asked)) {
					r.Errorf("one was sent %s after a refusal that asked for %s", a.at.Sub(b.ended), b.asked)
				}
			}
		}
	})
}

// tickets lets so many attempts begin, which must be allowed.
func tickets(t *testing.T, throttle *throttle, n int) []ticket {
	t.Helper()
	all := make([]ticket, n)
	for i := range all {
		var err error
		if all[i], err = throttle.begin(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// A burst of failures halves the limit once, and the log says so.
func TestOneBurstCountsOnce(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]outcome{"refused": refused, "overloaded": overloaded} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var text bytes.Buffer
				logger := slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug}))
				throttle := newThrottle(Options{Concurrency: 32, Logger: logger}.withDefaults())
				for _, limit := range []float64{4, 2, 1, 1} {
					burst := tickets(t, throttle, int(throttle.limit))
					for _, k := range burst {
						throttle.end(k, o, 0)
					}
					if throttle.limit != limit {
						t.Errorf("a limit of %g, not %g", throttle.limit, limit)
					}
				}
				if n := strings.Count(text.String(), "fewer calls at once"); n != 3 {
					t.Errorf("%d lines:\n%s", n, &text)
				}
				for throttle.limit < 32 { // it climbs again
					for _, k := range tickets(t, throttle, int(throttle.limit)) {
						throttle.end(k, answered, 0)
					}
				}
				if !strings.Contains(text.String(), `msg="LoginTC: more calls at once" limit=32`) {
					t.Errorf("%s", &text)
				}
			})
		})
	}
}

// Calls of which one waits for another's answer say nothing about how many could be
// under way.
func TestLimitOnlyClimbsWhereItBounds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		throttle := newThrottle(Options{}.withDefaults())
		for range 100 {
			throttle.end(tickets(t, throttle, 1)[0], answered, 0)
		}
		if throttle.limit != firstLimit {
			t.Errorf("a limit of %g", throttle.limit)
		}
	})
}

// A rate that was learned holds while there is nothing to do, and is forgotten where it
// bounds nothing.
func TestRateIsForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		throttle := newThrottle(Options{}.withDefaults())
		send := func(o outcome) {
			t.Helper()
			k := tickets(t, throttle, 1)[0]
			time.Sleep(100 * time.Millisecond)
			throttle.end(k, o, 0)
		}
		for range 2 {
			for range 8 {
				send(answered)
			}
			send(refused)
		}
		send(answered)
		learned := throttle.pace.start
		time.Sleep(time.Hour)
		send(answered)
		if !throttle.pace.known() || learned < 5 || throttle.pace.at(now()) > 1.1*learned {
			t.Errorf("%g calls a second, %g after an hour", learned, throttle.pace.at(now()))
		}
		for range 1000 { // 10 a second
			send(answered)
		}
		if throttle.pace.known() {
			t.Errorf("still %g calls a second", throttle.pace.at(now()))
		}
	})
}

// Who gives up while waiting is not sent, and does not keep others from being.
func TestThrottleLetsGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		throttle := newThrottle(Options{Concurrency: 1}.withDefaults())
		ctx, cancel := context.WithCancel(t.Context())
		first := tickets(t, throttle, 1)[0]
		gone := make(chan error)
		for range 3 {
			go func() {
				_, err := throttle.begin(ctx)
				gone <- err
			}()
		}
		synctest.Wait()
		cancel()
		for range 3 {
			if err := <-gone; err == nil || err.Error() != "not sent: context canceled" {
				t.Error(err)
			}
		}
		throttle.end(first, answered, 0)
		throttle.end(tickets(t, throttle, 1)[0], void, 0)
		if throttle.present != 0 || throttle.underWay != 0 {
			t.Errorf("%d present, %d under way", throttle.present, throttle.underWay)
		}
	})
}
