package ldap

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3/gssapi"
	"github.com/jcmturner/gokrb5/v8/client"
	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/credentials"
	"github.com/jcmturner/gokrb5/v8/crypto"
	gss "github.com/jcmturner/gokrb5/v8/gssapi"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/keytab"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// Kerberos says who binds with GSSAPI, and where the key or ticket is: in one of
// KeytabFile, CCacheFile and Password.
type Kerberos struct {
	// Principal is name@REALM; without a realm, that of ConfigFile. With CCacheFile it may
	// be empty.
	Principal              string
	KeytabFile, CCacheFile string
	Password               identity.Secret
	// ConfigFile is a krb5.conf; empty stands for /etc/krb5.conf.
	ConfigFile string
	// ServicePrincipal is the server's; empty stands for ldap/HOST.
	ServicePrincipal string
}

// bindKerberos binds with a ticket. gokrb5 asks the KDC without a context, each time for
// some seconds at most: when ctx ends it is left to that.
func (d *Directory) bindKerberos(ctx context.Context, c *connection, server *url.URL) error {
	service := "ldap/" + server.Hostname()
	if d.configured(server) {
		service = cmp.Or(d.options.Kerberos.ServicePrincipal, service)
	}
	done := make(chan error, 1)
	go func() { done <- d.options.Kerberos.bind(c, service) }()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err == nil {
		return nil
	}
	if refused, ok := errors.AsType[*refusedError](err); ok {
		return &refusedError{fmt.Errorf("%s: %w", d.who(), refused.error)}
	}
	return fmt.Errorf("%s, as a client of %s: %w", d.who(), service, explainBind(BindGSSAPI, timedOut(ctx, err)))
}

func (k *Kerberos) bind(c *connection, service string) error {
	login, err := k.login()
	if err != nil { // the same at every server
		return &refusedError{explainKerberos(err)}
	}
	defer login.Destroy()
	sasl := &negotiation{Client: gssapi.Client{Client: login}}
	if err := c.GSSAPIBind(sasl, service, ""); err != nil {
		return explainKerberos(err)
	}
	return nil
}

// login gets a ticket to get tickets with.
func (k *Kerberos) login() (login *client.Client, err error) {
	defer func() {
		if cause := recover(); cause != nil { // gokrb5 takes for granted that files are whole
			err = fmt.Errorf("a file of Kerberos is damaged: %v", cause)
		}
	}()
	file := cmp.Or(k.ConfigFile, "/etc/krb5.conf")
	settings, err := config.Load(file)
	if _, known := errors.AsType[config.UnsupportedDirective](err); err != nil && (!known || settings == nil) {
		return nil, fmt.Errorf("config_file: %s: %w", file, err)
	}
	name, realm := k.Principal, settings.LibDefaults.DefaultRealm
	if at := strings.LastIndex(name, "@"); at >= 0 {
		name, realm = name[:at], name[at+1:]
	}
	// Active Directory knows nothing of FAST negotiated in this way.
	plain := client.DisablePAFXFAST(true)
	switch {
	case k.KeytabFile != "":
		keys, err := keytab.Load(k.KeytabFile)
		if err != nil {
			return nil, fmt.Errorf("keytab_file: %w", err)
		}
		login = client.NewWithKeytab(name, realm, keys, settings, plain)
	case k.CCacheFile != "":
		cache, err := credentials.LoadCCache(k.CCacheFile)
		if err != nil {
			return nil, fmt.Errorf("ccache_file: %w", err)
		}
		if owner := cache.GetClientPrincipalName().PrincipalNameString(); k.Principal != "" && owner+"@"+cache.GetClientRealm() != name+"@"+realm {
			return nil, fmt.Errorf("ccache_file: %s has tickets of %s@%s", k.CCacheFile, owner, cache.GetClientRealm())
		}
		if login, err = client.NewFromCCache(cache, settings, plain); err != nil {
			return nil, fmt.Errorf("ccache_file: %s: %w", k.CCacheFile, err)
		}
	default:
		login = client.NewWithPassword(name, realm, k.Password.Reveal(), settings, plain)
	}
	return login, login.Login()
}

