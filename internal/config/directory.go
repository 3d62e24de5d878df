package config

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"
	"github.com/hashicorp/hcl/v2"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

const (
	defaultPageSize = 500
	// maxPageSize is what a paged results control can ask for (RFC 2696, 2).
	maxPageSize           = 1<<31 - 1
	defaultConnectTimeout = 10 * time.Second
	defaultBindTimeout    = 10 * time.Second
	defaultSearchTimeout  = 5 * time.Minute
	defaultMaxAge         = 24 * time.Hour
	defaultFilter         = "(objectClass=*)"
)

func (l *loader) loadDirectories() {
	for _, b := range l.blocks["directory"] {
		at := placeOf(b)
		if !l.unique(at, b, l.declaredAt) {
			continue
		}
		d := &Directory{Kind: b.Labels[0], Name: b.Labels[1]}
		common := []string{"filter", "allow_empty", "canaries", "max_age"}
		tree := append([]string{"base_dn!", "scope"}, common...)
		switch d.Kind {
		case KindLDAP:
			sch := schema(append(tree, "urls!", "encryption", "bind_method", "bind_dn", "bind_password", "bind_password_file", "ca_file",
				"client_cert_file", "client_key_file", "insecure_skip_verify", "referrals", "page_size", "connect_timeout", "bind_timeout",
				"search_timeout")...)
			sch.Blocks = []hcl.BlockHeaderSchema{{Type: "kerberos"}}
			l.directory(b, sch, d).ldap(d)
		case KindLDIF:
			opened := l.directory(b, schema(append(tree, "path!")...), d)
			d.Path = opened.path("path", "")
		case KindCSV:
			l.directory(b, schema(append(common, "path!", "separator")...), d).csv(d)
		default:
			kinds := []string{KindLDAP, KindLDIF, KindCSV}
			l.fail(at, b.LabelRanges[0], "Unknown kind of directory", fmt.Sprintf(
				"A directory is one of %s, not %q.%s", quotedList(kinds), d.Kind, suggest(d.Kind, kinds)))
		}
		// One that is wrong is kept too, so that references to it are not.
		l.config.Directories = append(l.config.Directories, d)
	}
	byName(l.config.Directories, func(d *Directory) string { return d.Name })
}

// directory reads what all kinds of directories have.
func (l *loader) directory(raw *hcl.Block, sch *hcl.BodySchema, d *Directory) *block {
	sch.Blocks = append(sch.Blocks, hcl.BlockHeaderSchema{Type: "user"})
	b := l.block(placeOf(raw), raw, sch)
	if d.Kind != KindCSV { // a table has no tree
		d.BaseDN = b.dn("base_dn")
		d.Scope = identity.Scope(b.choice("scope", "sub", "one", "base"))
	}
	d.Filter = b.filter("filter", defaultFilter)
	d.AllowEmpty = b.bool("allow_empty", false)
	d.Canaries = b.texts("canaries")
	d.MaxAge = b.duration("max_age", defaultMaxAge, time.Second)
	if user := l.once(b.place, b.content.Blocks.OfType("user"), "There may be only one."); user != nil {
		d.User = l.loadUser(user, b.of(user))
	} else {
		l.fail(b.place, b.rng, "Missing user block", "A directory needs a block that says what users are made of: "+
			"user { username = entry.uid }, with name and email if it has them.")
	}
	return b
}

// dn reads a distinguished name (RFC 4514).
func (b *block) dn(name string) string {
	dn := b.text(name, "")
	if _, err := ldap.ParseDN(dn); err != nil {
		b.wrong(name, fmt.Sprintf("%s is not a distinguished name such as \"ou=People,dc=example,dc=com\": %s.", name, err))
	}
	return dn
}

// filter reads a search filter (RFC 4515).
func (b *block) filter(name, otherwise string) string {
	filter := strings.TrimSpace(b.text(name, otherwise))
	if filter == "" {
		return otherwise
	}
	if _, err := ldap.CompileFilter(filter); err != nil {
		b.wrong(name, fmt.Sprintf("%s is not an LDAP filter such as \"(objectClass=person)\": %s.", name, ldapReason(err)))
	}
	return filter
}

