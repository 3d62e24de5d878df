package ldap

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
)

const people = "ou=People," + ldaptest.BaseDN

func options(s *ldaptest.Slapd) Options {
	return Options{
		URLs: []string{s.LDAPSURL}, Encryption: EncryptionSSL, CAFile: s.CAFile,
		BindDN: ldaptest.ReaderDN, BindPassword: identity.NewSecret(ldaptest.ReaderPassword),
		FollowReferrals: true, Now: time.Now,
	}
}

// search asks for everybody's uid and mail.
func search() identity.Search {
	return identity.Search{BaseDN: people, Scope: identity.ScopeSub, Filters: []string{"(objectClass=inetOrgPerson)"}, Attributes: []string{"UID", "mail"}}
}

// readAll reads to the end and returns the entries by uid.
func readAll(ctx context.Context, o Options, s identity.Search) (map[string]identity.Entry, identity.Evidence, error) {
	d, err := New(o)
	if err != nil {
		return nil, identity.Evidence{}, err
	}
	found := map[string]identity.Entry{}
	evidence, err := d.Read(ctx, s, func(page []identity.Entry) error {
		for _, e := range page {
			uid, _ := e.First("uid")
			found[uid] = e
		}
		return nil
	})
	return found, evidence, err
}

func TestReadsEverythingWhateverTheLimit(t *testing.T) {
	t.Parallel()
	s := ldaptest.StartSlapd(t, ldaptest.SlapdOptions{LDIF: ldaptest.People(2000)})
	for name, change := range map[string]func(*Options){
		"ldaps":         func(*Options) {},
		"starttls":      func(o *Options) { o.URLs, o.Encryption = []string{s.URL}, EncryptionStartTLS },
		"none":          func(o *Options) { o.URLs, o.Encryption = []string{s.URL}, EncryptionNone },
		"small pages":   func(o *Options) { o.PageSize = 7 },
		"second server": func(o *Options) { o.URLs = []string{"ldaps://127.0.0.1:1", s.LDAPSURL} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(s)
			change(&o)
			found, evidence, err := readAll(t.Context(), o, search())
			if err != nil {
				t.Fatal(err)
			}
			if len(found) != 2000 || evidence.Entries != 2000 || evidence.Server == "" || evidence.Ended.Before(evidence.Started) {
				t.Errorf("%d entries, %+v", len(found), evidence)
			}
			if want := (2000 + int(max(o.PageSize, 1)) - 1) / int(max(o.PageSize, 1)); o.PageSize > 0 && evidence.Pages != want {
				t.Errorf("%d pages, want %d", evidence.Pages, want)
			}
		})
	}
}

