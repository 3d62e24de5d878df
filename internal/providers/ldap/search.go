package ldap

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// maxEmptyPages is how many pages without entries may follow each other. Servers
// that filter after cutting pages send some.
const maxEmptyPages = 1000

// target is one search of one server.
type target struct {
	base   string
	scope  identity.Scope
	filter string
	depth  int // referrals that led to it
}

// read is one reading of a directory with all that is referred to.
type read struct {
	*Directory
	attributes []string // to ask the servers for
	asked      []string // to hand on
	pages      chan []identity.Entry
	// take gets the entries of a page in the place of pages, in searches by groups.
	take   func(context.Context, []*ldap.Entry) error
	groups *identity.GroupEvidence // of the whole reading

	server         string
	entries, count int
	followed       []string
	ignored        int
	visited        map[string]bool // searches, so that referrals make no loop
}

func (r *read) start(ctx context.Context, t target, membersOf []string) error {
	c, err := r.connect(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	r.server = c.server
	if len(membersOf) > 0 {
		return r.members(ctx, c, t, membersOf)
	}
	return r.search(ctx, c, t)
}

// search reads all pages of one search, and then what it refers to.
func (r *read) search(ctx context.Context, c *connection, t target) error {
	r.visited[t.identity(c.server)] = true
	var references []string
	paging := ldap.NewControlPaging(r.options.PageSize)
	request := ldap.NewSearchRequest(t.base, scope(t.scope), ldap.NeverDerefAliases, 0, 0, false, t.filter, r.attributes, []ldap.Control{paging})
	progress := progress{}
	for {
		// Search returns what came before an error together with it.
		result, err := c.Search(request)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if urls := referralOf(err); urls != nil {
			return r.referred(ctx, c, t, urls)
		}
		if err != nil {
			return r.explainSearch(c, t, err)
		}
		references = append(references, result.Referrals...)
		if err := r.emit(ctx, result.Entries); err != nil {
			return err
		}
		cookie := nextCookie(result)
		if len(cookie) == 0 {
			break
		}
		if err := progress.check(c, t, cookie, result.Entries); err != nil {
			return err
		}
		paging.SetCookie(cookie)
	}
	for _, reference := range references {
		if !r.options.FollowReferrals {
			r.ignored++
			continue
		}
		if err := r.follow(ctx, t.continued(), []string{reference}); err != nil {
			return err
		}
	}
	return nil
}

// nextCookie is where the next page begins; empty after the last one, and where
// the server does not page and sent everything (RFC 2696, 3).
func nextCookie(result *ldap.SearchResult) []byte {
	if paging, ok := ldap.FindControl(result.Controls, ldap.ControlTypePaging).(*ldap.ControlPaging); ok {
		return paging.Cookie
	}
	return nil
}

// progress notices a server that pages for ever.
type progress struct {
	empty  int
	cookie []byte
	first  string
}

func (p *progress) check(c *connection, t target, cookie []byte, entries []*ldap.Entry) error {
	first := ""
	if len(entries) == 0 {
		p.empty++
	} else {
		p.empty, first = 0, entries[0].DN
	}
	switch {
	case p.empty > maxEmptyPages:
		return &IncompleteError{Server: c.server, Base: t.base, Reason: fmt.Sprintf("%d pages in a row had no entries and were not the last", p.empty)}
	case first != "" && first == p.first && bytes.Equal(cookie, p.cookie):
		return &IncompleteError{Server: c.server, Base: t.base, Reason: "the server sends the same page over and over"}
	}
	p.cookie, p.first = bytes.Clone(cookie), first
	return nil
}

// emit hands a page on.
func (r *read) emit(ctx context.Context, entries []*ldap.Entry) error {
	r.count++
	r.entries += len(entries)
	r.log.Log(ctx, slog.LevelDebug-4, "LDAP page", "number", r.count, "entries", len(entries)) // trace
	if r.take != nil {
		return r.take(ctx, entries)
	}
	page := make([]identity.Entry, len(entries))
	for i, e := range entries {
		page[i] = r.entry(e)
	}
	return r.hand(ctx, page)
}

// hand gives entries to who reads.
func (r *read) hand(ctx context.Context, page []identity.Entry) error {
	if len(page) == 0 {
		return nil
	}
	select {
	case r.pages <- page:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *read) entry(e *ldap.Entry) identity.Entry {
	out := identity.Entry{DN: e.DN, Attributes: make([]identity.Attribute, 0, len(r.asked))}
	for _, a := range e.Attributes {
		if !slices.ContainsFunc(r.asked, func(name string) bool { return strings.EqualFold(name, a.Name) }) {
			continue
		}
		values := a.Values
		if strings.EqualFold(a.Name, "objectGUID") && len(values) == 1 {
			if text, ok := identity.GUIDText(values[0]); ok {
				values = []string{text}
			}
		}
		out.Attributes = append(out.Attributes, identity.Attribute{Name: a.Name, Values: values})
	}
	out.ID = identity.EntryID(func(name string) (string, bool) {
		values := e.GetEqualFoldAttributeValues(name)
		if len(values) == 0 {
			return "", false
		}
		return values[0], true
	})
	return out
}

func scope(s identity.Scope) int {
	switch s {
	case identity.ScopeBase:
		return ldap.ScopeBaseObject
	case identity.ScopeOne:
		return ldap.ScopeSingleLevel
	case identity.ScopeSub:
	}
	return ldap.ScopeWholeSubtree
}
