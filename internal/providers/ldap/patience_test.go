package ldap

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
)

// A server that takes smaller pages alone is asked for such.
func TestPagesThatAServerTakes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ limit, asked, pages int }{
		{100, 500, 17}, // of 62, after 500, 250 and 125
		{1000, 500, 2},
		{30, 30, 34},
	} {
		s := ldaptest.StartSlapd(t, ldaptest.SlapdOptions{LDIF: ldaptest.People(1000), Database: fmt.Sprintf("limits * size.pr=%d", c.limit)})
		o := options(s)
		o.PageSize = uint32(c.asked)
		found, evidence, err := readAll(t.Context(), o, search())
		if err != nil || len(found) != 1000 || evidence.Pages != c.pages {
			t.Errorf("%+v: %d entries, %+v, %v", c, len(found), evidence, err)
		}
	}
}

// stop stops a server, and returns when each of its threads has stopped.
func stop(s *ldaptest.Slapd) error {
	if err := s.Process().Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", s.Process().Pid))
		if err != nil || len(threads) == 0 || time.Now().After(deadline) {
			return errors.Join(errors.New("the server does not stop"), err)
		}
		if !slices.ContainsFunc(threads, func(path string) bool {
			stat, err := os.ReadFile(path)
			return err != nil || !bytes.Contains(stat, []byte(") T "))
		}) {
			return nil
		}
	}
}

// A read that a server breaks off begins anew at the next one, with nothing of the first.
func TestReadsAgainElsewhere(t *testing.T) {
	t.Parallel()
	for name, disturb := range map[string]func(*ldaptest.Slapd) error{
		"killed":  func(s *ldaptest.Slapd) error { s.Close(); return nil },
		"stopped": stop,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first := ldaptest.StartSlapd(t, ldaptest.SlapdOptions{LDIF: ldaptest.People(1000)})
			second := ldaptest.StartSlapd(t, ldaptest.SlapdOptions{LDIF: ldaptest.People(1000)})
			o := options(first)
			o.URLs, o.CAFile = []string{first.LDAPSURL, second.LDAPSURL}, bundle(t, first.CAFile, second.CAFile)
			o.PageSize, o.SearchTimeout = 50, 500*time.Millisecond
			d, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			read := func(disturb func(*ldaptest.Slapd) error) (int, identity.Evidence, error) {
				n, pages := 0, 0
				evidence, err := d.Read(t.Context(), search(), func(page []identity.Entry) error {
					n += len(page)
					if pages++; pages == 2 && disturb != nil {
						return disturb(first)
					}
					return nil
				})
				return n, evidence, err
			}
			if n, _, err := read(disturb); !Retryable(err) || n >= 1000 || d.Attempts() != 2 {
				t.Fatalf("%d entries, %v", n, err)
			}
			if n, evidence, err := read(nil); err != nil || n != 1000 || evidence.Server != second.LDAPSURL {
				t.Errorf("%d entries, %+v, %v", n, evidence, err)
			}
		})
	}
}

func TestWhatIsWorthAnotherAttempt(t *testing.T) {
	t.Parallel()
	r := &read{Directory: &Directory{}, entries: 7}
	for code, want := range map[uint16]bool{
		ldap.LDAPResultBusy: true, ldap.LDAPResultUnavailable: true, ldap.ErrorNetwork: true, ldap.LDAPResultUnwillingToPerform: true,
		ldap.LDAPResultSizeLimitExceeded: false, ldap.LDAPResultAdminLimitExceeded: false, ldap.LDAPResultTimeLimitExceeded: false,
		ldap.LDAPResultNoSuchObject: false, ldap.LDAPResultInvalidDNSyntax: false, ldap.ErrorFilterCompile: false,
		ldap.LDAPResultInsufficientAccessRights: false, ldap.LDAPResultConfidentialityRequired: false, ldap.LDAPResultLoopDetect: false,
	} {
		err := r.explainSearch(&connection{server: "ldaps://dc1.example.com"}, target{base: "dc=example,dc=com"}, ldap.NewError(code, errors.New("reason")))
		if Retryable(fmt.Errorf("directory.corp: %w", err)) != want {
			t.Errorf("%d: %v", code, err)
		}
	}
	lost := r.explainSearch(&connection{}, target{}, errors.New("unable to read LDAP response packet: EOF"))
	if !Retryable(lost) || Retryable(errors.Join(lost, context.Canceled)) || Retryable(nil) {
		t.Errorf("%v", lost)
	}
}

