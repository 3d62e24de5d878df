package ldap

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	schemeLDAP  = "ldap"
	schemeLDAPS = "ldaps"
	// schemeSRV ends the scheme of a URL that names a domain whose servers DNS knows.
	schemeSRV = "+srv"
)

// The ports of LDAP over TLS and, for the global catalog of Active Directory, in the
// clear and over TLS (IANA; MS-ADTS 3.1.1.3).
const (
	portLDAPS         = 636
	portCatalog       = 3268
	portCatalogSecure = 3269
)

// parseServer reads the URL of a server, or of a domain: ldap+srv://example.com.
func parseServer(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" {
		return nil, fmt.Errorf("%q is no URL of an LDAP server, such as ldaps://ldap.example.com", raw)
	}
	scheme, srv := strings.CutSuffix(u.Scheme, schemeSRV)
	switch {
	case scheme != schemeLDAP && scheme != schemeLDAPS:
		return nil, fmt.Errorf("%q is no URL of an LDAP server, such as ldaps://ldap.example.com", raw)
	case srv && strings.Contains(u.Host, ":"):
		return nil, fmt.Errorf("%q has a port: those of a domain's servers are in DNS", raw)
	case srv:
		return &url.URL{Scheme: u.Scheme, Host: strings.ToLower(strings.TrimSuffix(u.Host, "."))}, nil
	}
	return &url.URL{Scheme: u.Scheme, Host: withPort(u)}, nil
}

// withPort adds the port of the scheme where there is none (RFC 4516; IANA: 389, 636).
func withPort(u *url.URL) string {
	if u.Port() != "" {
		return strings.ToLower(u.Host)
	}
	port := "389"
	if u.Scheme == schemeLDAPS {
		port = strconv.Itoa(portLDAPS)
	}
	return strings.ToLower(strings.TrimSuffix(u.Host, ":")) + ":" + port
}

// candidates are the servers to try, in order, beginning after the one that failed an
// earlier read. Domains that DNS knows no servers of are among the failures.
func (d *Directory) candidates(ctx context.Context) (servers []*url.URL, failures []error) {
	for _, own := range d.servers {
		found := []*url.URL{own}
		if strings.HasSuffix(own.Scheme, schemeSRV) {
			var err error
			if found, err = d.lookUp(ctx, own); err != nil {
				failures = append(failures, err)
			}
		}
		for _, server := range found {
			if !slices.ContainsFunc(servers, func(u *url.URL) bool { return *u == *server }) {
				servers = append(servers, server)
			}
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.found = servers
	at := slices.IndexFunc(servers, func(u *url.URL) bool { return u.String() == d.failed })
	return slices.Concat(servers[at+1:], servers[:at+1]), failures
}

// lookUp returns the servers of a domain by priority and weight (RFC 2782; the draft
// that never became an RFC, and Active Directory, call the service ldap). Where TLS is
// to begin at once they are those of the service ldaps or, where DNS does not know it, as
// with Active Directory, the hosts of the service ldap at the port of ldaps.
func (d *Directory) lookUp(ctx context.Context, domain *url.URL) ([]*url.URL, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, d.options.ConnectTimeout, &timeoutError{d.options.ConnectTimeout, "connect_timeout"})
	defer cancel()
	scheme := strings.TrimSuffix(domain.Scheme, schemeSRV)
	records, err := d.records(ctx, scheme, domain.Host)
	implied := false
	if len(records) == 0 && err == nil && scheme == schemeLDAPS {
		implied = true
		records, err = d.records(ctx, schemeLDAP, domain.Host)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: its servers can not be looked up: %w", domain, timedOut(ctx, err))
	}
	if len(records) == 0 {
		return nil, fmt.Errorf("%s: DNS has no servers of it, no SRV record _ldap._tcp.%s; check the domain, or list the servers in urls", domain, domain.Host)
	}
	var servers []*url.URL
	for _, record := range records {
		host := strings.ToLower(strings.TrimSuffix(record.Target, "."))
		if !within(host, domain.Host) {
			return nil, fmt.Errorf("%s: DNS names the server %q, which is in another domain; DNS is not authenticated, so list it in urls if it is to be trusted", domain, host)
		}
		port := int(record.Port)
		switch {
		case implied && port == portCatalog:
			port = portCatalogSecure
		case implied:
			port = portLDAPS
		}
		servers = append(servers, &url.URL{Scheme: scheme, Host: net.JoinHostPort(host, strconv.Itoa(port))})
	}
	return servers, nil
}

// records returns the SRV records of a service, none where there are none.
func (d *Directory) records(ctx context.Context, service, domain string) ([]*net.SRV, error) {
	_, records, err := cmp.Or(d.options.Resolver, net.DefaultResolver).LookupSRV(ctx, service, "tcp", domain)
	if missing, ok := errors.AsType[*net.DNSError](err); ok && missing.IsNotFound {
		return nil, nil
	}
	// One record with the target "." says that there is no such service.
	return slices.DeleteFunc(records, func(r *net.SRV) bool { return r.Target == "." }), err
}

// within reports whether a host belongs to the domain that was looked up. Labels that
// begin with an underscore, and those before them, divide a domain's services and are
// no part of its hosts' names: dc._msdcs.example.com has hosts of example.com.
func within(host, domain string) bool {
	labels := strings.Split(domain, ".")
	for i, label := range slices.Backward(labels) {
		if strings.HasPrefix(label, "_") {
			labels = labels[i+1:]
			break
		}
	}
	parent := strings.Join(labels, ".")
	return parent != "" && (host == parent || strings.HasSuffix(host, "."+parent))
}

// configured reports whether the server is one of the directory's own.
func (d *Directory) configured(server *url.URL) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.ContainsFunc(slices.Concat(d.servers, d.found), func(own *url.URL) bool { return strings.EqualFold(own.Host, server.Host) })
}

// maxAttempts bounds how often a directory of many servers is read from the beginning.
const maxAttempts = 5

// Attempts is how often a whole read may be tried, each time at the next server: as many
// times as there are servers, at least 2 and at most 5.
func (d *Directory) Attempts() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return min(max(2, len(d.servers), len(d.found)), maxAttempts)
}

// passOver has the next read begin after a server.
func (d *Directory) passOver(server string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failed = server
}
