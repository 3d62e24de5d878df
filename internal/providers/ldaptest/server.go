package ldaptest

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	"github.com/go-ldap/ldif"
)

// Server is a real LDAP server on loopback: a Slapd, a Samba or a DS389.
type Server interface {
	// Where says how it is reached and what it holds.
	Where() Access
	// Change makes changes as the administrator.
	Change(change func(*ldap.Conn) error) error
	// Process is the running server, for signals.
	Process() *os.Process
	// Restart starts a server that was killed, with the same data at the same URLs.
	Restart() error
	// Close kills the server and waits for its end.
	Close()
}

// Access is how a server is reached and what it holds.
type Access struct {
	// Name is the software's: "OpenLDAP", "Samba" or "389".
	Name string
	// URL is for StartTLS or no encryption, LDAPSURL for TLS.
	URL, LDAPSURL string
	// CAFile has the certificate of the authority that signed the server's.
	CAFile string
	// BindDN and BindPassword are the account that reads.
	BindDN, BindPassword string
	// BaseDN is the suffix; People and Groups are containers that are there below it.
	BaseDN, People, Groups string
}

// Where says how the server is reached.
func (a Access) Where() Access { return a }

// patience bounds how long a server may take to start.
const patience = 60 * time.Second

// running is what the servers have in common: a process, and an administrator.
type running struct {
	Access
	folder string
	// command is the program in the foreground; its first argument is its path.
	command []string
	// adminURL is where the administrator binds.
	adminURL, adminDN, adminPassword string
	// controls go with every change.
	controls []ldap.Control

	cmd    *exec.Cmd
	output *bytes.Buffer
	exited chan struct{}
}

// launch starts the process and waits until it answers or ends.
func (s *running) launch() error {
	s.output = &bytes.Buffer{}
	s.cmd = exec.CommandContext(context.Background(), s.command[0], s.command[1:]...) // Close ends it
	s.cmd.Stdout, s.cmd.Stderr = s.output, s.output
	if err := s.cmd.Start(); err != nil {
		return missing(s.command[0], err)
	}
	s.exited = make(chan struct{})
	go func() {
		_ = s.cmd.Wait() // how it ended is in its output
		close(s.exited)
	}()
	deadline := time.After(patience)
	for {
		c, err := s.admin()
		if err == nil {
			return c.Close()
		}
		select {
		case <-s.exited:
			return fmt.Errorf("%s ended at once: %s", s.command[0], s.output)
		case <-deadline:
			s.Close()
			return fmt.Errorf("%s does not answer after %s (%w): %s", s.command[0], patience, err, s.output)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Restart starts a server that was killed, with the same data at the same URLs.
func (s *running) Restart() error { return s.launch() }

// Process is the running server, for signals.
func (s *running) Process() *os.Process { return s.cmd.Process }

// Close kills the server and waits for its end.
func (s *running) Close() {
	_ = s.cmd.Process.Kill() // it may have ended already
	<-s.exited
}

func (s *running) admin() (*ldap.Conn, error) {
	pem, err := os.ReadFile(s.CAFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	c, err := ldap.DialURL(s.adminURL, ldap.DialWithDialer(&net.Dialer{Timeout: patience}), ldap.DialWithTLSConfig(&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}))
	if err != nil {
		return nil, err
	}
	c.SetTimeout(patience)
	if err := c.Bind(s.adminDN, s.adminPassword); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Change makes changes as the administrator.
func (s *running) Change(change func(*ldap.Conn) error) error {
	c, err := s.admin()
	if err != nil {
		return err
	}
	return errors.Join(change(c), c.Close())
}

// Add adds the entries of an LDIF.
func (s *running) Add(entries string) error {
	parsed, err := ldif.Parse(entries)
	if err != nil {
		return err
	}
	return s.Change(func(c *ldap.Conn) error {
		for _, e := range parsed.AllEntries() {
			request := ldap.NewAddRequest(e.DN, s.controls)
			for _, a := range e.Attributes {
				request.Attribute(a.Name, a.Values)
			}
			if err := c.Add(request); err != nil {
				return fmt.Errorf("%s: %w", e.DN, err)
			}
		}
		return nil
	})
}

// Delete deletes an entry.
func (s *running) Delete(dn string) error {
	return s.Change(func(c *ldap.Conn) error {
		return c.Del(ldap.NewDelRequest(dn, s.controls))
	})
}

// Replace replaces the values of an attribute.
func (s *running) Replace(dn, attribute string, values ...string) error {
	return s.Change(func(c *ldap.Conn) error {
		request := ldap.NewModifyRequest(dn, s.controls)
		request.Replace(attribute, values)
		return c.Modify(request)
	})
}

// Join adds members to a group that lists them as member.
func (s *running) Join(group string, dns ...string) error {
	return s.Change(func(c *ldap.Conn) error {
		request := ldap.NewModifyRequest(group, nil)
		request.Add("member", dns)
		return c.Modify(request)
	})
}

// program finds what Debian has in a folder that is not on every PATH.
func program(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	return filepath.Join("/usr/sbin", name)
}

// run runs a program of a server's to its end.
func run(name string, arguments ...string) error {
	_, err := output(name, arguments...)
	return err
}

// output is what a program of a server's said.
func output(name string, arguments ...string) (string, error) {
	cmd := exec.CommandContext(context.Background(), program(name), arguments...) // none of them waits for anything
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", missing(name+" "+strings.Join(arguments, " "), err), out)
	}
	return string(out), nil
}

// missing says where a program is had from, where that is why it failed.
func missing(command string, err error) error {
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("%s: %w (scripts/test installs the servers)", command, err)
	}
	return fmt.Errorf("%s: %w", command, err)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// freePorts sets the URLs to loopback with ports that were free a moment ago.
func (s *running) freePorts() error {
	plain, err := freePort()
	if err != nil {
		return err
	}
	secure, err := freePort()
	if err != nil {
		return err
	}
	s.URL, s.LDAPSURL = fmt.Sprintf("ldap://127.0.0.1:%d", plain), fmt.Sprintf("ldaps://127.0.0.1:%d", secure)
	return nil
}

// attempts is how often a server is started elsewhere where its ports, free a moment
// ago, were taken.
const attempts = 5

// started is a server that ends with the test. One that can not be started fails the
// test: what was not tested must not look tested.
func started[S Server](t testing.TB, server S, err error) S {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server
}
