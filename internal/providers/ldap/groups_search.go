package ldap

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-ldap/ldap/v3"
	"golang.org/x/text/unicode/norm"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/providers/groups"
)

const (
	// maxNames is how many members one search looks for by name, maxFilter how many octets
	// their filter may have: servers take requests of 256 KiB and more.
	maxNames  = 500
	maxFilter = 64 << 10
)

// run makes one search to its end and gives take its pages.
func (m *membership) run(ctx context.Context, t target, follow bool, attributes []string, take func(context.Context, []*ldap.Entry) error) error {
	directory := *m.Directory
	directory.options.FollowReferrals = follow && directory.options.FollowReferrals
	r := &read{Directory: &directory, attributes: attributes, asked: m.asked, visited: map[string]bool{}, server: m.server, take: take}
	err := r.search(ctx, m.c, t)
	m.searches += 1 + len(r.followed)
	for _, followed := range r.followed {
		if !slices.Contains(m.followed, followed) {
			m.followed = append(m.followed, followed)
		}
	}
	if follow {
		m.ignored = max(m.ignored, r.ignored) // each search meets the same references
	}
	return err
}

// matching makes a search for people, who must match a further filter as well, and hands on
// those that belong to a group.
func (m *membership) matching(ctx context.Context, t target, filter string, attributes []string, belongs func(*ldap.Entry, identity.DNKey) bool) error {
	t.filter = both(t.filter, filter)
	return m.run(ctx, t, true, append(slices.Clone(m.attributes), attributes...), func(ctx context.Context, entries []*ldap.Entry) error {
		var page []identity.Entry
		for _, e := range entries {
			key, err := identity.NewDNKey(e.DN)
			if err != nil {
				return fmt.Errorf("%s: %w", m.server, err)
			}
			if belongs(e, key) && m.books.Hand(key) {
				page = append(page, m.entry(e))
			}
		}
		m.count++
		m.entries += len(page)
		return m.hand(ctx, page)
	})
}

// both joins two filters; an empty one matches everything.
func both(filter, other string) string {
	if other == "" {
		return filter
	}
	return "(&" + filter + other + ")"
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
	dn := m.DN
	if strings.ContainsAny(dn, `";`) {
		dn = string(m.Key) // quotation marks and semicolons of RFC 1779 are gone there
	}
	parsed, err := ldap.ParseDN(dn)
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
	var any strings.Builder
	for _, form := range forms {
		any.WriteString(one(form))
	}
	return "(|" + any.String() + ")"
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

// isGroup reports whether the entry is a group.
func isGroup(e *ldap.Entry) bool {
	return hasMembers(e) || slices.ContainsFunc(e.GetEqualFoldAttributeValues("objectClass"), groups.IsClass)
}

// hasMembers reports whether an attribute makes the entry a group.
func hasMembers(e *ldap.Entry) bool {
	return slices.ContainsFunc(e.Attributes, func(a *ldap.EntryAttribute) bool { return groups.IsMemberAttribute(a.Name) })
}

// complete reads the values that a server left out because there are many (MS-ADTS,
// 3.1.1.3.1.3.3): it says which came in an option, and gives the next to who asks for them.
func (m *membership) complete(ctx context.Context, e *ldap.Entry) error {
	for i := 0; i < len(e.Attributes); i++ {
		name, next, ranged := rangeOf(e.Attributes[i].Name)
		if !ranged {
			continue
		}
		values := slices.Clone(e.Attributes[i].Values)
		for next > 0 {
			more, err := m.object(ctx, e.DN, []string{name + ";range=" + strconv.Itoa(next) + "-*"})
			if err != nil {
				return m.explainGroup(e.DN, err)
			}
			at := slices.IndexFunc(more.Attributes, func(a *ldap.EntryAttribute) bool {
				other, _, ranged := rangeOf(a.Name)
				return ranged && strings.EqualFold(other, name) && len(a.Values) > 0
			})
			if at < 0 {
				return &IncompleteError{Server: m.server, Base: e.DN, Reason: fmt.Sprintf("after %d values of %s the server sent no more, and did not say that these are all", next, name)}
			}
			values = append(values, more.Attributes[at].Values...)
			_, after, _ := rangeOf(more.Attributes[at].Name)
			if after > 0 && after != len(values) {
				return &IncompleteError{Server: m.server, Base: e.DN, Reason: fmt.Sprintf("%d values of %s came, and the next is number %d", len(values), name, after)}
			}
			next = after
		}
		// A server may send the attribute without its option too, empty.
		e.Attributes[i] = &ldap.EntryAttribute{Name: name, Values: values}
	}
	return nil
}

// rangeOf reads the option of an attribute that came in part: where the next values begin,
// 0 if there are no more.
func rangeOf(attribute string) (name string, next int, ranged bool) {
	name, option, _ := strings.Cut(attribute, ";")
	bounds, ranged := strings.CutPrefix(strings.ToLower(option), "range=")
	if !ranged {
		return attribute, 0, false
	}
	_, last, _ := strings.Cut(bounds, "-")
	if last == "*" {
		return name, 0, true
	}
	n, err := strconv.Atoi(last)
	if err != nil {
		return attribute, 0, false // what follows takes it for a part
	}
	return name, n + 1, true
}
