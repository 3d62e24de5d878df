package logintc

import (
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"
)

// arrival is a call that comes to a server.
type arrival struct {
	number   int // from 1
	underWay int // with it
	at       time.Time
}

// takes says what becomes of a call, and what Retry-After asks for.
type takes func(arrival) (outcome, time.Duration)

// bucket takes so many calls a second and as many at once as burst says. What it asks
// for is in whole seconds, as Retry-After is, or nothing.
func bucket(perSecond float64, burst int, asks bool) takes {
	limiter := rate.NewLimiter(rate.Limit(perSecond), burst)
	return func(a arrival) (outcome, time.Duration) {
		switch {
		case limiter.AllowN(a.at, 1):
			return answered, 0
		case asks:
			wait := (1 - limiter.TokensAt(a.at)) / perSecond
			return refused, time.Duration(math.Ceil(wait)) * time.Second
		}
		return refused, 0
	}
}

// windows takes so many calls in each period, and asks to wait for the next.
func windows(calls int, period time.Duration) takes {
	var ends time.Time
	taken := 0
	return func(a arrival) (outcome, time.Duration) {
		if !a.at.Before(ends) {
			ends, taken = a.at.Truncate(period).Add(period), 0
		}
		if taken == calls {
			return refused, time.Duration(math.Ceil(ends.Sub(a.at).Seconds())) * time.Second
		}
		taken++
		return answered, 0
	}
}

// rooms does with so many calls at once, and with others from a call on.
func rooms(first, from, then int) takes {
	return func(a arrival) (outcome, time.Duration) {
		room := first
		if a.number >= from {
			room = then
		}
		if a.underWay > room {
			return overloaded, 0
		}
		return answered, 0
	}
}

// change takes calls in one way and, after so many, in another.
func change(after int, one, other takes) takes {
	return func(a arrival) (outcome, time.Duration) {
		if a.number <= after {
			return one(a)
		}
		return other(a)
	}
}

// moody gives some calls the outcome for no reason.
func moody(o outcome, asks time.Duration, which func(number int) bool) takes {
	return func(a arrival) (outcome, time.Duration) {
		if which(a.number) {
			return o, asks
		}
		return answered, 0
	}
}

// attempt is one that was sent, and what became of it.
type attempt struct {
	arrival
	outcome outcome
	ended   time.Time
	asked   time.Duration
}

// history is the attempts of a crowd, in the order in which they were sent.
type history struct {
	attempts []attempt
	took     time.Duration
}

// count returns how many had the outcome.
func (h *history) count(o outcome) (n int) {
	for _, a := range h.attempts {
		if a.outcome == o {
			n++
		}
	}
	return n
}

// mostAtOnce returns how many were under way at most.
func (h *history) mostAtOnce() (most int) {
	for _, a := range h.attempts {
		most = max(most, a.underWay)
	}
	return most
}

// after returns the attempts from a number on.
func (h *history) after(number int) *history { return &history{attempts: h.attempts[number:]} }

// crowd sends calls by so many callers at once through a throttle, each again until it
// is answered, to a server that takes some time for each.
func crowd(t *testing.T, o Options, server takes, latency time.Duration, callers, calls int) *history {
	t.Helper()
	h := &history{}
	synctest.Test(t, func(t *testing.T) { //nolint:thelper // the test itself
		throttle := newThrottle(o.withDefaults())
		start := time.Now()
		var mu sync.Mutex
		left, underWay := calls, 0
		send := func() outcome {
			k, err := throttle.begin(t.Context())
			if err != nil {
				t.Error(err)
				return answered
			}
			mu.Lock()
			underWay++
			number := len(h.attempts)
			a := attempt{arrival: arrival{number + 1, underWay, time.Now()}}
			a.outcome, a.asked = server(a.arrival)
			h.attempts = append(h.attempts, a)
			mu.Unlock()
			wait := latency
			if a.outcome == refused { // which is quickly said
				wait /= 10
			}
			time.Sleep(wait)
			mu.Lock()
			underWay--
			h.attempts[number].ended = time.Now()
			mu.Unlock()
			throttle.end(k, a.outcome, a.asked)
			return a.outcome
		}
		next := func() bool {
			mu.Lock()
			defer mu.Unlock()
			left--
			return left >= 0
		}
		var all sync.WaitGroup
		for range callers {
			all.Go(func() {
				for next() {
					for o := void; o != answered; {
						o = send()
					}
				}
			})
		}
		all.Wait()
		h.took = time.Since(start)
	})
	return h
}
