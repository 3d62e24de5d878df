package ldap

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// maxReferrals is how many referrals may lead to one another.
const maxReferrals = 10

// identity names a search, so that the same one is not made twice.
func (t target) identity(server string) string {
	base, err := identity.NewDNKey(t.base)
	if err != nil {
		base = identity.DNKey(t.base) // the server says what is wrong with it
	}
	return strings.Join([]string{server, string(base), string(t.scope), t.filter}, "\x00")
}

// continued is how a search goes on behind a reference (RFC 4511, 4.5.3): what is
// one level below the base is the referred object itself.
func (t target) continued() target {
	if t.scope == identity.ScopeOne {
		t.scope = identity.ScopeBase
	}
	t.depth++
	return t
}

// referralOf returns the URLs of a result that says to ask elsewhere, or nil.
func referralOf(err error) []string {
	var result *ldap.Error
	if !errors.As(err, &result) || result.ResultCode != ldap.LDAPResultReferral {
		return nil
	}
	urls := []string{}
	if result.Packet == nil || len(result.Packet.Children) < 2 {
		return urls
	}
	for _, child := range result.Packet.Children[1].Children {
		if child.ClassType != ber.ClassContext || child.Tag != 3 { // LDAPResult.referral
			continue
		}
		for _, u := range child.Children {
			urls = append(urls, u.Data.String())
		}
	}
	return urls
}

// withoutPeople returns the kind of partition of Active Directory that a reference leads
// to, where it is one that every search below a domain is referred to and that has no
// people: its configuration and the zones of its DNS (MS-ADTS 3.1.1.1.9). Their servers
// are often none that resolve. It is empty for everything else, child domains above all.
func withoutPeople(reference string) (kind string) {
	u, err := url.Parse(reference)
	if err != nil || u.RawQuery != "" && strings.Trim(u.RawQuery, "?") != "base" && strings.Trim(u.RawQuery, "?") != "sub" {
		return ""
	}
	dn, err := ldap.ParseDN(strings.TrimPrefix(u.Path, "/"))
	if err != nil || len(dn.RDNs) < 2 {
		return ""
	}
	var labels []string // of the domain
	for _, rdn := range dn.RDNs[1:] {
		if len(rdn.Attributes) != 1 || !strings.EqualFold(rdn.Attributes[0].Type, "dc") {
			return ""
		}
		labels = append(labels, rdn.Attributes[0].Value)
	}
	domain := strings.Join(labels, ".")
	first, host := strings.ToLower(dn.RDNs[0].String()), u.Hostname()
	switch {
	case first == "cn=configuration" && strings.EqualFold(host, domain):
		return "configuration"
	case first == "dc=domaindnszones" && strings.EqualFold(host, "DomainDnsZones."+domain),
		first == "dc=forestdnszones" && strings.EqualFold(host, "ForestDnsZones."+domain):
		return "DNS zones"
	}
	return ""
}

// referred follows a referral in the place of a result: the server does not hold
// the base.
func (r *read) referred(ctx context.Context, c *connection, t target, urls []string) error {
	if !r.options.FollowReferrals {
		return fmt.Errorf("%s does not hold %q and refers to %s, and referrals = \"ignore\": ask that server, or follow referrals",
			c.server, t.base, strings.Join(urls, ", "))
	}
	t.depth++
	return r.follow(ctx, t, urls)
}

// follow reads what one of the URLs stands for; they are alternatives.
func (r *read) follow(ctx context.Context, t target, urls []string) error {
	if t.depth > maxReferrals {
		return fmt.Errorf("referrals are more than %d deep, at %s: nothing was compared; mend them, or set referrals = \"ignore\"", maxReferrals, strings.Join(urls, ", "))
	}
	var failures []error
	for _, raw := range urls {
		err := r.followOne(ctx, t, strings.ToValidUTF8(raw, "\uFFFD"))
		if err == nil || ctx.Err() != nil {
			return err
		}
		if begun, ok := errors.AsType[*begunError](err); ok {
			return begun.error
		}
		failures = append(failures, err)
	}
	return fmt.Errorf("a referral can not be read, so nothing was compared; set referrals = \"ignore\" if what is behind it does not matter: %w", errors.Join(failures...))
}

// begunError is a failure after entries may have been handed on, so that no
// alternative may be tried.
type begunError struct{ error }

func (r *read) followOne(ctx context.Context, t target, raw string) error {
	server, t, err := t.at(raw)
	if err != nil {
		return err
	}
	if answers, again := r.visited[t.identity(server.String())]; answers {
		return nil // a loop, or another way to what was read
	} else if again {
		return fmt.Errorf("the referral %s leads in a circle: %s refers %q to where it came from, and nobody answers", raw, server, t.base)
	}
	encryption, err := r.trust(server)
	if err != nil {
		return err
	}
	c, err := r.dial(ctx, server, encryption)
	if err != nil {
		return err
	}
	defer c.close()
	r.followed = append(r.followed, raw)
	if err := r.search(ctx, c, t); err != nil {
		return &begunError{err}
	}
	return nil
}

// at returns the server and search that an LDAP URL names (RFC 4516): parts that
// it leaves out stay as they are.
func (t target) at(raw string) (*url.URL, target, error) {
	u, err := url.Parse(raw)
	if err == nil && u.Host != "" && (u.Scheme == "ldap" || u.Scheme == "ldaps") {
		if base := strings.TrimPrefix(u.Path, "/"); base != "" {
			t.base = base
		}
		parts := strings.SplitN(u.RawQuery, "?", 4) // attributes, scope, filter, extensions
		if len(parts) > 1 && parts[1] != "" {
			t.scope = identity.Scope(strings.ToLower(parts[1]))
		}
		if len(parts) > 2 && parts[2] != "" {
			if t.filter, err = url.PathUnescape(parts[2]); err != nil {
				return nil, t, fmt.Errorf("the filter of the referral %s: %w", raw, err)
			}
		}
		if !slices.Contains([]identity.Scope{identity.ScopeBase, identity.ScopeOne, identity.ScopeSub}, t.scope) {
			return nil, t, fmt.Errorf("the referral %s has the scope %q", raw, t.scope)
		}
		return &url.URL{Scheme: u.Scheme, Host: withPort(u)}, t, nil
	}
	return nil, t, fmt.Errorf("the referral %s is no LDAP URL with a host", raw)
}

// trust says how to speak to a referred server. Credentials are sent only over
// TLS with a verified certificate where the directory uses TLS, and else only to
// the directory's own servers. Where they may not be sent the referral is an
// error: who asks without them may be shown less, and be told that it is all.
func (r *read) trust(server *url.URL) (encryption string, err error) {
	allowed := r.anonymous() || r.configured(server)
	switch {
	case r.options.Encryption == EncryptionNone && server.Scheme == "ldap":
		encryption = EncryptionNone
	case server.Scheme == "ldaps":
		encryption, allowed = EncryptionSSL, allowed || !r.options.InsecureSkipVerify
	case r.options.Encryption == EncryptionStartTLS:
		encryption, allowed = EncryptionStartTLS, allowed || !r.options.InsecureSkipVerify
	default:
		return "", fmt.Errorf("the referral to %s is without TLS, which this directory is read with", server)
	}
	if !allowed {
		return "", fmt.Errorf("%s, which a referral names, has no verified certificate, and so no credentials may be sent there (%s)", server, r.who())
	}
	return encryption, nil
}
