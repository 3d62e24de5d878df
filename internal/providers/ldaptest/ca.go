package ldaptest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// lifetimeOfServers is how long a certificate holds unless a test wants another time:
// long enough for nobody to be warned of its end.
const lifetimeOfServers = 365 * 24 * time.Hour

// authority signs certificates. Its own key is kept nowhere.
type authority struct {
	folder      string
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// makeCertificates writes ca.crt, server.crt and server.key into the folder: a
// certificate for localhost, the loopback addresses and the names and addresses
// given, of an authority that is made on the spot and whose key is kept nowhere. The
// server's ends after the lifetime, which may be over already.
// client.crt and client.key are of the same authority, for CN=reader.
func makeCertificates(folder string, lifetime time.Duration, names ...string) error {
	a, err := newAuthority(folder)
	if err != nil {
		return err
	}
	server := &x509.Certificate{
		NotAfter:     time.Now().Add(lifetime), //nolint:forbidigo // certificates are for now
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			server.IPAddresses = append(server.IPAddresses, ip)
		} else {
			server.DNSNames = append(server.DNSNames, name)
		}
	}
	client := &x509.Certificate{
		NotAfter:     a.certificate.NotAfter,
		SerialNumber: big.NewInt(3), Subject: pkix.Name{CommonName: "reader"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	return errors.Join(a.issue("server", server), a.issue("client", client))
}

func newAuthority(folder string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now() //nolint:forbidigo // certificates are for now
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "rollcall test CA"},
		NotBefore: now.Add(-24 * time.Hour), NotAfter: now.Add(10 * lifetimeOfServers),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &authority{folder: folder, certificate: ca, key: key}, writePEM(filepath.Join(folder, "ca.crt"), "CERTIFICATE", der)
}

// issue writes NAME.crt and NAME.key.
func (a *authority) issue(name string, certificate *x509.Certificate) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	certificate.NotBefore, certificate.KeyUsage = a.certificate.NotBefore, x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, certificate, a.certificate, key.Public(), a.key)
	if err != nil {
		return err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return errors.Join(
		writePEM(filepath.Join(a.folder, name+".crt"), "CERTIFICATE", der),
		writePEM(filepath.Join(a.folder, name+".key"), "PRIVATE KEY", keyDER),
	)
}

func writePEM(path, kind string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
