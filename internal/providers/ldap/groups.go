package ldap

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/providers/groups"
)

// wholeAbove is how many members may be looked for by name. Where there are more, it is
// quicker to read all that the filter matches and to pick them out.
const wholeAbove = 25_000

// membership is one reading of the entries that groups name.
type membership struct {
	*read
	c        *connection
	wanted   target // base, scope and filter of the search
	area     groups.Area
	books    *groups.Closure
	contexts map[identity.DNKey]string // the server's naming contexts, once they were asked for
}

// members reads the entries that the search matches and that are members of the groups. DNs
// are followed first, since they alone lead to more groups; what values of uid, primary
// groups and URLs name are people.
func (r *read) members(ctx context.Context, c *connection, t target, membersOf []string) error {
	books, err := groups.New(membersOf)
	if err != nil {
		return err
	}
	m := &membership{read: r, c: c, wanted: t, books: books}
	if m.area, err = groups.NewArea(t.base, t.scope); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{m.tops, m.byDN, m.byUID, m.byPrimaryGroup, m.byURL} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	r.groups = m.books.Evidence(m.searches, m.area)
	return nil
}

// errHidden says that a server found an object and did not show it.
var errHidden = errors.New("it exists and may not be read")

// tops reads the groups that were asked for.
func (m *membership) tops(ctx context.Context) error {
	for _, dn := range m.books.Asked() {
		entry, err := m.object(ctx, dn, groups.Attributes())
		switch {
		case err == nil:
		case ldap.IsErrorAnyOf(err, ldap.LDAPResultNoSuchObject) || referralOf(err) != nil: // another server's
			m.books.Missing(dn)
			continue
		default:
			return m.explainGroup(dn, err)
		}
		if err := m.books.AddTop(plain(entry)); err != nil {
			return fmt.Errorf("%s: %w", m.server, err)
		}
	}
	return nil
}

// explainGroup says why a group can not be read.
func (m *membership) explainGroup(dn string, err error) error {
	if errors.Is(err, errHidden) || ldap.IsErrorAnyOf(err, ldap.LDAPResultInsufficientAccessRights) {
		return fmt.Errorf("%s: %q may not read the group %q; let it read the group and its members: %w", m.server, m.options.BindDN, dn, err)
	}
	return fmt.Errorf("the group %q: %w", dn, err)
}

// byDN looks for the DNs that groups name, and for those that the groups among them name, to
// any depth. Groups come first: those outside the base are known to be no people, and each
// search for people then is for more of them.
func (m *membership) byDN(ctx context.Context) error {
	var waiting []groups.Member
	for {
		var others []groups.Member
		for _, member := range m.books.Fresh() {
			if m.area.Has(member.Key) {
				waiting = append(waiting, member)
			} else {
				others = append(others, member)
			}
		}
		if len(others) == 0 {
			if len(waiting) == 0 {
				return nil
			}
			if err := m.people(ctx, waiting); err != nil {
				return err
			}
			others, waiting = waiting, nil
		}
		if err := m.classify(ctx, others); err != nil {
			return err
		}
	}
}

