package logintc

import (
	"math"
	"time"

	"golang.org/x/time/rate"
)

// How the rate moves: scale is how long it takes to come to twice the rate that it is
// about. It is short while that is being looked for, and doubles each time that the
// server refuses at a known one, to lastScale or the time of lastCalls calls: the better
// the rate is known, the slower it is left.
const (
	firstScale = 5 * time.Second
	lastScale  = 20 * time.Second
	lastCalls  = 60
	// After a refusal the rate is between these parts of what it was.
	leastKept, mostKept = 0.7, 0.95
	// useless is the part of the best rate below which it does not pay to space calls:
	// the server refuses whatever the rate is, or takes far less by now.
	useless = 1. / 3
	// needless is how many times the rate that it is about one is that bounds nothing.
	needless = 8
)

// pace is the rate that a server which refuses calls was seen to take. There is none
// until it has refused twice: how many calls it takes between two refusals tells what
// it allows, whatever stock it had to begin with, and one refusal may be a mistake.
//
// From there the rate climbs: slowly where the limit is thought to be, faster the longer
// that was no limit, until the next refusal (a cubic, as in RFC 9438 and in the adaptive
// mode of AWS's SDKs).
type pace struct {
	// window is the present one. Closed is the one before, until it was learned from.
	window, closed *window
	// start is the rate after the last refusal, about where the limit is thought to be,
	// in calls a second; about is 0 where no rate is known.
	start, about float64
	began        time.Time // the time of start
	scale        time.Duration
	best         float64 // of the rates that were measured since one is known
}

// window is the time from one refusal to the next. From is zero for the one before the
// first.
type window struct {
	from, to time.Time
	// taken counts the calls that were sent in it and not refused.
	taken int
}

func newPace() pace { return pace{window: new(window)} }

// known reports whether there is a rate.
func (p *pace) known() bool { return p.about > 0 }

// refused notes that a call of the window was refused, and reports whether that is news:
// others of its window were not before.
func (p *pace) refused(w *window, now time.Time) bool {
	w.taken--
	if w != p.window {
		return false
	}
	w.to = now
	p.closed, p.window = w, &window{from: now}
	return true
}

// learn changes the rate after a refusal. It is called when the next call may be sent:
// the answers to those that were under way have come by then. It reports whether the
// rate is another one.
func (p *pace) learn(now time.Time) bool {
	w := p.closed
	if w == nil {
		return false
	}
	p.closed = nil
	measured := 0.0
	if !w.from.IsZero() && w.to.After(w.from) {
		measured = float64(w.taken) / w.to.Sub(w.from).Seconds()
		if w.taken == 0 {
			p.window.from = w.from // nothing was taken since: it is all one
		}
	}
	switch {
	case !p.known() && measured == 0:
		return false
	case !p.known():
		p.start, p.about, p.scale, p.best = measured, measured, firstScale, 0
	case measured < useless*p.best:
		p.about = 0
		return true
	default:
		last := p.at(w.to)
		p.start = min(max(measured, leastKept*last), mostKept*last)
		p.about = (p.start + last) / 2
		p.scale = min(2*p.scale, max(lastScale, time.Duration(lastCalls/p.about*float64(time.Second))))
	}
	p.began, p.best = now, max(p.best, measured)
	return true
}

// at is the rate at a time. There must be one.
func (p *pace) at(now time.Time) float64 {
	plateau := math.Cbrt(1 - p.start/p.about)
	x := max(0, now.Sub(p.began).Seconds())/p.scale.Seconds() - plateau
	return p.about * (1 + x*x*x)
}

// limit is the rate from now on. Bounds says that calls wait for it: what is far above
// the rate that it is about, and does not bound them, is forgotten.
func (p *pace) limit(now time.Time, bounds bool) rate.Limit {
	if !p.known() {
		return rate.Inf
	}
	limit := p.at(now)
	if limit > needless*p.about && !bounds {
		p.about, p.window.from = 0, time.Time{}
		return rate.Inf
	}
	return rate.Limit(limit)
}

// rest says that there was nothing to send for a while, which tells nothing.
func (p *pace) rest(idle time.Duration) {
	p.began = p.began.Add(idle)
	if !p.window.from.IsZero() {
		p.window.from = p.window.from.Add(idle)
	}
}
