package ldap

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// ranged is an attribute of which a server sent a part of the values: Active Directory
// does so beyond 1,500 ("member;range=0-1499", MS-ADTS 3.1.1.3.1.3.3).
type ranged struct {
	name      string // with its other options
	low, high int
	last      bool // "1500-*": there are no more
}

func parseRange(name string) (r ranged, ok bool) {
	if !strings.Contains(name, ";") {
		return r, false // nearly always
	}
	options := strings.Split(name, ";")
	at := slices.IndexFunc(options, func(o string) bool { return len(o) > 6 && strings.EqualFold(o[:6], "range=") })
	if at < 1 || options[0] == "" {
		return r, false
	}
	low, high, found := strings.Cut(options[at][6:], "-")
	r.name, r.last = strings.Join(slices.Delete(options, at, at+1), ";"), high == "*"
	var errLow, errHigh error
	r.low, errLow = strconv.Atoi(low)
	if !r.last {
		r.high, errHigh = strconv.Atoi(high)
	}
	return r, found && errLow == nil && errHigh == nil
}

// complete gives the attributes that came in part all their values. Each further part is
// a search of its own, of the same server.
func (r *read) complete(ctx context.Context, c *connection, entries []*ldap.Entry) error {
	for _, e := range entries {
		for i := 0; i < len(e.Attributes); i++ {
			part, ok := parseRange(e.Attributes[i].Name)
			if !ok {
				continue
			}
			whole, err := r.rest(ctx, c, e.DN, e.Attributes[i], part)
			if err != nil {
				return err
			}
			e.Attributes[i] = whole
			// The server sends the attribute without values as well.
			e.Attributes = slices.DeleteFunc(e.Attributes, func(a *ldap.EntryAttribute) bool {
				return a != whole && strings.EqualFold(a.Name, whole.Name)
			})
			i = slices.Index(e.Attributes, whole)
		}
	}
	return nil
}

// rest reads the parts of an attribute after the first.
func (r *read) rest(ctx context.Context, c *connection, dn string, first *ldap.EntryAttribute, part ranged) (*ldap.EntryAttribute, error) {
	whole := &ldap.EntryAttribute{Name: part.name}
	broken := func(err error, passing bool, format string, args ...any) error {
		return &IncompleteError{
			Server: c.server, Base: dn, Err: err, Passing: passing,
			Reason: fmt.Sprintf("the values of %s come in parts, and ", part.name) + fmt.Sprintf(format, args...),
		}
	}
	for a := first; ; {
		// What comes must begin where the last part ended, and be as long as it says.
		if part.low != len(whole.Values) || len(a.Values) == 0 || !part.last && part.high-part.low+1 != len(a.Values) {
			return nil, broken(nil, false, "after %d of them came %q with %d", len(whole.Values), a.Name, len(a.Values))
		}
		whole.Values = append(whole.Values, a.Values...)
		whole.ByteValues = append(whole.ByteValues, a.ByteValues...)
		if part.last {
			return whole, nil
		}
		r.searches++
		next := fmt.Sprintf("%s;range=%d-*", part.name, len(whole.Values))
		result, err := c.Search(ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", []string{next}, nil))
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			return nil, broken(err, r.passing(err), "those from %d on could not be read", len(whole.Values))
		}
		found := false
		if len(result.Entries) == 1 {
			for _, other := range result.Entries[0].Attributes {
				if p, ok := parseRange(other.Name); ok && strings.EqualFold(p.name, part.name) {
					a, part, found = other, p, true
				}
			}
		}
		if !found {
			return nil, broken(nil, true, "those from %d on did not come: it was changed while it was read", len(whole.Values))
		}
	}
}
