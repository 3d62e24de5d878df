package logintc

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcall-cli/rollcall/internal/providers/logintctest"
)

// Against the emulator: no call fails, the rate is used, and few calls are refused; none
// where the configuration has the rate.
func TestRefusedCallsGetThrough(t *testing.T) {
	t.Parallel()
	const users, perSecond = 600, 20
	for name, c := range map[string]struct {
		configured float64
		refused    int // at most
	}{
		"learned":    {0, 50},
		"configured": {perSecond, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := organization(users)
			for i := range data.Users {
				data.Users[i].ID = fmt.Sprintf("%040x", i+1)
			}
			emulator, err := logintctest.New(logintctest.Options{Data: data, RateLimit: perSecond, Now: time.Now, API: "1.3"})
			if err != nil {
				t.Fatal(err)
			}
			bubble(t, emulator.ServeHTTP, func(o *Options) { o.RequestsPerSecond = c.configured }, func(t *testing.T, w *Writer) {
				start := time.Now()
				var joining sync.WaitGroup
				for i := range users {
					joining.Go(func() {
						if err := w.JoinDomain(t.Context(), site, data.Users[i].ID); err != nil {
							t.Error(err)
						}
					})
				}
				joining.Wait()
				refused := 0
				for _, call := range emulator.Requests().Calls {
					if call.Status == http.StatusTooManyRequests {
						refused++
					}
				}
				took := time.Since(start).Seconds()
				if use := (users - perSecond) / (perSecond * took); use < 0.95 || refused > c.refused {
					t.Errorf("%.1f%% of the rate used, %d refused", 100*use, refused)
				}
			})
		})
	}
}

// Where all calls are refused for long, they fail, and nobody takes them for done.
func TestAllCallsRefused(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	var well atomic.Bool
	handler := func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1); !well.Load() {
			w.Header().Set("Retry-After", "60")
			w.WriteHeader(http.StatusTooManyRequests)
		}
	}
	bubble(t, handler, nil, func(t *testing.T, w *Writer) {
		start := time.Now()
		failures := make(chan error)
		for range 100 {
			go func() { failures <- w.JoinDomain(t.Context(), vpn, site) }()
		}
		told, sent := 0, 0
		for range 100 {
			err := <-failures
			if _, uncertain := errors.AsType[*UncertainError](err); uncertain || err == nil || !strings.Contains(err.Error(), "429 Too Many Requests") || !strings.Contains(err.Error(), "set requests_per_second") {
				t.Fatalf("%v", err)
			}
			told++
			if hasStatus(err, http.StatusTooManyRequests) {
				sent++
			} else if !errors.Is(err, errRefused) {
				t.Errorf("%v", err)
			}
		}
		if took := time.Since(start); took < patience-time.Minute || took > patience+time.Minute {
			t.Errorf("given up after %s", took)
		}
		if n := calls.Load(); n > firstLimit+20 || sent == 0 || sent == told {
			t.Errorf("%d calls, %d of %d errors are of calls that were sent", n, sent, told)
		}
		well.Store(true)
		time.Sleep(time.Minute)
		if err := w.JoinDomain(t.Context(), vpn, site); err != nil {
			t.Errorf("when it is well again: %v", err)
		}
	})
}

// connections counts those that are made to a server.
func connections(s *httptest.Server) *atomic.Int64 {
	var made atomic.Int64
	s.Config.ConnState = func(_ net.Conn, to http.ConnState) {
		if to == http.StateNew {
			made.Add(1)
		}
	}
	return &made
}

// Calls at once share connections of HTTP/2, once one is known to be of it, and keep as
// many as they need of HTTP/1.1.
func TestConnectionsAreKept(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		http2   bool
		streams int // at once on a connection of HTTP/2; 0 for as many as there are
		most    int64
	}{
		"HTTP/2":              {true, 0, firstLimit},
		"HTTP/2 with a bound": {true, 10, 500}, // net/http makes some too many
		"HTTP/1.1":            {false, 0, 64},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var other, underWay, most atomic.Int64
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if (r.ProtoMajor == 2) != c.http2 {
					other.Add(1)
				}
				if n := underWay.Add(1); n > most.Load() {
					most.Store(n)
				}
				time.Sleep(2 * time.Millisecond)
				underWay.Add(-1)
			}))
			s.EnableHTTP2 = c.http2
			s.Config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: c.streams}
			made := connections(s)
			s.StartTLS()
			t.Cleanup(s.Close)
			w := writer(t, s.URL, func(o *Options) {
				o.Concurrency = 64
				o.RootCAs = x509.NewCertPool()
				o.RootCAs.AddCert(s.Certificate())
			})
			var joining sync.WaitGroup
			for range 64 {
				joining.Go(func() {
					for range 30 {
						if err := w.JoinDomain(t.Context(), vpn, site); err != nil {
							t.Error(err)
						}
					}
				})
			}
			joining.Wait()
			if other.Load() > 0 || made.Load() > c.most || most.Load() < 2*firstLimit {
				t.Errorf("%d calls of the other version, %d connections, %d calls at once", other.Load(), made.Load(), most.Load())
			}
		})
	}
}

// Who gives up while a call waits for its turn is told that it was not sent, also where
// an earlier attempt of it was refused.
func TestNotSent(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"refused before": http.StatusTooManyRequests, "overloaded before": http.StatusServiceUnavailable} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handler := func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", "60")
				w.WriteHeader(status)
			}
			bubble(t, handler, nil, func(t *testing.T, w *Writer) {
				ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
				defer cancel()
				err := w.JoinDomain(ctx, vpn, site)
				_, uncertain := errors.AsType[*UncertainError](err)
				if !errors.Is(err, context.DeadlineExceeded) || uncertain != (status == http.StatusServiceUnavailable) {
					t.Errorf("uncertain: %t; %v", uncertain, err)
				}
				if status == http.StatusTooManyRequests && !strings.HasSuffix(err.Error(), ": not sent: context deadline exceeded") {
					t.Errorf("%v", err)
				}
			})
		})
	}
}