// ldapReason is the library's reason without its code.
func ldapReason(err error) string {
	_, text, found := strings.Cut(err.Error(), ": ")
	if !found {
		text = err.Error()
	}
	return strings.TrimPrefix(text, "ldap: ")
}

func (b *block) csv(d *Directory) {
	d.Path = b.path("path", "")
	switch separator := b.text("separator", ","); separator {
	case ",", ";", "|", "\t":
		d.Separator = rune(separator[0])
	default:
		b.wrong("separator", fmt.Sprintf(`separator must be ",", ";", "|" or "\t", not %q.`, separator))
	}
}

func (b *block) ldap(d *Directory) {
	secure, known := b.urls(d)
	d.Encryption = b.encryption(secure, known)
	b.bind(d)
	d.CAFile = b.path("ca_file", "")
	b.clientCertificate(d)
	d.InsecureSkipVerify = b.bool("insecure_skip_verify", false)
	if d.InsecureSkipVerify {
		b.warn(b.place, b.content.Attributes["insecure_skip_verify"].NameRange, "TLS certificates are not verified",
			"Anybody on the network between can pose as this directory, read the bind password and decide who has access. "+
				"Set ca_file to the certificate of your authority instead.")
	}
	d.Referrals = b.choice("referrals", ReferralsFollow, ReferralsIgnore)
	d.PageSize = b.whole("page_size", defaultPageSize, 1, maxPageSize)
	d.ConnectTimeout = b.duration("connect_timeout", defaultConnectTimeout, time.Millisecond)
	d.BindTimeout = b.duration("bind_timeout", defaultBindTimeout, time.Millisecond)
	d.SearchTimeout = b.duration("search_timeout", defaultSearchTimeout, time.Millisecond)
}

// urls reads the servers. It returns whether they are ldaps://, where that is
// known.
func (b *block) urls(d *Directory) (secure, known bool) {
	d.URLs = b.texts("urls")
	if d.URLs != nil && len(d.URLs) == 0 {
		b.wrong("urls", "urls has no server.")
	}
	for i, text := range d.URLs {
		u, err := url.Parse(text)
		scheme, srv := "", false
		if err == nil {
			scheme, srv = strings.CutSuffix(u.Scheme, "+srv")
		}
		switch {
		case err != nil || scheme != "ldap" && scheme != "ldaps" || u.Hostname() == "" || !validPort(u):
			b.wrong("urls", "Each of urls must look like ldaps://dc1.example.com or ldap://dc1.example.com:389, or ldaps+srv://example.com for the servers that DNS names; "+
				ordinal(i)+" does not.")
			return false, false
		case srv && (u.Port() != "" || net.ParseIP(u.Hostname()) != nil):
			b.wrong("urls", "A URL with +srv names a domain, whose servers and their ports are in DNS: "+ordinal(i)+" has a port or an address.")
			return false, false
		case u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
			b.wrong("urls", "Each of urls names a server and nothing else: "+ordinal(i)+
				" has more. Credentials, base and filter have attributes of their own.")
			return false, false
		case i > 0 && secure != (scheme == "ldaps"):
			b.wrong("urls", "All of urls must be ldaps://, or all ldap://: a directory is encrypted in one way.")
			return false, false
		}
		secure = scheme == "ldaps"
	}
	return secure, len(d.URLs) > 0
}

func ordinal(i int) string { return fmt.Sprintf("number %d", i+1) }

func (b *block) encryption(secure, known bool) string {
	switch {
	case !b.has("encryption") && known && !secure:
		b.fail(b.place, b.at("urls"), "Missing encryption", `With ldap:// it must be said whether the connection is encrypted: `+
			`encryption = "starttls" or, where everybody may read what passes, "none". Or use ldaps://.`)
		return EncryptionNone
	case !b.has("encryption"):
		return EncryptionSSL
	}
	words := []string{EncryptionNone, EncryptionStartTLS, EncryptionSSL}
	if secure {
		slices.Reverse(words)
	}
	// The first is what one that is wrong counts as: no second error then.
	encryption := b.choice("encryption", words...)
	if known && secure != (encryption == EncryptionSSL) {
		b.wrong("encryption", fmt.Sprintf(`encryption = %q contradicts urls: ldaps:// goes with "ssl", ldap:// with "starttls" or "none".`, encryption))
	}
	return encryption
}
