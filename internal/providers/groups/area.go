package groups

import (
	"fmt"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// Area is what a search looks at: a base and how far below it.
type Area struct {
	Base  identity.DNKey
	scope identity.Scope
	rdns  int
}

// NewArea returns the area of a base and scope.
func NewArea(base string, scope identity.Scope) (Area, error) {
	key, err := identity.NewDNKey(base)
	if err != nil {
		return Area{}, fmt.Errorf("the base DN: %w", err)
	}
	return Area{Base: key, scope: scope, rdns: rdns(base)}, nil
}

// Has reports whether an entry of that DN is in the area (RFC 4511, 4.5.1.2).
func (a Area) Has(dn string, key identity.DNKey) bool {
	switch a.scope {
	case identity.ScopeBase:
		return key == a.Base
	case identity.ScopeOne:
		return key != a.Base && key.Within(a.Base) && rdns(dn) == a.rdns+1
	case identity.ScopeSub:
	}
	return key.Within(a.Base)
}

// rdns counts the parts of a DN.
func rdns(dn string) int {
	parsed, err := ldap.ParseDN(dn)
	if err != nil {
		return 0
	}
	return len(parsed.RDNs)
}
