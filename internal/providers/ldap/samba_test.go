package ldap

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
)

const (
	sambaPeople = "OU=People," + ldaptest.SambaBaseDN
	sambaGroups = "OU=Groups," + ldaptest.SambaBaseDN
)

// domain is the LDIF of 40 people, in the groups outer > inner and all, and of accounts
// that may not bind.
func domain() string {
	var b strings.Builder
	account := func(name, lines string) {
		fmt.Fprintf(&b, "dn: CN=%s,%s\nobjectClass: user\nsAMAccountName: %s\n%s\n", name, sambaPeople, name, lines)
	}
	group := func(name string, members ...string) {
		fmt.Fprintf(&b, "dn: CN=%s,%s\nobjectClass: group\nsAMAccountName: %s\nmember: %s\n\n", name, sambaGroups, name, strings.Join(members, "\nmember: "))
	}
	var all []string
	for i := range 40 {
		name := fmt.Sprintf("person%02d", i)
		account(name, "mail: "+name+"@example.com\nuserAccountControl: 512\n")
		all = append(all, "CN="+name+","+sambaPeople)
	}
	group("all", all...)
	group("inner", all[:3]...)
	group("outer", "CN=inner,"+sambaGroups, all[3])
	password := ldaptest.SambaPassword(ldaptest.ReaderPassword) + "\n"
	account("disabled", "userAccountControl: 66050\n"+password)
	account("expired", "userAccountControl: 66048\naccountExpires: 1\n"+password)
	account("renew", "userAccountControl: 512\npwdLastSet: 0\n"+password)
	return b.String()
}

// startDomain starts a Samba and returns options by which it is read.
func startDomain(t *testing.T) (*ldaptest.Samba, Options) {
	t.Helper()
	s := ldaptest.StartSamba(t, ldaptest.SambaOptions{LDIF: domain(), StrongAuth: "allow_sasl_over_tls"})
	return s, Options{
		URLs: []string{s.LDAPSURL}, Encryption: EncryptionSSL, CAFile: s.CAFile, BindDN: s.BindDN,
		BindPassword: identity.NewSecret(s.BindPassword), FollowReferrals: true, Now: time.Now,
	}
}

// inDomain searches the whole domain for people.
func inDomain() identity.Search {
	return identity.Search{BaseDN: ldaptest.SambaBaseDN, Scope: identity.ScopeSub, Filters: []string{"(sAMAccountName=person*)"}, Attributes: []string{"sAMAccountName"}}
}

func TestActiveDirectory(t *testing.T) {
	s, base := startDomain(t)
	t.Run("kerberos of OpenLDAP", func(t *testing.T) { cyrus(t, s) })
	for name, c := range map[string]struct {
		options       func(*Options)
		search        func(*identity.Search)
		want, ignored int
	}{
		"ldaps":        {nil, nil, 40, 1},
		"starttls":     {func(o *Options) { o.URLs, o.Encryption = []string{s.URL}, EncryptionStartTLS }, nil, 40, 1},
		"small pages":  {func(o *Options) { o.PageSize = 3 }, nil, 40, 1},
		"by UPN":       {func(o *Options) { o.BindDN = "reader@corp.example.com" }, nil, 40, 1},
		"by NT name":   {func(o *Options) { o.BindDN = `CORP\reader` }, nil, 40, 1},
		"below the OU": {nil, func(q *identity.Search) { q.BaseDN = sambaPeople }, 40, 0},
		"in chain": {nil, func(q *identity.Search) {
			q.Filters = []string{"(objectClass=user)", "(memberOf:1.2.840.113556.1.4.1941:=CN=outer," + sambaGroups + ")"}
		}, 4, 1},
		"not in chain": {nil, func(q *identity.Search) {
			q.Filters = []string{"(objectClass=user)", "(memberOf=CN=outer," + sambaGroups + ")"}
		}, 1, 1},
		"global catalog": {
			func(o *Options) { o.URLs = []string{s.LDAPSURL + ":3269"} },
			func(q *identity.Search) { q.BaseDN = "" }, 40, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, q := base, inDomain()
			if c.options != nil {
				c.options(&o)
			}
			if c.search != nil {
				c.search(&q)
			}
			_, evidence, err := readAll(t.Context(), o, q)
			if err != nil || evidence.Entries != c.want || evidence.ReferralsIgnored != c.ignored || len(evidence.Referrals) > 0 {
				t.Errorf("%+v, %v", evidence, err)
			}
		})
	}
	t.Run("ranges", func(t *testing.T) { t.Parallel(); readsRanges(t, base) })
	t.Run("refused binds", func(t *testing.T) { t.Parallel(); refusedBinds(t, s, base) })
	t.Run("kerberos", func(t *testing.T) { t.Parallel(); kerberos(t, s, base) })
}

// readsRanges asks for the first values alone, as Active Directory answers of its own
// accord beyond 1,500: all come.
func readsRanges(t *testing.T, o Options) {
	d, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	c, err := d.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	r := &read{Directory: d, pageSize: 500}
	for _, asked := range []string{"member;range=0-0", "member;range=0-6", "member;range=0-39", "member;range=0-*"} {
		var got []string
		_, err := r.paged(t.Context(), c, target{base: sambaGroups, scope: identity.ScopeOne, filter: "(cn=all)"}, []string{asked}, func(page []*ldap.Entry) error {
			for _, e := range page {
				got = append(got, e.GetAttributeValues("member")...)
			}
			return nil
		})
		if err != nil || len(got) != 40 {
			t.Errorf("%s: %d members, %v", asked, len(got), err)
		}
	}
}