// negotiation is the client's side of GSSAPI, without a security layer.
type negotiation struct{ gssapi.Client }

// NegotiateSaslAuth answers what security layers the server offers: none (RFC 4752, 3.1:
// the bit 1). go-ldap speaks with Active Directory alone: it takes the offer for rotated
// as it comes from there, and answers with no bit at all, which Cyrus SASL, so OpenLDAP
// and 389, does not take.
func (n *negotiation) NegotiateSaslAuth(offer []byte, authzid string) ([]byte, error) {
	offer = checksumFirst(offer)
	answer, err := n.Client.NegotiateSaslAuth(offer, authzid) // it verifies the offer too
	if err != nil || n.Subkey.KeyType == 0 {
		return answer, err
	}
	var offered gss.WrapToken
	if err := gssapi.UnmarshalWrapToken(&offered, offer, true); err != nil {
		return nil, err
	}
	if len(offered.Payload) > 0 && offered.Payload[0]&1 == 0 {
		return nil, errors.New("the server insists on a security layer of SASL inside TLS, which is not done here; let it take TLS instead")
	}
	kind, err := crypto.GetEtype(n.Subkey.KeyType)
	if err != nil {
		return nil, err
	}
	token := &gss.WrapToken{
		Flags: 0b100, // by the acceptor's subkey (RFC 4121, 4.2.2)
		EC:    uint16(kind.GetHMACBitLength() / 8), SndSeqNum: 1,
		Payload: append([]byte{1, 0, 0, 0}, authzid...),
	}
	if err := token.SetCheckSum(n.Subkey, keyusage.GSSAPI_INITIATOR_SEAL); err != nil {
		return nil, err
	}
	return token.Marshal()
}

// checksumFirst turns what follows the header of a token so far that its checksum comes
// first (RFC 4121, 4.2.5: a sender may turn it by any number of octets, RRC).
func checksumFirst(token []byte) []byte {
	if len(token) <= gss.HdrLen {
		return token
	}
	header, data := token[:gss.HdrLen], token[gss.HdrLen:]
	checksum, turned := int(binary.BigEndian.Uint16(header[4:])), int(binary.BigEndian.Uint16(header[6:]))
	from := (turned - checksum) % len(data)
	if from < 0 {
		from += len(data)
	}
	return slices.Concat(header, data[from:], data[:from])
}

// explainKerberos says what the codes of a KDC mean (RFC 4120, 7.5.9).
func explainKerberos(err error) error {
	for _, known := range [][2]string{
		{"KDC_ERR_PREAUTH_FAILED", "the password or the key of the keytab is wrong; a keytab is out of date when the password was set again"},
		{"KDC_ERR_C_PRINCIPAL_UNKNOWN", "the KDC knows no such principal"},
		{"KDC_ERR_CLIENT_REVOKED", "the account is locked, disabled or expired"},
		{"KDC_ERR_KEY_EXPIRED", "the account's password has expired"},
		{"KDC_ERR_S_PRINCIPAL_UNKNOWN", "the KDC knows no such service; write the server in urls as the KDC knows it, or set service_principal"},
		{"KDC_ERR_ETYPE_NOSUPP", "the KDC has no key of the kinds that are asked for; see default_tkt_enctypes in krb5.conf"},
		{"KRB_AP_ERR_SKEW", "the clocks of the KDC and of this machine differ too much"},
		{"no valid existing session", "the ticket has expired; get a new one with kinit"},
		{"ould not get key from keytab", "the keytab has no key of this principal and kind"},
		{"matching key not found in keytab", "the keytab has no key of this principal and kind"},
		{"communication error with KDC", "the KDC can not be reached; see krb5.conf"},
		{"failed to communicate with KDC", "the KDC can not be reached; see krb5.conf"},
		{"no KDC", "there is no KDC of this realm in krb5.conf"},
	} {
		if strings.Contains(err.Error(), known[0]) {
			return fmt.Errorf("%s: %w", known[1], err)
		}
	}
	return err
}
