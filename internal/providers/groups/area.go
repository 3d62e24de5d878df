package groups

import (
	"fmt"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// Area is what a search looks at: a base and how far below it.
type Area struct {
	Base  identity.DNKey
	scope identity.Scope
}

// NewArea returns the area of a base and scope.
func NewArea(base string, scope identity.Scope) (Area, error) {
	key, err := identity.NewDNKey(base)
	if err != nil {
		return Area{}, fmt.Errorf("the base DN: %w", err)
	}
	return Area{Base: key, scope: scope}, nil
}

// Has reports whether the DN is in the area (RFC 4511, 4.5.1.2).
func (a Area) Has(key identity.DNKey) bool {
	switch a.scope {
	case identity.ScopeBase:
		return key == a.Base
	case identity.ScopeOne:
		return key != a.Base && key.Within(a.Base) && key.Depth() == a.Base.Depth()+1
	case identity.ScopeSub:
	}
	return key.Within(a.Base)
}
