// Package ldap reads entries from LDAP version 3 servers: all that a search
// finds, or an error. It never returns the part of an answer that came before
// something went wrong as if it were the whole.
//
// It maps nothing and knows nothing of users; it never writes to a directory.
package ldap

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// The values of Options.Encryption.
const (
	EncryptionNone     = "none"
	EncryptionSSL      = "ssl"      // TLS from the first octet: ldaps://
	EncryptionStartTLS = "starttls" // ldap://, then RFC 4511, 4.14
)

// Options say which servers to ask and how.
type Options struct {
	// URLs are tried in order: the next one where a server can not be reached.
	URLs       []string
	Encryption string
	// BindDN and BindPassword are for a simple bind; without a DN the bind is
	// anonymous.
	BindDN       string
	BindPassword identity.Secret
	// CAFile has certificates in PEM form; empty stands for the system's store.
	CAFile string
	// InsecureSkipVerify takes any certificate.
	InsecureSkipVerify bool
	// FollowReferrals reads what a server refers to; else references are counted
	// and left alone.
	FollowReferrals bool
	// PageSize is how many entries to ask for at once; 0 stands for 500.
	PageSize uint32
	// ConnectTimeout bounds connecting, TLS and bind of one server, SearchTimeout
	// one page; 0 stands for 10 s and 5 min.
	ConnectTimeout, SearchTimeout time.Duration
	Now                           func() time.Time
	// Logger is told of connections and pages; nil for none.
	Logger *slog.Logger
}

// Directory is a directory behind one or several servers.
type Directory struct {
	options Options
	servers []*url.URL
	roots   *x509.CertPool // nil: the system's
	log     *slog.Logger
	trace   *trace // of Probe; else nil
}

// New returns a directory. It reads CAFile and connects to nothing yet.
func New(o Options) (*Directory, error) {
	if o.PageSize == 0 {
		o.PageSize = 500
	}
	if o.ConnectTimeout == 0 {
		o.ConnectTimeout = 10 * time.Second
	}
	if o.SearchTimeout == 0 {
		o.SearchTimeout = 5 * time.Minute
	}
	d := &Directory{options: o, log: o.Logger}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	if len(o.URLs) == 0 {
		return nil, fmt.Errorf("there is no URL of an LDAP server")
	}
	for _, raw := range o.URLs {
		u, err := parseServer(raw)
		if err != nil {
			return nil, err
		}
		if (u.Scheme == "ldaps") != (o.Encryption == EncryptionSSL) {
			return nil, fmt.Errorf("%s does not go with encryption = %q: ldaps:// is \"ssl\", ldap:// is \"starttls\" or \"none\"", raw, o.Encryption)
		}
		d.servers = append(d.servers, u)
	}
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, fmt.Errorf("ca_file: %w", err)
		}
		d.roots = x509.NewCertPool()
		if !d.roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ca_file: %s has no certificate in PEM form", o.CAFile)
		}
	}
	return d, nil
}

func parseServer(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "ldap" && u.Scheme != "ldaps" {
		return nil, fmt.Errorf("%q is no URL of an LDAP server, such as ldaps://ldap.example.com", raw)
	}
	return &url.URL{Scheme: u.Scheme, Host: withPort(u)}, nil
}

// withPort adds the port of the scheme where there is none (RFC 4516; IANA: 389, 636).
func withPort(u *url.URL) string {
	if u.Port() != "" {
		return strings.ToLower(u.Host)
	}
	port := "389"
	if u.Scheme == "ldaps" {
		port = "636"
	}
	return strings.ToLower(strings.TrimSuffix(u.Host, ":")) + ":" + port
}

func (d *Directory) tlsConfig(host string) *tls.Config {
	return d.trace.watch(&tls.Config{
		ServerName: host, RootCAs: d.roots, MinVersion: tls.VersionTLS12,
		InsecureSkipVerify: d.options.InsecureSkipVerify, //nolint:gosec // explicit in the configuration, and warned about there
	})
}

// Read finds every entry and hands them to yield page by page, in the order in
// which they come, while the next page travels. Only if it returns no error was
// everything read: after one, yield's own among them, what was yielded is to be
// thrown away.
func (d *Directory) Read(ctx context.Context, s identity.Search, yield func([]identity.Entry) error) (identity.Evidence, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &read{
		Directory: d, attributes: attributes(s.Attributes), asked: s.Attributes,
		pages: make(chan []identity.Entry, 1), visited: map[string]bool{},
	}
	evidence := identity.Evidence{BaseDN: s.BaseDN, Scope: s.Scope, Filter: s.Filter(), Started: d.options.Now().UTC()}
	done := make(chan error, 1)
	go func() {
		defer close(r.pages)
		done <- r.start(ctx, target{base: s.BaseDN, scope: s.Scope, filter: s.Filter()})
	}()
	var refused error
	for page := range r.pages {
		if refused == nil {
			if refused = yield(page); refused != nil {
				cancel()
			}
		}
	}
	if err := <-done; refused != nil {
		return identity.Evidence{}, refused
	} else if err != nil {
		return identity.Evidence{}, err
	}
	evidence.Ended = d.options.Now().UTC()
	evidence.Server, evidence.Entries, evidence.Pages = r.server, r.entries, r.count
	evidence.Referrals, evidence.ReferralsIgnored = r.followed, r.ignored
	return evidence, nil
}

// attributes adds the attributes of the unique id to those asked for. A list that
// is empty would ask for all.
func attributes(asked []string) []string {
	var out []string
	for _, name := range append(slices.Clone(asked), identity.EntryIDAttributes()...) {
		if !slices.ContainsFunc(out, func(s string) bool { return strings.EqualFold(s, name) }) {
			out = append(out, name)
		}
	}
	return out
}
