package logintc

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// maxBody bounds an answer, in octets. A page of users has some tens of thousands.
const maxBody = 64 << 20

// transport sends the attempts of a call: each waits for its turn, is bounded in time,
// and has its whole answer read, so that a connection that breaks in the middle of one
// is a failed attempt like any other. What the server refuses (429) it did not do: that
// is sent again, as often as it takes while other calls get through. Where a server
// closed a connection while it was idle, net/http sends a GET once more by itself, which
// is not counted as an attempt.
type transport struct {
	base     *http.Transport
	throttle *throttle
	timeout  time.Duration
	maxBody  int64
	buffers  sync.Pool // of *bytes.Buffer, for bodies
	log      *slog.Logger
}

func newTransport(o Options) *transport {
	base := http.DefaultTransport.(*http.Transport).Clone() // timeouts, HTTP/2
	base.Proxy = o.Proxy
	if o.Dial != nil {
		base.DialContext = o.Dial
	}
	base.OnProxyConnectResponse = refusedByProxy
	// As many as there are calls: none is made while another becomes free, none is closed.
	base.MaxConnsPerHost, base.MaxIdleConnsPerHost, base.MaxIdleConns = o.Concurrency, o.Concurrency, o.Concurrency
	base.TLSClientConfig = &tls.Config{RootCAs: o.RootCAs, MinVersion: tls.VersionTLS12}
	return &transport{base: base, throttle: newThrottle(o), timeout: o.Timeout, maxBody: maxBody, log: o.Logger}
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx := request.Context()
	tried, _ := ctx.Value(attemptsKey{}).(*attempts)
	var refusal *http.Response
	for {
		k, err := t.throttle.begin(ctx)
		if errors.Is(err, errRefused) && refusal != nil {
			return refusal, nil
		} else if err != nil {
			return nil, err
		}
		response, err := t.send(request, tried.begin())
		if err != nil {
			t.throttle.end(k, failure(ctx, err), 0)
			return nil, err
		}
		o := outcomeOf(response.StatusCode)
		t.throttle.end(k, o, retryAfter(response))
		if o != refused {
			return response, nil
		}
		tried.undo()
		refusal = response
		if request, err = again(request); err != nil {
			return nil, err
		}
	}
}

// failure is the outcome of an attempt that no answer came to.
func failure(ctx context.Context, err error) outcome {
	if ctx.Err() != nil || permanent(err) {
		return void
	}
	return overloaded
}

// outcomeOf is the outcome of an attempt that was answered.
func outcomeOf(status int) outcome {
	switch {
	case status == http.StatusTooManyRequests:
		return refused
	case passing(status):
		return overloaded
	}
	return answered
}

// again returns a request that can be sent in the place of one that was.
func again(request *http.Request) (*http.Request, error) {
	request = request.WithContext(request.Context()) // a copy
	if request.Body == nil {
		return request, nil
	}
	var err error
	request.Body, err = request.GetBody()
	return request, err
}

// send sends one attempt and notes it in the log.
func (t *transport) send(request *http.Request, number int) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(request.Context(), t.timeout)
	defer cancel()
	start := now()
	response, err := t.attempt(request.WithContext(ctx))
	if err != nil && ctx.Err() != nil && request.Context().Err() == nil {
		err = fmt.Errorf("no answer within %s", t.timeout)
	}
	if t.log.Enabled(ctx, slog.LevelDebug) {
		log := t.log.With("method", request.Method, "path", request.URL.RequestURI(), "attempt", number, "took", now().Sub(start))
		if err != nil {
			log.DebugContext(ctx, "LoginTC", "error", err)
		} else {
			log.DebugContext(ctx, "LoginTC", "status", response.StatusCode)
		}
	}
	return response, err
}

// attempt returns an answer whose body has been read.
func (t *transport) attempt(request *http.Request) (*http.Response, error) {
	response, err := t.base.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	buffer, _ := t.buffers.Get().(*bytes.Buffer)
	if buffer == nil {
		buffer = &bytes.Buffer{}
	}
	if size := response.ContentLength; size > 0 {
		buffer.Grow(int(min(size, maxForeseen)) + bytes.MinRead) // what it takes to read it without growing
	}
	_, err = buffer.ReadFrom(io.LimitReader(response.Body, t.maxBody+1))
	_ = response.Body.Close()
	if err == nil && int64(buffer.Len()) > t.maxBody {
		err = fmt.Errorf("%w: more than %d octets", errTooLarge, t.maxBody)
	}
	if err != nil {
		return nil, err
	}
	response.Body = &content{Reader: bytes.NewReader(buffer.Bytes()), buffer: buffer, of: &t.buffers}
	return response, nil
}

// content is the body of an answer that was read. Its octets are another answer's once it
// is closed.
type content struct {
	*bytes.Reader
	buffer *bytes.Buffer // nil once it is closed
	of     *sync.Pool
}

// maxForeseen bounds what is set aside for an answer because it says so, in octets.
const maxForeseen = 4 << 20

// maxKept bounds what is kept for other answers, in octets. A page of a listing has less, the
// outcomes of a large job have more.
const maxKept = 1 << 20

// Close implements io.Closer.
func (c *content) Close() error {
	if c.buffer != nil {
		if c.buffer.Cap() <= maxKept {
			c.buffer.Reset()
			c.of.Put(c.buffer)
		}
		c.buffer, c.Reader = nil, bytes.NewReader(nil)
	}
	return nil
}

// octets returns the whole body of an answer.
func octets(body io.ReadCloser) ([]byte, error) {
	if c, ok := body.(*content); ok && c.buffer != nil {
		return c.buffer.Bytes(), nil
	}
	return io.ReadAll(body)
}

// CloseIdleConnections is what http.Client.CloseIdleConnections calls.
func (t *transport) CloseIdleConnections() { t.base.CloseIdleConnections() }

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
