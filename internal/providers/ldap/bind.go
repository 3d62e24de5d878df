package ldap

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// The values of Options.BindMethod.
const (
	BindSimple   = "simple"   // RFC 4513, 5.1; anonymous without a bind DN
	BindGSSAPI   = "gssapi"   // Kerberos: RFC 4752
	BindExternal = "external" // the client certificate of TLS: RFC 4513, 5.2.3
)

// refusedError is a bind that is not to be tried elsewhere.
type refusedError struct{ error }

func (e *refusedError) Unwrap() error { return e.error }

func (d *Directory) bind(ctx context.Context, c *connection, server *url.URL) error {
	var err error
	switch d.options.BindMethod {
	case BindGSSAPI:
		return d.bindKerberos(ctx, c, server)
	case BindExternal:
		err = c.ExternalBind()
	default:
		if d.anonymous() {
			return nil
		}
		err = c.Bind(d.options.BindDN, d.options.BindPassword.Reveal())
	}
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s: %w", d.who(), explainBind(d.options.BindMethod, timedOut(ctx, err)))
	if ldap.IsErrorAnyOf(err, ldap.LDAPResultInvalidCredentials, ldap.LDAPResultInappropriateAuthentication, ldap.LDAPResultConstraintViolation,
		ldap.LDAPResultConfidentialityRequired, ldap.LDAPResultStrongAuthRequired) {
		return &refusedError{err}
	}
	return err
}

// anonymous reports whether nobody is said to search.
func (d *Directory) anonymous() bool {
	return (d.options.BindMethod == "" || d.options.BindMethod == BindSimple) && d.options.BindDN == ""
}

// who says who binds, for errors.
func (d *Directory) who() string {
	switch d.options.BindMethod {
	case BindGSSAPI:
		if d.options.Kerberos.Principal == "" {
			return "binding with the Kerberos tickets of ccache_file"
		}
		return fmt.Sprintf("binding as %q with Kerberos", d.options.Kerberos.Principal)
	case BindExternal:
		return "binding with the client certificate"
	}
	return fmt.Sprintf("binding as %q", d.options.BindDN)
}

// explainBind says what was wrong with a bind, without its password.
func explainBind(method string, err error) error {
	result, ok := errors.AsType[*ldap.Error](err)
	if !ok || result.ResultCode == ldap.ErrorNetwork {
		closed := func(sign string) bool { return strings.Contains(err.Error(), sign) } // go-ldap keeps the text alone
		if slices.ContainsFunc([]string{"EOF", "remote error: tls", "broken pipe", "connection reset", "connection closed"}, closed) {
			return fmt.Errorf("the server closed the connection; it may want a client certificate that it trusts (client_cert_file): %w", err)
		}
		return err
	}
	text := ""
	switch result.ResultCode {
	case ldap.LDAPResultInvalidCredentials:
		text = "the server does not take these credentials; " + accountAdvice(method, err.Error())
	case ldap.LDAPResultConfidentialityRequired, ldap.LDAPResultStrongAuthRequired:
		if method == BindGSSAPI {
			text = `the server wants a SASL security layer (signing) even inside TLS, which is not done here; let it take TLS instead, as "allow_sasl_over_tls" does with Samba`
			break
		}
		text = `the server takes no password without TLS; use ldaps:// or encryption = "starttls"`
	case ldap.LDAPResultInappropriateAuthentication:
		text = "the server does not let this account bind in this way: it may have no password, or anonymous access may be off"
	case ldap.LDAPResultAuthMethodNotSupported:
		text = "the server does not offer this bind_method"
	case ldap.LDAPResultConstraintViolation: // 389: too many wrong passwords
		text = "the account is locked, or may not be used now; unlock it before anything is tried again"
	case ldap.LDAPResultUnwillingToPerform: // 389: an inactive account; OpenLDAP: a bind that is switched off
		text = "the server does not want to: the account may be inactive, or this kind of bind switched off"
	case ldap.LDAPResultInvalidDNSyntax:
		text = "bind_dn is no DN for the server"
	case ldap.LDAPResultBusy, ldap.LDAPResultUnavailable:
		text = "the server is busy or about to stop"
	default:
		return err
	}
	return fmt.Errorf("%s: %w", text, err)
}

// accountAdvice says what Active Directory means by the code in its diagnostic message
// ("… AcceptSecurityContext error, data 52e, v3839": a Windows error in hexadecimal).
func accountAdvice(method, diagnostic string) string {
	_, rest, _ := strings.Cut(diagnostic, ", data ")
	code, _, _ := strings.Cut(rest, ",")
	switch strings.ToLower(strings.TrimSpace(code)) {
	case "525":
		return "it knows no such account: check bind_dn (code 525)"
	case "52e":
		return "the password is wrong, or it belongs to another account: check bind_dn and bind_password (code 52e)"
	case "530":
		return "the account may not log on at this hour (code 530)"
	case "531":
		return "the account may not log on from this machine (code 531)"
	case "532":
		return "the account's password has expired: set a new one, or let it never expire (code 532)"
	case "533":
		return "the account is disabled (code 533)"
	case "701":
		return "the account has expired (code 701)"
	case "773":
		return "the account's password must be changed before it is used: set it again without that demand (code 773)"
	case "80090346":
		return "it wants a channel binding token, which is not sent: LDAP channel binding must not be set to always (code 80090346)"
	case "775":
		return "the account is locked after wrong passwords: unlock it before anything is tried again (code 775)"
	}
	if method == BindGSSAPI || method == BindExternal {
		return fmt.Sprintf("check who may bind there with bind_method = %q", method)
	}
	return "check bind_dn and bind_password"
}
