package ldap

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// IncompleteError says that a server did not answer a search to its end.
type IncompleteError struct {
	Server, Base string
	Reason       string
	Err          error // nil where the answer itself shows it
	// Passing says that the same search may be answered another time or by another
	// server.
	Passing bool
}

func (e *IncompleteError) Error() string {
	text := fmt.Sprintf("%s: the search below %q was not answered to its end: %s; nothing was compared", e.Server, e.Base, e.Reason)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *IncompleteError) Unwrap() error { return e.Err }

// Retryable reports whether a read that failed may succeed if it is made again, from its
// beginning: where a server broke it off or did not answer. It is not where the answer
// would be the same, such as beyond a limit, nor where credentials were refused or no
// server could be reached at all.
func Retryable(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	incomplete, ok := errors.AsType[*IncompleteError](err)
	return ok && incomplete.Passing
}

// explainSearch says what a failed search means. Whatever it is, the entries that
// came with it do not count.
func (r *read) explainSearch(c *connection, t target, err error) error {
	incomplete := func(passing bool, format string, args ...any) error {
		return &IncompleteError{Server: c.server, Base: t.base, Reason: fmt.Sprintf(format, args...), Err: err, Passing: passing}
	}
	switch {
	case ldap.IsErrorAnyOf(err, ldap.LDAPResultNoSuchObject):
		nearest := ""
		if result, ok := errors.AsType[*ldap.Error](err); ok && result.MatchedDN != "" {
			nearest = fmt.Sprintf("; the nearest that exists is %q", result.MatchedDN)
		}
		return fmt.Errorf("%s: the base DN %q does not exist there, or the bind account may not see it%s: %w", c.server, t.base, nearest, err)
	case ldap.IsErrorAnyOf(err, ldap.LDAPResultInvalidDNSyntax):
		return fmt.Errorf("%s: the base DN %q is no DN: %w", c.server, t.base, err)
	case ldap.IsErrorAnyOf(err, ldap.ErrorFilterCompile, ldap.ErrorFilterDecompile, ldap.LDAPResultInappropriateMatching):
		return fmt.Errorf("%s: the filter %q is wrong: %w", c.server, t.filter, err)
	case ldap.IsErrorAnyOf(err, ldap.LDAPResultInsufficientAccessRights):
		return fmt.Errorf("%s: %q may not search below %q: %w", c.server, r.options.BindDN, t.base, err)
	case ldap.IsErrorAnyOf(err, ldap.LDAPResultConfidentialityRequired, ldap.LDAPResultStrongAuthRequired):
		return fmt.Errorf("%s: the server answers no search without TLS; use ldaps:// or encryption = \"starttls\": %w", c.server, err)
	case ldap.IsErrorAnyOf(err, ldap.LDAPResultInappropriateAuthentication),
		r.anonymous() && r.entries == 0 && ldap.IsErrorAnyOf(err, ldap.LDAPResultOperationsError, ldap.LDAPResultUnwillingToPerform):
		// Active Directory: 000004DC, "a successful bind must be completed on the connection".
		return fmt.Errorf("%s: the server does not let anonymous clients search; set bind_dn and bind_password, or another bind_method: %w", c.server, err)
	case ldap.IsErrorAnyOf(err, ldap.LDAPResultSizeLimitExceeded):
		return incomplete(false, "the server's size limit cut it off after %d entries; raise the limit for paged searches of the bind account (page_size is %d)", r.entries, r.pageSize)
	case ldap.IsErrorAnyOf(err, ldap.LDAPResultTimeLimitExceeded):
		return incomplete(false, "the server's time limit cut it off after %d entries; raise it for the bind account, or make the filter one that the server has an index for", r.entries)
	case ldap.IsErrorAnyOf(err, ldap.LDAPResultAdminLimitExceeded):
		return incomplete(false, "an administrative limit of the server cut it off after %d entries; raise it for the bind account, such as nsslapd-pagedlookthroughlimit of 389, or set page_size, which is %d, to no more than the server allows", r.entries, r.pageSize)
	case strings.Contains(err.Error(), "connection timed out"): // go-ldap has no other sign of SetTimeout
		return incomplete(true, "no answer within %s (search_timeout) after %d entries", r.options.SearchTimeout, r.entries)
	}
	return incomplete(r.passing(err), "it failed after %d entries", r.entries)
}

// passing reports whether a search failed for a reason of the server's or of the way to
// it. That a server does not want to go on in the middle says that it forgot the search
// that its cookie stands for.
func (r *read) passing(err error) bool {
	result, ok := errors.AsType[*ldap.Error](err)
	if !ok {
		return true // go-ldap could not send or read
	}
	switch result.ResultCode {
	case ldap.LDAPResultBusy, ldap.LDAPResultUnavailable, ldap.LDAPResultOther, ldap.ErrorNetwork,
		ldap.ErrorUnexpectedMessage, ldap.ErrorUnexpectedResponse, ldap.ErrorMalformedPacket:
		return true
	case ldap.LDAPResultOperationsError, ldap.LDAPResultUnwillingToPerform, ldap.LDAPResultUnavailableCriticalExtension:
		return r.entries > 0
	}
	return false
}

// explainTLS says what to do about a certificate.
func explainTLS(err error) error {
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch text := err.Error(); {
	case errors.As(err, &authority), strings.Contains(text, "signed by unknown authority"):
		return fmt.Errorf("its certificate is of an authority that is not trusted; name that authority's certificate in ca_file: %w", err)
	case errors.As(err, &name), strings.Contains(text, "certificate is valid for"):
		return fmt.Errorf("its certificate is for other names; use one of them in urls: %w", err)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired, strings.Contains(text, "certificate has expired or is not yet valid"):
		return fmt.Errorf("a certificate has expired or is not valid yet; renew it, or correct this machine's clock: %w", err)
	}
	for _, sign := range []string{"does not look like a TLS handshake", "connection reset", "EOF"} {
		if strings.Contains(err.Error(), sign) {
			return fmt.Errorf("TLS failed; is it the right port? ldaps:// is mostly at 636 (3269), StartTLS at 389 (3268): %w", err)
		}
	}
	return fmt.Errorf("TLS failed: %w", err)
}