func TestEntriesComeAsTheyAre(t *testing.T) {
	t.Parallel()
	s := ldaptest.StartSlapd(t, ldaptest.SlapdOptions{LDIF: ldaptest.People(60)})
	found, _, err := readAll(t.Context(), options(s), search())
	if err != nil {
		t.Fatal(err)
	}
	for uid, want := range map[string]struct {
		dn   string
		mail []string
	}{
		"user000000": {"uid=user000000," + people, []string{"user000000@example.com"}},
		"user000003": {"uid=user000003," + people, nil},
		"user000009": {"uid=user000009," + people, []string{"user000009.alias@example.org", "user000009@example.com"}},
		"user000005": {"cn=Anaïs 😀 Côté 5," + people, []string{"user000005@example.com"}},
		"user000050": {`cn=Smith\, "Bob" + Sons <50>;\,`, []string{"user000050@example.com"}},
	} {
		e, ok := found[uid]
		if diff := cmp.Diff(want.mail, e.Values("MAIL")); !ok || diff != "" {
			t.Errorf("%s: %s", uid, diff)
		}
		if uid != "user000050" { // servers escape as they like: compare as a DN
			wanted, err1 := ldap.ParseDN(want.dn)
			got, err2 := ldap.ParseDN(e.DN)
			if err := errors.Join(err1, err2); err != nil || !wanted.EqualFold(got) {
				t.Errorf("%s: %q, %v", uid, e.DN, err)
			}
		} else if got, err := ldap.ParseDN(e.DN); err != nil || got.RDNs[0].Attributes[0].Value != `Smith, "Bob" + Sons <50>;\` {
			t.Errorf("%q: %v", e.DN, err)
		}
		if len(e.ID) != 36 || e.Values("entryUUID") != nil || e.Values("cn") != nil {
			t.Errorf("%s: id %q, attributes %v", uid, e.ID, e.Attributes)
		}
	}
}

func TestScopesAndFilters(t *testing.T) {
	t.Parallel()
	s := ldaptest.StartSlapd(t, ldaptest.SlapdOptions{LDIF: ldaptest.People(12)})
	for name, c := range map[string]struct {
		search identity.Search
		want   int
	}{
		"sub":             {identity.Search{BaseDN: ldaptest.BaseDN, Scope: identity.ScopeSub, Filters: []string{"(uid=*)"}}, 12},
		"one":             {identity.Search{BaseDN: ldaptest.BaseDN, Scope: identity.ScopeOne, Filters: []string{"(uid=*)"}}, 0},
		"one below":       {identity.Search{BaseDN: people, Scope: identity.ScopeOne, Filters: []string{"(uid=*)"}}, 12},
		"base":            {identity.Search{BaseDN: "uid=user000001," + people, Scope: identity.ScopeBase}, 1},
		"two filters":     {identity.Search{BaseDN: people, Scope: identity.ScopeSub, Filters: []string{"(uid=*)", "(memberOf=cn=vpn,ou=Groups," + ldaptest.BaseDN + ")"}}, 6},
		"nobody":          {identity.Search{BaseDN: people, Scope: identity.ScopeSub, Filters: []string{"(uid=nobody)"}}, 0},
		"no filter":       {identity.Search{BaseDN: people, Scope: identity.ScopeSub}, 13},
		"a unicode value": {identity.Search{BaseDN: people, Scope: identity.ScopeSub, Filters: []string{"(cn=Anaïs 😀*)"}}, 1},
	} {
		c.search.Attributes = []string{"objectClass"}
		_, evidence, err := readAll(t.Context(), options(s), c.search)
		if err != nil || evidence.Entries != c.want {
			t.Errorf("%s: %d entries, %v", name, evidence.Entries, err)
		}
	}
}

func TestErrorsSayWhat(t *testing.T) {
	t.Parallel()
	s := ldaptest.StartSlapd(t, ldaptest.SlapdOptions{LDIF: ldaptest.People(5)})
	other := ldaptest.StartSlapd(t, ldaptest.SlapdOptions{})
	for name, c := range map[string]struct {
		options func(*Options)
		search  func(*identity.Search)
		want    []string
	}{
		"base":        {nil, func(s *identity.Search) { s.BaseDN = "ou=Nowhere," + people }, []string{`the base DN "ou=Nowhere,` + people, `the nearest that exists is "` + people}},
		"base syntax": {nil, func(s *identity.Search) { s.BaseDN = "nonsense" }, []string{`the base DN "nonsense" is no DN`}},
		"filter":      {nil, func(s *identity.Search) { s.Filters = []string{"(uid=*"} }, []string{`the filter "(uid=*" is wrong`}},
		"password":    {func(o *Options) { o.BindPassword = identity.NewSecret("wr0ng-pass") }, nil, []string{`binding as "cn=reader,`, "check bind_dn and bind_password"}},
		"all servers": {func(o *Options) { o.URLs = []string{"ldaps://127.0.0.1:1", "ldaps://127.0.0.1:2"} }, nil, []string{"ldaps://127.0.0.1:1 can not be reached", "ldaps://127.0.0.1:2 can not be reached"}},
		"authority":   {func(o *Options) { o.CAFile = other.CAFile }, nil, []string{"not trusted; name that authority's certificate in ca_file"}},
		"starttls":    {func(o *Options) { o.CAFile, o.URLs, o.Encryption = other.CAFile, []string{s.URL}, EncryptionStartTLS }, nil, []string{"StartTLS", "not trusted"}},
		"name":        {func(o *Options) { o.URLs = []string{strings.Replace(s.LDAPSURL, "127.0.0.1", "127.0.0.2", 1)} }, nil, []string{"127.0.0.2"}},
		"plain on ldaps": {func(o *Options) {
			o.URLs, o.ConnectTimeout = []string{"ldaps" + strings.TrimPrefix(s.URL, "ldap")}, 500*time.Millisecond
		}, nil, []string{"TLS failed"}},
		"ca_file": {func(o *Options) { o.CAFile = "nowhere.pem" }, nil, []string{"ca_file: open nowhere.pem"}},
		"mixed":   {func(o *Options) { o.Encryption = EncryptionStartTLS }, nil, []string{"does not go with encryption"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, q := options(s), search()
			if c.options != nil {
				c.options(&o)
			}
			if c.search != nil {
				c.search(&q)
			}
			_, evidence, err := readAll(t.Context(), o, q)
			if err == nil || !evidence.Started.IsZero() {
				t.Fatalf("%+v, %v", evidence, err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("want %q in: %v", want, err)
				}
			}
			for _, secret := range []string{ldaptest.ReaderPassword, "wr0ng-pass"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the password is in: %v", err)
				}
			}
		})
	}
}