func TestReferencesWithoutPeople(t *testing.T) {
	t.Parallel()
	for reference, want := range map[string]string{
		"ldap://DomainDnsZones.corp.example.com/DC=DomainDnsZones,DC=corp,DC=example,DC=com":      "DNS zones",
		"ldaps://ForestDnsZones.corp.example.com/DC=ForestDnsZones,DC=corp,DC=example,DC=com":     "DNS zones",
		"ldap://corp.example.com/CN=Configuration,DC=corp,DC=example,DC=com":                      "configuration",
		"ldaps://corp.example.com/CN=Configuration,DC=corp,DC=example,DC=com??sub":                "configuration",
		"ldap://child.corp.example.com/DC=child,DC=corp,DC=example,DC=com":                        "",
		"ldap://other.example/CN=Configuration,DC=corp,DC=example,DC=com":                         "",
		"ldap://corp.example.com/CN=Configuration,OU=People,DC=corp,DC=example,DC=com":            "",
		"ldap://corp.example.com/OU=Configuration,DC=corp,DC=example,DC=com":                      "",
		"ldap://DomainDnsZones.corp.example.com/DC=corp,DC=example,DC=com":                        "",
		"ldap://corp.example.com/CN=Configuration,DC=corp,DC=example,DC=com??sub?(objectClass=*)": "",
		"ldap://corp.example.com/":                 "",
		"ldap://corp.example.com/CN=Configuration": "",
		"::": "",
	} {
		if got := withoutPeople(reference); got != want {
			t.Errorf("%s: %q", reference, got)
		}
	}
}

// Pages that go round are noticed whatever their cookies are; pages that do not are not,
// whatever their cookies are.
func TestProgress(t *testing.T) {
	t.Parallel()
	run := func(pages int, page func(int) (cookie, first string)) (int, error) {
		p := progress{}
		for i := range pages {
			cookie, first := page(i)
			var entries []*ldap.Entry
			if first != "" {
				entries = []*ldap.Entry{{DN: first}}
			}
			if err := p.check(&connection{}, target{}, []byte(cookie), entries); err != nil {
				return i, err
			}
		}
		return pages, nil
	}
	for name, c := range map[string]struct {
		page  func(int) (cookie, first string)
		after int // the most pages until it is noticed; 0 for never
	}{
		"the same":             {func(int) (string, string) { return "c", "cn=a" }, 1},
		"the same, new cookie": {func(i int) (string, string) { return fmt.Sprint(i), "cn=a" }, 3},
		"round":                {func(i int) (string, string) { return fmt.Sprint(i % 5), fmt.Sprintf("cn=%d", i%5) }, 7},
		"round, new cookies":   {func(i int) (string, string) { return fmt.Sprint(i), fmt.Sprintf("cn=%d", i%5) }, 7},
		"one cookie":           {func(i int) (string, string) { return "c", fmt.Sprintf("cn=%d", i) }, 0},
		"one that came back":   {func(i int) (string, string) { return "c", fmt.Sprintf("cn=%d", i%1500) }, 1502},
		"empty":                {func(i int) (string, string) { return fmt.Sprint(i), "" }, maxEmptyPages},
		"some empty":           {func(i int) (string, string) { return fmt.Sprint(i), strings.Repeat(fmt.Sprintf("cn=%d", i), i%2) }, 0},
	} {
		at, err := run(2000, c.page)
		if (err == nil) != (c.after == 0) || c.after > 0 && at > c.after {
			t.Errorf("%s: after %d pages: %v", name, at, err)
		}
	}
}
