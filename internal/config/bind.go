package config

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"

	"github.com/hashicorp/hcl/v2"
)

const defaultKerberosFile = "/etc/krb5.conf"

// bind reads how to bind, and as whom.
func (b *block) bind(d *Directory) {
	d.BindMethod = b.choice("bind_method", BindSimple, BindGSSAPI, BindExternal)
	d.BindDN = b.text("bind_dn", "")
	d.BindPassword = b.secret("bind_password")
	kerberos := b.once(b.place, b.content.Blocks.OfType("kerberos"), "There may be only one.")
	if d.BindMethod != BindSimple {
		for _, name := range []string{"bind_dn", "bind_password", "bind_password_file"} {
			if attr := b.content.Attributes[name]; attr != nil {
				b.fail(b.place, attr.NameRange, "Unsuitable "+name, fmt.Sprintf("%s is for a simple bind; with bind_method = %q leave it out.", name, d.BindMethod))
			}
		}
		b.bindTLS(d)
	}
	switch d.BindMethod {
	case BindGSSAPI:
		if kerberos == nil {
			b.fail(b.place, b.at("bind_method"), "Missing kerberos block", `bind_method = "gssapi" needs a block that says who binds: `+
				`kerberos { principal = "sync@EXAMPLE.COM", keytab_file = "sync.keytab" }.`)
			return
		}
		d.Kerberos = b.kerberos(kerberos)
	case BindExternal:
		if !b.has("client_cert_file") {
			b.fail(b.place, b.at("bind_method"), "Missing client_cert_file", `bind_method = "external" binds as whom the client certificate of TLS names: set client_cert_file and client_key_file.`)
		}
	default:
		b.simple(d)
	}
	if kerberos != nil && d.BindMethod != BindGSSAPI {
		b.fail(b.of(kerberos), kerberos.DefRange, "Unsuitable kerberos block", `A kerberos block needs bind_method = "gssapi".`)
	}
}

// bindTLS reports a bind that needs TLS and has none.
func (b *block) bindTLS(d *Directory) {
	if d.Encryption != EncryptionNone || !b.has("encryption") { // where it is missing, that was said
		return
	}
	why := "the certificate is shown in its handshake"
	if d.BindMethod == BindGSSAPI {
		why = "a ticket proves who asks and encrypts nothing (no SASL security layer is negotiated), so whoever is on the network between could change the answers"
	}
	b.wrong("encryption", fmt.Sprintf("bind_method = %q needs TLS: %s. Use ldaps:// or encryption = \"starttls\".", d.BindMethod, why))
}

// simple checks the credentials: both, or none for an anonymous bind.
func (b *block) simple(d *Directory) {
	password := b.has("bind_password") || b.has("bind_password_file")
	switch {
	case b.has("bind_dn") && !password:
		b.fail(b.place, b.content.Attributes["bind_dn"].NameRange, "Missing bind_password",
			"bind_dn needs bind_password or bind_password_file. A bind without a password is anonymous (RFC 4513, 5.1.2): leave bind_dn out for that.")
	case password && !b.has("bind_dn"):
		b.fail(b.place, b.rng, "Missing bind_dn", "There is a password but no bind_dn that it belongs to.")
	}
	if strings.ContainsFunc(d.BindDN, unicode.IsControl) { // "CORP\reader" has a line break
		b.wrong("bind_dn", `bind_dn has a control character. A backslash is written twice: "CORP\\sync".`)
	}
	if d.Encryption != EncryptionNone || d.BindPassword.IsZero() {
		return
	}
	for _, text := range d.URLs {
		if u, err := url.Parse(text); err == nil && !isLoopback(u.Hostname()) {
			b.warn(b.place, b.at("encryption"), "The bind password is sent unencrypted",
				fmt.Sprintf("Whoever is on the network between here and %s can read it. Use ldaps:// or encryption = \"starttls\".", u.Host))
			return
		}
	}
}

// clientCertificate reads the certificate that is shown to servers, and its key.
func (b *block) clientCertificate(d *Directory) {
	d.ClientCertFile, d.ClientKeyFile = b.path("client_cert_file", ""), b.path("client_key_file", "")
	for _, pair := range [][2]string{{"client_cert_file", "client_key_file"}, {"client_key_file", "client_cert_file"}} {
		if attr := b.content.Attributes[pair[0]]; attr != nil && !b.has(pair[1]) {
			b.fail(b.place, attr.NameRange, "Missing "+pair[1], fmt.Sprintf("%s needs %s: PEM files of a certificate and of its private key.", pair[0], pair[1]))
		}
	}
	if b.has("client_cert_file") && d.BindMethod == BindSimple && d.Encryption == EncryptionNone && b.has("encryption") {
		b.wrong("encryption", `A client certificate is shown in the handshake of TLS, and there is none. Use ldaps:// or encryption = "starttls".`)
	}
}

// kerberos reads the kerberos block.
func (b *block) kerberos(raw *hcl.Block) *Kerberos {
	k := b.block(b.of(raw), raw, schema("principal", "keytab_file", "ccache_file", "password", "password_file", "config_file", "service_principal"))
	kerberos := &Kerberos{
		Principal: k.text("principal", ""), KeytabFile: k.path("keytab_file", ""), CCacheFile: k.path("ccache_file", ""), Password: k.secret("password"),
		ConfigFile: k.path("config_file", defaultKerberosFile), ServicePrincipal: k.text("service_principal", ""),
	}
	if !k.complete {
		return kerberos
	}
	var ways []string
	for _, way := range []string{"keytab_file", "ccache_file", "password"} {
		if k.has(way) || way == "password" && k.has("password_file") {
			ways = append(ways, way)
		}
	}
	switch {
	case len(ways) != 1:
		k.fail(k.place, k.rng, "Missing or conflicting keys", "The kerberos block needs one of keytab_file, ccache_file and password (or password_file).")
	case kerberos.Principal == "" && ways[0] != "ccache_file":
		k.fail(k.place, k.rng, "Missing principal", `principal says who binds, such as "sync@EXAMPLE.COM". Only a ticket of ccache_file says so itself.`)
	}
	if service := kerberos.ServicePrincipal; service != "" && !strings.Contains(service, "/") {
		k.wrong("service_principal", fmt.Sprintf(`service_principal must look like "ldap/dc1.example.com", not %q.`, service))
	}
	return kerberos
}
