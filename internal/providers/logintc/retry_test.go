package logintc

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// What is repeated, call by call: twice the failure, then a success.
func TestRepeats(t *testing.T) {
	t.Parallel()
	user := identity.User{Username: "jane", Name: "Jane", Email: "jane@x.example"}
	for name, do := range map[string]func(ctx context.Context, w *Writer) error{
		"GET":    func(ctx context.Context, w *Writer) error { return w.Ping(ctx) },
		"update": func(ctx context.Context, w *Writer) error { return w.UpdateUser(ctx, site, identity.User{}, user) },
		"join":   func(ctx context.Context, w *Writer) error { return w.JoinDomain(ctx, vpn, site) },
		"leave":  func(ctx context.Context, w *Writer) error { return w.LeaveDomain(ctx, vpn, site) },
		"delete": func(ctx context.Context, w *Writer) error { return w.DeleteUser(ctx, site) },
	} {
		for status, calls := range map[int]int{0: 3, 429: 3, 502: 3, 503: 3, 504: 3, 400: 1, 401: 1, 403: 1, 405: 1, 500: 1, 501: 1} {
			t.Run(fmt.Sprintf("%s %d", name, status), func(t *testing.T) {
				t.Parallel()
				s := &script{t: t, answers: []answer{{status: status}, {status: status}, {status: 200, body: `{"status":"OK"}`}}}
				bubble(t, s.ServeHTTP, nil, func(t *testing.T, w *Writer) {
					err := do(t.Context(), w)
					if calls == 3 && err != nil || calls == 1 && !hasStatus(err, status) {
						t.Errorf("%v", err)
					}
					if len(s.seen()) != calls {
						t.Errorf("%d calls: %q", len(s.seen()), s.seen())
					}
				})
			})
		}
	}
}

func TestRetriesEnd(t *testing.T) {
	t.Parallel()
	s := &script{t: t, answers: slices.Repeat([]answer{{status: 503}}, 7)}
	bubble(t, s.ServeHTTP, func(o *Options) { o.RetryWaitMin, o.RetryWaitMax = 0, 0 }, func(t *testing.T, w *Writer) {
		start := time.Now()
		if err := w.Ping(t.Context()); !hasStatus(err, 503) {
			t.Errorf("%v", err)
		}
		// 500 ms doubled each time, of which a random half may be left out.
		if took := time.Since(start); len(s.seen()) != 7 || took < 15*time.Second || took > 32*time.Second {
			t.Errorf("%d calls in %s", len(s.seen()), took)
		}
	})
}

// All calls of a client are held back, those that wait for their turn as well.
func TestRetryAfterHoldsAllCallsBack(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		for _, concurrency := range []int{1, 8} {
			t.Run(fmt.Sprintf("%d, %d at once", status, concurrency), func(t *testing.T) {
				t.Parallel()
				s := &script{t: t, answers: slices.Repeat([]answer{{status: 200, body: `{"status":"OK"}`}}, 20)}
				s.answers = slices.Insert(s.answers, 0, answer{status: status, retryAfter: "60"})
				change := func(o *Options) { o.Concurrency, o.RequestsPerSecond = concurrency, 1 }
				bubble(t, s.ServeHTTP, change, func(t *testing.T, w *Writer) {
					start, done := time.Now(), make(chan error)
					for range 20 {
						go func() { done <- w.Ping(t.Context()) }()
					}
					synctest.Wait()
					if len(s.seen()) != 1 {
						t.Errorf("%d calls before the rate allows a second", len(s.seen()))
					}
					if err := <-done; err != nil || time.Since(start) < time.Minute {
						t.Errorf("an answer after %s: %v", time.Since(start), err)
					}
					for range 19 {
						if err := <-done; err != nil {
							t.Error(err)
						}
					}
				})
			})
		}
	}
}

