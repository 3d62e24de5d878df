package logintctest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

// Server is an emulator on a free port of 127.0.0.1.
type Server struct {
	*Emulator
	// URL is "http://127.0.0.1:PORT"; the API is at URL + "/api".
	URL string

	stop    context.CancelFunc
	stopped chan struct{}
}

// Start starts a server, which the caller closes.
func Start(opts Options) (*Server, error) {
	e, err := New(opts)
	if err != nil {
		return nil, err
	}
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{Emulator: e, URL: "http://" + l.Addr().String(), stop: stop, stopped: make(chan struct{})}
	go func() {
		defer close(s.stopped)
		_ = Serve(ctx, l, e) // it ends with Close
	}()
	return s, nil
}

// Close closes the listener and every connection. It may be called twice.
func (s *Server) Close() {
	s.stop()
	<-s.stopped
}

// Listen listens on a TCP address of this machine alone, such as
// "127.0.0.1:8080", "[::1]:0" or "localhost:0"; port 0 takes a free one. Any
// other address is an error: the emulator has no TLS and shows its data to
// whoever asks.
func Listen(addr string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("listen address %q is not HOST:PORT, such as 127.0.0.1:0: %w", addr, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("listen address %q is not a loopback address: use 127.0.0.1, [::1] or localhost", addr)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("the emulator can not listen on %s: %w", addr, err)
	}
	if tcp, isTCP := l.Addr().(*net.TCPAddr); !isTCP || !tcp.IP.IsLoopback() {
		_ = l.Close()
		return nil, fmt.Errorf("listen address %q became %s, which is not a loopback address: use 127.0.0.1", addr, l.Addr())
	}
	return l, nil
}

// Serve serves e on l until ctx ends, then closes l and every connection and
// returns nil.
func Serve(ctx context.Context, l net.Listener, e *Emulator) error {
	srv := &http.Server{
		Handler:           e,
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          log.New(io.Discard, "", 0), // broken connections are what faults are for
	}
	release := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer release()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("the emulator stopped: %w", err)
	}
	return nil
}
