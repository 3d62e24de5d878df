package ldaptest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
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
	// ClientCertificates is TLSVerifyClient: "demand" or "allow" for certificates of
	// the server's authority; "" stands for "never". The one in ClientCertificate
	// binds by SASL EXTERNAL as ReaderDN.
	ClientCertificates string
	// Modules are loaded beside back_mdb, memberof and refint, such as "dynlist".
	Modules []string
	// Global and Database are lines of slapd.conf, at the end of those that hold for
	// the server and for the database.
	Global, Database string
	// Lifetime is how long the server's certificate holds, negative for one that is over;
	// 0 stands for a year.
	Lifetime time.Duration
	// Access are lines of access control (slapd.access(5)) that come before the usual
	// ones.
	Access string
}

// Slapd is an OpenLDAP server on loopback, in a folder of its own.
type Slapd struct{ running }

// StartSlapd starts a slapd that ends with the test. A machine without slapd
// fails the test: what was not tested must not look tested.
func StartSlapd(t testing.TB, o SlapdOptions) *Slapd {
	t.Helper()
	s, err := NewSlapd(t.TempDir(), o)
	return started(t, s, err)
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
	conf, load := filepath.Join(folder, "slapd.conf"), filepath.Join(folder, "load.ldif")
	if err := errors.Join(
		os.WriteFile(conf, []byte(configuration(folder, o)), 0o600),
		os.WriteFile(load, []byte(skeleton()+"\n"+o.LDIF), 0o600),
	); err != nil {
		return nil, err
	}
	if err := run("slapadd", "-q", "-f", conf, "-l", load); err != nil {
		return nil, err
	}
	s := &Slapd{running{
		folder: folder, adminDN: rootDN, adminPassword: rootPassword, controls: []ldap.Control{ldap.NewControlManageDsaIT(true)},
		Access: Access{
			Name: "OpenLDAP", CAFile: filepath.Join(folder, "ca.crt"), BindDN: ReaderDN, BindPassword: ReaderPassword,
			BaseDN: BaseDN, People: "ou=People," + BaseDN, Groups: "ou=Groups," + BaseDN,
		},
	}}
	var err error
	for range attempts {
		if err = s.freePorts(); err != nil {
			return nil, err
		}
		s.adminURL = s.URL
		s.command = []string{program("slapd"), "-d", "none", "-f", conf, "-h", s.URL + "/ " + s.LDAPSURL + "/"}
		if err = s.launch(); err == nil {
			return s, nil
		}
	}
	return nil, err
}

// ClientCertificate has the files of the certificate for CN=reader and of its key.
func (s *Slapd) ClientCertificate() (certificate, key string) {
	return filepath.Join(s.folder, "client.crt"), filepath.Join(s.folder, "client.key")
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
	paged, verify := "unlimited", "never"
	if o.PagedSizeLimit > 0 {
		paged = fmt.Sprint(o.PagedSizeLimit)
	}
	if o.ClientCertificates != "" {
		verify = o.ClientCertificates
	}
	var modules strings.Builder
	for _, name := range o.Modules {
		modules.WriteString("moduleload " + name + "\n")
	}
	return strings.NewReplacer(
		"FOLDER", folder, "BASE", BaseDN, "ROOTDN", rootDN, "ROOTPW", rootPassword, "READER", ReaderDN,
		"LIMIT", fmt.Sprint(o.SizeLimit), "PAGED", paged, "VERIFY", verify,
		"ACCESS\n", lines(o.Access), "MODULES\n", modules.String(), "GLOBAL\n", lines(o.Global), "DATABASE\n", lines(o.Database),
	).Replace(`include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/dyngroup.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
moduleload refint
MODULES
pidfile FOLDER/slapd.pid
argsfile FOLDER/slapd.args
TLSCACertificateFile FOLDER/ca.crt
TLSCertificateFile FOLDER/server.crt
TLSCertificateKeyFile FOLDER/server.key
TLSVerifyClient VERIFY
TLSProtocolMin 3.3
authz-regexp "^cn=reader$" "READER"
sortvals member memberOf
sizelimit size.soft=LIMIT size.hard=LIMIT size.pr=1000 size.prtotal=PAGED
timelimit 60
GLOBAL
database mdb
suffix "BASE"
rootdn "ROOTDN"
rootpw ROOTPW
directory FOLDER/data
maxsize 17179869184
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
DATABASE
`)
}

// lines ends text with a line's end, where there is any.
func lines(text string) string {
	if text == "" || strings.HasSuffix(text, "\n") {
		return text
	}
	return text + "\n"
}
