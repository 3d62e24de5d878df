package logintc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// firstLimit is how many calls are under way at once in the beginning.
	firstLimit = 8
	// patience is how long all calls may be refused before they are given up: a server
	// that asks to be left alone for maxRetryAfter is asked once more.
	patience = 2 * maxRetryAfter
)

// errRefused says that a call was not sent, since the server refuses all.
var errRefused = errors.New("not sent, since LoginTC refuses all calls (429 Too Many Requests): " + refusedRemedy)

// outcome is what became of an attempt, as far as it tells how the server is.
type outcome int

const (
	// void tells nothing: the caller gave up, or no attempt can succeed.
	void outcome = iota
	// answered says that the server did its work.
	answered
	// refused says that the server takes no more calls (429), and did nothing.
	refused
	// overloaded says that no answer came, or one that says to come again.
	overloaded
)

// throttle says when an attempt may be sent. All attempts of a client stand in one queue,
// and the first of it is sent when three things allow it:
//
//   - The limit of how many are under way. It begins low, climbs by one with each answer
//     and, once it fell, by one with each round of answers. It is halved when the server
//     says that it is overloaded, or does not answer, or refuses while its pace is not
//     known (TCP's slow start, and additive increase with multiplicative decrease).
//   - The pause that a server asks for, or that follows a refusal which asks for none.
//   - The rate: requests_per_second, or the pace of the server where that is less.
//
// One burst of failures counts once: what was sent before the limit fell, or before a
// refusal, moves neither again.
type throttle struct {
	most           int           // of the limit
	bound          rate.Limit    // requests_per_second
	least, longest time.Duration // bound a pause that the server did not name
	log            *slog.Logger

	turn   chan struct{} // held by the first of the queue
	ended  chan struct{} // tells it that an attempt ended
	spaced *rate.Limiter // used by it alone

	mu       sync.Mutex
	limit    float64
	underWay int
	fell     bool // the limit did, so that it climbs slowly
	round    int  // counts its falls
	pace     pace
	resume   time.Time // the end of the pause
	// refusals are those since the last answer, one for each burst; since is the time of
	// the first.
	refusals int
	since    time.Time
	// present are in the queue or under way; idle is since when there are none.
	present int
	idle    time.Time
}

func newThrottle(o Options) *throttle {
	t := &throttle{
		most: o.Concurrency, bound: rate.Inf, least: o.RetryWaitMin, longest: o.RetryWaitMax, log: o.Logger,
		turn: make(chan struct{}, 1), ended: make(chan struct{}, 1),
		limit: float64(min(o.Concurrency, firstLimit)), pace: newPace(),
	}
	if o.RequestsPerSecond > 0 {
		t.bound = rate.Limit(o.RequestsPerSecond)
	}
	t.spaced = rate.NewLimiter(t.bound, 1)
	return t
}

// ticket is of an attempt that was sent: in which round of the limit and window of the
// pace.
type ticket struct {
	round  int
	window *window
}

// begin waits until an attempt may be sent; the caller sends it then, and tells end what
// became of it. The error is that of ctx, or errRefused.
func (t *throttle) begin(ctx context.Context) (ticket, error) {
	t.mu.Lock()
	if t.present == 0 && !t.idle.IsZero() {
		t.pace.rest(now().Sub(t.idle))
	}
	t.present++
	t.mu.Unlock()
	k, err := t.queue(ctx)
	if err != nil {
		t.mu.Lock()
		t.leave()
		t.mu.Unlock()
	}
	return k, err
}

// leave says that one less is present. The caller holds the mutex.
func (t *throttle) leave() {
	if t.present--; t.present == 0 {
		t.idle = now()
	}
}

