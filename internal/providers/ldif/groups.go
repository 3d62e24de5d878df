package ldif

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/providers/groups"
)

// membership says which entries are members of the groups of a search; nil where it has
// none, and takes everybody.
type membership struct {
	books *groups.Closure
	area  groups.Area
	urls  []found
}

// found is what a dynamic group finds.
type found struct {
	area   groups.Area
	filter *Filter
}

// members reads the export through for its groups, and goes back to its beginning.
func (d *Directory) members(ctx context.Context, r io.Reader, s identity.Search) (*membership, error) {
	if len(s.MembersOf) == 0 {
		return nil, nil //nolint:nilnil // a nil membership is one without groups
	}
	again, ok := r.(io.Seeker)
	if !ok {
		return nil, fmt.Errorf("%s: with groups an export is read twice, which this one can not be", d.path)
	}
	books, err := groups.New(s.MembersOf)
	if err != nil {
		return nil, err
	}
	m := &membership{books: books}
	if m.area, err = groups.NewArea(s.BaseDN, s.Scope); err != nil {
		return nil, err
	}
	all, err := d.groups(ctx, r, m.books)
	if err != nil {
		return nil, err
	}
	for fresh := m.books.Fresh(); len(fresh) > 0; fresh = m.books.Fresh() {
		for _, member := range fresh {
			if g := all[member.Key]; g != nil {
				if err := m.books.Add(g); err != nil {
					return nil, fmt.Errorf("%s: %w", d.path, err)
				}
			}
		}
	}
	for _, u := range m.books.URLs() {
		var f found
		if f.area, err = groups.NewArea(u.Base, u.Scope); err == nil {
			f.filter, err = CompileFilter(u.Filter)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: memberURL %q: %w", d.path, u.Text, err)
		}
		m.urls = append(m.urls, f)
	}
	if _, err := again.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("%s: with groups an export is read twice: %w", d.path, err)
	}
	return m, nil
}

// groups returns the groups of the export, and enters those that are asked for.
func (d *Directory) groups(ctx context.Context, r io.Reader, books *groups.Closure) (map[identity.DNKey]*groups.Group, error) {
	asked := map[identity.DNKey]bool{} // whether it was seen
	for _, dn := range books.Asked() {
		key, _ := identity.NewDNKey(dn) // it is one
		asked[key] = false
	}
	all := map[identity.DNKey]*groups.Group{}
	for records := newScanner(d.path, r); ; {
		entry, err := records.next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		if err := d.group(entry, asked, all, books); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", d.path, records.start, err)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	for _, dn := range books.Asked() {
		if key, _ := identity.NewDNKey(dn); !asked[key] {
			books.Missing(dn)
		}
	}
	return all, nil
}

// group enters an entry that is a group.
func (d *Directory) group(entry *identity.Entry, asked map[identity.DNKey]bool, all map[identity.DNKey]*groups.Group, books *groups.Closure) error {
	key, err := identity.NewDNKey(entry.DN)
	if err != nil {
		return err
	}
	if _, isAsked := asked[key]; isAsked {
		asked[key] = true
		return books.AddTop(entry)
	}
	if g := groups.Of(entry); g != nil {
		if other := all[key]; other != nil {
			g.Beside(other, key)
		}
		all[key] = g
	}
	return nil
}

// take reports whether an entry is wanted: one that the search matches, and that is a member
// where groups are asked for.
func (m *membership) take(e *identity.Entry, matches bool) (bool, error) {
	if m == nil {
		return matches, nil
	}
	key, err := identity.NewDNKey(e.DN)
	if err != nil {
		return false, err
	}
	named := m.books.Names(key)
	named = m.books.HasUID(e.Values("uid")) || named
	switch {
	case matches && (named || m.books.HasPrimary(e) || m.isFound(e, key)):
		return m.books.Hand(&identity.Entry{DN: e.DN, ID: identity.EntryID(e.First)}, key)
	case named:
		m.books.Unmatched(key)
	}
	return false, nil
}

func (m *membership) isFound(e *identity.Entry, key identity.DNKey) bool {
	for _, f := range m.urls {
		if f.area.Has(key) && f.filter.Match(e) {
			return true
		}
	}
	return false
}

// evidence says how the groups came to their members; the searches are two readings.
func (m *membership) evidence() *identity.GroupEvidence {
	if m == nil {
		return nil
	}
	return m.books.Evidence(2, m.area)
}
