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

// maxBody bounds an answer, in octets.
const maxBody = 64 << 20

// transport sends one attempt of a call: it waits for its turn, bounds its time,
// and reads the whole answer, so that a connection that breaks in the middle of
// one is a failed attempt like any other.
type transport struct {
	base    http.RoundTripper
	limiter *rate.Limiter
	slots   chan struct{}
	timeout time.Duration
	log     *slog.Logger

	mu sync.Mutex
	// resume is when the server, having answered 429, will take calls again.
	resume time.Time
}

func newTransport(o Options) *transport {
	base := http.DefaultTransport.(*http.Transport).Clone() // proxies from the environment, HTTP/2
	base.MaxIdleConnsPerHost = o.Concurrency
	base.TLSClientConfig = &tls.Config{RootCAs: o.RootCAs, MinVersion: tls.VersionTLS12}
	limit := rate.Inf
	if o.RequestsPerSecond > 0 {
		limit = rate.Limit(o.RequestsPerSecond)
	}
	return &transport{
		base: base, limiter: rate.NewLimiter(limit, 1), slots: make(chan struct{}, o.Concurrency),
		timeout: o.Timeout, log: o.Logger,
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
	response, err := t.base.RoundTrip(request.WithContext(ctx))
	if err != nil {
		t.log.DebugContext(ctx, "LoginTC", "method", request.Method, "path", request.URL.Path, "error", err)
		return nil, t.explain(ctx, request, err)
	}
	body, err := readAll(response.Body)
	_ = response.Body.Close()
	t.log.DebugContext(ctx, "LoginTC", "method", request.Method, "path", request.URL.Path, "status", response.StatusCode, "took", time.Since(start))
	if err != nil {
		return nil, t.explain(ctx, request, err)
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	if response.StatusCode == http.StatusTooManyRequests {
		t.pause(retryAfter(response))
	}
	return response, nil
}

// turn waits until the call may be sent: no pause, a slot, a token of the rate.
func (t *transport) turn(ctx context.Context) error {
	for {
		t.mu.Lock()
		wait := time.Until(t.resume)
		t.mu.Unlock()
		if wait <= 0 {
			break
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
	select {
	case t.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := t.limiter.Wait(ctx); err != nil {
		<-t.slots
		return err
	}
	return nil
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

// explain tells a time-out of the attempt from an end of the caller's context.
func (t *transport) explain(ctx context.Context, request *http.Request, err error) error {
	if ctx.Err() != nil && request.Context().Err() == nil {
		return fmt.Errorf("no answer within %s", t.timeout)
	}
	return err
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

func readAll(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxBody+1))
	if err == nil && len(body) > maxBody {
		err = fmt.Errorf("the answer is larger than %d octets", maxBody)
	}
	return body, err
}
