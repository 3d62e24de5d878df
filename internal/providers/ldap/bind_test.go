package ldap

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
)

func TestClientCertificates(t *testing.T) {
	t.Parallel()
	s := ldaptest.StartSlapd(t, ldaptest.SlapdOptions{LDIF: ldaptest.People(10), ClientCertificates: "demand"})
	other := ldaptest.StartSlapd(t, ldaptest.SlapdOptions{})
	certificate, key := s.ClientCertificate()
	strange, strangeKey := other.ClientCertificate()
	external := func(o *Options) {
		o.BindMethod, o.BindDN, o.BindPassword = BindExternal, "", identity.Secret{}
	}
	shown := func(o *Options) { o.ClientCertFile, o.ClientKeyFile = certificate, key }
	for name, c := range map[string]struct {
		changes []func(*Options)
		want    string // of the error; empty for none
	}{
		"external":                  {[]func(*Options){external, shown}, ""},
		"external after StartTLS":   {[]func(*Options){external, shown, func(o *Options) { o.URLs, o.Encryption = []string{s.URL}, EncryptionStartTLS }}, ""},
		"simple, mutual TLS":        {[]func(*Options){shown}, ""},
		"no certificate":            {nil, "it may want a client certificate that it trusts"},
		"another's certificate":     {[]func(*Options){func(o *Options) { o.ClientCertFile, o.ClientKeyFile = strange, strangeKey }}, "it may want a client certificate that it trusts"},
		"another's key":             {[]func(*Options){shown, func(o *Options) { o.ClientKeyFile = strangeKey }}, "client_cert_file and client_key_file: tls: private key does not match"},
		"no file":                   {[]func(*Options){func(o *Options) { o.ClientCertFile, o.ClientKeyFile = "nowhere.crt", key }}, "client_cert_file and client_key_file: open nowhere.crt"},
		"external without TLS":      {[]func(*Options){external, func(o *Options) { o.URLs, o.Encryption = []string{s.URL}, EncryptionNone }}, "needs TLS"},
		"kerberos without TLS":      {[]func(*Options){func(o *Options) { o.URLs, o.Encryption, o.BindMethod = []string{s.URL}, EncryptionNone, BindGSSAPI }}, "needs TLS"},
		"a port of a whole domain":  {[]func(*Options){func(o *Options) { o.URLs = []string{"ldaps+srv://example.com:636"} }}, "has a port"},
		"a scheme that is not LDAP": {[]func(*Options){func(o *Options) { o.URLs = []string{"https+srv://example.com"} }}, "is no URL of an LDAP server"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(s)
			for _, change := range c.changes {
				change(&o)
			}
			_, evidence, err := readAll(t.Context(), o, search())
			if c.want == "" && (err != nil || evidence.Entries != 10) {
				t.Errorf("%+v, %v", evidence, err)
			}
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v", err)
			}
		})
	}
}

// What servers say to a bind that they refuse, as they word it.
func TestRefusalsAreExplained(t *testing.T) {
	t.Parallel()
	said := func(code uint16, text string) error { return ldap.NewError(code, errors.New(text)) }
	ad := func(data string) error {
		return said(ldap.LDAPResultInvalidCredentials, "80090308: LdapErr: DSID-0C090453, comment: AcceptSecurityContext error, data "+data+", v3839")
	}
	strong := said(ldap.LDAPResultStrongAuthRequired, "SASL:[GSSAPI]: Sign or Seal are required.")
	for _, c := range []struct {
		method string
		err    error
		want   string
	}{
		{BindGSSAPI, strong, "wants a SASL security layer"},
		{BindGSSAPI, ad("80090346"), "channel binding"},
		{BindExternal, ad("fff"), `check who may bind there with bind_method = "external"`},
		{"", ad("525"), "it knows no such account"},
		{"", ad("52e"), "the password is wrong"},
		{"", ad("530"), "at this hour"},
		{"", ad("531"), "from this machine"},
		{"", ad("532"), "password has expired"},
		{"", ad("533"), "disabled"},
		{"", ad("701"), "the account has expired"},
		{"", ad("773"), "must be changed before it is used"},
		{"", ad("775"), "locked after wrong passwords"},
		{"", ad("fff"), "check bind_dn and bind_password"},
		{BindSimple, said(ldap.LDAPResultStrongAuthRequired, "00002028: LdapErr: DSID-0C090259, comment: The server requires binds to turn on integrity checking if SSL\\TLS are not already active on the connection"), "takes no password without TLS"},
		{BindSimple, said(ldap.LDAPResultConfidentialityRequired, "Operation requires a secure connection"), "takes no password without TLS"},
		{BindSimple, said(ldap.LDAPResultConstraintViolation, "Exceed password retry limit. Please try later."), "the account is locked"},
		{BindSimple, said(ldap.LDAPResultUnwillingToPerform, "Account inactivated. Contact system administrator."), "may be inactive"},
		{BindSimple, said(ldap.LDAPResultInappropriateAuthentication, "Anonymous access is not allowed."), "anonymous access may be off"},
		{BindSimple, said(ldap.LDAPResultAuthMethodNotSupported, "SASL mechanism not supported"), "does not offer this bind_method"},
	} {
		got := explainBind(c.method, c.err)
		if !strings.Contains(got.Error(), c.want) || !errors.Is(got, c.err) {
			t.Errorf("want %q in: %v", c.want, got)
		}
	}
}
