package ldap

import (
	"bytes"
	"context"
	"fmt"
	"hash/maphash"
	"log/slog"
	"slices"

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
	pageSize   uint32 // at most that of the options
	// take gets the entries of a page in the place of pages, in searches by groups.
	take   func(context.Context, []*ldap.Entry) error
	groups *identity.GroupEvidence // of the whole reading
	// searches counts them, whatever pages they have.
	searches int

	server         string
	entries, count int
	followed       []string
	ignored        int
	visited        map[string]bool // searches, so that referrals make no loop; false where a referral was all of the answer
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
	found := false
	references, err := r.paged(ctx, c, t, r.attributes, func(entries []*ldap.Entry) error {
		found = found || len(entries) > 0
		return r.emit(ctx, entries)
	})
	if urls := referralOf(err); urls != nil {
		r.visited[t.identity(c.server)] = false
		return r.referred(ctx, c, t, urls)
	}
	if err == nil && !found && len(references) == 0 {
		err = r.baseExists(ctx, c, t)
	}
	if err != nil {
		return err
	}
	for _, reference := range references {
		if partition := withoutPeople(reference); partition != "" || !r.options.FollowReferrals {
			r.ignored++
			r.log.DebugContext(ctx, "LDAP referral left alone", "url", reference, "partition", partition)
			continue
		}
		if err := r.follow(ctx, t.continued(), []string{reference}); err != nil {
			return err
		}
	}
	return nil
}

// baseExists is an error where nothing was found because the base is not there: 389 answers
// a search with pages below it with success and no entries. A base that may not be read,
// though what is below may, is none. What leaves it open whether the base is there is one.
func (r *read) baseExists(ctx context.Context, c *connection, t target) error {
	_, err := c.Search(ldap.NewSearchRequest(t.base, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", []string{"1.1"}, nil))
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil, ldap.IsErrorAnyOf(err, ldap.LDAPResultInsufficientAccessRights), referralOf(err) != nil:
		return nil
	}
	return r.explainSearch(c, t, err)
}

// paged reads all pages of one search and hands each on, with all values of attributes
// that come in ranges. It returns the server's references to elsewhere. A referral in the
// place of a result is an error that referralOf knows.
func (r *read) paged(ctx context.Context, c *connection, t target, attributes []string, yield func([]*ldap.Entry) error) (references []string, err error) {
	r.searches++
	paging := ldap.NewControlPaging(r.pageSize)
	request := ldap.NewSearchRequest(t.base, scope(t.scope), ldap.NeverDerefAliases, 0, 0, false, t.filter, attributes, []ldap.Control{paging})
	progress := progress{}
	for {
		// Search returns what came before an error together with it.
		result, err := c.Search(request)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil && len(paging.Cookie) == 0 && r.smaller(ctx, c, err):
			paging.PagingSize = r.pageSize
			continue
		case referralOf(err) != nil:
			return nil, err
		case err != nil:
			return nil, r.explainSearch(c, t, err)
		}
		references = append(references, result.Referrals...)
		if err := r.complete(ctx, c, result.Entries); err != nil {
			return nil, err
		}
		if err := yield(result.Entries); err != nil {
			return nil, err
		}
		cookie := nextCookie(result)
		if len(cookie) == 0 {
			return references, nil
		}
		if err := progress.check(c, t, cookie, result.Entries); err != nil {
			return nil, err
		}
		paging.SetCookie(cookie)
	}
}

// minPageSize is where asking for smaller pages ends.
const minPageSize = 25

// smaller halves the size of pages where a server refused the first page with a code
// that may mean its size. Nothing of the search was handed on yet: it is begun anew.
func (r *read) smaller(ctx context.Context, c *connection, err error) bool {
	if r.pageSize/2 < minPageSize || !ldap.IsErrorAnyOf(err, ldap.LDAPResultSizeLimitExceeded,
		ldap.LDAPResultAdminLimitExceeded, ldap.LDAPResultUnwillingToPerform) {
		return false
	}
	r.pageSize /= 2
	r.log.InfoContext(ctx, "LDAP server refuses a page, asking for smaller ones", "server", c.server, "page_size", r.pageSize, "error", err)
	return true
}

// nextCookie is where the next page begins; empty after the last one, and where
// the server does not page and sent everything (RFC 2696, 3).
func nextCookie(result *ldap.SearchResult) []byte {
	if paging, ok := ldap.FindControl(result.Controls, ldap.ControlTypePaging).(*ldap.ControlPaging); ok {
		return paging.Cookie
	}
	return nil
}

// maxRepeatedPages is how many pages in a row may begin with an entry that began one
// before. One that is deleted and made again meanwhile does so once.
const maxRepeatedPages = 3

// progress notices a server that pages for ever.
type progress struct {
	empty, repeated int
	first           string              // DN of the last page
	cookie          []byte              // of the last page
	begun           map[uint64]struct{} // digests of the DNs that pages began with
	seed            maphash.Seed
}

func (p *progress) check(c *connection, t target, cookie []byte, entries []*ldap.Entry) error {
	first := ""
	if len(entries) == 0 {
		p.empty++
	} else {
		p.empty, first = 0, entries[0].DN
		p.note(first)
	}
	switch {
	case p.empty > maxEmptyPages:
		return &IncompleteError{Server: c.server, Base: t.base, Reason: fmt.Sprintf("%d pages in a row had no entries and were not the last", p.empty)}
	case first != "" && first == p.first && bytes.Equal(cookie, p.cookie), p.repeated >= maxRepeatedPages:
		return &IncompleteError{Server: c.server, Base: t.base, Reason: "the server sends the same pages over and over"}
	}
	p.cookie, p.first = bytes.Clone(cookie), first
	return nil
}

// note counts pages that begin as one before, whatever their cookies: 389 has one cookie
// for all pages, and one that goes round may make new ones.
func (p *progress) note(first string) {
	if p.begun == nil {
		p.begun, p.seed = map[uint64]struct{}{}, maphash.MakeSeed()
	}
	digest := maphash.String(p.seed, first)
	if _, again := p.begun[digest]; again {
		p.repeated++
	} else {
		p.repeated = 0
	}
	p.begun[digest] = struct{}{}
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
		if slices.ContainsFunc(r.asked, func(name string) bool { return identity.SameAttribute(name, a.Name) }) {
			out.Attributes = append(out.Attributes, identity.NewAttribute(a.Name, a.Values))
		}
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
