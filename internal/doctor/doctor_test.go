package doctor

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

func certificate(name string, end time.Time) *x509.Certificate {
	return &x509.Certificate{Subject: pkix.Name{CommonName: name}, NotAfter: end}
}

// The boundary: 30 days or fewer is a warning.
func TestExpiry(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		left   time.Duration
		want   Result
		detail string
	}{
		{400 * day, OK, "CN=dc1 expires in 400 days (2027-12-30)"},
		{31 * day, OK, "CN=dc1 expires in 31 days (2026-12-26)"},
		{31*day - time.Second, Warning, "CN=dc1 expires in 30 days (2026-12-26)"},
		{30 * day, Warning, "CN=dc1 expires in 30 days (2026-12-25)"},
		{36 * time.Hour, Warning, "CN=dc1 expires in 1 day (2026-11-27)"},
		{time.Hour, Warning, "CN=dc1 expires today (2026-11-25T13:00:00Z)"},
		{-time.Hour, Warning, "CN=dc1 expired on 2026-11-25"},
	} {
		got := Certificates([]*x509.Certificate{certificate("dc1", now.Add(c.left))}, nil, true, now)
		if got.Result != c.want || got.Detail != c.detail || (got.Remedy == "") != (c.want == OK) {
			t.Errorf("%s: %+v", c.left, got)
		}
	}
	// Every certificate of the chain counts.
	chain := []*x509.Certificate{certificate("dc1", now.Add(300*day)), certificate("Issuer", now.Add(12*day)), certificate("Root", now.Add(999*day))}
	want := Check{
		Name: "certificate", Result: Warning, Detail: "CN=Issuer expires in 12 days (2026-12-07)", Remedy: "renew it before then: after it nothing can be read",
		Items: []string{"CN=dc1 expires in 300 days (2027-09-21)", "CN=Issuer expires in 12 days (2026-12-07)", "CN=Root expires in 999 days (2029-08-20)"},
	}
	if diff := cmp.Diff(want, Certificates(chain, nil, true, now)); diff != "" {
		t.Error(diff)
	}
}

func TestUntrusted(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	old := certificate("dc1", now.Add(-day))
	old.NotBefore = now.Add(-9 * day)
	old.DNSNames, old.IPAddresses = []string{"dc1.example.com"}, []net.IP{net.IPv4(10, 0, 0, 4)}
	for detail, err := range map[string]error{
		"CN=dc1 expired on 2026-11-24T12:00:00Z":          x509.CertificateInvalidError{Cert: old, Reason: x509.Expired, Detail: "current time … is after …"},
		"CN=dc1 is not valid before 2026-11-16T12:00:00Z": x509.CertificateInvalidError{Cert: old, Reason: x509.Expired, Detail: "current time … is before …"},
		"the authority that signed it is not trusted":     x509.UnknownAuthorityError{Cert: old},
		"something else": errors.New("something else"),
		`CN=dc1 is not for the name "ldap.example.com"; it is for: dc1.example.com, 10.0.0.4`: x509.HostnameError{Certificate: old, Host: "ldap.example.com"},
	} {
		got := Certificates([]*x509.Certificate{old}, fmt.Errorf("wrapped: %w", err), true, now)
		if detail == "something else" {
			detail = "wrapped: something else"
		}
		if got.Result != Failed || got.Detail != detail || got.Remedy == "" {
			t.Errorf("%+v", got)
		}
		got = Certificates([]*x509.Certificate{old}, err, false, now)
		if got.Result != Warning || got.Remedy == "" {
			t.Errorf("not verified: %+v", got)
		}
	}
}

func entry(attributes ...string) *identity.Entry {
	e := &identity.Entry{}
	for i := 0; i < len(attributes); i += 2 {
		e.Attributes = append(e.Attributes, identity.Attribute{Name: attributes[i], Values: []string{attributes[i+1]}})
	}
	return e
}