// Refused credentials are not tried on the next server: that locks accounts.
func TestRefusedCredentialsAreTriedOnce(t *testing.T) {
	t.Parallel()
	s := ldaptest.StartSlapd(t, ldaptest.SlapdOptions{})
	second, connections := counting(t)
	o := options(s)
	o.URLs = []string{s.LDAPSURL, "ldaps://" + second}
	o.BindPassword = identity.NewSecret("wrong")
	if _, _, err := readAll(t.Context(), o, search()); !ldap.IsErrorWithCode(err, ldap.LDAPResultInvalidCredentials) {
		t.Errorf("%v", err)
	}
	if n := connections(); n != 0 {
		t.Errorf("%d connections to the second server", n)
	}
}

// counting listens and counts connections, answering none.
func counting(t *testing.T) (address string, connections func() int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	var mu sync.Mutex
	n := 0
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			n++
			mu.Unlock()
			t.Cleanup(func() { _ = c.Close() })
		}
	}()
	return l.Addr().String(), func() int { mu.Lock(); defer mu.Unlock(); return n }
}

// A search that did not end in success is an error, whatever came before.
func TestPartialReadsAreErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		paged   int
		disturb func(*ldaptest.Slapd) error
		want    string
	}{
		"size limit":     {700, nil, "the server's size limit cut it off after 700 entries"},
		"server killed":  {0, func(s *ldaptest.Slapd) error { s.Close(); return nil }, "was not answered to its end"},
		"server stopped": {0, func(s *ldaptest.Slapd) error { return s.Process().Signal(syscall.SIGSTOP) }, "no answer within 500ms (search_timeout)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := ldaptest.StartSlapd(t, ldaptest.SlapdOptions{LDIF: ldaptest.People(2000), PagedSizeLimit: c.paged})
			o := options(s)
			o.PageSize, o.SearchTimeout = 50, 500*time.Millisecond
			d, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			read := 0
			evidence, err := d.Read(t.Context(), search(), func(page []identity.Entry) error {
				read += len(page)
				if read == len(page) && c.disturb != nil {
					return c.disturb(s)
				}
				return nil
			})
			var incomplete *IncompleteError
			if !errors.As(err, &incomplete) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v", err)
			}
			if read == 0 || read >= 2000 || evidence.Entries != 0 {
				t.Errorf("%d read, %+v", read, evidence)
			}
		})
	}
}

// A server that takes connections and says nothing ends in an error at each step.
func TestSilentServer(t *testing.T) {
	t.Parallel()
	for _, encryption := range []string{EncryptionNone, EncryptionSSL, EncryptionStartTLS} {
		t.Run(encryption, func(t *testing.T) {
			t.Parallel()
			address, _ := counting(t)
			scheme, want := "ldap://", "no answer within 100ms (connect_timeout)"
			switch encryption {
			case EncryptionSSL:
				scheme = "ldaps://"
			case EncryptionNone:
				want = "no answer within 100ms (bind_timeout)"
			}
			_, _, err := readAll(t.Context(), Options{
				URLs: []string{scheme + address}, Encryption: encryption, BindDN: "cn=x", BindPassword: identity.NewSecret("x"),
				ConnectTimeout: 100 * time.Millisecond, BindTimeout: 100 * time.Millisecond, Now: time.Now,
			}, search())
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestEndOfContextAndRefusalOfYield(t *testing.T) {
	t.Parallel()
	s := ldaptest.StartSlapd(t, ldaptest.SlapdOptions{LDIF: ldaptest.People(2000)})
	o := options(s)
	o.PageSize = 10
	d, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := d.Read(ctx, search(), func([]identity.Entry) error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if _, err := d.Read(t.Context(), search(), func([]identity.Entry) error { return io.ErrShortBuffer }); !errors.Is(err, io.ErrShortBuffer) {
		t.Errorf("%v", err)
	}
}

func BenchmarkRead(b *testing.B) {
	s := ldaptest.StartSlapd(b, ldaptest.SlapdOptions{LDIF: ldaptest.People(10_000)})
	b.Run("rollcall", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			d, err := New(options(s))
			if err != nil {
				b.Fatal(err)
			}
			if e, err := d.Read(b.Context(), search(), func([]identity.Entry) error { return nil }); err != nil || e.Entries != 10_000 {
				b.Fatal(e, err)
			}
		}
	})
	b.Run("go-ldap", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := s.Change(func(c *ldap.Conn) error {
				r, err := c.SearchWithPaging(ldap.NewSearchRequest(people, ldap.ScopeWholeSubtree, 0, 0, 0, false, search().Filter(), attributes(search().Attributes), nil), 500)
				if err == nil && len(r.Entries) != 10_000 {
					err = errors.New("short")
				}
				return err
			}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func TestAttributesAreAskedForOnce(t *testing.T) {
	t.Parallel()
	got := attributes([]string{"mail", "Mail", "entryuuid"})
	if want := []string{"mail", "entryuuid", "objectGUID", "nsUniqueId", "GUID"}; !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}
