package logintc

import (
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/rollcall-cli/rollcall/internal/providers/logintctest"
)

// bubble runs a test with a clock of its own, which jumps to the next moment at
// which something happens. It fails if a goroutine of the client is left.
func bubble(t *testing.T, handler http.HandlerFunc, change func(*Options), test func(t *testing.T, w *Writer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := logintctest.NewPipes()
		server := &http.Server{Handler: handler}
		var serving sync.WaitGroup
		serving.Go(func() { _ = server.Serve(p) })
		w := writer(t, "http://logintc.test", func(o *Options) {
			o.Dial = p.Dial
			if change != nil {
				change(o)
			}
		})
		test(t, w)
		w.http.HTTPClient.CloseIdleConnections()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		serving.Wait()
	})
}

// script answers calls in the order in which they come, and keeps them.
type script struct {
	t       *testing.T
	mu      sync.Mutex
	answers []answer
	calls   []string
}

// seen returns the calls that came.
func (s *script) seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// answer is what a call gets: an error's status, an answer lost, or a body.
type answer struct {
	status     int // 0: the connection is closed
	body       string
	retryAfter string
	mediaType  string // "": the documented one
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.calls = append(s.calls, r.Method+" "+r.URL.RequestURI()[len("/api"):])
	if len(s.answers) == 0 {
		s.mu.Unlock()
		s.t.Errorf("a call too many: %s", s.calls[len(s.calls)-1])
		panic(http.ErrAbortHandler)
	}
	a := s.answers[0]
	s.answers = s.answers[1:]
	s.mu.Unlock()
	if a.status == 0 {
		panic(http.ErrAbortHandler)
	}
	if a.mediaType == "" {
		a.mediaType = mediaType
	}
	w.Header().Set("Content-Type", a.mediaType)
	if a.retryAfter != "" {
		w.Header().Set("Retry-After", a.retryAfter)
	}
	w.WriteHeader(a.status)
	_, _ = w.Write([]byte(a.body))
}
