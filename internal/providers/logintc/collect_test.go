package logintc

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// account is a user whose id and username begin with the letter.
func account(letter rune, name string) identity.Account {
	return identity.Account{ID: strings.Repeat(string(letter), 40), User: identity.User{Username: string(letter), Name: name}}
}

// pageOf has a user for each letter.
func pageOf(letters string) page {
	var p page
	for _, letter := range letters {
		p.accounts = append(p.accounts, account(letter, ""))
	}
	return p
}

func letters(l Listing) string {
	var b strings.Builder
	for _, a := range l.Accounts {
		b.WriteString(a.Username)
	}
	return b.String()
}

// Where a listing ends. Each word is a page; the last one goes on for ever.
func TestCollectEnds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pages string
		want  string // or an error
		count int
	}{
		"nobody":                           {"-", "", 0},
		"an empty page":                    {"ab cd -", "abcd", 2},
		"a page in the middle is short":    {"abc d efg -", "abcdefg", 3},
		"not found after the last":         {"ab cd 404", "abcd", 2},
		"not found at once":                {"404", "GET : 404 Not Found: api.error", 0},
		"page is ignored":                  {"abc", "abc", 1},
		"the last page goes on":            {"ab cd e", "abcde", 3},
		"one repeats and others follow":    {"ab ab cd -", "abcd", 2},
		"some repeat and others follow":    {"ab ab cd ab ef -", "abcdef", 3},
		"it begins again":                  {"ab cd ab cd ef", "abcd", 2},
		"users in another order, by pages": {"cd ab -", "abcd", 2},
		"shifted":                          {"ab bc cd d -", "abcd", 4},
		"an error in the middle":           {"ab 500 cd -", "GET : 500 Internal Server Error: api.error", 0},
		"an error after the end":           {"ab - 500", "ab", 1},
	} {
		for _, most := range []int{1, 2, 8} {
			pages := strings.Fields(c.pages)
			fetch := func(_ context.Context, number int) page {
				switch p := pages[min(number, len(pages))-1]; p {
				case "-":
					return page{}
				case "404", "500":
					status := http.StatusNotFound
					if p == "500" {
						status = http.StatusInternalServerError
					}
					return page{err: &APIError{Method: "GET", Status: status, Code: "api.error"}}
				default:
					return pageOf(p)
				}
			}
			listing, _, err := collector{fetch: fetch, ahead: most, limit: maxPages}.collect(t.Context())
			got := letters(listing)
			if err != nil {
				got = strings.TrimPrefix(err.Error(), "LoginTC: ")
			}
			if got != c.want || listing.Pages != c.count {
				t.Errorf("%s, %d ahead: %q of %d pages", name, most, got, listing.Pages)
			}
		}
	}
}

func TestCollectMergesById(t *testing.T) {
	t.Parallel()
	pages := []page{
		{accounts: []identity.Account{account('b', "before"), account('a', "")}},
		{accounts: []identity.Account{account('c', ""), account('b', "after")}},
		{},
	}
	fetch := func(_ context.Context, number int) page { return pages[number-1] }
	got, _, err := collector{fetch: fetch, ahead: 1, limit: 3}.collect(t.Context())
	want := Listing{Accounts: []identity.Account{account('a', ""), account('b', "after"), account('c', "")}, Pages: 2}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
}

func TestCollectIsBounded(t *testing.T) {
	t.Parallel()
	fetch := func(_ context.Context, number int) page {
		return page{accounts: []identity.Account{{ID: fmt.Sprintf("%040x", number)}}}
	}
	listing, _, err := collector{fetch: fetch, ahead: 8, limit: 1000}.collect(t.Context())
	if err == nil || !strings.Contains(err.Error(), "has not ended after 1000 pages") || listing.Accounts != nil {
		t.Errorf("%d users, %v", len(listing.Accounts), err)
	}
}

// A page that repeats before others come may hide users: the listing is read again
// until two in a row are the same.
func TestCollectConfirms(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		readings []string // one after the other, the last for ever
		want     string
		count    int
	}{
		"nothing repeats":   {[]string{"ab cd -", "ef -"}, "abcd", 1},
		"the end repeats":   {[]string{"ab cd cd -", "ef -"}, "abcd", 1},
		"always the same":   {[]string{"ab ab cd -"}, "abcd", 2},
		"one page was lost": {[]string{"ab ab ef -", "ab cd ef -"}, "abcdef", 3},
		"each time another": {[]string{"ab ab ef -", "ab cd cd gh -", "ab ab gh -", "ab cd ef gh -"}, "", 4},
	} {
		reading := 0
		fetch := func(_ context.Context, number int) page {
			if number == 1 {
				reading++
			}
			pages := strings.Fields(c.readings[min(reading, len(c.readings))-1])
			if p := pages[min(number, len(pages))-1]; p != "-" {
				return pageOf(p)
			}
			return page{}
		}
		listing, err := collector{fetch: fetch, ahead: 1, limit: maxPages}.confirmed(t.Context())
		if letters(listing) != c.want || reading != c.count || (err != nil) != (c.want == "") {
			t.Errorf("%s: %q after %d readings, %v", name, letters(listing), reading, err)
		}
	}
}

