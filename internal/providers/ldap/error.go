package ldap

import (
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
}

func (e *IncompleteError) Error() string {
	text := fmt.Sprintf("%s: the search below %q was not answered to its end: %s; nothing was compared", e.Server, e.Base, e.Reason)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *IncompleteError) Unwrap() error { return e.Err }

// explainSearch says what a failed search means. Whatever it is, the entries that
// came with it do not count.
func (r *read) explainSearch(c *connection, t target, err error) error {
	incomplete := func(format string, args ...any) error {
		return &IncompleteError{Server: c.server, Base: t.base, Reason: fmt.Sprintf(format, args...), Err: err}
	}
	switch {
	case ldap.IsErrorAnyOf(err, ldap.LDAPResultNoSuchObject):
		nearest := ""
		var result *ldap.Error
		if errors.As(err, &result) && result.MatchedDN != "" {
			nearest = fmt.Sprintf("; the nearest that exists is %q", result.MatchedDN)
		}
		return fmt.Errorf("%s: the base DN %q does not exist there, or the bind account may not see it%s: %w", c.server, t.base, nearest, err)
	case ldap.IsErrorAnyOf(err, ldap.LDAPResultInvalidDNSyntax):
		return fmt.Errorf("%s: the base DN %q is no DN: %w", c.server, t.base, err)
	case ldap.IsErrorAnyOf(err, ldap.ErrorFilterCompile, ldap.ErrorFilterDecompile, ldap.LDAPResultInappropriateMatching):
		return fmt.Errorf("%s: the filter %q is wrong: %w", c.server, t.filter, err)
	case ldap.IsErrorAnyOf(err, ldap.LDAPResultInsufficientAccessRights):
		return fmt.Errorf("%s: %q may not search below %q: %w", c.server, r.options.BindDN, t.base, err)
	case ldap.IsErrorAnyOf(err, ldap.LDAPResultSizeLimitExceeded):
		return incomplete("the server's size limit cut it off after %d entries; raise the limit for paged searches of the bind account (page_size is %d)", r.entries, r.options.PageSize)
	case ldap.IsErrorAnyOf(err, ldap.LDAPResultTimeLimitExceeded):
		return incomplete("the server's time limit cut it off after %d entries; raise it for the bind account, or make the filter one that the server has an index for", r.entries)
	case ldap.IsErrorAnyOf(err, ldap.LDAPResultAdminLimitExceeded):
		return incomplete("an administrative limit of the server cut it off after %d entries; raise it for the bind account, such as nsslapd-pagedlookthroughlimit of 389, or set page_size, which is %d, to no more than the server allows", r.entries, r.options.PageSize)
	case strings.Contains(err.Error(), "connection timed out"): // go-ldap has no other sign of SetTimeout
		return incomplete("no answer within %s (search_timeout) after %d entries", r.options.SearchTimeout, r.entries)
	}
	return incomplete("it failed after %d entries", r.entries)
}

// explainTLS says what to do about a certificate.
func explainTLS(err error) error {
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	switch text := err.Error(); {
	case errors.As(err, &authority), strings.Contains(text, "signed by unknown authority"):
		return fmt.Errorf("its certificate is of an authority that is not trusted; name that authority's certificate in ca_file: %w", err)
	case errors.As(err, &name), strings.Contains(text, "certificate is valid for"):
		return fmt.Errorf("its certificate is for other names; use one of them in urls: %w", err)
	}
	return fmt.Errorf("TLS failed: %w", err)
}
