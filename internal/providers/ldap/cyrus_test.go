package ldap

import (
	"path/filepath"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
)

// cyrus binds to OpenLDAP, which does GSSAPI through Cyrus SASL and MIT's library, with a
// ticket of Samba's: both want to the letter what the RFCs say, and Active Directory does
// not. It is not parallel: the server takes its keytab from the environment.
func cyrus(t *testing.T, kdc *ldaptest.Samba) {
	const account = "CN=DC1,OU=Domain Controllers," + ldaptest.SambaBaseDN
	if err := kdc.Change(func(c *ldap.Conn) error {
		change := ldap.NewModifyRequest(account, nil)
		change.Add("servicePrincipalName", []string{"ldap/localhost"})
		return c.Modify(change)
	}); err != nil {
		t.Fatal(err)
	}
	service := filepath.Join(t.TempDir(), "service.keytab")
	if err := kdc.Keytab(service, "ldap/localhost"); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KRB5_KTNAME", service)
	t.Setenv("KRB5_CONFIG", kdc.Krb5Conf)
	t.Setenv("KRB5RCACHETYPE", "none")
	s := ldaptest.StartSlapd(t, ldaptest.SlapdOptions{
		LDIF:   ldaptest.People(10),
		Global: "sasl-host localhost\nsasl-secprops none\nauthz-regexp uid=reader,.*cn=gssapi,cn=auth " + ldaptest.ReaderDN,
	})
	o := options(s)
	o.BindDN, o.BindPassword, o.BindMethod = "", identity.Secret{}, BindGSSAPI
	o.Kerberos = Kerberos{
		Principal: "reader@" + ldaptest.SambaRealm, Password: identity.NewSecret(ldaptest.ReaderPassword),
		ConfigFile: kdc.Krb5Conf, ServicePrincipal: "ldap/localhost",
	}
	if _, evidence, err := readAll(t.Context(), o, search()); err != nil || evidence.Entries != 10 {
		t.Errorf("%+v, %v", evidence, err)
	}
}
