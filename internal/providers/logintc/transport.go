package logintc

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxBody bounds an answer, in octets. A page of users has some tens of thousands.
const maxBody = 64 << 20

// transport sends one attempt of a call: it waits for its turn, bounds its time,
// and reads the whole answer, so that a connection that breaks in the middle of
// one is a failed attempt like any other. Where a server closed a connection
// while it was idle, net/http sends a GET once more by itself, which is not
// counted as an attempt.
type transport struct {
	base    *http.Transport
	limiter *rate.Limiter
	slots   chan struct{}
	timeout time.Duration
	maxBody int64
	log     *slog.Logger

	mu sync.Mutex
	// resume is when the server, having answered 429 or 503 with Retry-After, will
	// take calls again.
	resume time.Time
}

func newTransport(o Options) *transport {
	base := http.DefaultTransport.(*http.Transport).Clone() // timeouts, HTTP/2
	base.Proxy = o.Proxy
	if o.Dial != nil {
		base.DialContext = o.Dial
	}
	base.OnProxyConnectResponse = refusedByProxy
	base.MaxIdleConnsPerHost = o.Concurrency
	base.TLSClientConfig = &tls.Config{RootCAs: o.RootCAs, MinVersion: tls.VersionTLS12}
	limit := rate.Inf
	if o.RequestsPerSecond > 0 {
		limit = rate.Limit(o.RequestsPerSecond)
	}
	return &transport{
		base: base, limiter: rate.NewLimiter(limit, 1), slots: make(chan struct{}, o.Concurrency),
		timeout: o.Timeout, maxBody: maxBody, log: o.Logger,
	}
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(request *http.Request) (*http.Response, error) {
	if err := t.turn(request.Context()); err != nil {
		return nil, err
	}
	defer func() { <-t.slots }()
	ctx, cancel := context.WithTimeout(request.Context(), t.timeout)
	defer cancel()
	start := time.Now() //nolint:forbidigo // a duration for the log, no clock
	response, err := t.attempt(request.WithContext(ctx))
	log := t.log.With("method", request.Method, "path", request.URL.RequestURI(), "attempt", number(ctx), "took", time.Since(start))
	if err != nil {
		if ctx.Err() != nil && request.Context().Err() == nil {
			err = fmt.Errorf("no answer within %s", t.timeout)
		}
		log.DebugContext(ctx, "LoginTC", "error", err)
		return nil, err
	}
	log.DebugContext(ctx, "LoginTC", "status", response.StatusCode)
	if response.StatusCode == http.StatusTooManyRequests || response.StatusCode == http.StatusServiceUnavailable {
		t.pause(retryAfter(response))
	}
	return response, nil
}

// attempt returns an answer whose body has been read.
func (t *transport) attempt(request *http.Request) (*http.Response, error) {
	response, err := t.base.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, t.maxBody+1))
	_ = response.Body.Close()
	if err == nil && int64(len(body)) > t.maxBody {
		err = fmt.Errorf("%w: more than %d octets", errTooLarge, t.maxBody)
	}
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}

// number counts the attempts of a call; this is the number of the present one.
func number(ctx context.Context) int {
	a, ok := ctx.Value(attemptsKey{}).(*attempts)
	if !ok {
		return 1
	}
	a.n++
	return a.n
}

// CloseIdleConnections is what http.Client.CloseIdleConnections calls.
func (t *transport) CloseIdleConnections() { t.base.CloseIdleConnections() }

// turn waits until the call may be sent: a slot, a token of the rate, and no
// pause, which may have begun while it waited for the others.
func (t *transport) turn(ctx context.Context) error {
	select {
	case t.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	err := t.limiter.Wait(ctx)
	for err == nil {
		t.mu.Lock()
		wait := time.Until(t.resume)
		t.mu.Unlock()
		if wait <= 0 {
			return nil
		}
		if err = sleep(ctx, wait); err == nil {
			err = t.limiter.Wait(ctx) // so that those held back do not all start at once
		}
	}
	<-t.slots
	return err
}

// pause holds back all calls of the client, not only the one that was refused.
func (t *transport) pause(wait time.Duration) {
	if wait <= 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if until := time.Now().Add(wait); until.After(t.resume) { //nolint:forbidigo // a pause from now, no clock
		t.resume = until
	}
}

func sleep(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
