package ldif

import (
	"errors"
	"fmt"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// ErrNoBase says that a search's base does not exist.
var ErrNoBase = errors.New("the base DN does not exist there")

// Select returns the entries that the search finds among those given, with all
// their attributes. The error is ErrNoBase where the base is none of them, nor above one.
func Select(entries []identity.Entry, s identity.Search) ([]identity.Entry, error) {
	w, err := newWithin(s.BaseDN, s.Scope)
	if err != nil {
		return nil, err
	}
	filter, err := CompileFilter(s.Filter())
	if err != nil {
		return nil, err
	}
	var found []identity.Entry
	for i := range entries {
		in, err := w.has(entries[i].DN)
		if err != nil {
			return nil, err
		}
		if in && filter.Match(&entries[i]) {
			found = append(found, entries[i])
		}
	}
	return found, w.exists()
}

// within says which DNs are in the scope of a base.
type within struct {
	base  identity.DNKey
	text  string
	scope identity.Scope
	// found says that the base or something below it was seen; nearest is the
	// longest DN above the base that was, nearestDepth how many RDNs it has.
	found        bool
	nearest      string
	nearestDepth int
}

func newWithin(base string, scope identity.Scope) (*within, error) {
	key, err := identity.NewDNKey(base)
	if err != nil {
		return nil, fmt.Errorf("the base DN: %w", err)
	}
	return &within{base: key, text: base, scope: scope}, nil
}

// has reports whether the entry is in the scope (RFC 4511, 4.5.1.2).
func (w *within) has(entry string) (bool, error) {
	key, err := identity.NewDNKey(entry)
	if err != nil {
		return false, err
	}
	if !key.Within(w.base) {
		if depth := key.Depth(); depth > w.nearestDepth && w.base.Within(key) {
			w.nearest, w.nearestDepth = entry, depth
		}
		return false, nil
	}
	w.found = true
	switch w.scope {
	case identity.ScopeBase:
		return key == w.base, nil
	case identity.ScopeOne:
		return key.Depth() == w.base.Depth()+1, nil
	case identity.ScopeSub:
	}
	return true, nil
}

// exists returns an error, as a server would, if there is no such base.
func (w *within) exists() error {
	if w.found {
		return nil
	}
	nearest := ""
	if w.nearest != "" {
		nearest = fmt.Sprintf("; the nearest that exists is %q", w.nearest)
	}
	return fmt.Errorf("%w: %q%s", ErrNoBase, w.text, nearest)
}
