package ldaptest

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"
)

// reader is a connection over TLS that is bound as the account that reads.
func reader(t *testing.T, a Access, certificates ...tls.Certificate) *ldap.Conn {
	t.Helper()
	pem, err := os.ReadFile(a.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	c, err := ldap.DialURL(a.LDAPSURL, ldap.DialWithTLSConfig(&tls.Config{RootCAs: roots, Certificates: certificates, MinVersion: tls.VersionTLS12}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if len(certificates) > 0 {
		err = c.ExternalBind()
	} else {
		err = c.Bind(a.BindDN, a.BindPassword)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Every server starts, answers its reader over TLS, and is the same after a restart.
// That it takes thousands of entries is tested where they are read.
func TestServers(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t *testing.T) Server{
		"slapd": func(t *testing.T) Server { t.Helper(); return StartSlapd(t, SlapdOptions{}) },
		"samba": func(t *testing.T) Server { t.Helper(); return StartSamba(t, SambaOptions{}) },
		"389":   func(t *testing.T) Server { t.Helper(); return Start389(t, DS389Options{}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			for range 2 {
				for _, base := range []string{s.Where().People, s.Where().Groups} {
					result, err := reader(t, s.Where()).Search(ldap.NewSearchRequest(base, ldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", nil, nil))
					if err != nil || len(result.Entries) != 1 {
						t.Errorf("%s: %v", base, err)
					}
				}
				s.Close()
				if err := s.Restart(); err != nil {
					t.Fatal(err)
				}
			}
			if samba, ok := s.(*Samba); ok {
				keytab := filepath.Join(t.TempDir(), "reader.keytab")
				if err := samba.Keytab(keytab, "reader"); err != nil {
					t.Fatal(err)
				}
				if content, err := os.ReadFile(keytab); err != nil || !strings.Contains(string(content), SambaRealm) {
					t.Errorf("the keytab has %d octets, %v", len(content), err)
				}
			}
		})
	}
}

// A client certificate of the server's authority is the reader.
func TestSlapdKnowsClientCertificates(t *testing.T) {
	t.Parallel()
	s := StartSlapd(t, SlapdOptions{ClientCertificates: "demand"})
	certificate, err := tls.LoadX509KeyPair(s.ClientCertificate())
	if err != nil {
		t.Fatal(err)
	}
	who, err := reader(t, s.Where(), certificate).WhoAmI(nil)
	if err != nil || who.AuthzID != "dn:"+ReaderDN {
		t.Errorf("%+v, %v", who, err)
	}
}
