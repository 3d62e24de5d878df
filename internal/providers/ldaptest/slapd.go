package ldaptest

import (
	"bytes"
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

// BaseDN is the suffix of every server of this package unless it is told another.
const BaseDN = "dc=example,dc=com"

// The accounts of a slapd: one that reads and its administrator.
const (
	ReaderDN       = "cn=reader," + BaseDN
	ReaderPassword = "r3ader-of-the-directory"
	rootDN         = "cn=admin," + BaseDN
	rootPassword   = "r00t-of-the-directory"
)

// patience bounds how long a server may take to start.
const patience = 30 * time.Second

// SlapdOptions say what a slapd serves.
type SlapdOptions struct {
	// LDIF has the entries below BaseDN, which is there already with ou=People and
	// ou=Groups. Here memberOf is written out; later the overlay keeps it, and a
	// person joins a group by Join.
	LDIF string
	// SizeLimit is the most entries of a search without paging; 0 stands for 500.
	SizeLimit int
	// PagedSizeLimit is the most entries of a whole paged search; 0 for no limit.
	PagedSizeLimit int
	// Lifetime is how long the server's certificate holds, negative for one that is over;
	// 0 stands for a year.
	Lifetime time.Duration
	// Access are lines of access control (slapd.access(5)) that come before the usual
	// ones.
	Access string
}

// Slapd is an OpenLDAP server on loopback, in a folder of its own.
type Slapd struct {
	// URL is for StartTLS or no encryption, LDAPSURL for TLS.
	URL, LDAPSURL string
	// CAFile has the certificate of the authority that signed the server's.
	CAFile string
	folder string
	cmd    *exec.Cmd
	output *bytes.Buffer
	exited chan struct{}
}

// StartSlapd starts a slapd that ends with the test. A machine without slapd
// fails the test: what was not tested must not look tested.
func StartSlapd(t testing.TB, o SlapdOptions) *Slapd {
	t.Helper()
	s, err := NewSlapd(t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// NewSlapd starts a slapd in the folder and returns when it answers.
func NewSlapd(folder string, o SlapdOptions) (*Slapd, error) {
	if o.SizeLimit == 0 {
		o.SizeLimit = 500
	}
	if o.Lifetime == 0 {
		o.Lifetime = lifetimeOfServers
	}
	if err := errors.Join(os.Mkdir(filepath.Join(folder, "data"), 0o700), makeCertificates(folder, o.Lifetime)); err != nil {
		return nil, err
	}
	entries := skeleton() + "\n" + o.LDIF
	if err := errors.Join(
		os.WriteFile(filepath.Join(folder, "slapd.conf"), []byte(configuration(folder, o)), 0o600),
		os.WriteFile(filepath.Join(folder, "load.ldif"), []byte(entries), 0o600),
	); err != nil {
		return nil, err
	}
	s := &Slapd{folder: folder, CAFile: filepath.Join(folder, "ca.crt")}
	load := exec.Command(program("slapadd"), "-q", "-f", filepath.Join(folder, "slapd.conf"), "-l", filepath.Join(folder, "load.ldif"))
	if out, err := load.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("slapadd: %w (is OpenLDAP's server there? scripts/test installs it): %s", err, out)
	}
	// A port that was free a moment ago may be taken now.
	var err error
	for range 5 {
		if err = s.start(); err == nil {
			return s, nil
		}
	}
	return nil, err
}

// program finds what Debian has in a folder that is not on every PATH.
func program(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	return filepath.Join("/usr/sbin", name)
}

func (s *Slapd) start() error {
	plain, err := freePort()
	if err != nil {
		return err
	}
	secure, err := freePort()
	if err != nil {
		return err
	}
	s.URL, s.LDAPSURL = fmt.Sprintf("ldap://127.0.0.1:%d", plain), fmt.Sprintf("ldaps://127.0.0.1:%d", secure)
	return s.launch()
}

// launch starts the process at the URLs and waits until it answers or ends.
func (s *Slapd) launch() error {
	s.output = &bytes.Buffer{}
	s.cmd = exec.Command(program("slapd"), "-d", "none", "-f", filepath.Join(s.folder, "slapd.conf"), "-h", s.URL+"/ "+s.LDAPSURL+"/")
	s.cmd.Stdout, s.cmd.Stderr = s.output, s.output
	if err := s.cmd.Start(); err != nil {
		return err
	}
	s.exited = make(chan struct{})
	go func() {
		_ = s.cmd.Wait() // how it ended is in its output
		close(s.exited)
	}()
	deadline := time.After(patience)
	for {
		if c, err := s.root(); err == nil {
			return c.Close()
		}
		select {
		case <-s.exited:
			return fmt.Errorf("slapd ended at once: %s", s.output)
		case <-deadline:
			s.Close()
			return fmt.Errorf("slapd does not answer after %s: %s", patience, s.output)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Restart starts a server that was killed, with the same data at the same URLs.
func (s *Slapd) Restart() error { return s.launch() }

// Process is the running server, for signals.
func (s *Slapd) Process() *os.Process { return s.cmd.Process }

// Close kills the server and waits for its end.
func (s *Slapd) Close() {
	_ = s.cmd.Process.Kill() // it may have ended already
	<-s.exited
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

func (s *Slapd) root() (*ldap.Conn, error) {
	c, err := ldap.DialURL(s.URL, ldap.DialWithDialer(&net.Dialer{Timeout: time.Second}))
	if err != nil {
		return nil, err
	}
	if err := c.Bind(rootDN, rootPassword); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Change makes changes as the administrator.
func (s *Slapd) Change(change func(*ldap.Conn) error) error {
	c, err := s.root()
	if err != nil {
		return err
	}
	return errors.Join(change(c), c.Close())
}

// Add adds the entries of an LDIF.
func (s *Slapd) Add(entries string) error {
	parsed, err := ldif.Parse(entries)
	if err != nil {
		return err
	}
	return s.Change(func(c *ldap.Conn) error {
		for _, e := range parsed.AllEntries() {
			request := ldap.NewAddRequest(e.DN, []ldap.Control{ldap.NewControlManageDsaIT(true)})
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
func (s *Slapd) Delete(dn string) error {
	return s.Change(func(c *ldap.Conn) error {
		return c.Del(ldap.NewDelRequest(dn, []ldap.Control{ldap.NewControlManageDsaIT(true)}))
	})
}

// Replace replaces the values of an attribute.
func (s *Slapd) Replace(dn, attribute string, values ...string) error {
	return s.Change(func(c *ldap.Conn) error {
		request := ldap.NewModifyRequest(dn, []ldap.Control{ldap.NewControlManageDsaIT(true)})
		request.Replace(attribute, values)
		return c.Modify(request)
	})
}

// Join adds members to a group of groupOfNames.
func (s *Slapd) Join(group string, dns ...string) error {
	return s.Change(func(c *ldap.Conn) error {
		request := ldap.NewModifyRequest(group, nil)
		request.Add("member", dns)
		return c.Modify(request)
	})
}

// skeleton are the entries of every slapd.
func skeleton() string {
	return strings.Join([]string{
		"dn: " + BaseDN + "\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n",
		"dn: ou=People," + BaseDN + "\nobjectClass: organizationalUnit\nou: People\n",
		"dn: ou=Groups," + BaseDN + "\nobjectClass: organizationalUnit\nou: Groups\n",
		"dn: " + ReaderDN + "\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: reader\nuserPassword: " + ReaderPassword + "\n",
	}, "\n")
}

// configuration is the server's slapd.conf.
func configuration(folder string, o SlapdOptions) string {
	paged := "unlimited"
	if o.PagedSizeLimit > 0 {
		paged = fmt.Sprint(o.PagedSizeLimit)
	}
	return strings.NewReplacer(
		"FOLDER", folder, "BASE", BaseDN, "ROOTDN", rootDN, "ROOTPW", rootPassword,
		"LIMIT", fmt.Sprint(o.SizeLimit), "PAGED", paged, "ACCESS", o.Access,
	).Replace(`include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
moduleload refint
pidfile FOLDER/slapd.pid
argsfile FOLDER/slapd.args
TLSCACertificateFile FOLDER/ca.crt
TLSCertificateFile FOLDER/server.crt
TLSCertificateKeyFile FOLDER/server.key
TLSVerifyClient never
TLSProtocolMin 3.3
sortvals member memberOf
sizelimit size.soft=LIMIT size.hard=LIMIT size.pr=1000 size.prtotal=PAGED
timelimit 60
database mdb
suffix "BASE"
rootdn "ROOTDN"
rootpw ROOTPW
directory FOLDER/data
maxsize 4294967296
dbnosync
index objectClass,uid,mail,member,memberOf,entryUUID eq
overlay memberof
memberof-refint TRUE
memberof-dangling ignore
overlay refint
refint_attributes member memberOf
access to attrs=userPassword by anonymous auth by self write by * none
ACCESS
access to * by users read by anonymous auth
`)
}
