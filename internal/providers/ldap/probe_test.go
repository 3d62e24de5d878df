package ldap

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
)

func probe(t *testing.T, o Options) []Probe {
	t.Helper()
	d, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return d.Probe(t.Context())
}

func TestProbe(t *testing.T) {
	t.Parallel()
	s := ldaptest.StartSlapd(t, ldaptest.SlapdOptions{})
	for name, change := range map[string]func(*Options){
		"ldaps":    func(*Options) {},
		"starttls": func(o *Options) { o.URLs, o.Encryption = []string{s.URL}, EncryptionStartTLS },
		"none":     func(o *Options) { o.URLs, o.Encryption = []string{s.URL}, EncryptionNone },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(s)
			change(&o)
			p := probe(t, o)[0]
			if p.Failed != "" || p.Err != nil || p.Address == "" || p.Addresses != nil || p.BindSkipped {
				t.Fatalf("%+v", p)
			}
			if got := p.Root.Product(); got != "OpenLDAP" {
				t.Error(got)
			}
			if got := p.Root.Supports(); !slices.Contains(got, "paging") || !slices.Contains(got, "StartTLS") {
				t.Error(got)
			}
			if name == "none" {
				if p.TLS != nil {
					t.Errorf("%+v", p.TLS)
				}
				return
			}
			if p.TLS == nil || p.TLS.Untrusted != nil || p.TLS.Version < tls.VersionTLS12 || len(p.TLS.Chain) != 2 || p.TLS.Chain[0].Subject.CommonName != "localhost" {
				t.Errorf("%+v", p.TLS)
			}
		})
	}
}

// Each thing that is wrong is seen at its stage, with the certificates where there are any.
func TestProbeSeesWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := ldaptest.StartSlapd(t, ldaptest.SlapdOptions{})
	expired := ldaptest.StartSlapd(t, ldaptest.SlapdOptions{Lifetime: -time.Hour})
	silent := listen(t)
	for name, c := range map[string]struct {
		change    func(*Options)
		failed    Stage
		untrusted any // a pointer to the error wanted
		says      string
	}{
		"no such name": {func(o *Options) { o.URLs = []string{"ldaps://nobody.invalid"} }, StageDNS, nil, "nobody.invalid"},
		"dead":         {func(o *Options) { o.URLs = []string{"ldaps://127.0.0.1:1"} }, StageConnection, nil, "refused"},
		"silent":       {func(o *Options) { o.URLs, o.ConnectTimeout = []string{"ldaps://" + silent}, 100*time.Millisecond }, StageTLS, nil, "connect_timeout"},
		"no TLS there": {func(o *Options) { o.URLs = []string{strings.Replace(s.URL, "ldap:", "ldaps:", 1)} }, StageTLS, nil, "TLS failed"},
		"not trusted":  {func(o *Options) { o.CAFile = expired.CAFile }, StageTLS, &x509.UnknownAuthorityError{}, "ca_file"},
		"expired":      {func(o *Options) { o.URLs, o.CAFile = []string{expired.LDAPSURL}, expired.CAFile }, StageTLS, &x509.CertificateInvalidError{}, "renew it"},
		"expired StartTLS": {func(o *Options) {
			o.URLs, o.CAFile, o.Encryption = []string{expired.URL}, expired.CAFile, EncryptionStartTLS
		}, StageTLS, &x509.CertificateInvalidError{}, "expired"},
		"any certificate": {func(o *Options) { o.URLs, o.InsecureSkipVerify = []string{expired.LDAPSURL}, true }, "", &x509.CertificateInvalidError{}, ""},
		"wrong password":  {func(o *Options) { o.BindPassword = identity.NewSecret("another-one") }, StageBind, nil, "credentials"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(s)
			c.change(&o)
			p := probe(t, o)[0]
			if p.Failed != c.failed || (p.Err == nil) != (c.failed == "") || p.Err != nil && !strings.Contains(p.Err.Error(), c.says) {
				t.Errorf("%s: %v", p.Failed, p.Err)
			}
			if (p.Root != nil) != (c.failed == "") {
				t.Errorf("%+v", p.Root)
			}
			switch {
			case c.untrusted == nil:
				if p.TLS != nil && p.TLS.Untrusted != nil {
					t.Error(p.TLS.Untrusted)
				}
			case p.TLS == nil || !errors.As(p.TLS.Untrusted, c.untrusted) || len(p.TLS.Chain) == 0:
				t.Errorf("%+v", p.TLS)
			}
		})
	}
}

// listen returns the address of a server that never says anything.
func listen(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

// Credentials that one server refused are not sent to the next, which would lock the
// account sooner; all else is looked at.
func TestProbeBindsOnce(t *testing.T) {
	t.Parallel()
	one, other := ldaptest.StartSlapd(t, ldaptest.SlapdOptions{}), ldaptest.StartSlapd(t, ldaptest.SlapdOptions{})
	o := options(one)
	o.InsecureSkipVerify, o.BindPassword = true, identity.NewSecret("another-one")
	o.URLs = []string{"ldaps://127.0.0.1:1", one.LDAPSURL, other.LDAPSURL}
	p := probe(t, o)
	if p[0].Failed != StageConnection || p[1].Failed != StageBind || p[1].BindSkipped {
		t.Errorf("%+v", p)
	}
	if p[2].Failed != "" || !p[2].BindSkipped || p[2].TLS == nil || p[2].Root != nil {
		t.Errorf("%+v", p[2])
	}
}

func TestProduct(t *testing.T) {
	t.Parallel()
	for want, attributes := range map[string]map[string][]string{
		"a server that does not say what it is": {},
		"OpenLDAP":                              {"objectClass": {"top", "OpenLDAProotDSE"}},
		"389 Project 389-Directory/2.3.1":       {"vendorName": {"389 Project"}, "vendorVersion": {"389-Directory/2.3.1"}},
		"Active Directory (Samba 4.17.12-Debian, functional level 2008 R2, dc1.corp.example.com, global catalog)": {
			"supportedCapabilities": {oidActiveDirectory}, "vendorName": {"Samba Team (https://www.samba.org)"}, "vendorVersion": {"4.17.12-Debian"},
			"forestFunctionality": {"4"}, "dnsHostName": {"dc1.corp.example.com"}, "isGlobalCatalogReady": {"TRUE"},
		},
		"Active Directory (functional level 2016)":                {"supportedCapabilities": {oidActiveDirectory}, "forestFunctionality": {"7"}},
		"Active Directory":                                        {"supportedCapabilities": {oidActiveDirectory}},
		"Active Directory Lightweight Directory Services":         {"supportedCapabilities": {oidLightweight}},
		"Active Directory (functional level 99, DC1.example.com)": {"supportedCapabilities": {oidActiveDirectory}, "forestFunctionality": {"99"}, "dnsHostName": {"DC1.example.com"}},
	} {
		if got := (&RootDSE{attributes: attributes}).Product(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