func TestSurvey(t *testing.T) {
	t.Parallel()
	s := NewSurvey([]Use{{"uid", []string{"username"}, true}, {"mail", []string{"email"}, true}, {"phone", []string{"phones"}, false}, {"nick", []string{"name", "alias1"}, true}, {"nsAccountLock", nil, false}})
	if got := s.Checks(true); got != nil {
		t.Errorf("no entries: %+v", got)
	}
	s.Add(entry("UID", "jane", "phone", "1"))
	several := entry("uid", "kim")
	several.Attributes = append(several.Attributes, identity.Attribute{Name: "mail", Values: []string{"a", "b"}}, identity.Attribute{Name: "phone", Values: []string{"1", "2"}})
	s.Add(several)
	want := []Check{
		{Name: "attributes", Result: OK, Detail: "uid in all 2, mail in 1 of 2, phone in all 2"},
		{Name: "attributes", Result: Warning, Detail: "nick never came: in 0 of 2 entries", Remedy: "the bind account may not read it, or nobody has it: let the account read it, or change user.name and user.alias1"},
		{Name: "values", Result: OK, Detail: "mail has several values in 1 of 2: the one that sorts first is taken"},
	}
	if diff := cmp.Diff(want, s.Checks(false)); diff != "" {
		t.Error(diff)
	}
	if got := s.Checks(true)[1].Result; got != Failed {
		t.Error(got)
	}
}

func person(dn, username, reason string) identity.Unmapped {
	return identity.Unmapped{Person: identity.Person{User: identity.User{Username: username}, DN: dn, EntryID: "id of " + dn}, Reason: reason}
}

func TestPeople(t *testing.T) {
	t.Parallel()
	if got := People(3, nil); got[0].Result != OK || got[1].Result != OK {
		t.Errorf("%+v", got)
	}
	unmapped := []identity.Unmapped{
		person("uid=1", "jane", "2 entries have the username …"),
		person("uid=2", "JANE", "no email: the entry has no \"mail\""),
		person("uid=3", "kim", "no email: the entry has no \"mail\""),
		person("uid=4", "", "no username: the entry has no \"uid\""),
		person("uid=5", "lee", "no email: the entry has no \"mail\""),
		person("uid=6", "max", `email "x@" is not an address`),
		person("uid=7", "mia", `email "y" is not an address; name has 130 characters, LoginTC takes 128`),
		person("uid=8", "zoe", "no email: the entry has no \"mail\""),
		person("uid=8", "zoe", "no email: the entry has no \"mail\""), // which two referrals lead to
	}
	want := []Check{
		{
			Name: "duplicates", Result: Warning, Detail: "2 entries have one username, and all of them are withheld", Items: []string{"jane: uid=1 and uid=2"},
			Remedy: "let one entry of each have the username, or leave the others out with base_dn or filter",
		},
		{
			Name: "missing data", Result: Warning, Detail: "7 of 20 withheld for their data", Items: []string{
				`4 × no email: the entry has no "mail", such as uid=3`,
				`1 × email is not an address, such as uid=6`,
				`1 × email is not an address; name is too long, such as uid=7`,
				`1 × no username: the entry has no "uid", such as uid=4`,
			},
			Remedy: "correct them in the directory, change the user block, or set default_name or default_email in the policy",
		},
	}
	if diff := cmp.Diff(want, People(20, unmapped)); diff != "" {
		t.Error(diff)
	}
	if got := People(7, unmapped)[1].Result; got != Failed {
		t.Errorf("everybody: %s", got)
	}
}

func TestClocks(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	if got := Clocks(nil); got != nil {
		t.Errorf("%+v", got)
	}
	near := Clocks([]Clock{{"LoginTC", at, at.Add(time.Second)}, {"ldap://dc1", at, at.Add(-MaxSkew)}})
	if want := "this machine's clock agrees with LoginTC, is 5m0s behind ldap://dc1"; near[0].Result != OK || near[0].Detail != want {
		t.Errorf("%+v", near)
	}
	far := Clocks([]Clock{{"LoginTC", at, at.Add(MaxSkew + time.Second)}})
	if want := "this machine's clock is 5m1s ahead of LoginTC"; far[0].Result != Warning || far[0].Detail != want || far[0].Remedy == "" {
		t.Errorf("%+v", far)
	}
}
