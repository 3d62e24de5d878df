package ldap

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
)

// through are options by which slapd is read through the proxy. Its certificate is
// for this address as well.
func through(s *ldaptest.Slapd, p *ldaptest.Toxiproxy, scheme string) Options {
	o := options(s)
	o.URLs = []string{scheme + "://" + p.Address}
	if scheme == "ldap" {
		o.Encryption = EncryptionNone
	}
	o.PageSize, o.ConnectTimeout, o.BindTimeout, o.SearchTimeout = 100, 700*time.Millisecond, 700*time.Millisecond, time.Second
	return o
}

func upstream(t *testing.T, s *ldaptest.Slapd, scheme string) string {
	t.Helper()
	address := s.URL
	if scheme == "ldaps" {
		address = s.LDAPSURL
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

// A network that breaks in whatever way and at whatever time makes an error, never a
// short roster.
func TestToxicNetwork(t *testing.T) {
	t.Parallel()
	const people = 2000 // 20 pages
	s := ldaptest.StartSlapd(t, ldaptest.SlapdOptions{LDIF: ldaptest.People(people)})
	for _, scheme := range []string{"ldap", "ldaps"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			p := ldaptest.StartToxiproxy(t, upstream(t, s, scheme))
			o := through(s, p, scheme)
			if _, evidence, err := readAll(t.Context(), o, search()); err != nil || evidence.Entries != people {
				t.Fatalf("a healthy network: %+v, %v", evidence, err)
			}
			for _, toxic := range []struct {
				name, kind, stream string
				attributes         map[string]int
			}{
				{"connection reset", "reset_peer", "downstream", map[string]int{"timeout": 0}},
				{"reset by the client's side", "reset_peer", "upstream", map[string]int{"timeout": 0}},
				{"stall", "timeout", "downstream", map[string]int{"timeout": 0}},
				{"half-open", "timeout", "upstream", map[string]int{"timeout": 0}},
				{"closed after a while", "timeout", "downstream", map[string]int{"timeout": 50}},
			} {
				for _, page := range []int{0, 1, 2, 10, 16} {
					entries, err := readPoisoned(t.Context(), o, page, func() error { return p.Poison(toxic.kind, toxic.stream, toxic.attributes) })
					checkCut(t, toxic.name, page, entries, err)
					if err := p.Heal(); err != nil {
						t.Fatal(err)
					}
				}
			}
			o.SearchTimeout = 10 * time.Second
			limitData(t, o, p)
		})
	}
}

// readPoisoned reads and poisons the network before the bind (page 0) or after a page.
func readPoisoned(ctx context.Context, o Options, page int, poison func() error) (identity.Evidence, error) {
	if page == 0 {
		if err := poison(); err != nil {
			return identity.Evidence{}, err
		}
	}
	d, err := New(o)
	if err != nil {
		return identity.Evidence{}, err
	}
	pages := 0
	return d.Read(ctx, search(), func([]identity.Entry) error {
		if pages++; pages == page {
			return poison()
		}
		return nil
	})
}

func checkCut(t *testing.T, name string, at int, evidence identity.Evidence, err error) {
	t.Helper()
	var incomplete *IncompleteError
	switch {
	case err == nil || evidence.Entries != 0:
		t.Errorf("%s at %d: %d entries and %v", name, at, evidence.Entries, err)
	case at > 0 && !errors.As(err, &incomplete):
		t.Errorf("%s at %d: %v", name, at, err)
	case strings.Contains(err.Error(), "toxic"):
		t.Errorf("%s at %d: the test itself failed: %v", name, at, err)
	}
}

// limitData closes the connection after so many octets: in the bind, in any page, and
// before the very last one.
func limitData(t *testing.T, o Options, p *ldaptest.Toxiproxy) {
	t.Helper()
	read := func(octets int) (identity.Evidence, error) {
		if err := p.Poison("limit_data", "downstream", map[string]int{"bytes": octets}); err != nil {
			t.Fatal(err)
		}
		_, evidence, err := readAll(t.Context(), o, search())
		if healed := p.Heal(); healed != nil {
			t.Fatal(healed)
		}
		return evidence, err
	}
	// How many it takes is between what is too few and what is enough.
	few, enough := 0, 8<<20
	for few+1 < enough {
		middle := (few + enough) / 2
		if evidence, err := read(middle); err != nil {
			checkCut(t, "limited data", 0, evidence, err)
			few = middle
		} else if evidence.Entries != 2000 {
			t.Fatalf("%d octets are %d entries", middle, evidence.Entries)
		} else {
			enough = middle
		}
	}
	t.Logf("%s takes %d octets", o.URLs[0], enough)
	const slack = 64
	random := rand.New(rand.NewPCG(1, 2))
	cuts := []int{0, 1, 13, 14, 15, 100, few}
	for range 40 {
		cuts = append(cuts, random.IntN(few))
	}
	for _, octets := range cuts {
		evidence, err := read(octets)
		if err == nil && octets > few-slack && evidence.Entries == 2000 {
			continue // a TLS handshake is some octets shorter or longer each time
		}
		if err == nil || evidence.Entries != 0 {
			t.Errorf("after %d of %d octets: %d entries, %v", octets, enough, evidence.Entries, err)
		}
	}
}
