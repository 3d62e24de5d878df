package ldaptest

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"
)

// SambaBaseDN is the suffix of every Samba, SambaRealm its Kerberos realm, SambaHost
// the name in its certificate and service principals (ldap/dc1.corp.example.com).
const (
	SambaBaseDN = "DC=corp,DC=example,DC=com"
	SambaRealm  = "CORP.EXAMPLE.COM"
	SambaHost   = "dc1.corp.example.com"
)

// sambaAdminPassword is the password of Administrator.
const sambaAdminPassword = "Adm1nistrator-of-the-domain"

// SambaOptions say what a domain controller serves.
type SambaOptions struct {
	// LDIF has the entries below SambaBaseDN, which is there already with OU=People and
	// OU=Groups.
	LDIF string
	// Changes is an LDIF of changes (RFC 2849) that are made after it, such as of groups
	// whose members come later.
	Changes string
	// Template is a folder made by ProvisionSamba, to copy in place of provisioning
	// another domain: a fraction of a second in place of seconds. LDIF and Changes are
	// then not used.
	Template string
	// StrongAuth is smb.conf's "ldap server require strong auth": "yes" (the default: a
	// simple bind wants TLS, SASL signing or sealing), "allow_sasl_over_tls" or "no".
	StrongAuth string
	// Lines are added to the global section of smb.conf.
	Lines string
}

// Samba is a Samba Active Directory domain controller: LDAP, the global catalog and
// Kerberos, in a folder of its own. Its ports are compiled in, so it listens on a
// loopback address of its own.
type Samba struct {
	running
	// IP is the loopback address; the global catalog is on ports 3268 and, with TLS,
	// 3269, Kerberos on 88.
	IP string
	// Krb5Conf is a krb5.conf that finds the realm's Kerberos server.
	Krb5Conf string
}

// StartSamba starts a domain controller that ends with the test.
func StartSamba(t testing.TB, o SambaOptions) *Samba {
	t.Helper()
	s, err := NewSamba(t.TempDir(), o)
	return started(t, s, err)
}

// NewSamba starts a domain controller in the empty folder and returns when it answers.
func NewSamba(folder string, o SambaOptions) (*Samba, error) {
	if o.Template != "" {
		if err := run("cp", "-a", o.Template+"/.", folder); err != nil {
			return nil, err
		}
	} else if err := ProvisionSamba(folder, o.LDIF, o.Changes); err != nil {
		return nil, err
	}
	s := &Samba{Krb5Conf: filepath.Join(folder, "krb5.conf"), running: running{
		folder: folder, adminDN: "Administrator@" + strings.ToLower(SambaRealm), adminPassword: sambaAdminPassword,
		command: []string{program("samba"), "--foreground", "--no-process-group", "--model=single", "--configfile=" + sambaConf(folder)},
		Access: Access{
			Name: "Samba", CAFile: filepath.Join(folder, "ca.crt"), BindDN: "CN=reader,CN=Users," + SambaBaseDN, BindPassword: ReaderPassword,
			BaseDN: SambaBaseDN, People: "OU=People," + SambaBaseDN, Groups: "OU=Groups," + SambaBaseDN,
		},
	}}
	var err error
	for range attempts {
		if s.IP, err = freeLoopback(); err != nil {
			return nil, err
		}
		if err = s.start(o); err == nil {
			return s, nil
		}
	}
	return nil, err
}

func (s *Samba) start(o SambaOptions) error {
	s.URL, s.LDAPSURL, s.adminURL = "ldap://"+s.IP, "ldaps://"+s.IP, "ldaps://"+s.IP
	if err := errors.Join(
		makeCertificates(s.folder, s.IP, SambaHost),
		os.WriteFile(sambaConf(s.folder), []byte(sambaConfiguration(s.folder, s.IP, o)), 0o600),
		os.WriteFile(s.Krb5Conf, []byte(krb5Configuration(s.IP)), 0o600),
	); err != nil {
		return err
	}
	return s.launch()
}

// Keytab writes a keytab with the keys of an account, such as "reader".
func (s *Samba) Keytab(path, account string) error {
	return run("samba-tool", "domain", "exportkeytab", path, "--principal="+account, "--configfile="+sambaConf(s.folder))
}

// ProvisionSamba makes a domain in the empty folder, with the LDIF and Changes that
// SambaOptions describe. No server runs there: it is a template for any number of them.
func ProvisionSamba(folder, ldif, changes string) error {
	load := filepath.Join(folder, "load.ldif")
	// The address stands in no data.
	conf := sambaConfiguration(folder, "127.0.0.1", SambaOptions{})
	if err := errors.Join(
		os.WriteFile(sambaConf(folder), []byte(conf), 0o600),
		os.WriteFile(load, []byte(sambaSkeleton()+"\n"+ldif), 0o600),
	); err != nil {
		return err
	}
	if err := run("samba-tool", "domain", "provision", "--configfile="+sambaConf(folder), "--realm="+SambaRealm, "--domain=CORP",
		"--server-role=dc", "--dns-backend=NONE", "--adminpass="+sambaAdminPassword, "--host-name=dc1", "--host-ip=127.0.0.1",
		"--use-rfc2307", "--function-level=2008_R2"); err != nil {
		return err
	}
	if err := sambaLoad("ldbadd", folder, load); err != nil || changes == "" {
		return err
	}
	if err := os.WriteFile(load, []byte(changes), 0o600); err != nil {
		return err
	}
	return sambaLoad("ldbmodify", folder, load)
}

