package ldaptest

import (
	"cmp"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"
)

// The administrator of a 389.
const (
	managerDN       = "cn=Directory Manager"
	managerPassword = "m4nager-of-the-directory"
)

// ds389Data is where Debian keeps the templates of the server's configuration.
const ds389Data = "/usr/share/dirsrv/data"

// DS389Options say what a 389 Directory Server serves.
type DS389Options struct {
	// LDIF has the entries below BaseDN, which is there already with ou=People and
	// ou=Groups. Here memberOf is written out; later the plugin keeps it.
	LDIF string
	// Template is a folder made by Provision389, to copy in place of loading LDIF.
	Template string
	// SizeLimit is the most entries of a search without paging; 0 stands for 500.
	SizeLimit int
	// PagedSizeLimit is the most entries of a whole paged search; 0 for no limit.
	PagedSizeLimit int
	// PagedLookThroughLimit is the most entries that a paged search may look at; 0 for
	// no limit. The server's own is 5,000.
	PagedLookThroughLimit int
	// Lines are added to the entry cn=config.
	Lines string
}

// DS389 is a 389 Directory Server on loopback, in a folder of its own.
type DS389 struct{ running }

// Start389 starts a 389 Directory Server that ends with the test.
func Start389(t testing.TB, o DS389Options) *DS389 {
	t.Helper()
	s, err := New389(t.TempDir(), o)
	return started(t, s, err)
}

// New389 starts a 389 Directory Server in the empty folder and returns when it
// answers.
func New389(folder string, o DS389Options) (*DS389, error) {
	if o.Template != "" {
		if err := run("cp", "-a", o.Template+"/.", folder); err != nil {
			return nil, err
		}
	} else if err := Provision389(folder, o.LDIF); err != nil {
		return nil, err
	}
	s := new389(folder)
	var err error
	for range attempts {
		if err = s.configure(o); err != nil {
			return nil, err
		}
		if err = s.launch(); err == nil {
			return s, nil
		}
	}
	return nil, err
}

func new389(folder string) *DS389 {
	return &DS389{running{
		folder: folder, adminDN: managerDN, adminPassword: managerPassword, controls: []ldap.Control{ldap.NewControlManageDsaIT(true)},
		command: []string{program("ns-slapd"), "-D", folder, "-i", filepath.Join(folder, "run", "pid"), "-d", "0"},
		Access: Access{
			Name: "389", CAFile: filepath.Join(folder, "ca.crt"), BindDN: ReaderDN, BindPassword: ReaderPassword,
			BaseDN: BaseDN, People: "ou=People," + BaseDN, Groups: "ou=Groups," + BaseDN,
		},
	}}
}

// Provision389 makes a directory in the empty folder with the entries of an LDIF that
// DS389Options describe. No server runs there: it is a template for any number of them.
// It does without the server's own dscreate, which wants root and systemd: the
// configuration is made from the same templates.
func Provision389(folder, ldif string) error {
	for _, name := range []string{"schema", "db", "ldif", "bak", "lock", "run", "tmp", "log"} {
		if err := os.Mkdir(filepath.Join(folder, name), 0o700); err != nil {
			return err
		}
	}
	load := filepath.Join(folder, "load.ldif")
	s := new389(folder)
	if err := errors.Join(
		makeCertificates(folder), s.trust(),
		// Where the folder of its own schema is empty the server finds none at all.
		run("cp", "/etc/dirsrv/schema/99user.ldif", filepath.Join(folder, "schema")),
		s.configure(DS389Options{}), os.WriteFile(load, []byte(ds389Skeleton()+"\n"+ldif), 0o600),
	); err != nil {
		return err
	}
	return run("ns-slapd", "ldif2db", "-D", folder, "-n", "userroot", "-i", load)
}

// trust puts the certificates into a database of NSS, which has no password.
func (s *DS389) trust() error {
	at := func(name string) string { return filepath.Join(s.folder, name) }
	for _, command := range [][]string{
		{"openssl", "pkcs12", "-export", "-in", at("server.crt"), "-inkey", at("server.key"), "-name", "Server-Cert", "-passout", "pass:x", "-out", at("server.p12")},
		{"certutil", "-N", "-d", s.folder, "--empty-password"},
		{"certutil", "-A", "-d", s.folder, "-n", "CA", "-t", "CT,,", "-a", "-i", at("ca.crt")},
		{"pk12util", "-i", at("server.p12"), "-d", s.folder, "-K", "", "-W", "x"},
	} {
		if err := run(command[0], command[1:]...); err != nil {
			return err
		}
	}
	return nil
}

