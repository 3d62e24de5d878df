package doctor

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ExpiresSoon is how many days before its end a certificate is warned about.
const ExpiresSoon = 30

// day is the unit of what is said of certificates.
const day = 24 * time.Hour

// Certificates judges a chain, from the server's certificate to the authority's.
// Untrusted is why it could not be verified, nil where it could; verifies says whether
// that ends the connection.
func Certificates(chain []*x509.Certificate, untrusted error, verifies bool, now time.Time) Check {
	c := Check{Name: "certificate", Result: OK}
	if len(chain) > 1 {
		for _, certificate := range chain {
			c.Items = append(c.Items, describe(certificate, now))
		}
	}
	if len(chain) > 0 {
		c.Detail = describe(firstToExpire(chain), now)
		c.judgeExpiry(firstToExpire(chain), now)
	}
	if untrusted == nil {
		return c
	}
	c.Detail, c.Remedy = explainUntrusted(untrusted)
	if c.Result = Failed; !verifies {
		c.Result = Warning
		c.Detail += "; insecure_skip_verify takes it all the same"
	}
	return c
}

// judgeExpiry warns of the end of a certificate in time.
func (c *Check) judgeExpiry(first *x509.Certificate, now time.Time) {
	if first.NotAfter.Sub(now) >= (ExpiresSoon+1)*day {
		return
	}
	c.Result = Warning
	c.Remedy = "renew it before then: after it nothing can be read"
	if !now.Before(first.NotAfter) { // and still it was trusted, so the clocks differ
		c.Remedy = "renew it, and check the clock of this machine"
	}
}

func firstToExpire(chain []*x509.Certificate) *x509.Certificate {
	first := chain[0]
	for _, certificate := range chain[1:] {
		if certificate.NotAfter.Before(first.NotAfter) {
			first = certificate
		}
	}
	return first
}

// describe names a certificate and its end.
func describe(certificate *x509.Certificate, now time.Time) string {
	name, end := Subject(certificate), certificate.NotAfter.UTC().Format(time.DateOnly)
	left := certificate.NotAfter.Sub(now)
	days := int(left / day)
	switch {
	case left <= 0:
		return fmt.Sprintf("%s expired on %s", name, end)
	case days == 0:
		return fmt.Sprintf("%s expires today (%s)", name, certificate.NotAfter.UTC().Format(time.RFC3339))
	case days == 1:
		return fmt.Sprintf("%s expires in 1 day (%s)", name, end)
	}
	return fmt.Sprintf("%s expires in %d days (%s)", name, days, end)
}

// Subject is a short name of a certificate: its common name or, where it has none, a
// name that it is for.
func Subject(certificate *x509.Certificate) string {
	switch {
	case certificate.Subject.CommonName != "":
		return "CN=" + certificate.Subject.CommonName
	case len(certificate.DNSNames) > 0:
		return certificate.DNSNames[0]
	}
	return certificate.Subject.String()
}

// explainUntrusted says why a certificate was refused, and what to do about it.
func explainUntrusted(err error) (detail, remedy string) {
	var (
		invalid x509.CertificateInvalidError
		host    x509.HostnameError
		unknown x509.UnknownAuthorityError
	)
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil:
		end, remedy := "expired on "+invalid.Cert.NotAfter.UTC().Format(time.RFC3339), "renew it; nothing can be read before that"
		if strings.Contains(invalid.Detail, "is before") {
			end, remedy = "is not valid before "+invalid.Cert.NotBefore.UTC().Format(time.RFC3339), "check the clock of this machine and of the one that made the certificate"
		}
		return Subject(invalid.Cert) + " " + end, remedy
	case errors.As(err, &host) && host.Certificate != nil:
		var names []string
		for _, ip := range host.Certificate.IPAddresses {
			names = append(names, ip.String())
		}
		names = append(append([]string{}, host.Certificate.DNSNames...), names...)
		return fmt.Sprintf("%s is not for the name %q; it is for: %s", Subject(host.Certificate), host.Host, strings.Join(names, ", ")),
			"use one of these names in urls, or let the certificate be issued for this one too"
	case errors.As(err, &unknown):
		return "the authority that signed it is not trusted", "name that authority's certificate in ca_file, after you have made sure that it is yours"
	}
	if verification, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		err = verification.Err
	}
	return err.Error(), "look at it with: openssl s_client -showcerts -connect HOST:PORT"
}