// sambaLoad writes an LDIF into a domain. Without the options it takes four times as long.
func sambaLoad(program, folder, ldif string) error {
	out, err := output(program, "--nosync", "-o", "batch_mode:1", "-o", "transaction_index_cache_size:100000",
		"--configfile="+sambaConf(folder), "-H", filepath.Join(folder, "private", "sam.ldb"), ldif)
	if err == nil && (strings.Contains(out, "Failed to parse") || strings.Contains(out, "ERR:")) { // it says that it is done all the same
		err = fmt.Errorf("%s: %s", program, out)
	}
	return err
}

func sambaConf(folder string) string { return filepath.Join(folder, "smb.conf") }

// sambaConfiguration is a smb.conf by which nothing is read or written outside the
// folder, and nothing but LDAP and Kerberos is served.
func sambaConfiguration(folder, ip string, o SambaOptions) string {
	strong := "yes"
	if o.StrongAuth != "" {
		strong = o.StrongAuth
	}
	return strings.NewReplacer("FOLDER", folder, "ADDRESS", ip, "REALM", SambaRealm, "STRONG", strong, "LINES\n", lines(o.Lines)).Replace(`[global]
interfaces = ADDRESS/8
bind interfaces only = yes
nbt client socket address = ADDRESS
server role = active directory domain controller
realm = REALM
workgroup = CORP
netbios name = DC1
pid directory = FOLDER
lock directory = FOLDER
state directory = FOLDER/state
cache directory = FOLDER/cache
private dir = FOLDER/private
binddns dir = FOLDER/bind-dns
ncalrpc dir = FOLDER/ncalrpc
winbindd socket directory = FOLDER/winbindd
log file = FOLDER/log.%m
vfs objects = dfs_samba4 acl_xattr xattr_tdb
xattr_tdb:file = FOLDER/xattr.tdb
server services = ldap kdc
dcerpc endpoint servers =
ldap server require strong auth = STRONG
tls enabled = yes
tls cafile = FOLDER/ca.crt
tls certfile = FOLDER/server.crt
tls keyfile = FOLDER/server.key
LINES
[sysvol]
path = FOLDER/state/sysvol
read only = no
[netlogon]
path = FOLDER/state/sysvol/corp.example.com/scripts
read only = no
`)
}

func krb5Configuration(ip string) string {
	return strings.NewReplacer("ADDRESS", ip, "REALM", SambaRealm, "DOMAIN", strings.ToLower(SambaRealm)).Replace(`[libdefaults]
default_realm = REALM
dns_lookup_realm = false
dns_lookup_kdc = false
dns_canonicalize_hostname = false
rdns = false
udp_preference_limit = 1
[realms]
REALM = {
  kdc = ADDRESS:88
}
[domain_realm]
.DOMAIN = REALM
DOMAIN = REALM
`)
}

// sambaSkeleton are the entries of every domain.
func sambaSkeleton() string {
	return strings.Join([]string{
		"dn: OU=People," + SambaBaseDN + "\nobjectClass: organizationalUnit\n",
		"dn: OU=Groups," + SambaBaseDN + "\nobjectClass: organizationalUnit\n",
		// 66048: an ordinary account (512) whose password does not expire (65536).
		"dn: CN=reader,CN=Users," + SambaBaseDN + "\nobjectClass: user\nsAMAccountName: reader\nuserPrincipalName: reader@" + strings.ToLower(SambaRealm) +
			"\nuserAccountControl: 66048\n" + SambaPassword(ReaderPassword) + "\n",
	}, "\n")
}

// SambaPassword is the line of an LDIF that gives an account its password ([MS-ADTS]
// 3.1.1.3.1.5: in quotes, as UTF-16).
func SambaPassword(password string) string {
	var octets []byte
	for _, unit := range utf16.Encode([]rune(`"` + password + `"`)) {
		octets = binary.LittleEndian.AppendUint16(octets, unit)
	}
	return "unicodePwd:: " + base64.StdEncoding.EncodeToString(octets)
}

// freeLoopback is a random loopback address on which nothing listens where Samba does.
func freeLoopback() (string, error) {
	var failed error
	for range 20 {
		ip := fmt.Sprintf("127.%d.%d.%d", 1+rand.IntN(254), rand.IntN(256), 1+rand.IntN(254))
		if failed = free(ip); failed == nil {
			return ip, nil
		}
	}
	return "", fmt.Errorf("no loopback address has Samba's ports free, which only root may open: %w", failed)
}

func free(ip string) error {
	for _, port := range []string{"88", "389", "464", "636", "3268", "3269"} {
		l, err := net.Listen("tcp", net.JoinHostPort(ip, port))
		if err != nil {
			return err
		}
		if err := l.Close(); err != nil {
			return err
		}
	}
	return nil
}