func refusedBinds(t *testing.T, s *ldaptest.Samba, base Options) {
	at := func(name string) func(*Options) {
		return func(o *Options) { o.BindDN = "CN=" + name + "," + sambaPeople }
	}
	for name, c := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"password":    {func(o *Options) { o.BindPassword = identity.NewSecret("wr0ng-pass") }, "the password is wrong, or it belongs to another account: check bind_dn and bind_password (code 52e)"},
		"disabled":    {at("disabled"), "the account is disabled (code 533)"},
		"expired":     {at("expired"), "the account has expired (code 701)"},
		"renew":       {at("renew"), "must be changed before it is used"},
		"without TLS": {func(o *Options) { o.URLs, o.Encryption = []string{s.URL}, EncryptionNone }, `the server takes no password without TLS; use ldaps:// or encryption = "starttls"`},
		"anonymous":   {func(o *Options) { o.BindDN = "" }, "the server does not let anonymous clients search"},
	} {
		o := base
		c.change(&o)
		_, _, err := readAll(t.Context(), o, inDomain())
		if err == nil || !strings.Contains(err.Error(), c.want) || Retryable(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func kerberos(t *testing.T, s *ldaptest.Samba, base Options) {
	if err := s.Change(func(c *ldap.Conn) error { // as every Microsoft domain controller has it
		change := ldap.NewModifyRequest("CN=DC1,OU=Domain Controllers,"+ldaptest.SambaBaseDN, nil)
		change.Add("servicePrincipalName", []string{"ldap/" + ldaptest.SambaHost})
		return c.Modify(change)
	}); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	keys, tickets, cut := filepath.Join(folder, "reader.keytab"), filepath.Join(folder, "krb5cc"), filepath.Join(folder, "cut")
	if err := s.Keytab(keys, "reader"); err != nil {
		t.Fatal(err)
	}
	kinit := exec.CommandContext(t.Context(), "kinit", "-k", "-t", keys, "reader")
	kinit.Env = append(os.Environ(), "KRB5_CONFIG="+s.Krb5Conf, "KRB5CCNAME=FILE:"+tickets)
	if out, err := kinit.CombinedOutput(); err != nil {
		t.Fatalf("kinit (of krb5-user): %v: %s", err, out)
	}
	whole, err := os.ReadFile(tickets)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cut, whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	principal := "reader@" + ldaptest.SambaRealm
	password := identity.NewSecret(ldaptest.ReaderPassword)
	for name, c := range map[string]struct {
		kerberos Kerberos
		want     string // of the error; empty for none
	}{
		"keytab":             {Kerberos{Principal: principal, KeytabFile: keys}, ""},
		"password":           {Kerberos{Principal: principal, Password: password}, ""},
		"default realm":      {Kerberos{Principal: "reader", Password: password}, ""},
		"tickets":            {Kerberos{CCacheFile: tickets}, ""},
		"named tickets":      {Kerberos{Principal: principal, CCacheFile: tickets}, ""},
		"another's tickets":  {Kerberos{Principal: "other@" + ldaptest.SambaRealm, CCacheFile: tickets}, "has tickets of reader@" + ldaptest.SambaRealm},
		"wrong password":     {Kerberos{Principal: principal, Password: identity.NewSecret("wr0ng-pass")}, "the password or the key of the keytab is wrong"},
		"nobody":             {Kerberos{Principal: "nobody@" + ldaptest.SambaRealm, Password: password}, "the KDC knows no such principal"},
		"disabled":           {Kerberos{Principal: "disabled@" + ldaptest.SambaRealm, Password: password}, "the account is locked, disabled or expired"},
		"no such key":        {Kerberos{Principal: "Administrator", KeytabFile: keys}, "the keytab has no key of this principal and kind"},
		"no such service":    {Kerberos{Principal: principal, KeytabFile: keys, ServicePrincipal: "ldap/dc9.corp.example.com"}, "the KDC knows no such service"},
		"no such file":       {Kerberos{Principal: principal, KeytabFile: "nowhere.keytab"}, "keytab_file: "},
		"no such settings":   {Kerberos{Principal: principal, KeytabFile: keys, ConfigFile: "nowhere.conf"}, "config_file: nowhere.conf"},
		"a file that is cut": {Kerberos{CCacheFile: cut}, "a file of Kerberos is damaged"},
	} {
		for _, encryption := range []string{EncryptionSSL, EncryptionStartTLS} {
			o := base
			if encryption == EncryptionStartTLS {
				o.URLs, o.Encryption = []string{s.URL}, EncryptionStartTLS
			}
			o.BindDN, o.BindPassword, o.BindMethod, o.Kerberos = "", identity.Secret{}, BindGSSAPI, c.kerberos
			if o.Kerberos.ConfigFile == "" {
				o.Kerberos.ConfigFile = s.Krb5Conf
			}
			if o.Kerberos.ServicePrincipal == "" {
				o.Kerberos.ServicePrincipal = "ldap/" + ldaptest.SambaHost
			}
			_, evidence, err := readAll(t.Context(), o, inDomain())
			if c.want == "" && (err != nil || evidence.Entries != 40) {
				t.Errorf("%s, %s: %+v, %v", name, encryption, evidence, err)
			}
			if c.want == "" { // by the service principal too
				d, err := New(o)
				if err != nil {
					t.Fatal(err)
				}
				if p := d.Probe(t.Context()); p[0].Failed != "" {
					t.Errorf("%s, %s: probe: %s: %v", name, encryption, p[0].Failed, p[0].Err)
				}
			}
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || Retryable(err)) {
				t.Errorf("%s, %s: %v", name, encryption, err)
			}
		}
	}
}
