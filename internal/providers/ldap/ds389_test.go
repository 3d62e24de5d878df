package ldap

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
)

// 389 has one cookie for all pages, and words of its own for refused binds.
func Test389(t *testing.T) {
	t.Parallel()
	const inactive = "uid=inactive," + people
	var ldif strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&ldif, "dn: uid=user%06d,%s\nobjectClass: inetOrgPerson\nuid: user%06d\ncn: User\nsn: User\n\n", i, people, i)
	}
	ldif.WriteString("dn: " + inactive + "\nobjectClass: inetOrgPerson\nuid: inactive\ncn: Inactive\nsn: Inactive\nuserPassword: " + ldaptest.ReaderPassword + "\nnsAccountLock: true\n")
	s := ldaptest.Start389(t, ldaptest.DS389Options{LDIF: ldif.String()})
	base := Options{
		URLs: []string{s.LDAPSURL}, Encryption: EncryptionSSL, CAFile: s.CAFile, BindDN: s.BindDN,
		BindPassword: identity.NewSecret(s.BindPassword), FollowReferrals: true, Now: time.Now,
	}
	q := search()
	q.BaseDN, q.Filters = s.People, []string{"(uid=user*)"}
	for _, size := range []uint32{7, 500, 10_000} {
		o := base
		o.PageSize = size
		if found, evidence, err := readAll(t.Context(), o, q); err != nil || len(found) != 1000 {
			t.Errorf("pages of %d: %+v, %v", size, evidence, err)
		}
	}
	if err := s.Change(func(c *ldap.Conn) error {
		change := ldap.NewModifyRequest("cn=config", nil)
		change.Replace("nsslapd-allow-anonymous-access", []string{"off"})
		change.Replace("nsslapd-require-secure-binds", []string{"on"})
		return c.Modify(change)
	}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"password":    {func(o *Options) { o.BindPassword = identity.NewSecret("wr0ng-pass") }, "check bind_dn and bind_password"},
		"inactive":    {func(o *Options) { o.BindDN, o.BindPassword = inactive, identity.NewSecret(ldaptest.ReaderPassword) }, "the account may be inactive"},
		"anonymous":   {func(o *Options) { o.BindDN = "" }, "the server does not let anonymous clients search"},
		"without TLS": {func(o *Options) { o.URLs, o.Encryption = []string{s.URL}, EncryptionNone }, "the server takes no password without TLS"},
	} {
		o := base
		c.change(&o)
		if _, _, err := readAll(t.Context(), o, q); err == nil || !strings.Contains(err.Error(), c.want) || Retryable(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
