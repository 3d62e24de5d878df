package logintctest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ServeHTTP implements http.Handler: the API below /api/, the emulator's own
// paths below /emulator/.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasPrefix(r.URL.Path, "/api/"):
		e.serveAPI(w, r)
	case strings.HasPrefix(r.URL.Path, "/emulator/"):
		e.serveOwn(w, r)
	default:
		answer := notFound("call", "the API is below /api/")
		e.record(r, answer.status)
		answer.write(w, false)
	}
}

// serveAPI is the way of every request: limit, wait, fault, act, answer. One
// that the limit refuses is not counted by the faults.
func (e *Emulator) serveAPI(w http.ResponseWriter, r *http.Request) {
	if wait := e.overLimit(); wait > 0 {
		answer := fail(http.StatusTooManyRequests, "toomanyrequests", "the rate limit is passed")
		answer.retryAfter = strconv.Itoa(int(math.Ceil(wait.Seconds())))
		e.record(r, answer.status)
		answer.write(w, false)
		return
	}
	fault := e.hit(r)
	if !pause(r.Context(), e.latency+fault.delay) || fault.drop == dropBefore {
		e.record(r, 0)
		abort()
	}
	answer, replaced := fault.instead()
	if replaced {
		e.record(r, answer.status)
	} else {
		answer = e.act(r, fault)
	}
	if fault.drop == dropAfter {
		abort()
	}
	answer.write(w, fault.half)
	if fault.half && len(answer.body) > 0 {
		abort()
	}
}

// abort closes the connection: net/http does so, and logs nothing, when a
// handler panics with this value.
func abort() { panic(http.ErrAbortHandler) }

// act carries a request out and records it in one, so that the order of the
// calls is the order of what they did.
func (e *Emulator) act(r *http.Request, fault effect) reply {
	// The client may send its body slowly, so it is read before the lock is held.
	body, err := readBody(r)
	e.mu.Lock()
	defer e.mu.Unlock()
	answer := badRequest("badrequest.body", "the body ended early")
	if err == nil {
		answer = e.answer(r, body, fault.page)
	}
	status := answer.status
	if fault.drop == dropAfter {
		status = 0
	}
	e.note(r, status)
	return answer
}

// readBody reads no more than it takes to see that a body is too large.
func readBody(r *http.Request) ([]byte, error) {
	if r.ContentLength == 0 {
		return nil, nil
	}
	var b bytes.Buffer
	if r.ContentLength > 0 {
		b.Grow(int(min(r.ContentLength, maxBody)) + bytes.MinRead) // what it takes to read it without growing
	}
	_, err := b.ReadFrom(io.LimitReader(r.Body, maxBody+1))
	return b.Bytes(), err
}

// answer holds a request against the documentation and answers it, under the lock.
func (e *Emulator) answer(r *http.Request, body []byte, page pageFault) reply {
	e.advance()
	if key := r.Header.Values("Authorization"); len(key) != 1 || key[0] != e.org.authorization {
		return fail(http.StatusUnauthorized, "unauthorized", `send the header Authorization: LoginTC key="K" with the organization's key`)
	}
	found, names := match(e.routes, strings.TrimPrefix(r.URL.EscapedPath(), "/api/"))
	if found == nil {
		return notFound("call", "no documented call has this path")
	}
	a, allow := found.find(r.Method)
	if a == nil {
		refusal := fail(http.StatusMethodNotAllowed, "methodnotallowed", "no documented call has this method here")
		refusal.allow = allow
		return refusal
	}
	if refusal, wrong := checkRequest(r, a, body); wrong {
		return refusal
	}
	q, refusal, wrong := readQuery(r, a, e.sync)
	if wrong {
		return refusal
	}
	c := &call{
		org: e.org, pageSize: e.pageSize, page: page, query: q, body: body,
		sync: e.sync, now: e.clock(), group: names["{group}"], job: names["{job}"],
	}
	if id, named := names["{domain}"]; named {
		if c.domain = e.org.domains[id]; c.domain == nil {
			return notFound("domain", "no domain has this id")
		}
	}
	if id, named := names["{user}"]; named {
		if c.user = e.org.byID[id]; c.user == nil {
			return notFound("user", "no user has this id")
		}
	}
	return a.do(c)
}

// clock is the emulator's time.
func (e *Emulator) clock() time.Time {
	if e.now == nil {
		return time.Now() //nolint:forbidigo // the default of Options.Now
	}
	return e.now()
}

// overLimit returns how long to wait for the next request, 0 where this one is served.
func (e *Emulator) overLimit() time.Duration {
	if e.limiter == nil {
		return 0
	}
	var wait time.Duration
	if e.now == nil {
		reservation := e.limiter.Reserve()
		if wait = reservation.Delay(); wait > 0 {
			reservation.Cancel()
		}
		return wait
	}
	now := e.now()
	reservation := e.limiter.ReserveN(now, 1)
	if wait = reservation.DelayFrom(now); wait > 0 {
		reservation.CancelAt(now)
	}
	return wait
}

func (e *Emulator) record(r *http.Request, status int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.note(r, status)
}

func (e *Emulator) note(r *http.Request, status int) {
	e.calls = append(e.calls, Call{Method: r.Method, Path: r.URL.RequestURI(), Status: status})
}

// serveOwn answers the emulator's own paths, which need no key and are not counted.
func (e *Emulator) serveOwn(w http.ResponseWriter, r *http.Request) {
	switch r.Method + " " + r.URL.Path {
	case "GET /emulator/data":
		writeJSON(w, e.Data())
	case "GET /emulator/requests":
		writeJSON(w, e.Requests())
	case "GET /emulator/counts":
		writeJSON(w, e.Counts())
	case "GET /emulator/mails":
		writeJSON(w, e.Mails())
	case "POST /emulator/reset":
		e.Reset()
		w.WriteHeader(http.StatusNoContent)
	default:
		http.Error(w, "known are GET /emulator/data, GET /emulator/requests, GET /emulator/counts, GET /emulator/mails and POST /emulator/reset", http.StatusNotFound)
	}
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	_ = enc.Encode(v) // the other side may be gone, which is its own affair
}

// pause waits, and reports whether the client is still there.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
