package logintc

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"time"
)

// maxRetryAfter bounds how long a server can make a call wait.
const maxRetryAfter = 5 * time.Minute

// errTooLarge says that an answer has more than maxBody octets.
var errTooLarge = errors.New("the answer is too large")

// attempts goes with a call, in its context.
type attempts struct {
	once bool // as in call
	n    int  // begun so far
	sent int  // of those, not refused
	lost bool // one of them may have been acted upon though no answer said so
}

type attemptsKey struct{}

// begin counts an attempt, and returns its number.
func (a *attempts) begin() int {
	if a == nil {
		return 1
	}
	a.n++
	a.sent++
	return a.n
}

// undo says that the server refused the last one.
func (a *attempts) undo() {
	if a != nil {
		a.sent--
	}
}

// checkRetry says whether a call is sent again. What was refused (429) comes here once
// the transport has given up. It implements retryablehttp.CheckRetry.
func checkRetry(ctx context.Context, response *http.Response, err error) (bool, error) {
	if ctx.Err() != nil {
		return false, cmp.Or(err, ctx.Err())
	}
	a, _ := ctx.Value(attemptsKey{}).(*attempts)
	once := a != nil && a.once
	if a != nil && (err != nil && !permanent(err) || err == nil && response.StatusCode >= http.StatusInternalServerError) {
		a.lost = true
	}
	if err != nil {
		return !once && !permanent(err), nil
	}
	return !once && passing(response.StatusCode), nil
}

// passing reports whether a status says that something in front of the API, or
// the API for a while, could not answer.
func passing(status int) bool {
	return status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout
}

// permanent reports whether an attempt without an answer would fail in the same
// way again: one side does not accept the other's TLS, there is no such host, the
// answer is too large, all calls are refused.
func permanent(err error) bool {
	if errors.Is(err, errTooLarge) || errors.Is(err, errRefused) || errors.Is(err, http.ErrSchemeMismatch) {
		return true
	}
	if refused, ok := errors.AsType[*ProxyError](err); ok {
		return !passing(refused.Status)
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return true
	}
	if name, ok := errors.AsType[*net.DNSError](err); ok {
		return name.IsNotFound
	}
	// What crypto/tls names an alert that it received or sent.
	op, ok := errors.AsType[*net.OpError](err)
	return ok && (op.Op == "remote error" || op.Op == "local error")
}

// UncertainError says that a call may have been acted upon though it failed.
type UncertainError struct{ Err error }

func (e *UncertainError) Error() string { return e.Err.Error() }

// Unwrap returns how it failed.
func (e *UncertainError) Unwrap() error { return e.Err }

// Uncertain is what those ask who do not know this type.
func (e *UncertainError) Uncertain() bool { return true }

// uncertain reports whether a call may have been acted upon though it failed: no
// answer came, or one by which a server or proxy says that it does not know.
func uncertain(err error) bool {
	if api, ok := errors.AsType[*APIError](err); ok {
		return api.Status >= http.StatusInternalServerError
	}
	return !permanent(err)
}

// repeatable reports whether an uncertain call that was not acted upon may do
// better the next time.
func repeatable(err error) bool {
	api, ok := errors.AsType[*APIError](err)
	return !ok || passing(api.Status)
}

// backoff is how long to wait before the next attempt: what the server asks for,
// else an exponential time of which a random part is waited, so that clients
// that were refused together do not come back together. It implements
// retryablehttp.Backoff.
func backoff(least, most time.Duration, attempt int, response *http.Response) time.Duration {
	if asked := retryAfter(response); asked > 0 {
		return asked
	}
	wait := least << min(attempt, 16)
	if wait > most || wait <= 0 {
		wait = most
	}
	return wait/2 + rand.N(wait/2+1)
}

// retryAfter is what a Retry-After header asks for (RFC 9110, 10.2.3), 0 where
// there is none.
func retryAfter(response *http.Response) time.Duration {
	if response == nil {
		return 0
	}
	header := response.Header.Get("Retry-After")
	if header == "" { // as almost always
		return 0
	}
	var wait time.Duration
	if seconds, err := strconv.ParseUint(header, 10, 31); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(header); err == nil {
		wait = time.Until(at)
	}
	return max(0, min(wait, maxRetryAfter))
}
