package ldap

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// Stage is a step on the way to a server.
type Stage string

// The stages, in their order.
const (
	StageDNS        Stage = "DNS"
	StageConnection Stage = "connection"
	StageTLS        Stage = "TLS"
	StageBind       Stage = "bind"
	StageServer     Stage = "server"
)

// Stages returns all stages in their order.
func Stages() []Stage {
	return []Stage{StageDNS, StageConnection, StageTLS, StageBind, StageServer}
}

// Probe is how far one server could be reached, and what it showed on the way.
type Probe struct {
	// Server is the URL, Host the name or address in it.
	Server, Host string
	// Addresses are what the name resolves to; nil where Host is an address.
	Addresses []string
	// Address is what was connected to, Latency how long that took, without DNS.
	Address string
	Latency time.Duration
	// TLS is nil where there was none, or no certificate was shown.
	TLS *TLSProbe
	// BindSkipped says that nobody was bound, since another server refused the same
	// credentials, and trying them again locks accounts.
	BindSkipped bool
	// Root is nil where it could not be read.
	Root *RootDSE
	// Failed is the stage that did not succeed, for the reason Err; empty where all did.
	Failed Stage
	Err    error
}

// TLSProbe is what a handshake showed.
type TLSProbe struct {
	Version uint16
	// Chain are the certificates from the server's to the authority's, as they were
	// verified or, where that failed, as the server sent them.
	Chain []*x509.Certificate
	// Untrusted is why the verification failed; nil where it did not. With
	// InsecureSkipVerify that does not end the handshake.
	Untrusted error
}

// Probe tries every server in turn, also those that Read would not need. It sends
// refused credentials to no second one.
func (d *Directory) Probe(ctx context.Context) []Probe {
	servers, failures := d.candidates(ctx)
	var probes []Probe
	for _, err := range failures {
		probes = append(probes, Probe{Server: "urls", Failed: StageDNS, Err: err})
	}
	refused := false
	for _, server := range servers {
		p := d.probe(ctx, server, refused)
		_, isRefused := errors.AsType[*refusedError](p.Err)
		refused = refused || isRefused
		probes = append(probes, p)
	}
	return probes
}

func (d *Directory) probe(ctx context.Context, server *url.URL, skipBind bool) Probe {
	p := Probe{Server: server.String(), Host: server.Hostname(), BindSkipped: skipBind}
	if net.ParseIP(p.Host) == nil {
		asking, cancel := context.WithTimeoutCause(ctx, d.options.ConnectTimeout, &timeoutError{d.options.ConnectTimeout, "connect_timeout"})
		defer cancel()
		if p.Addresses, p.Err = cmp.Or(d.options.Resolver, net.DefaultResolver).LookupHost(asking, p.Host); p.Err != nil {
			p.Failed, p.Err = StageDNS, timedOut(asking, p.Err)
			return p
		}
	}
	// The server is one of its own, whose principal service_principal is.
	traced := &Directory{options: d.options, servers: []*url.URL{server}, roots: d.roots, certificate: d.certificate, log: d.log}
	traced.trace = &trace{now: d.options.Now, began: d.options.Now(), stage: StageConnection, skipBind: skipBind}
	c, err := traced.dial(ctx, server, d.options.Encryption)
	p.Address, p.Latency, p.TLS = traced.trace.address, traced.trace.latency, traced.trace.tls
	if err != nil {
		p.Failed, p.Err = traced.trace.stage, err
		return p
	}
	defer c.close()
	if skipBind {
		return p // what it says to strangers may be another thing
	}
	c.SetTimeout(d.options.ConnectTimeout)
	if p.Root, p.Err = readRootDSE(c); p.Err != nil {
		p.Failed = StageServer
		return p
	}
	p.Root.Read = d.options.Now()
	return p
}

// trace notes how far dial comes. Its methods do nothing where it is nil.
type trace struct {
	now      func() time.Time
	began    time.Time
	stage    Stage // the one that is under way
	skipBind bool
	address  string
	latency  time.Duration
	tls      *TLSProbe
}

func (t *trace) connected(raw net.Conn) {
	if t != nil {
		t.stage, t.address, t.latency = StageTLS, raw.RemoteAddr().String(), t.now().Sub(t.began)
	}
}

func (t *trace) secured(err error) {
	if t != nil && err == nil {
		t.stage = StageBind
	}
}

func (t *trace) bound() {
	if t != nil {
		t.stage = StageServer
	}
}

func (t *trace) skipsBind() bool { return t != nil && t.skipBind }

// watch lets a handshake be seen, one that fails too: what crypto/tls would verify is
// verified here, in the same way.
func (t *trace) watch(config *tls.Config) *tls.Config {
	if t == nil {
		return config
	}
	anyCertificate := config.InsecureSkipVerify
	config.InsecureSkipVerify = true // not without verification: it is below
	config.VerifyConnection = func(s tls.ConnectionState) error {
		options := x509.VerifyOptions{Roots: config.RootCAs, DNSName: config.ServerName, Intermediates: x509.NewCertPool()}
		for _, other := range s.PeerCertificates[1:] {
			options.Intermediates.AddCert(other)
		}
		t.tls = &TLSProbe{Version: s.Version, Chain: s.PeerCertificates}
		chains, err := s.PeerCertificates[0].Verify(options)
		if err == nil {
			t.tls.Chain = chains[0]
			return nil
		}
		t.tls.Untrusted = &tls.CertificateVerificationError{UnverifiedCertificates: s.PeerCertificates, Err: err}
		if anyCertificate {
			return nil
		}
		return t.tls.Untrusted
	}
	return config
}

// rootAttributes are asked for by name, since most of them are operational (RFC 4512,
// 5.1; MS-ADTS 3.1.1.3.2).
func rootAttributes() []string {
	return []string{
		"objectClass", "vendorName", "vendorVersion", "supportedControl", "supportedExtension", "supportedSASLMechanisms",
		"supportedCapabilities", "forestFunctionality", "domainFunctionality", "dnsHostName", "isGlobalCatalogReady", "currentTime",
	}
}

func readRootDSE(c *connection) (*RootDSE, error) {
	request := ldap.NewSearchRequest("", ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", rootAttributes(), nil)
	result, err := c.Search(request)
	if err != nil {
		return nil, err
	}
	root := &RootDSE{attributes: map[string][]string{}}
	for _, e := range result.Entries {
		for _, name := range rootAttributes() {
			root.attributes[name] = e.GetEqualFoldAttributeValues(name)
		}
	}
	root.Time, _ = time.Parse("20060102150405.0Z", root.first("currentTime")) // else there is none
	return root, nil
}
