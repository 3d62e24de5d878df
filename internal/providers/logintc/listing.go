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

// DomainUsers lists the members of a domain. Progress, if not nil, is told of
// each page's number of users.
func (r *Reader) DomainUsers(ctx context.Context, id string, progress func(n int)) (Listing, error) {
	return r.list(ctx, "/domains/"+url.PathEscape(id)+"/users", progress)
}

// Users lists the users of the organization.
func (r *Reader) Users(ctx context.Context, progress func(n int)) (Listing, error) {
	return r.list(ctx, "/users", progress)
}

// page is one page of a listing, or why there is none.
type page struct {
	accounts []identity.Account
	err      error
}

func (r *Reader) list(ctx context.Context, path string, progress func(n int)) (Listing, error) {
	return collector{
		path:     path,
		fetch:    func(ctx context.Context, number int) page { return r.page(ctx, path, number) },
		progress: progress, ahead: r.options.Concurrency, limit: maxPages,
	}.collect(ctx)
}

// collector puts the pages of a listing together.
type collector struct {
	path     string
	fetch    func(ctx context.Context, number int) page
	progress func(n int) // may be nil
	ahead    int         // how many pages may be under way at once
	limit    int         // how many pages there may be
}

// collect reads pages until one is empty or, after the first, not found, or until
// two in a row repeat earlier ones: the API documents neither how long a page is
// nor how a listing ends. One page that repeats is passed over, since others may
// follow it. The longer the listing proves to be, the more pages are fetched ahead.
//
// Users that a change during the reading moved to another page are merged by id,
// the later page being right. What can not be seen: a user that moved to a page
// that was read already, and a domain that was deleted after its first page.
func (c collector) collect(ctx context.Context) (Listing, error) {
	ctx, cancel := context.WithCancel(ctx)
	var fetching sync.WaitGroup
	defer fetching.Wait()
	defer cancel()
	var (
		merged  = newMerge()
		repeats int
		ahead   []chan page
		window  = 1
		next    = 1
	)
	for number := 1; ; number++ {
		for ; len(ahead) < window; next++ {
			result, number := make(chan page, 1), next
			ahead = append(ahead, result)
			fetching.Go(func() { result <- c.fetch(ctx, number) })
		}
		p := <-ahead[0]
		ahead = ahead[1:]
		switch {
		case isNotFound(p.err) && number > 1, p.err == nil && len(p.accounts) == 0:
			return merged.listing(), nil
		case p.err != nil:
			return Listing{}, p.err
		case number == c.limit:
			return Listing{}, fmt.Errorf("LoginTC: GET %s: the listing has not ended after %d pages", c.path, c.limit)
		}
		if !merged.add(p) {
			if repeats++; repeats == 2 {
				return merged.listing(), nil
			}
			continue
		}
		repeats = 0
		if c.progress != nil {
			c.progress(len(p.accounts))
		}
		if number > 1 { // so that one page costs two calls
			window = min(2*window, c.ahead)
		}
	}
}

func (r *Reader) page(ctx context.Context, path string, number int) page {
	var users []wireUser
	c := call{method: http.MethodGet, path: fmt.Sprintf("%s?page=%d", path, number), into: &users}
	if err := r.do(ctx, c); err != nil {
		return page{err: err}
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
	accounts []identity.Account
	at       map[string]int // id to place in accounts
	pages    map[[sha256.Size]byte]bool
	domains  map[string]string // ids of domains, of which each user's list has copies
}

func newMerge() *merge {
	return &merge{at: map[string]int{}, pages: map[[sha256.Size]byte]bool{}, domains: map[string]string{}}
}

// digest is the same for two pages with the same users.
func digest(p page) [sha256.Size]byte {
	h := sha256.New()
	for i := range p.accounts {
		h.Write([]byte(p.accounts[i].ID))
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// add takes a page in, and reports whether it repeats no earlier one.
func (m *merge) add(p page) bool {
	users := digest(p)
	if m.pages[users] {
		return false
	}
	m.pages[users] = true
	for _, account := range p.accounts {
		for i, id := range account.Domains {
			if _, known := m.domains[id]; !known {
				m.domains[id] = id
			}
			account.Domains[i] = m.domains[id]
		}
		if at, twice := m.at[account.ID]; twice {
			m.accounts[at] = account
			continue
		}
		m.at[account.ID] = len(m.accounts)
		m.accounts = append(m.accounts, account)
	}
	return true
}

func (m *merge) listing() Listing {
	slices.SortFunc(m.accounts, func(a, b identity.Account) int {
		return cmp.Or(cmp.Compare(a.Username, b.Username), cmp.Compare(a.ID, b.ID))
	})
	return Listing{Accounts: m.accounts, Pages: len(m.pages)}
}
