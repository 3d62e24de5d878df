// Package groups has what the sources of entries share about groups: which entries are
// groups, what they say of their members, and the books of who was found through them.
// It asks no source itself.
package groups

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// Group is what an entry says of its members.
type Group struct {
	DN string
	// Members are DNs as the entry has them (member and uniqueMember; RFC 4519, 2.17, 2.40).
	Members []string
	// UIDs are values of the uid of its members (memberUid; RFC 2307, 5.2).
	UIDs []string
	// URLs are searches whose results are its members (memberURL).
	URLs []URL
	// SID is Active Directory's security identifier in its text form, of a group that may be
	// people's primary group; else empty.
	SID string
	// wrong says why its members can not be known.
	wrong error
}

// URL is an LDAP URL as far as it says which entries are members (RFC 4516). Its host and
// attributes are left out: members are looked for where the group is.
type URL struct {
	Text   string
	Base   string
	Scope  identity.Scope
	Filter string
}

// MemberAttributes are the attributes that make an entry a group, whatever its class is.
func MemberAttributes() []string {
	return []string{"member", "uniqueMember", "memberUid", "memberURL"}
}

// Attributes are those to ask for of what may be a group.
func Attributes() []string { return append(MemberAttributes(), "objectClass", "objectSid") }

// IsMemberAttribute reports whether an attribute of that name, with or without an option,
// makes an entry a group.
func IsMemberAttribute(name string) bool {
	name, _, _ = strings.Cut(name, ";")
	return slices.ContainsFunc(MemberAttributes(), func(known string) bool { return strings.EqualFold(known, name) })
}

// IsClass reports whether entries of the class are groups even without a member.
func IsClass(class string) bool {
	return slices.Contains([]string{
		"groupofnames", "groupofuniquenames", "groupofmembers", "groupofentries", "groupofurls", "posixgroup", "group",
	}, strings.ToLower(class))
}

// Of returns the group that an entry is, or nil where it is none. Whether its members can be
// known shows where it is entered in the books.
func Of(e *identity.Entry) *Group {
	g, is := &Group{DN: e.DN}, slices.ContainsFunc(e.Values("objectClass"), IsClass)
	for _, a := range e.Attributes {
		if !IsMemberAttribute(a.Name) {
			continue
		}
		is = true
		name, option, _ := strings.Cut(a.Name, ";")
		if partial(option) {
			g.wrong = fmt.Errorf("the group %q has a part of its members only (%s)", e.DN, a.Name)
		}
		g.add(name, a.Values)
	}
	if !is {
		return nil
	}
	if sid, ok := e.First("objectSid"); ok {
		// Other identifiers, such as those of BUILTIN, are no domain's, and nobody's primary group.
		if text := sidText(sid); strings.HasPrefix(text, "S-1-5-21-") {
			g.SID = text
		}
	}
	return g
}

// Beside notes that there is another group of the same key: it is an error to enter one of two
// that are different entries.
func (g *Group) Beside(other *Group, key identity.DNKey) {
	if areTwins(g.DN, other.DN) {
		g.wrong = errTwins(key, g.DN)
	}
}

// partial reports whether the option says that there are more values than came (MS-ADTS,
// 3.1.1.3.1.3.3).
func partial(option string) bool {
	bounds, ranged := strings.CutPrefix(strings.ToLower(option), "range=")
	return ranged && bounds != "0-*"
}

func (g *Group) add(attribute string, values []string) {
	switch strings.ToLower(attribute) {
	case "member":
		g.Members = append(g.Members, values...)
	case "uniquemember":
		for _, value := range values {
			g.Members = append(g.Members, withoutUID(value))
		}
	case "memberuid":
		g.UIDs = append(g.UIDs, values...)
	default:
		for _, value := range values {
			u, err := parseURL(value)
			if err != nil {
				g.wrong = fmt.Errorf("the group %q: %w", g.DN, err)
				continue
			}
			g.URLs = append(g.URLs, u)
		}
	}
}

// withoutUID takes the bits away that may follow a DN (RFC 4517, 3.3.21: Name And Optional
// UID).
func withoutUID(value string) string {
	at := strings.LastIndexByte(value, '#')
	if at < 0 {
		return value
	}
	bits, quoted := strings.CutPrefix(value[at+1:], "'")
	bits, ended := strings.CutSuffix(bits, "'B")
	if !quoted || !ended || strings.Trim(bits, "01") != "" {
		return value
	}
	return value[:at]
}

// parseURL reads a value of memberURL.
func parseURL(value string) (URL, error) {
	u := URL{Text: value, Scope: identity.ScopeBase, Filter: "(objectClass=*)"}
	_, rest, found := strings.Cut(value, "://")
	scheme := strings.ToLower(strings.TrimSuffix(value, "://"+rest))
	if !found || scheme != "ldap" && scheme != "ldaps" {
		return URL{}, fmt.Errorf("its memberURL %q is no LDAP URL", value)
	}
	_, rest, _ = strings.Cut(rest, "/") // what is before it is the host
	parts := strings.SplitN(rest, "?", 5)
	for i := range parts {
		part, err := url.PathUnescape(parts[i])
		if err != nil {
			return URL{}, fmt.Errorf("its memberURL %q is no LDAP URL: %w", value, err)
		}
		parts[i] = part
	}
	u.Base = parts[0]
	if len(parts) > 2 && parts[2] != "" {
		u.Scope = identity.Scope(strings.ToLower(parts[2]))
	}
	if len(parts) > 3 && parts[3] != "" {
		u.Filter = parts[3]
		if !strings.HasPrefix(u.Filter, "(") {
			u.Filter = "(" + u.Filter + ")"
		}
	}
	if _, err := identity.NewDNKey(u.Base); err != nil {
		return URL{}, fmt.Errorf("its memberURL %q: %w", value, err)
	}
	switch {
	case len(parts) > 4 && strings.Contains(","+parts[4], ",!"):
		return URL{}, fmt.Errorf("its memberURL %q has a critical extension, and none is known", value)
	case !slices.Contains([]identity.Scope{identity.ScopeBase, identity.ScopeOne, identity.ScopeSub}, u.Scope):
		return URL{}, fmt.Errorf("its memberURL %q has the scope %q", value, u.Scope)
	}
	filter, err := ldap.CompileFilter(u.Filter)
	if err == nil {
		u.Filter, err = ldap.DecompileFilter(filter) // escaped as it should be, so that it can be a part of another
	}
	if err != nil {
		return URL{}, fmt.Errorf("its memberURL %q: its filter is wrong: %w", value, err)
	}
	return u, nil
}

// sidText gives a security identifier in its text form, be it octets or that already;
// nothing where it is none.
func sidText(value string) string {
	if strings.HasPrefix(value, "S-1-") {
		return value
	}
	text, _ := identity.SIDText(value)
	return text
}

// splitSID divides a security identifier into its domain's and the number in it.
func splitSID(sid string) (domain, rid string) {
	at := strings.LastIndexByte(sid, '-')
	if at < 0 {
		return "", ""
	}
	return sid[:at], sid[at+1:]
}
