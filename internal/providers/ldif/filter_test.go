package ldif_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/providers/ldap"
	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
	"github.com/rollcall-cli/rollcall/internal/providers/ldif"
)

// The same entries and filters, by a real server and from an export, give the
// same people.
func TestFiltersAgreeWithSlapd(t *testing.T) {
	t.Parallel()
	extra := "dn: ou=Sub,ou=People," + ldaptest.BaseDN + "\nobjectClass: organizationalUnit\nou: Sub\ndescription: Room  12   left\n\n" +
		"dn: uid=n,ou=Sub,ou=People," + ldaptest.BaseDN + "\nobjectClass: inetOrgPerson\nuid: n\ncn: Anna-Lena  Groß\nsn: Star * (x) \\ y\nemployeeNumber: 12\nmemberOf: CN=VPN, OU=Groups, " + ldaptest.BaseDN + "\n"
	text := ldaptest.People(110) + extra
	server := ldaptest.StartSlapd(t, ldaptest.SlapdOptions{LDIF: text})
	directory, err := ldap.New(ldap.Options{
		URLs: []string{server.LDAPSURL}, Encryption: ldap.EncryptionSSL, CAFile: server.CAFile,
		BindDN: ldaptest.ReaderDN, BindPassword: identity.NewSecret(ldaptest.ReaderPassword), Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	export := "dn: ou=People," + ldaptest.BaseDN + "\nobjectClass: organizationalUnit\nou: People\n\n" + text
	path := filepath.Join(t.TempDir(), "export.ldif")
	if err := os.WriteFile(path, []byte(export), 0o600); err != nil {
		t.Fatal(err)
	}
	matched := 0
	for _, filter := range []string{
		"(objectClass=*)", "(objectClass=person)", "(objectClass=inetorgperson)", "(objectClass=organizationalPerson)", "(objectClass=top)",
		"(uid=user000007)", "(UID=USER000007)", "(uid=user0000*)", "(uid=*7)", "(uid=*00*1*)", "(uid=u*0*5)", "(uid=nobody)", "(uid=*)",
		"(!(uid=user000007))", "(!(mail=*))", "(mail=*)", "(mail=*@example.org)", "(&(mail=*)(memberOf=cn=vpn,ou=Groups,dc=example,dc=com))",
		"(memberOf=CN=vpn, ou=groups,DC=Example,dc=com)", "(memberOf=cn=vpn)", "(|(uid=user000001)(uid=user000002)(cn=Zoë*))",
		"(cn=zoë müller *)", "(cn=Zo\u0065\u0308 M*)", "(cn=*😀*)", "(cn=山田*)", `(cn=smith, "bob" + sons <50>;\5c)`, `(sn=Star \2a \28x\29 \5c y)`, `(sn=star*\2a*y)`,
		"(cn=Anna-Lena Groß)", "(cn=anna-lena    groß)", "(description=room 12 left)", "(description=Room 12*)", "(description=*12 left)",
		"(cn:caseExactMatch:=Anna-Lena Groß)", "(cn:caseIgnoreMatch:=ANNA-lena groß)", "(employeeNumber=12)",
		"(&)", "(|)",
		"(&(objectClass=person)(!(|(memberOf=cn=vpn,ou=Groups,dc=example,dc=com)(memberOf=cn=site,ou=Groups,dc=example,dc=com))))",
	} {
		q := identity.Search{BaseDN: "ou=People," + ldaptest.BaseDN, Scope: identity.ScopeSub, Filters: []string{filter}, Attributes: []string{"uid", "ou"}}
		var want, got []string
		collect := func(into *[]string) func([]identity.Entry) error {
			return func(page []identity.Entry) error {
				for _, e := range page {
					*into = append(*into, append(e.Values("uid"), e.Values("ou")...)...)
				}
				return nil
			}
		}
		if _, err := directory.Read(t.Context(), q, collect(&want)); err != nil {
			t.Errorf("%s: slapd: %v", filter, err)
			continue
		}
		if _, err := ldif.New(path, time.Now).Read(t.Context(), q, collect(&got)); err != nil {
			t.Errorf("%s: %v", filter, err)
			continue
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: slapd -, export +\n%s", filter, diff)
		}
		if len(want) > 0 {
			matched++
		}
	}
	if matched < 25 {
		t.Errorf("only %d filters match anybody", matched)
	}
}
