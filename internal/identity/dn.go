package identity

import (
	"fmt"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// DNKey is the form of a distinguished name by which two are the same: parsed as RFC 4514
// says, values prepared as RFC 4518 does for matching without case. The parts of a key stay
// in order, so that what is below a base ends with the base's key.
type DNKey string

// NewDNKey returns the key of a distinguished name, or why it is none.
func NewDNKey(dn string) (DNKey, error) {
	parsed, err := ldap.ParseDN(dn)
	if err != nil {
		return "", fmt.Errorf("%q is no DN: %w", dn, err)
	}
	return DNKey(strings.ToLower(parsed.String())), nil
}

// Within reports whether the DN is the base or below it. The empty base is above all.
func (k DNKey) Within(base DNKey) bool {
	return base == "" || k == base || strings.HasSuffix(string(k), ","+string(base))
}
