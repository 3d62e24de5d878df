package ldap

import (
	"errors"
	"math/rand/v2"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
)

// A fault in the middle of a read makes an error or does not show: never a short roster.
func TestContractFaults(t *testing.T) {
	t.Parallel()
	for _, s := range subjects {
		t.Run(s.Server, func(t *testing.T) {
			t.Parallel()
			server := s.own(t)
			f := &faulty{subject: s, server: server, want: s.expected(t, func(h ldaptest.Human) bool { return h.Contractor })}
			f.options = optionsFor(server.Where())
			f.options.PageSize = 50
			t.Run("healthy", f.healthy)
			t.Run("killed", func(t *testing.T) {
				for _, page := range []int{1, 7} {
					f.cut(t, page, func() error { server.Close(); return nil }, "was not answered to its end")
					f.restart(t)
				}
			})
			t.Run("restarted", func(t *testing.T) {
				f.cut(t, 2, func() error { server.Close(); return server.Restart() }, "was not answered to its end")
				f.healthy(t)
			})
			t.Run("stopped", func(t *testing.T) {
				f.options.SearchTimeout = 2 * time.Second
				f.cut(t, 2, func() error { return server.Process().Signal(syscall.SIGSTOP) }, "no answer within 2s (search_timeout)")
				f.signal(t, syscall.SIGCONT)
				f.options.SearchTimeout = 0
				f.healthy(t)
			})
			t.Run("slow", f.slow)
			t.Run("limited", f.limited)
		})
	}
}

// faulty is a server of a test alone, of which the contractors are read.
type faulty struct {
	*subject
	server  ldaptest.Server
	options Options
	want    map[string]colleague
}

func (f *faulty) contractors() identity.Search { return f.search("(employeeType=contractor)") }

func (f *faulty) healthy(t *testing.T) {
	t.Helper()
	found, _, _, err := f.roster(t, f.options, f.contractors())
	if diff := differ(f.want, found); err != nil || diff != "" {
		t.Fatalf("%d of %d people, %v", len(found), len(f.want), err)
	}
}

func (f *faulty) restart(t *testing.T) {
	t.Helper()
	if err := f.server.Restart(); err != nil {
		t.Fatal(err)
	}
	f.healthy(t)
}

func (f *faulty) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := f.server.Process().Signal(s); err != nil {
		t.Fatal(err)
	}
}

// cut disturbs the server after a page, and wants an error.
func (f *faulty) cut(t *testing.T, page int, disturb func() error, want string) {
	t.Helper()
	d, err := New(f.options)
	if err != nil {
		t.Fatal(err)
	}
	pages, entries := 0, 0
	evidence, err := d.Read(t.Context(), f.contractors(), func(some []identity.Entry) error {
		entries += len(some)
		if pages++; pages == page {
			return disturb()
		}
		return nil
	})
	var incomplete *IncompleteError
	if !errors.As(err, &incomplete) || !strings.Contains(err.Error(), want) || evidence.Entries != 0 || entries >= len(f.want) {
		t.Errorf("after page %d: %d entries, %+v, %v", page, entries, evidence, err)
	}
}

// slow is a server that stands still for a while, and a network with latency: all comes.
func (f *faulty) slow(t *testing.T) {
	d, err := New(f.options)
	if err != nil {
		t.Fatal(err)
	}
	pages := 0
	evidence, err := d.Read(t.Context(), f.contractors(), func([]identity.Entry) error {
		if pages++; pages == 3 {
			time.AfterFunc(300*time.Millisecond, func() { _ = f.server.Process().Signal(syscall.SIGCONT) })
			return f.server.Process().Signal(syscall.SIGSTOP)
		}
		return nil
	})
	if err != nil || evidence.Entries != len(f.want) {
		t.Errorf("%+v, %v", evidence, err)
	}
	u, err := url.Parse(f.server.Where().LDAPSURL)
	if err != nil {
		t.Fatal(err)
	}
	p := ldaptest.StartToxiproxy(t, withPort(u))
	direct := f.options
	defer func() { f.options = direct }()
	f.options.URLs = []string{"ldaps://" + p.Address}
	poison := func(kind string, attributes map[string]int) {
		if err := p.Poison(kind, "downstream", attributes); err != nil {
			t.Fatal(err)
		}
	}
	poison("latency", map[string]int{"latency": 20, "jitter": 20})
	f.healthy(t)
	// 556 people are more octets than this.
	random := rand.New(rand.NewPCG(3, 4))
	for range 8 {
		if err := p.Heal(); err != nil {
			t.Fatal(err)
		}
		octets := random.IntN(60_000)
		poison("limit_data", map[string]int{"bytes": octets})
		if found, _, evidence, err := f.roster(t, f.options, f.contractors()); err == nil || evidence.Entries != 0 {
			t.Errorf("cut after %d octets: %d people, %v", octets, len(found), err)
		}
	}
}

// limited is a server whose limits end a paged search. Samba 4.17 has none that do.
func (f *faulty) limited(t *testing.T) {
	switch s := f.server.(type) {
	case *ldaptest.Slapd:
		limited := ldaptest.StartSlapd(t, ldaptest.SlapdOptions{LDIF: f.LDIF(), PagedSizeLimit: 120})
		f.options = optionsFor(limited.Where())
		f.options.PageSize = 50
		f.cut(t, 0, nil, "size limit cut it off after")
	case *ldaptest.DS389:
		// This one is of a page, not of the search.
		if err := s.Replace("cn=config", "nsslapd-pagedsizelimit", "120"); err != nil {
			t.Fatal(err)
		}
		f.healthy(t)
		if err := s.Replace("cn=config,cn=ldbm database,cn=plugins,cn=config", "nsslapd-pagedlookthroughlimit", "1000"); err != nil {
			t.Fatal(err)
		}
		f.cut(t, 0, nil, "raise it for the bind account, such as nsslapd-pagedlookthroughlimit of 389")
	}
}