// A small organization costs no more than it must: its pages and the empty one.
// A larger one is fetched ahead of, at most by the window.
func TestCollectLooksLittleAhead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		last  int           // how many users the last page has, of ten
		calls map[int]int32 // at most, by the number of pages
	}{
		"full pages":        {10, map[int]int32{0: 1, 1: 2, 2: 4, 3: 4 + 4, 4: 5 + 7, 20: 21 + 9, 60: 61 + 29, 1000: 1001 + 31}},
		"a short last page": {3, map[int]int32{1: 2, 2: 3, 3: 4, 4: 7, 5: 12, 20: 20 + 9, 60: 60 + 29, 1000: 1000 + 31}},
	} {
		for pages, most := range c.calls {
			var fetched atomic.Int32
			fetch := func(_ context.Context, number int) page {
				fetched.Add(1)
				p := page{}
				for i := range 10 {
					if number < pages || number == pages && i < c.last {
						p.accounts = append(p.accounts, identity.Account{ID: fmt.Sprintf("%040x", 10*number+i)})
					}
				}
				return p
			}
			listing, _, err := (collector{fetch: fetch, ahead: 32, limit: maxPages}).collect(t.Context())
			if err != nil || fetched.Load() > most || listing.Pages != pages {
				t.Errorf("%s: %d pages fetched of %d, at most %d wanted: %v", name, fetched.Load(), listing.Pages, most, err)
			}
		}
	}
}

// How far a listing is fetched ahead, after pages of so many users.
func TestAhead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pages []int
		open  []int // before each of these, and after the last
	}{
		"full":                {[]int{10, 10, 10, 10, 10}, []int{1, 1, 2, 4, 8, 8}},
		"the last is short":   {[]int{10, 10, 10, 3}, []int{1, 1, 2, 4, 1}},
		"a short one between": {[]int{10, 10, 3, 10, 3, 10}, []int{1, 1, 2, 1, 8, 8, 8}},
		"they grow":           {[]int{3, 5, 7}, []int{1, 1, 2, 4}},
		"many":                {slices.Repeat([]int{10}, 20), []int{1, 1, 2, 4, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 9, 9, 10}},
	} {
		a := ahead{size: 1, most: 32}
		got := []int{a.open()}
		for i, users := range c.pages {
			a.read(i+1, users)
			got = append(got, a.open())
		}
		if diff := cmp.Diff(c.open, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// Pages come in any order and have any size; never more than the window is
// fetched ahead.
func TestCollectInAnyOrder(t *testing.T) {
	t.Parallel()
	const seeds = 50
	for seed := range uint64(seeds) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			most, users := 1+random.IntN(9), random.IntN(300)
			var pages []page
			var delays []time.Duration
			for at := 0; at < users; {
				p := page{}
				for range min(1+random.IntN(20), users-at) {
					p.accounts = append(p.accounts, identity.Account{ID: fmt.Sprintf("%040x", at), User: identity.User{Username: fmt.Sprintf("%05d", at)}})
					at++
				}
				pages = append(pages, p)
			}
			for range len(pages) + most + 1 {
				delays = append(delays, time.Duration(random.IntN(1000))*time.Millisecond)
			}
			var underWay atomic.Int32
			var seen int
			fetch := func(_ context.Context, number int) page {
				if n := int(underWay.Add(1)); n > most {
					t.Errorf("%d pages at once, %d allowed", n, most)
				}
				defer underWay.Add(-1)
				time.Sleep(delays[number-1])
				if number > len(pages) {
					return page{}
				}
				return pages[number-1]
			}
			listing, _, err := collector{fetch: fetch, each: func(page []identity.Account) { seen += len(page) }, ahead: most, limit: maxPages}.collect(t.Context())
			if err != nil || len(listing.Accounts) != users || seen != users || listing.Pages != len(pages) {
				t.Fatalf("seed %d: %d of %d users, %d seen, %v", seed, len(listing.Accounts), users, seen, err)
			}
			for i, a := range listing.Accounts {
				if a.Username != fmt.Sprintf("%05d", i) {
					t.Fatalf("seed %d: %q at %d", seed, a.Username, i)
				}
			}
		})
	}
}
