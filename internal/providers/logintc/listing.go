package logintc

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// maxPages bounds a listing that never ends.
const maxPages = 100_000

// Listing is all users of a domain or of the organization.
type Listing struct {
	// Accounts are sorted by username, then id; each id stands there once.
	Accounts []identity.Account
	// Pages counts the pages that had users.
	Pages int
}

// DomainUsers lists the members of a domain. Each, if not nil, is given the users of one
// page after another, and may change their texts for equal ones.
func (r *Reader) DomainUsers(ctx context.Context, id string, each func(page []identity.Account)) (Listing, error) {
	return r.list(ctx, "/domains/"+url.PathEscape(id)+"/users", each)
}

// Users lists the users of the organization, as DomainUsers does those of a domain.
func (r *Reader) Users(ctx context.Context, each func(page []identity.Account)) (Listing, error) {
	return r.list(ctx, "/users", each)
}

// page is one page of a listing, or why there is none.
type page struct {
	accounts []identity.Account
	err      error
	// users is the same for two pages with the same users; zero until it is needed.
	users [sha256.Size]byte
}

func (r *Reader) list(ctx context.Context, path string, each func(page []identity.Account)) (Listing, error) {
	return collector{
		path:  path,
		fetch: func(ctx context.Context, number int) page { return r.page(ctx, path, number) },
		each:  each, ahead: r.options.Concurrency, limit: maxPages,
	}.confirmed(ctx)
}

// collector puts the pages of a listing together.
type collector struct {
	path  string
	fetch func(ctx context.Context, number int) page
	each  func(page []identity.Account) // may be nil
	ahead int                           // how many pages may be under way at once
	limit int                           // how many pages there may be
}

// confirmed reads the listing. Where a page repeated an earlier one and others
// followed, it may stand for one that never came: the listing is then believed if it
// is the same twice in a row.
func (c collector) confirmed(ctx context.Context) (Listing, error) {
	const tries = 4
	var last Listing
	for try := range tries {
		listing, doubtful, err := c.collect(ctx)
		if err != nil || !doubtful && try == 0 || try > 0 && listing.sameUsers(last) {
			return listing, err
		}
		last, c.each = listing, nil
	}
	return Listing{}, fmt.Errorf("LoginTC: GET %s: pages repeat, and of %d readings no two in a row have the same users: the listing can not be trusted", c.path, tries)
}

// sameUsers reports whether two listings have the same ids.
func (l Listing) sameUsers(other Listing) bool {
	return slices.EqualFunc(l.Accounts, other.Accounts, func(a, b identity.Account) bool { return a.ID == b.ID })
}

// collect reads pages until one is empty or, after the first, not found, or until
// two in a row repeat earlier ones: the API documents neither how long a page is
// nor how a listing ends. One page that repeats is passed over, since others may
// follow it.
//
// Users that a change during the reading moved to another page are merged by id,
// the later page being right. What can not be seen: a user that moved to a page
// that was read already, and a domain that was deleted after its first page.
//
// Doubtful says that a page repeated an earlier one before others came.
func (c collector) collect(ctx context.Context) (listing Listing, doubtful bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	var fetching sync.WaitGroup
	defer fetching.Wait()
	defer cancel()
	var (
		merged  = newMerge(c.each)
		repeats int
		coming  []chan page
		ahead   = ahead{size: 1, most: c.ahead}
		next    = 1
	)
	for number := 1; ; number++ {
		for ; len(coming) < ahead.open(); next++ {
			result, number := make(chan page, 1), next
			coming = append(coming, result)
			fetching.Go(func() { result <- c.fetch(ctx, number) })
		}
		p := <-coming[0]
		coming = coming[1:]
		if merged.has(&p) { // once more, since it may stand for a page that did not come
			p = c.fetch(ctx, number)
		}
		switch {
		case isNotFound(p.err) && number > 1, p.err == nil && len(p.accounts) == 0:
			return merged.listing(), doubtful, nil
		case p.err != nil:
			return Listing{}, false, p.err
		case number == c.limit:
			return Listing{}, false, fmt.Errorf("LoginTC: GET %s: the listing has not ended after %d pages", c.path, c.limit)
		}
		if !merged.add(p) {
			if repeats++; repeats == 2 {
				return merged.listing(), doubtful, nil
			}
			continue
		}
		doubtful = doubtful || repeats > 0
		repeats = 0
		ahead.read(number, len(p.accounts))
	}
}

func (r *Reader) page(ctx context.Context, path string, number int) page {
	users := make([]wireUser, 0, r.longest.Load())
	c := call{method: http.MethodGet, path: fmt.Sprintf("%s?page=%d", path, number), into: &users}
	if err := r.do(ctx, c); err != nil {
		return page{err: err}
	}
	if n := int64(len(users)); n > r.longest.Load() {
		r.longest.Store(n)
	}
	accounts := make([]identity.Account, len(users))
	for i := range users {
		account, err := r.account(&users[i])
		if err != nil {
			return page{err: c.fail(err)}
		}
		accounts[i] = account
	}
	return page{accounts: accounts}
}

// merge puts pages together.
type merge struct {
	each     func(page []identity.Account) // may be nil
	accounts []*identity.Account           // in pages
	at       map[string]int                // id to place in accounts
	pages    map[[sha256.Size]byte]bool
	ids      map[string]string // of domains, of which each user's list has copies
	domains  []string          // of the last account: most have the same, and share the list
}

func newMerge(each func(page []identity.Account)) *merge {
	return &merge{each: each, at: map[string]int{}, pages: map[[sha256.Size]byte]bool{}, ids: map[string]string{}}
}

// has reports whether the page has the users of an earlier one.
func (m *merge) has(p *page) bool {
	if p.err != nil || len(p.accounts) == 0 {
		return false
	}
	h := sha256.New()
	for i := range p.accounts {
		h.Write([]byte(p.accounts[i].ID))
	}
	p.users = [sha256.Size]byte(h.Sum(nil))
	return m.pages[p.users]
}

// add takes a page in, and reports whether it repeats no earlier one.
func (m *merge) add(p page) bool {
	if m.has(&p) {
		return false
	}
	m.pages[p.users] = true
	if m.each != nil {
		m.each(p.accounts)
	}
	for i := range p.accounts {
		account := &p.accounts[i]
		m.share(account)
		if at, twice := m.at[account.ID]; twice {
			m.accounts[at] = account
			continue
		}
		m.at[account.ID] = len(m.accounts)
		m.accounts = append(m.accounts, account)
	}
	return true
}

// share lets the account have its domains in common with others.
func (m *merge) share(account *identity.Account) {
	if account.Domains != nil && slices.Equal(account.Domains, m.domains) {
		account.Domains = m.domains
		return
	}
	for i, id := range account.Domains {
		if _, known := m.ids[id]; !known {
			m.ids[id] = id
		}
		account.Domains[i] = m.ids[id]
	}
	m.domains = account.Domains
}

// listing is what the pages came to. Nothing can be added after it.
func (m *merge) listing() Listing {
	m.at = nil
	slices.SortFunc(m.accounts, func(a, b *identity.Account) int {
		return cmp.Or(cmp.Compare(a.Username, b.Username), cmp.Compare(a.ID, b.ID))
	})
	l := Listing{Accounts: make([]identity.Account, len(m.accounts)), Pages: len(m.pages)}
	for i, account := range m.accounts {
		l.Accounts[i], m.accounts[i] = *account, nil // so that its page need not stay
	}
	return l
}