// people hands on those of the members that the search matches. One that is a group as well
// is read as such too.
func (m *membership) people(ctx context.Context, members []groups.Member) error {
	filters := m.nameFilters(members)
	if len(members) > m.wholeAbove {
		filters = []string{""}
	}
	for _, filter := range filters {
		err := m.matching(ctx, m.wanted, filter, append(groups.MemberAttributes(), "objectSid"), func(e *ldap.Entry, key identity.DNKey) (bool, error) {
			if !m.books.Names(key) {
				return false, nil // another of the same name
			}
			return true, m.add(e)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// add enters an entry if it is a group.
func (m *membership) add(e *ldap.Entry) error {
	if g := groups.Of(plain(e)); g != nil {
		return m.books.Add(g)
	}
	return nil
}

// classify looks for members that the search does not match, wherever the server may hold
// them: groups are read, others counted. Who is behind a referral is not looked for.
func (m *membership) classify(ctx context.Context, members []groups.Member) error {
	byContext := map[string][]groups.Member{}
	for _, member := range members {
		if !m.books.Open(member.Key) {
			continue
		}
		held, err := m.heldBy(ctx, member.Key)
		if err != nil {
			return err
		}
		if held != "" {
			byContext[held] = append(byContext[held], member)
		}
	}
	for _, held := range slices.Sorted(maps.Keys(byContext)) {
		for _, filter := range m.nameFilters(byContext[held]) {
			err := m.look(ctx, held, filter, groups.Attributes(), func(e *ldap.Entry, key identity.DNKey) error {
				if !m.books.Names(key) {
					return nil // another of the same name
				}
				m.books.Unmatched(key)
				return m.add(e)
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// heldBy returns the naming context of the server that holds the DN, or nothing (RFC 4512,
// 5.1).
func (m *membership) heldBy(ctx context.Context, key identity.DNKey) (string, error) {
	if m.contexts == nil {
		root, err := m.object(ctx, "", []string{"namingContexts"})
		if err != nil && !errors.Is(err, errHidden) {
			return "", fmt.Errorf("the root DSE: %w", err)
		}
		m.contexts = map[identity.DNKey]string{}
		if root != nil {
			for _, dn := range root.GetEqualFoldAttributeValues("namingContexts") {
				context, err := identity.NewDNKey(dn)
				if err != nil {
					return "", fmt.Errorf("%s: a naming context: %w", m.server, err)
				}
				m.contexts[context] = dn
			}
		}
		if len(m.contexts) == 0 {
			return "", fmt.Errorf("%s: it does not show its namingContexts, so members of groups outside the base can not be looked for; let %q read them from the root DSE", m.server, m.options.BindDN)
		}
	}
	var longest identity.DNKey
	held := ""
	for context, dn := range m.contexts {
		if key.Within(context) && (held == "" || len(context) > len(longest)) {
			longest, held = context, dn
		}
	}
	return held, nil
}

// byUID hands on the people whose uid groups name, and looks for the others among those whom
// the search does not match.
func (m *membership) byUID(ctx context.Context) error {
	uids := m.books.UIDs()
	filters := m.valueFilters("uid", uids)
	if len(uids) > m.wholeAbove {
		filters = []string{""}
	}
	for _, filter := range filters {
		err := m.matching(ctx, m.wanted, filter, []string{"uid"}, func(e *ldap.Entry, _ identity.DNKey) (bool, error) {
			return m.books.HasUID(e.GetEqualFoldAttributeValues("uid")), nil
		})
		if err != nil {
			return err
		}
	}
	left := m.books.UIDs()
	if len(left) == 0 {
		return nil
	}
	held, err := m.heldBy(ctx, m.area.Base)
	if err != nil || held == "" {
		return err
	}
	for _, filter := range m.valueFilters("uid", left) {
		err := m.look(ctx, held, filter, []string{"uid"}, func(e *ldap.Entry, key identity.DNKey) error {
			if m.books.HasUID(e.GetEqualFoldAttributeValues("uid")) {
				m.books.Unmatched(key)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// byPrimaryGroup hands on the people whose primary group is one of the groups: Active
// Directory does not have them among its members (MS-ADA3, primaryGroupID).
func (m *membership) byPrimaryGroup(ctx context.Context) error {
	for _, filter := range m.valueFilters("primaryGroupID", m.books.RIDs()) {
		err := m.matching(ctx, m.wanted, filter, []string{"primaryGroupID", "objectSid"}, func(e *ldap.Entry, _ identity.DNKey) (bool, error) {
			return m.books.HasPrimary(plain(e)), nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// byURL hands on the people whom the searches of dynamic groups find.
func (m *membership) byURL(ctx context.Context) error {
	for _, u := range m.books.URLs() {
		area, err := groups.NewArea(u.Base, u.Scope)
		if err != nil {
			return err
		}
		t := target{base: u.Base, scope: u.Scope, filter: m.wanted.filter}
		switch {
		case u.Scope == identity.ScopeSub && m.area.Base.Within(area.Base):
			t.base, t.scope = m.wanted.base, m.wanted.scope
		case !area.Base.Within(m.area.Base) && !m.area.Base.Within(area.Base):
			continue // nobody is in both
		}
		err = m.matching(ctx, t, u.Filter, nil, func(_ *ldap.Entry, key identity.DNKey) (bool, error) {
			return area.Has(key) && m.area.Has(key), nil
		})
		if t.base == u.Base && ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject) {
			m.books.Outside(u)
			continue
		}
		if err != nil {
			return fmt.Errorf("the members of a group that %q finds: %w", u.Text, err)
		}
	}
	return nil
}
