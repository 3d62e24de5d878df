package ldap

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// connection is a bound connection to one server.
type connection struct {
	*ldap.Conn
	sieve  *sieve
	raw    net.Conn
	server string // its URL
	stop   func() bool
}

func (c *connection) close() {
	c.stop()
	_ = c.Close() // the answers that count were read
}

// connect returns a connection to the first server that can be reached. A bind that was
// refused ends it at once: trying it again elsewhere locks accounts.
func (d *Directory) connect(ctx context.Context) (*connection, error) {
	servers, failures := d.candidates(ctx)
	for _, server := range servers {
		c, err := d.dial(ctx, server, d.options.Encryption)
		if err == nil {
			return c, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if _, ok := errors.AsType[*refusedError](err); ok {
			return nil, err
		}
		d.log.DebugContext(ctx, "LDAP server can not be used", "server", server.String(), "error", err)
		failures = append(failures, err)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return nil, errors.Join(failures...)
}

// keepAlive notices within 90 s that the other side is gone, and keeps firewalls from
// forgetting a connection that waits for a slow page.
func keepAlive() net.KeepAliveConfig {
	return net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 15 * time.Second, Count: 4}
}

// dial connects and encrypts within ConnectTimeout, and binds within BindTimeout. When
// ctx ends the connection is closed, whatever it is waiting for.
func (d *Directory) dial(ctx context.Context, server *url.URL, encryption string) (*connection, error) {
	attempt, cancel := context.WithTimeoutCause(ctx, d.options.ConnectTimeout, &timeoutError{d.options.ConnectTimeout, "connect_timeout"})
	defer cancel()
	raw, err := (&net.Dialer{KeepAliveConfig: keepAlive()}).DialContext(attempt, "tcp", server.Host)
	if err != nil {
		return nil, fmt.Errorf("%s can not be reached: %w", server, timedOut(attempt, err))
	}
	c := &connection{raw: raw, server: server.String()}
	c.stop = context.AfterFunc(ctx, func() { _ = raw.Close() })
	err = closing(attempt, raw, func() error { return d.encrypt(attempt, c, server.Hostname(), encryption) })
	if err == nil {
		bind, cancel := context.WithTimeoutCause(ctx, d.options.BindTimeout, &timeoutError{d.options.BindTimeout, "bind_timeout"})
		defer cancel()
		err = closing(bind, raw, func() error { return d.bind(bind, c, server) })
	}
	if err != nil {
		c.stop()
		if c.Conn != nil {
			_ = c.Close() // there is an error already
		}
		_ = raw.Close()
		return nil, fmt.Errorf("%s: %w", server, err)
	}
	c.SetTimeout(d.options.SearchTimeout)
	d.log.DebugContext(ctx, "LDAP connection", "server", c.server)
	return c, nil
}

// closing does a step of a connection that go-ldap does without a context: the end of
// ctx ends the connection instead.
func closing(ctx context.Context, raw net.Conn, step func() error) error {
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	err := step()
	if !stop() && err == nil { // its time ran out just now
		err = timedOut(ctx, ctx.Err())
	}
	return err
}

// encrypt begins TLS and the conversation.
func (d *Directory) encrypt(ctx context.Context, c *connection, host, encryption string) error {
	if encryption == EncryptionNone {
		c.attach(c.raw, false)
		c.Start()
		return nil
	}
	step := func(err error) error { return explainTLS(timedOut(ctx, err)) }
	if encryption == EncryptionStartTLS {
		step = func(err error) error { return fmt.Errorf("StartTLS: %w", explainTLS(timedOut(ctx, err))) }
		if err := startTLS(c.raw); err != nil {
			return step(err)
		}
	}
	secured := tls.Client(c.raw, d.tlsConfig(host))
	if err := secured.HandshakeContext(ctx); err != nil {
		return step(err)
	}
	c.attach(secured, true)
	c.Start()
	return nil
}

func (d *Directory) tlsConfig(host string) *tls.Config {
	c := &tls.Config{
		ServerName: host, RootCAs: d.roots, MinVersion: tls.VersionTLS12,
		InsecureSkipVerify: d.options.InsecureSkipVerify, //nolint:gosec // explicit in the configuration, and warned about there
	}
	if d.certificate != nil {
		c.Certificates = []tls.Certificate{*d.certificate}
	}
	return c
}

// timeoutError says which bound of time was passed.
type timeoutError struct {
	limit   time.Duration
	setting string
}

func (e *timeoutError) Error() string {
	return fmt.Sprintf("no answer within %s (%s)", e.limit, e.setting)
}

// timedOut tells that the time of a step was over, where that is why it failed.
func timedOut(ctx context.Context, err error) error {
	if late, ok := errors.AsType[*timeoutError](context.Cause(ctx)); ok {
		return late
	}
	return err
}
