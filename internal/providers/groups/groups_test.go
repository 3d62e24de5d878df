package groups

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

func entry(dn string, attributes ...string) *identity.Entry {
	e := &identity.Entry{DN: dn}
	for i := 0; i < len(attributes); i += 2 {
		e.Attributes = append(e.Attributes, identity.Attribute{Name: attributes[i], Values: []string{attributes[i+1]}})
	}
	return e
}

func TestWhatIsAGroup(t *testing.T) {
	t.Parallel()
	sid := "\x01\x05\x00\x00\x00\x00\x00\x05\x15\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00\x01\x02\x00\x00"
	for name, c := range map[string]struct {
		entry *identity.Entry
		want  *Group
	}{
		"a person":           {entry("cn=a", "objectClass", "person", "memberOf", "cn=g"), nil},
		"by its class":       {entry("cn=a", "OBJECTCLASS", "GroupOfNames"), &Group{DN: "cn=a"}},
		"by an attribute":    {entry("cn=a", "objectClass", "odd", "Member", "cn=b"), &Group{DN: "cn=a", Members: []string{"cn=b"}}},
		"unique members":     {entry("cn=a", "uniqueMember", "cn=b#'01'B"), &Group{DN: "cn=a", Members: []string{"cn=b"}}},
		"without bits":       {entry("cn=a", "uniqueMember", "cn=b#'02'B"), &Group{DN: "cn=a", Members: []string{"cn=b#'02'B"}}},
		"member is no name":  {entry("cn=a", "member", "cn=b#'01'B"), &Group{DN: "cn=a", Members: []string{"cn=b#'01'B"}}},
		"uids":               {entry("cn=a", "memberUid", "x"), &Group{DN: "cn=a", UIDs: []string{"x"}}},
		"all, in one part":   {entry("cn=a", "member;range=0-*", "cn=b"), &Group{DN: "cn=a", Members: []string{"cn=b"}}},
		"of a domain":        {entry("cn=a", "objectClass", "group", "objectSid", sid), &Group{DN: "cn=a", SID: "S-1-5-21-1-2-3-513"}},
		"of no domain":       {entry("cn=a", "objectClass", "group", "objectSid", "S-1-5-32-545"), &Group{DN: "cn=a"}},
		"not an identifier":  {entry("cn=a", "objectClass", "group", "objectSid", sid[:20]), &Group{DN: "cn=a"}},
		"a dynamic group":    {entry("cn=a", "memberURL", "ldap://x:389/dc=a%2Cdc=b?cn,uid?ONE?cn=%28"), &Group{DN: "cn=a", URLs: []URL{{"ldap://x:389/dc=a%2Cdc=b?cn,uid?ONE?cn=%28", "dc=a,dc=b", "one", `(cn=\28)`}}}},
		"of all below a DN":  {entry("cn=a", "memberURL", "ldap:///dc=a??sub"), &Group{DN: "cn=a", URLs: []URL{{"ldap:///dc=a??sub", "dc=a", "sub", "(objectClass=*)"}}}},
		"of one, on a host":  {entry("cn=a", "memberURL", "LDAPS://x/dc=a%3f"), &Group{DN: "cn=a", URLs: []URL{{"LDAPS://x/dc=a%3f", "dc=a?", "base", "(objectClass=*)"}}}},
		"bare filter":        {entry("cn=a", "memberURL", "ldap:///dc=a??one?uid=%2a"), &Group{DN: "cn=a", URLs: []URL{{"ldap:///dc=a??one?uid=%2a", "dc=a", "one", "(uid=*)"}}}},
		"optional extension": {entry("cn=a", "memberURL", "ldap:///???(a=b)?x=y"), &Group{DN: "cn=a", URLs: []URL{{"ldap:///???(a=b)?x=y", "", "base", "(a=b)"}}}},
	} {
		got := Of(c.entry)
		if got != nil && got.wrong != nil && c.want == nil {
			continue
		}
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(Group{})); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// A group whose members can not be known is an error where it counts, and only there.
func TestMembersThatCanNotBeKnown(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]*identity.Entry{
		"a part of its members only":        entry("cn=a", "member;range=0-1499", "cn=b"),
		"is no LDAP URL":                    entry("cn=a", "memberURL", "http://x/dc=a"),
		`has the scope "two"`:               entry("cn=a", "memberURL", "ldap:///dc=a??two"),
		"its filter is wrong":               entry("cn=a", "memberURL", "ldap:///dc=a??sub?(uid="),
		"is no DN":                          entry("cn=a", "memberURL", "ldap:///nonsense??sub"),
		"has a critical extension":          entry("cn=a", "memberURL", "ldap:///dc=a??sub?(a=b)?x,!y=z"),
		"invalid URL escape":                entry("cn=a", "memberURL", "ldap:///dc=a%zz"),
		`"cn=a" is no group: it has none`:   entry("cn=a", "objectClass", "person"),
		`the group "cn=a" has a part of it`: entry("cn=a", "member;RANGE=1500-*", "cn=b"),
	} {
		c, err := New([]string{"cn=a"})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddTop(e); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
	for _, dn := range []string{"", "nonsense"} {
		if _, err := New([]string{dn}); err == nil {
			t.Errorf("%q is taken for a group", dn)
		}
	}
}

func TestArea(t *testing.T) {
	t.Parallel()
	for scope, want := range map[identity.Scope]string{identity.ScopeBase: "dc=x", identity.ScopeOne: "cn=a,DC=X", identity.ScopeSub: "dc=x cn=a,DC=X cn=b,cn=a,dc=x"} {
		area, err := NewArea("DC=x", scope)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, dn := range []string{"dc=x", "cn=a,DC=X", "cn=b,cn=a,dc=x", "dc=y", `cn=a\,dc=x`, "dc=com"} {
			if key, err := identity.NewDNKey(dn); err != nil {
				t.Fatal(err)
			} else if area.Has(key) {
				got = append(got, dn)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q", scope, got)
		}
	}
}

// walk enters groups from the first on, in the order in which they are named or another.
func walk(t *testing.T, all map[string]string, r *rand.Rand, top string) *Closure {
	t.Helper()
	c, err := New([]string{top})
	if err != nil {
		t.Fatal(err)
	}
	group := func(dn string) *identity.Entry {
		e := &identity.Entry{DN: dn, Attributes: []identity.Attribute{{Name: "member"}}}
		for member := range strings.FieldsSeq(all[dn]) {
			e.Attributes[0].Values = append(e.Attributes[0].Values, "cn="+member)
		}
		return e
	}
	if err := c.AddTop(group(top)); err != nil {
		t.Fatal(err)
	}
	var left []Member
	for left = c.Fresh(); len(left) > 0; left = append(left, c.Fresh()...) {
		at := r.IntN(len(left))
		if _, isGroup := all[left[at].DN]; isGroup {
			if err := c.Add(Of(group(left[at].DN))); err != nil {
				t.Fatal(err)
			}
		}
		left = slices.Delete(left, at, at+1)
	}
	return c
}

// Cycles and depth are the same whatever the order of reading.
func TestCyclesAndDepth(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		groups map[string]string
		depth  int
		want   []string
	}{
		"none":                 {map[string]string{"cn=a": "b c p", "cn=b": "c", "cn=c": "q"}, 2, nil},
		"itself":               {map[string]string{"cn=a": "a p"}, 1, []string{"cn=a > cn=a"}},
		"two":                  {map[string]string{"cn=a": "b", "cn=b": "a"}, 2, []string{"cn=a > cn=b > cn=a"}},
		"from the least":       {map[string]string{"cn=a": "d", "cn=d": "c", "cn=c": "b", "cn=b": "d"}, 4, []string{"cn=b > cn=d > cn=c > cn=b"}},
		"two that share one":   {map[string]string{"cn=a": "b c", "cn=b": "a", "cn=c": "a"}, 2, []string{"cn=a > cn=b > cn=a", "cn=a > cn=c > cn=a"}},
		"one leads to another": {map[string]string{"cn=a": "b", "cn=b": "a c", "cn=c": "d", "cn=d": "e", "cn=e": "d"}, 5, []string{"cn=a > cn=b > cn=a", "cn=d > cn=e > cn=d"}},
		"shortest":             {map[string]string{"cn=a": "b c", "cn=b": "c", "cn=c": "a"}, 2, []string{"cn=a > cn=b > cn=c > cn=a", "cn=a > cn=c > cn=a"}},
	} {
		for seed := range uint64(8) {
			e := walk(t, c.groups, rand.New(rand.NewPCG(seed, 1)), "cn=a").Evidence(1, Area{})
			if !slices.Equal(e.Cycles, c.want) || e.Depth != c.depth || e.Read != len(c.groups) {
				t.Errorf("%s: %q, %+v", name, e.Cycles, e)
			}
		}
	}
}

// Many groups that all hold each other cost little and are named once.
func TestKnotOfGroups(t *testing.T) {
	t.Parallel()
	all := map[string]string{}
	var names strings.Builder
	for i := range 60 {
		fmt.Fprintf(&names, "g%02d ", i)
	}
	for i := range 60 {
		all[fmt.Sprintf("cn=g%02d", i)] = names.String()
	}
	e := walk(t, all, rand.New(rand.NewPCG(1, 1)), "cn=g00").Evidence(1, Area{})
	if len(e.Cycles) != 60 || e.Depth != 2 || e.Members != 0 {
		t.Errorf("%d cycles, %+v", len(e.Cycles), e.Depth)
	}
}

func TestPrimaryGroups(t *testing.T) {
	t.Parallel()
	c, err := New([]string{"cn=g"})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.AddTop(entry("cn=g", "objectClass", "group", "objectSid", "S-1-5-21-1-2-3-513")); err != nil {
		t.Fatal(err)
	}
	if rids := c.RIDs(); !slices.Equal(rids, []string{"513"}) {
		t.Errorf("%q", rids)
	}
	for want, e := range map[bool][]*identity.Entry{
		true:  {entry("cn=a", "primaryGroupID", "513"), entry("cn=a", "primaryGroupID", "513", "objectSid", "S-1-5-21-1-2-3-1104")},
		false: {entry("cn=a", "primaryGroupID", "514"), entry("cn=a"), entry("cn=a", "primaryGroupID", "513", "objectSid", "S-1-5-21-1-2-4-1104")},
	} {
		for _, e := range e {
			if c.HasPrimary(e) != want {
				t.Errorf("%+v", e)
			}
		}
	}
}

func FuzzMemberURL(f *testing.F) {
	for _, seed := range []string{"ldap:///dc=a??sub?(uid=*)", "ldap://h/dc=a%2C%20b??one?uid=%2a?!x", "://", "ldap://", "ldap:///?????"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		u, err := parseURL(value)
		if err != nil {
			return
		}
		if _, err := NewArea(u.Base, u.Scope); err != nil || u.Text != value {
			t.Errorf("%+v, %v", u, err)
		}
	})
}
