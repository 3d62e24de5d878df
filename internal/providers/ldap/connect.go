package ldap

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// connection is a bound connection to one server.
type connection struct {
	*ldap.Conn
	raw    net.Conn
	server string // its URL
	stop   func() bool
}

func (c *connection) close() {
	c.stop()
	_ = c.Close() // the answers that count were read
}

// connect returns a connection to the first server that can be reached. Refused
// credentials end it at once: trying them again elsewhere locks accounts.
func (d *Directory) connect(ctx context.Context) (*connection, error) {
	var failures []error
	for _, server := range d.servers {
		c, err := d.dial(ctx, server, d.options.Encryption)
		if err == nil {
			return c, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if ldap.IsErrorAnyOf(err, ldap.LDAPResultInvalidCredentials, ldap.LDAPResultInappropriateAuthentication, ldap.LDAPResultConfidentialityRequired) {
			return nil, err
		}
		d.log.DebugContext(ctx, "LDAP server can not be used", "server", server.String(), "error", err)
		failures = append(failures, err)
	}
	return nil, errors.Join(failures...)
}

// dial connects, encrypts and binds, all within ConnectTimeout. When ctx ends the
// connection is closed, whatever it is waiting for.
func (d *Directory) dial(ctx context.Context, server *url.URL, encryption string) (*connection, error) {
	attempt, cancel := context.WithTimeout(ctx, d.options.ConnectTimeout)
	defer cancel()
	raw, err := (&net.Dialer{}).DialContext(attempt, "tcp", server.Host)
	if err != nil {
		return nil, fmt.Errorf("%s can not be reached: %w", server, d.timedOut(attempt, err))
	}
	d.trace.connected(raw)
	// Below, go-ldap waits without a context: the end of the attempt ends the
	// connection instead.
	stopAttempt := context.AfterFunc(attempt, func() { _ = raw.Close() })
	defer stopAttempt()
	wire := raw
	if encryption == EncryptionSSL {
		secured := tls.Client(raw, d.tlsConfig(server.Hostname()))
		if err := secured.HandshakeContext(attempt); err != nil {
			_ = raw.Close()
			return nil, fmt.Errorf("%s: %w", server, explainTLS(d.timedOut(attempt, err)))
		}
		wire = secured
	}
	c := &connection{Conn: ldap.NewConn(wire, encryption == EncryptionSSL), raw: raw, server: server.String()}
	c.stop = context.AfterFunc(ctx, func() { _ = raw.Close() })
	c.Start()
	if encryption == EncryptionStartTLS {
		if err := c.StartTLS(d.tlsConfig(server.Hostname())); err != nil {
			c.close()
			return nil, fmt.Errorf("%s: StartTLS: %w", server, explainTLS(d.timedOut(attempt, err)))
		}
	}
	d.trace.secured()
	if d.options.BindDN != "" && !d.trace.skipsBind() {
		if err := c.Bind(d.options.BindDN, d.options.BindPassword.Reveal()); err != nil {
			c.close()
			return nil, fmt.Errorf("%s: %w", server, d.explainBind(d.timedOut(attempt, err)))
		}
	}
	d.trace.bound()
	if !stopAttempt() { // its time ran out just now
		c.close()
		return nil, fmt.Errorf("%s: %w", server, d.timedOut(attempt, attempt.Err()))
	}
	c.SetTimeout(d.options.SearchTimeout)
	d.log.DebugContext(ctx, "LDAP connection", "server", c.server)
	return c, nil
}

// timedOut tells that the time of an attempt was over, where that is why it failed.
func (d *Directory) timedOut(attempt context.Context, err error) error {
	if errors.Is(attempt.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("no answer within %s (connect_timeout)", d.options.ConnectTimeout)
	}
	return err
}

// explainBind says what was wrong with the bind without its password.
func (d *Directory) explainBind(err error) error {
	who := fmt.Sprintf("binding as %q", d.options.BindDN)
	switch {
	case ldap.IsErrorAnyOf(err, ldap.LDAPResultInvalidCredentials):
		return fmt.Errorf("%s: the server does not take these credentials; check bind_dn and bind_password: %w", who, err)
	case ldap.IsErrorAnyOf(err, ldap.LDAPResultConfidentialityRequired, ldap.LDAPResultStrongAuthRequired):
		return fmt.Errorf("%s: the server wants TLS first; use ldaps:// or encryption = \"starttls\": %w", who, err)
	case ldap.IsErrorAnyOf(err, ldap.LDAPResultInvalidDNSyntax):
		return fmt.Errorf("%s: bind_dn is no DN for the server: %w", who, err)
	}
	return fmt.Errorf("%s: %w", who, err)
}

// configured reports whether the server is one of the directory's own.
func (d *Directory) configured(server *url.URL) bool {
	for _, own := range d.servers {
		if strings.EqualFold(own.Host, server.Host) {
			return true
		}
	}
	return false
}
