// Package ldap reads entries from LDAP version 3 servers: all that a search
// finds, or an error. It never returns the part of an answer that came before
// something went wrong as if it were the whole.
//
// It maps nothing and knows nothing of users; it never writes to a directory.
package ldap

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
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
	// URLs are tried in order: the next one where a server can not be reached. One such
	// as ldaps+srv://example.com stands for the servers that DNS names (RFC 2782).
	URLs       []string
	Encryption string
	// BindMethod is simple where it is empty. The others need TLS.
	BindMethod string
	// BindDN and BindPassword are for a simple bind; without a DN the bind is
	// anonymous.
	BindDN       string
	BindPassword identity.Secret
	// Kerberos is for a bind with GSSAPI.
	Kerberos Kerberos
	// ClientCertFile and ClientKeyFile, in PEM form, are shown to servers whatever the
	// bind; both or neither.
	ClientCertFile, ClientKeyFile string
	// CAFile has certificates in PEM form; empty stands for the system's store.
	CAFile string
	// InsecureSkipVerify takes any certificate.
	InsecureSkipVerify bool
	// FollowReferrals reads what a server refers to; else references are counted
	// and left alone.
	FollowReferrals bool
	// PageSize is how many entries to ask for at once; 0 stands for 500.
	PageSize uint32
	// ConnectTimeout bounds connecting and TLS of one server, BindTimeout its bind,
	// SearchTimeout one page; 0 stands for 10 s, 10 s and 5 min.
	ConnectTimeout, BindTimeout, SearchTimeout time.Duration
	// Resolver looks servers up in DNS; nil is the system's.
	Resolver *net.Resolver
	Now      func() time.Time
	// Logger is told of connections and pages; nil for none.
	Logger *slog.Logger
}

// Directory is a directory behind one or several servers.
type Directory struct {
	options     Options
	servers     []*url.URL       // as configured
	roots       *x509.CertPool   // nil: the system's
	certificate *tls.Certificate // the client's, or nil
	log         *slog.Logger

	mu     sync.Mutex
	found  []*url.URL // the servers themselves, when last looked up
	failed string     // the server that broke off the last read

	trace *trace // of Probe; else nil

	// maxNames and wholeAbove are those of groups; tests set others.
	maxNames, wholeAbove int
}

// New returns a directory. It reads the files of certificates and connects to nothing
// yet.
func New(o Options) (*Directory, error) {
	o.PageSize = cmp.Or(o.PageSize, 500)
	o.ConnectTimeout = cmp.Or(o.ConnectTimeout, 10*time.Second)
	o.BindTimeout = cmp.Or(o.BindTimeout, 10*time.Second)
	o.SearchTimeout = cmp.Or(o.SearchTimeout, 5*time.Minute)
	d := &Directory{options: o, log: o.Logger, maxNames: maxNames, wholeAbove: wholeAbove}
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
		if strings.HasPrefix(u.Scheme, schemeLDAPS) != (o.Encryption == EncryptionSSL) {
			return nil, fmt.Errorf("%s does not go with encryption = %q: ldaps:// is \"ssl\", ldap:// is \"starttls\" or \"none\"", raw, o.Encryption)
		}
		d.servers = append(d.servers, u)
	}
	if o.Encryption == EncryptionNone && (o.BindMethod == BindGSSAPI || o.BindMethod == BindExternal) {
		return nil, fmt.Errorf("bind_method = %q needs TLS", o.BindMethod)
	}
	return d, d.loadCertificates()
}

func (d *Directory) loadCertificates() error {
	if file := d.options.CAFile; file != "" {
		pem, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("ca_file: %w", err)
		}
		d.roots = x509.NewCertPool()
		if !d.roots.AppendCertsFromPEM(pem) {
			return fmt.Errorf("ca_file: %s has no certificate in PEM form", file)
		}
	}
	if d.options.ClientCertFile == "" && d.options.ClientKeyFile == "" {
		return nil
	}
	certificate, err := tls.LoadX509KeyPair(d.options.ClientCertFile, d.options.ClientKeyFile)
	if err != nil {
		return fmt.Errorf("client_cert_file and client_key_file: %w", err)
	}
	d.certificate = &certificate
	return nil
}

// Read finds every entry and hands them to yield page by page, in the order in
// which they come, while the next page travels. Only if it returns no error was
// everything read: after one, yield's own among them, what was yielded is to be
// thrown away. It is one attempt, which begins at the server after the one that broke
// the last one off; whether another is worth it says Retryable.
func (d *Directory) Read(ctx context.Context, s identity.Search, yield func([]identity.Entry) error) (identity.Evidence, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &read{
		Directory: d, attributes: attributes(s.Attributes), asked: s.Attributes, pageSize: d.options.PageSize,
		pages: make(chan []identity.Entry, 1), visited: map[string]bool{},
	}
	evidence := identity.Evidence{BaseDN: s.BaseDN, Scope: s.Scope, Filter: s.Filter(), Started: d.options.Now().UTC()}
	done := make(chan error, 1)
	go func() {
		defer close(r.pages)
		done <- r.start(ctx, target{base: s.BaseDN, scope: s.Scope, filter: s.Filter()}, s.MembersOf)
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
		if Retryable(err) {
			d.passOver(r.server)
		}
		return identity.Evidence{}, err
	}
	evidence.Ended = d.options.Now().UTC()
	evidence.Server, evidence.Entries, evidence.Pages = r.server, r.entries, r.count
	evidence.Referrals, evidence.ReferralsIgnored = r.followed, r.ignored
	evidence.Groups = r.groups
	return evidence, nil
}

// attributes adds the attributes of the unique id to those asked for. A list that
// is empty would ask for all.
func attributes(asked []string) []string {
	var out []string
	for _, name := range append(slices.Clone(asked), identity.EntryIDAttributes()...) {
		if !slices.ContainsFunc(out, func(s string) bool { return identity.SameAttribute(s, name) }) {
			out = append(out, name)
		}
	}
	return out
}
