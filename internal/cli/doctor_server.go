package cli

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/rollcall-cli/rollcall/internal/config"
	"github.com/rollcall-cli/rollcall/internal/doctor"
	"github.com/rollcall-cli/rollcall/internal/providers/ldap"
)

// checkServers says how far each server could be reached. One of them is enough to read
// the directory.
func (e *examination) checkServers(s *doctor.Section, d *config.Directory, probes []ldap.Probe) (reachable bool) {
	for i := range probes {
		p := &probes[i]
		e.checkServer(s, d, p)
		// As in reading: refused credentials are sent to no other server.
		reachable = reachable || !p.BindSkipped && (p.Failed == "" || p.Failed == ldap.StageServer)
		if p.Root != nil {
			e.noteClock(p.Server, p.Root.Time, p.Root.Read)
		}
	}
	return reachable
}

// checkServer makes a check of each stage, up to the one that failed.
func (e *examination) checkServer(s *doctor.Section, d *config.Directory, p *ldap.Probe) {
	add := func(c doctor.Check) {
		c.Subject = p.Server
		s.Put(c)
	}
	for _, stage := range ldap.Stages() {
		if stage == ldap.StageTLS {
			e.checkTLS(add, d, p)
		}
		switch {
		case stage == p.Failed:
			why := fmt.Sprintf("%s failed", stage)
			if refused(d, p) {
				why = "the certificate is refused" // which its check says
			} else {
				add(failure(d, p))
			}
			for _, later := range ldap.Stages()[slices.Index(ldap.Stages(), stage)+1:] {
				s.Skip(p.Server, why, string(later))
			}
			return
		case p.BindSkipped && stage == ldap.StageBind:
			s.Skip(p.Server, "another server refused the credentials, and trying them again locks accounts", string(ldap.StageBind), string(ldap.StageServer))
			return
		default:
			success(add, d, stage, p)
		}
	}
}

// refused reports whether the certificate is what ended the connection.
func refused(d *config.Directory, p *ldap.Probe) bool {
	return p.Failed == ldap.StageTLS && p.TLS != nil && p.TLS.Untrusted != nil && !d.InsecureSkipVerify
}

// success says what a stage showed that did not fail.
func success(add func(doctor.Check), d *config.Directory, stage ldap.Stage, p *ldap.Probe) {
	detail := ""
	switch stage {
	case ldap.StageDNS:
		if p.Addresses == nil {
			return // the URL has an address
		}
		detail = p.Host + ": " + strings.Join(p.Addresses, ", ")
	case ldap.StageConnection:
		detail = fmt.Sprintf("%s in %s", p.Address, inShort(p.Latency))
	case ldap.StageTLS:
		return // checkTLS
	case ldap.StageBind:
		detail = bindText(d)
	case ldap.StageServer:
		add(serverCheck(p.Root))
		return
	}
	add(doctor.Check{Name: string(stage), Result: doctor.OK, Detail: detail})
}

// bindText says who binds.
func bindText(d *config.Directory) string {
	switch {
	case d.BindMethod == config.BindExternal:
		return "the client certificate " + d.ClientCertFile
	case d.Kerberos != nil && d.Kerberos.Principal != "":
		return d.Kerberos.Principal + " with Kerberos"
	case d.Kerberos != nil:
		return "the Kerberos tickets in " + d.Kerberos.CCacheFile
	case d.BindDN == "":
		return "anonymous"
	}
	return d.BindDN
}

// bindFlags are those of OpenLDAP's clients for the same bind.
func bindFlags(d *config.Directory) string {
	flags := ""
	if d.Encryption == config.EncryptionStartTLS {
		flags = " -ZZ"
	}
	switch {
	case d.BindMethod == config.BindExternal:
		return flags + " -Y EXTERNAL"
	case d.Kerberos != nil:
		return flags + " -Y GSSAPI"
	case d.BindDN == "":
		return flags + " -x"
	}
	return flags + " -x -D " + quoted(d.BindDN) + " -W"
}

// checkTLS says what the handshake showed, or that there was none.
func (e *examination) checkTLS(add func(doctor.Check), d *config.Directory, p *ldap.Probe) {
	switch {
	case p.TLS != nil:
		if p.Failed != ldap.StageTLS || refused(d, p) {
			add(doctor.Check{Name: "TLS", Result: doctor.OK, Detail: tls.VersionName(p.TLS.Version)})
		}
		add(doctor.Certificates(p.TLS.Chain, p.TLS.Untrusted, !d.InsecureSkipVerify, e.Now()))
	case d.Encryption != config.EncryptionNone:
	case isLoopback(p.Address):
		add(doctor.Check{Name: "TLS", Result: doctor.OK, Detail: "none; the server is on this machine"})
	default:
		add(doctor.Check{Name: "TLS", Result: doctor.Warning, Detail: "none: whoever is on the way reads the password, and can say who has access", Remedy: `use ldaps://, or encryption = "starttls"`})
	}
}

func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && net.ParseIP(host).IsLoopback()
}

// failure says why a stage failed, and what to do about it.
func failure(d *config.Directory, p *ldap.Probe) doctor.Check {
	c := doctor.Check{Name: string(p.Failed), Result: doctor.Failed, Detail: strings.Trim(strings.TrimPrefix(p.Err.Error(), p.Server), ": ")}
	switch p.Failed {
	case ldap.StageDNS:
		c.Remedy = "check the name in urls, and that this machine's resolver knows it: getent hosts " + p.Host
		if p.Host == "" { // a domain's servers
			c.Remedy = "check the domain in urls, and its SRV records: host -t SRV _ldap._tcp.DOMAIN"
		} else if name, ok := errors.AsType[*net.DNSError](p.Err); ok && name.IsNotFound {
			c.Detail = fmt.Sprintf("there is no %s", p.Host)
		}
	case ldap.StageConnection:
		c.Remedy = "check that the server runs, its port, and firewalls on the way"
	case ldap.StageTLS:
		c.Remedy = "check that the server speaks TLS 1.2 or newer at this port, and has a certificate; by hand: openssl s_client -connect " + strings.TrimPrefix(p.Server, "ldaps://")
		if d.Encryption == config.EncryptionStartTLS {
			c.Remedy = "check that the server has a certificate and offers StartTLS; by hand: ldapsearch -ZZ -H " + p.Server + ` -x -s base -b ""`
		}
	case ldap.StageBind:
		c.Remedy = fmt.Sprintf("try it by hand: ldapwhoami -H %s%s", p.Server, bindFlags(d))
	case ldap.StageServer:
		c.Result = doctor.Warning
		c.Detail = "what the server is can not be read: " + c.Detail
		c.Remedy = `let the account read the root DSE (base "", scope base), or pass this over: users can be read without it`
	}
	return c
}

// serverCheck says what a server is and can do.
func serverCheck(root *ldap.RootDSE) doctor.Check {
	c := doctor.Check{Name: "server", Result: doctor.OK, Detail: root.Product()}
	if names := root.Supports(); len(names) > 0 {
		c.Detail += "; supports " + strings.Join(names, ", ")
	}
	if !root.Pages() {
		c.Result = doctor.Warning
		c.Detail += "; does not say that it answers in pages (RFC 2696)"
		c.Remedy = "make sure that its size limit is larger than the number of entries: else reading them is an error"
	}
	return c
}