// The rate holds for repetitions too.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	s := &script{t: t, answers: slices.Repeat([]answer{{status: 200, body: `{"status":"OK"}`}, {status: 503}, {status: 502}}, 7)}
	bubble(t, s.ServeHTTP, func(o *Options) { o.RequestsPerSecond = 2 }, func(t *testing.T, w *Writer) {
		start := time.Now()
		for range 7 {
			if err := w.Ping(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start).Round(time.Millisecond); len(s.seen()) != 19 || took != 9*time.Second {
			t.Errorf("%d calls in %s", len(s.seen()), took)
		}
	})
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	slow := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	bubble(t, slow, func(o *Options) { o.Retries = 1 }, func(t *testing.T, w *Writer) {
		start := time.Now()
		if err := w.Ping(t.Context()); err == nil || !strings.Contains(err.Error(), "GET /ping: no answer within 30s") {
			t.Errorf("%v", err)
		}
		if took := time.Since(start).Round(time.Second); took != time.Minute {
			t.Errorf("%s for two attempts", took)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for header, want := range map[string]time.Duration{
			"":      0,
			"0":     0,
			"7":     7 * time.Second,
			"86400": maxRetryAfter,
			"-7":    0,
			"soon":  0,
			time.Now().Add(90 * time.Second).UTC().Format(http.TimeFormat):  90 * time.Second,
			time.Now().Add(-90 * time.Second).UTC().Format(http.TimeFormat): 0,
		} {
			if got := retryAfter(&http.Response{Header: http.Header{"Retry-After": {header}}}); got != want {
				t.Errorf("%q: %s, not %s", header, got, want)
			}
		}
	})
}

func TestPermanent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want bool
	}{
		{&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, true},
		{tls.RecordHeaderError{Msg: "x"}, true},
		{&net.OpError{Op: "remote error", Err: tls.AlertError(70)}, true},
		{http.ErrSchemeMismatch, true},
		{&net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}, true},
		{errTooLarge, true},
		{&net.OpError{Op: "dial", Err: &net.DNSError{IsTimeout: true}}, false},
		{&net.OpError{Op: "dial", Err: errors.New("connection refused")}, false},
		{&net.OpError{Op: "read", Err: errors.New("connection reset by peer")}, false},
	} {
		if got := permanent(fmt.Errorf("wrapped: %w", c.err)); got != c.want {
			t.Errorf("%v: %t", c.err, got)
		}
	}
}

// A server that is not trusted is not asked again, by a write neither, and what
// the log has of the attempt is no secret.
func TestTLS(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", mediaType)
		_, _ = w.Write([]byte(`{"name":"s3cret"}`))
	}))
	s.Config.ErrorLog = log.New(new(bytes.Buffer), "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	var text bytes.Buffer
	logged := func(o *Options) {
		o.Logger = slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	_, err := writer(t, s.URL, logged).CreateUser(t.Context(), identity.User{Username: "jane"})
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); !ok || strings.Count(err.Error(), "certificate signed by") != 1 {
		t.Errorf("%v", err)
	}
	if n := strings.Count(text.String(), "\n"); n != 1 || !strings.Contains(text.String(), "attempt=1") {
		t.Errorf("%d attempts:\n%s", n, &text)
	}
	_, err = writer(t, strings.Replace(s.URL, "https:", "http:", 1), nil).Organization(t.Context())
	if !hasStatus(err, http.StatusBadRequest) {
		t.Errorf("http to a server of https: %v", err)
	}
	trusting := writer(t, s.URL, func(o *Options) {
		logged(o)
		o.RootCAs = x509.NewCertPool()
		o.RootCAs.AddCert(s.Certificate())
	})
	if name, err := trusting.Organization(t.Context()); name != "s3cret" || err != nil {
		t.Errorf("%q %v", name, err)
	}
	if strings.Contains(text.String(), "s3cret") || strings.Contains(text.String(), key) || !strings.Contains(text.String(), "path=/api/organization attempt=1") {
		t.Error(text.String())
	}
}

// The whole wire form of a call without a body and of one with.
func TestHeaders(t *testing.T) {
	t.Parallel()
	var got []http.Header
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = append(got, r.Header) }))
	t.Cleanup(s.Close)
	w := writer(t, s.URL, func(o *Options) { o.UserAgent = "rollcall/1" })
	if err := errors.Join(w.JoinDomain(t.Context(), vpn, site), w.UpdateUser(t.Context(), site, identity.User{}, identity.User{Name: "J"}), w.DeleteUser(t.Context(), site)); err != nil {
		t.Fatal(err)
	}
	header := func(more ...string) http.Header {
		h := http.Header{
			"Accept": {mediaType}, "Accept-Encoding": {"gzip"},
			"Authorization": {`LoginTC key="` + key + `"`}, "User-Agent": {"rollcall/1"},
		}
		for i := 0; i < len(more); i += 2 {
			h.Set(more[i], more[i+1])
		}
		return h
	}
	want := []http.Header{header("Content-Length", "0"), header("Content-Length", "12", "Content-Type", mediaType), header()}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