// queue waits for the turn, and then for what allows the attempt.
func (t *throttle) queue(ctx context.Context) (k ticket, err error) {
	select {
	case t.turn <- struct{}{}:
	case <-ctx.Done():
		return k, fmt.Errorf("not sent: %w", ctx.Err())
	}
	defer func() { <-t.turn }()
	for inTime := false; err == nil; {
		var wait time.Duration
		if k, wait, err = t.ask(inTime); err != nil {
			return k, err
		}
		inTime = false
		switch {
		case k.window != nil:
			return k, nil
		case wait > 0:
			err = sleep(ctx, wait)
		case wait < 0:
			err = t.awaitEnd(ctx)
		default:
			err, inTime = t.spaced.Wait(ctx), true
		}
	}
	return k, fmt.Errorf("not sent: %w", err)
}

// ask returns the ticket of the first in the queue if it may be sent now. Else it is to
// wait: for a time; where that is negative, until another ended; and where it is 0, for
// the rate. InTime says that it did the last.
func (t *throttle) ask(inTime bool) (k ticket, wait time.Duration, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := now()
	if wait := t.resume.Sub(now); wait > 0 {
		if !t.since.IsZero() && t.resume.Sub(t.since) > patience {
			return k, 0, errRefused
		}
		return k, wait, nil
	}
	if t.pace.learn(now) {
		inTime = false
		t.newPace()
	}
	if t.underWay >= int(t.limit) {
		return k, -1, nil
	}
	if !inTime {
		t.spaced.SetLimit(min(t.bound, t.pace.limit(now, t.spaced.TokensAt(now) < 1)))
		return k, 0, nil
	}
	t.underWay++
	t.pace.window.taken++
	return ticket{t.round, t.pace.window}, 0, nil
}

// newPace says that the pace is another one. While it is known, the limit need not climb
// slowly.
func (t *throttle) newPace() {
	if t.pace.known() {
		t.fell = false
		t.log.Debug("LoginTC: calls are spaced", "per_second", t.pace.start)
	} else {
		t.log.Debug("LoginTC: calls are not spaced any more")
	}
}

// awaitEnd waits until an attempt ended.
func (t *throttle) awaitEnd(ctx context.Context) error {
	select {
	case <-t.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// end takes in what became of an attempt, and for how long the server asks to be left
// alone, or 0.
func (t *throttle) end(k ticket, o outcome, asked time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	inUse := 2*t.underWay >= int(t.limit)
	t.underWay--
	t.leave()
	switch o {
	case answered:
		t.refusals, t.since = 0, time.Time{}
		if inUse { // else it is something else that bounds the calls
			t.climb()
		}
	case refused:
		t.refuse(k, asked)
	case overloaded:
		t.fall(k)
		t.pause(asked)
	case void:
	}
	select {
	case t.ended <- struct{}{}:
	default:
	}
}

func (t *throttle) climb() {
	before := int(t.limit)
	step := 1.0
	if t.fell {
		step /= t.limit
	}
	t.limit = min(t.limit+step, float64(t.most))
	if int(t.limit) > before {
		t.log.Debug("LoginTC: more calls at once", "limit", int(t.limit))
	}
}

func (t *throttle) fall(k ticket) {
	if k.round != t.round {
		return
	}
	t.round++
	t.fell = true
	if t.limit > 1 {
		t.limit = max(1, t.limit/2)
		t.log.Debug("LoginTC: fewer calls at once", "limit", int(t.limit))
	}
}

// refuse takes in a refusal.
func (t *throttle) refuse(k ticket, asked time.Duration) {
	if !t.pace.known() {
		t.fall(k)
	}
	if t.since.IsZero() {
		t.since = now()
	}
	if t.pace.refused(k.window, now()) {
		t.refusals++
		if asked == 0 {
			asked = backoff(t.least, t.longest, t.refusals-1, nil)
		}
	}
	t.pause(asked)
}

// pause holds back all calls of the client, not only the one that was refused.
func (t *throttle) pause(wait time.Duration) {
	now := now()
	if wait > 0 && !now.Before(t.resume) {
		t.log.Debug("LoginTC: all calls wait", "for", wait)
	}
	if until := now.Add(wait); until.After(t.resume) {
		t.resume = until
	}
}

// now is a moment to measure and to wait from.
func now() time.Time {
	return time.Now() //nolint:forbidigo // nothing that is shown or kept depends on it
}