// configure chooses ports and writes dse.ldif, the configuration.
func (s *DS389) configure(o DS389Options) error {
	if err := s.freePorts(); err != nil {
		return err
	}
	s.adminURL = s.URL
	o.SizeLimit, o.PagedSizeLimit = cmp.Or(o.SizeLimit, 500), cmp.Or(o.PagedSizeLimit, -1)
	self, err := user.Current()
	if err != nil {
		return err
	}
	dse, err := os.ReadFile(filepath.Join(ds389Data, "template-dse.ldif"))
	if err != nil {
		return missing("389", err)
	}
	suffix, err := os.ReadFile(filepath.Join(ds389Data, "template-suffix-db.ldif"))
	if err != nil {
		return missing("389", err)
	}
	values := map[string]string{
		"schema_dir": s.folder + "/schema", "lock_dir": s.folder + "/lock", "tmp_dir": s.folder + "/tmp", "cert_dir": s.folder,
		"ldif_dir": s.folder + "/ldif", "bak_dir": s.folder + "/bak", "run_dir": s.folder + "/run", "inst_dir": s.folder,
		"log_dir": s.folder + "/log", "config_dir": "/etc/dirsrv/config", "db_dir": s.folder + "/db", "db_home_dir": s.folder + "/db",
		"db_lib": "bdb", "fqdn": "localhost", "ds_port": port(s.URL), "ds_user": self.Username, "rootdn": managerDN,
		"ds_passwd": salted(managerPassword), "ldapi_enabled": "off", "ldapi": s.folder + "/run/ldapi", "ldapi_autobind": "off",
		"ds_suffix": BaseDN, "ds_bename": "userroot",
	}
	text := regexp.MustCompile(`(?m)^#.*\n`).ReplaceAllString(strings.TrimSpace(string(dse))+"\n\n"+string(suffix), "")
	text = regexp.MustCompile(`%(\w+)%`).ReplaceAllStringFunc(text, func(name string) string { return values[strings.Trim(name, "%")] })
	text = strings.Replace(text, "\n\n", fmt.Sprintf(`
nsslapd-listenhost: 127.0.0.1
nsslapd-securelistenhost: 127.0.0.1
nsslapd-security: on
nsslapd-securePort: %s
nsslapd-sizelimit: %d
nsslapd-pagedsizelimit: %d
nsslapd-accesslog-logging-enabled: off
%s
`, port(s.LDAPSURL), o.SizeLimit, o.PagedSizeLimit, lines(o.Lines)), 1)
	look := fmt.Sprintf("cn: config\nnsslapd-pagedlookthroughlimit: %d\nnsslapd-mode", cmp.Or(o.PagedLookThroughLimit, -1))
	text = strings.Replace(text, "cn: config\nnsslapd-mode", look, 1)
	for _, plugin := range []string{"MemberOf Plugin", "referential integrity postoperation"} {
		text = regexp.MustCompile(`(dn: cn=`+plugin+`,cn=plugins,cn=config\n(?:.+\n)*?nsslapd-pluginenabled: )off`).ReplaceAllString(text, "${1}on")
	}
	return os.WriteFile(filepath.Join(s.folder, "dse.ldif"), []byte(text), 0o600)
}

func port(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Port()
}

// salted is a password as the server keeps it: in the clear it takes none there.
func salted(password string) string {
	salt := make([]byte, 8)
	_, _ = rand.Read(salt) // it never fails
	digest := sha512.Sum512(append([]byte(password), salt...))
	return "{SSHA512}" + base64.StdEncoding.EncodeToString(append(digest[:], salt...))
}

// ds389Skeleton are the entries of every 389.
func ds389Skeleton() string {
	return strings.Replace(skeleton(), "o: Example\n",
		"o: Example\naci: (targetattr!=\"userPassword\")(version 3.0; acl \"read\"; allow (read,search,compare)(userdn=\"ldap:///all\");)\n", 1)
}
