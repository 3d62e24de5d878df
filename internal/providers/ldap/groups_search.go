package ldap

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"
	"golang.org/x/text/unicode/norm"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/providers/groups"
)

const (
	// maxNames is how many members one search looks for by name: less than a page, so that it
	// ends with the first. maxFilter is how many octets their filter may have: servers take
	// requests of 256 KiB and more.
	maxNames  = 400
	maxFilter = 64 << 10
)

// object reads one object, without pages: 389 answers a search with pages below what is not
// there as if it were.
func (m *membership) object(ctx context.Context, dn string, attributes []string) (*ldap.Entry, error) {
	m.searches++
	result, err := m.c.Search(ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", attributes, nil))
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case referralOf(err) != nil:
		return nil, err
	case err != nil:
		return nil, m.explainSearch(m.c, target{base: dn}, err)
	case len(result.Entries) != 1:
		return nil, errHidden
	}
	return result.Entries[0], m.complete(ctx, m.c, result.Entries)
}

// look makes a search below a naming context and gives see what it finds. Its references are
// left alone.
func (m *membership) look(ctx context.Context, base, filter string, attributes []string, see func(*ldap.Entry, identity.DNKey) error) error {
	t := target{base: base, scope: identity.ScopeSub, filter: filter}
	_, err := m.paged(ctx, m.c, t, attributes, func(entries []*ldap.Entry) error {
		for _, e := range entries {
			key, err := identity.NewDNKey(e.DN)
			if err == nil {
				err = see(e, key)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", m.server, err)
			}
		}
		return nil
	})
	if referralOf(err) != nil {
		return fmt.Errorf("%s: it refers to another server for its naming context %q: %w", m.server, base, err)
	}
	return err
}

// matching makes a search for people, who must match a further filter as well, and hands on
// those that belong to a group. It follows references as every search for people does.
func (m *membership) matching(ctx context.Context, t target, filter string, attributes []string, belongs func(*ldap.Entry, identity.DNKey) (bool, error)) error {
	t.filter = identity.Search{Filters: []string{t.filter, filter}}.Filter()
	r := &read{
		Directory: m.Directory, attributes: append(slices.Clone(m.attributes), attributes...), asked: m.asked,
		pageSize: m.pageSize, visited: map[string]bool{}, server: m.server, entries: m.entries,
	}
	r.take = func(ctx context.Context, entries []*ldap.Entry) error {
		var page []identity.Entry
		for _, e := range entries {
			key, err := identity.NewDNKey(e.DN)
			belonging := false
			if err == nil {
				belonging, err = belongs(e, key)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", m.server, err)
			}
			if !belonging {
				continue
			}
			entry := m.entry(e)
			first, err := m.books.Hand(&entry, key)
			if err != nil {
				return fmt.Errorf("%s: %w", m.server, err)
			}
			if first {
				page = append(page, entry)
			}
		}
		m.count++
		m.entries += len(page)
		return m.hand(ctx, page)
	}
	err := r.search(ctx, m.c, t)
	m.searches, m.pageSize = m.searches+r.searches, r.pageSize
	for _, followed := range r.followed {
		if !slices.Contains(m.followed, followed) {
			m.followed = append(m.followed, followed)
		}
	}
	m.ignored = max(m.ignored, r.ignored) // each search meets the same references
	return err
}

// nameFilters are filters that find the members by their RDNs, whose values an entry has
// (RFC 4512, 2.3). They find others of the same name as well. Each names one attribute, so
// that one without an index costs as few searches as can be.
func (d *Directory) nameFilters(members []groups.Member) []string {
	byType := map[string][]string{}
	var types []string
	for _, member := range members {
		kind, filter := nameFilter(member)
		if filter == "" {
			continue // no server has such a name
		}
		if byType[kind] == nil {
			types = append(types, kind)
		}
		byType[kind] = append(byType[kind], filter)
	}
	slices.Sort(types)
	var filters []string
	for _, kind := range types {
		filters = append(filters, d.oneOf(byType[kind])...)
	}
	return filters
}

// nameFilter returns the filter for the RDN of a DN, and the attributes that it names.
func nameFilter(m groups.Member) (kind, filter string) {
	parsed, err := ldap.ParseDN(m.DN)
	if err != nil { // RFC 1779's quotation marks, which a key has no more
		parsed, err = ldap.ParseDN(string(m.Key))
	}
	if err != nil || len(parsed.RDNs) == 0 {
		return "", ""
	}
	var kinds []string
	for _, a := range parsed.RDNs[0].Attributes {
		name := strings.ToLower(a.Type)
		name = strings.TrimPrefix(name, "oid.") // RFC 2253, 4
		if !isDescriptor(name) {
			return "", ""
		}
		kinds = append(kinds, name)
		filter += equal(name, a.Value)
	}
	if len(kinds) > 1 {
		filter = "(&" + filter + ")"
	}
	slices.Sort(kinds)
	return strings.Join(kinds, "+"), filter
}

// isDescriptor reports whether it is the name or number of an attribute (RFC 4512, 1.4).
func isDescriptor(name string) bool {
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") == ""
}

// equal is the filter for one value, in both of its forms where Unicode has two: not every
// server takes them for the same.
func equal(attribute, value string) string {
	one := func(value string) string { return "(" + attribute + "=" + ldap.EscapeFilter(value) + ")" }
	forms := []string{value, norm.NFC.String(value), norm.NFD.String(value)}
	slices.Sort(forms)
	if forms = slices.Compact(forms); len(forms) == 1 {
		return one(value)
	}
	var either strings.Builder
	for _, form := range forms {
		either.WriteString(one(form))
	}
	return "(|" + either.String() + ")"
}

// valueFilters are filters that find who has one of the values.
func (d *Directory) valueFilters(attribute string, values []string) []string {
	filters := make([]string, len(values))
	for i, value := range values {
		filters[i] = equal(attribute, value)
	}
	return d.oneOf(filters)
}

// oneOf joins alternatives into as few filters as the bounds allow.
func (d *Directory) oneOf(alternatives []string) []string {
	var filters []string
	for len(alternatives) > 0 {
		n, octets := 0, 0
		for n < len(alternatives) && n < d.maxNames && (n == 0 || octets+len(alternatives[n]) <= maxFilter) {
			octets += len(alternatives[n])
			n++
		}
		filters = append(filters, "(|"+strings.Join(alternatives[:n], "")+")")
		alternatives = alternatives[n:]
	}
	return filters
}

// plain is the entry as it came.
func plain(e *ldap.Entry) *identity.Entry {
	out := &identity.Entry{DN: e.DN}
	for _, a := range e.Attributes {
		out.Attributes = append(out.Attributes, identity.Attribute{Name: a.Name, Values: a.Values})
	}
	return out
}
