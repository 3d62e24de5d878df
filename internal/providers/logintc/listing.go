package logintc

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// maxPages bounds a listing that never ends.
const maxPages = 1_000_000

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
	number   int
	accounts []identity.Account
	err      error
}

// list reads pages until one is empty or, after the first, not found, or until
// two in a row repeat earlier ones: the API documents neither how long a page is
// nor how a listing ends. One page that repeats is passed over, since others may
// follow it. Pages are fetched ahead, more of them the longer the listing
// proves to be. Users that a change during the reading moved to another page are
// merged by id, the later page being right; one that moved to a page that was
// read already can not be seen.
func (r *Reader) list(ctx context.Context, path string, progress func(n int)) (Listing, error) {
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
	for {
		for ; len(ahead) < window; next++ {
			result, number := make(chan page, 1), next
			ahead = append(ahead, result)
			fetching.Go(func() { result <- r.page(ctx, path, number) })
		}
		p := <-ahead[0]
		ahead = ahead[1:]
		if p.err == nil && merged.pages[digest(p)] {
			repeats++
		} else {
			repeats = 0
		}
		switch {
		case hasStatus(p.err, http.StatusNotFound) && p.number > 1, p.err == nil && len(p.accounts) == 0, repeats == 2:
			return merged.listing(), nil
		case p.err != nil:
			return Listing{}, p.err
		case p.number == maxPages:
			return Listing{}, fmt.Errorf("LoginTC: GET %s: the listing has not ended after %d pages", path, maxPages)
		}
		if repeats > 0 {
			continue
		}
		merged.add(p)
		if progress != nil {
			progress(len(p.accounts))
		}
		window = min(2*window, r.options.Concurrency)
	}
}

func (r *Reader) page(ctx context.Context, path string, number int) page {
	var users []wireUser
	c := call{method: http.MethodGet, path: fmt.Sprintf("%s?page=%d", path, number), into: &users}
	p := page{number: number, err: r.do(ctx, c)}
	if p.err == nil && users == nil {
		p.err = c.fail(errors.New("the answer is no list"))
	}
	p.accounts = make([]identity.Account, 0, len(users))
	for i := range users {
		account, err := users[i].account()
		if err != nil && p.err == nil {
			p.err = c.fail(err)
		}
		p.accounts = append(p.accounts, account)
	}
	return p
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

func (m *merge) add(p page) {
	m.pages[digest(p)] = true
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
}

func (m *merge) listing() Listing {
	slices.SortFunc(m.accounts, func(a, b identity.Account) int {
		return cmp.Or(cmp.Compare(a.Username, b.Username), cmp.Compare(a.ID, b.ID))
	})
	return Listing{Accounts: m.accounts, Pages: len(m.pages)}
}
