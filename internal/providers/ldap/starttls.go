package ldap

import (
	"errors"
	"net"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// startTLS asks the server for TLS, before anything else is sent; the handshake comes
// after it. It reads the answer and not an octet more. That of go-ldap would put TLS
// between go-ldap and the sieve.
func startTLS(wire net.Conn) error {
	operation := ber.Encode(ber.ClassApplication, ber.TypeConstructed, ldap.ApplicationExtendedRequest, nil, "StartTLS")
	operation.AppendChild(ber.NewString(ber.ClassContext, ber.TypePrimitive, 0, oidStartTLS, "Name"))
	request := ber.NewSequence("LDAPMessage")
	request.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, 1, "MessageID"))
	request.AppendChild(operation)
	if _, err := wire.Write(request.Bytes()); err != nil {
		return err
	}
	response, err := ber.ReadPacket(wire)
	if err != nil {
		return err
	}
	if err := ldap.GetLDAPError(response); err != nil {
		return err
	}
	if response.Children[1].Tag != ldap.ApplicationExtendedResponse {
		return errors.New("the server answered something else")
	}
	return nil
}
