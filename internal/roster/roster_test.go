package roster

import (
	"fmt"
	"net/mail"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// plain maps uid, cn and mail as they are.
func plain(e *identity.Entry) identity.Mapped {
	var user identity.Mapped
	for _, field := range []struct {
		name, attribute string
		value           *string
	}{{"username", "uid", &user.Username}, {"name", "cn", &user.Name}, {"email", "mail", &user.Email}} {
		value, ok := e.First(field.attribute)
		if !ok {
			user.Problems = append(user.Problems, identity.Problem{Field: field.name, Absent: true, Text: "the entry has no " + field.attribute})
		}
		*field.value = value
	}
	return user
}

func entry(dn string, pairs ...string) *identity.Entry {
	e := &identity.Entry{DN: dn, ID: "id-of-" + dn}
	for i := 0; i < len(pairs); i += 2 {
		e.Attributes = append(e.Attributes, identity.Attribute{Name: pairs[i], Values: []string{pairs[i+1]}})
	}
	return e
}

func build(rules Rules, entries ...*identity.Entry) *Roster {
	b := NewBuilder(rules, plain, nil)
	for _, e := range entries {
		b.Add(e)
	}
	return b.Roster()
}

func TestOneEntry(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", MaxLength)
	for name, c := range map[string]struct {
		rules  Rules
		entry  *identity.Entry
		want   identity.User // of the person, or of the unmapped where reason is not empty
		reason string
	}{
		"trimmed":              {entry: entry("a", "uid", " jane ", "cn", "Jane\u00a0", "mail", "\tj@x.example "), want: identity.User{Username: "jane", Name: "Jane", Email: "j@x.example"}},
		"longest":              {entry: entry("a", "uid", long, "cn", long, "mail", "j@x.example"), want: identity.User{Username: long, Name: long, Email: "j@x.example"}},
		"username too long":    {entry: entry("a", "uid", long+"x", "cn", "J", "mail", "j@x.example"), want: identity.User{Name: "J", Email: "j@x.example"}, reason: "username has 129 characters, LoginTC takes 128"},
		"name too long":        {entry: entry("a", "uid", "jane", "cn", long+"x", "mail", "j@x.example"), want: identity.User{Username: "jane", Name: long + "x", Email: "j@x.example"}, reason: "name has 129 characters, LoginTC takes 128"},
		"no username":          {entry: entry("a", "cn", "J", "mail", "j@x.example"), want: identity.User{Name: "J", Email: "j@x.example"}, reason: "no username: the entry has no uid"},
		"blank username":       {entry: entry("a", "uid", "  ", "cn", "J", "mail", "j@x.example"), want: identity.User{Name: "J", Email: "j@x.example"}, reason: "no username"},
		"no name, no email":    {entry: entry("a", "uid", "jane"), want: identity.User{Username: "jane"}, reason: "no name: the entry has no cn; no email: the entry has no mail"},
		"defaults":             {rules: Rules{DefaultName: "Staff", DefaultEmail: "it@x.example"}, entry: entry("a", "uid", "jane"), want: identity.User{Username: "jane", Name: "Staff", Email: "it@x.example"}},
		"default for a blank":  {rules: Rules{DefaultName: "Staff"}, entry: entry("a", "uid", "jane", "cn", " ", "mail", "j@x.example"), want: identity.User{Username: "jane", Name: "Staff", Email: "j@x.example"}},
		"no default for wrong": {rules: Rules{DefaultEmail: "it@x.example"}, entry: entry("a", "uid", "jane", "cn", "J", "mail", "Jane <j@x.example>"), want: identity.User{Username: "jane", Name: "J", Email: "Jane <j@x.example>"}, reason: `email "Jane <j@x.example>" is not an address`},
		"email without @":      {entry: entry("a", "uid", "jane", "cn", "J", "mail", "j.example"), want: identity.User{Username: "jane", Name: "J", Email: "j.example"}, reason: `email "j.example" is not an address`},
		"control character":    {entry: entry("a", "uid", "ja\x1b[31mne", "cn", "J", "mail", "j@x.example"), want: identity.User{Name: "J", Email: "j@x.example"}, reason: "username has control characters"},
		"not UTF-8":            {entry: entry("a", "uid", "jane", "cn", "J\xff", "mail", "j@x.example"), want: identity.User{Username: "jane", Name: "J\xff", Email: "j@x.example"}, reason: "name is not UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := build(c.rules, c.entry)
			want := &Roster{Entries: 1, People: []identity.Person{}}
			person := identity.Person{User: c.want, DN: "a", EntryID: "id-of-a"}
			if c.reason == "" {
				want.People = append(want.People, person)
			} else {
				want.Unmapped = []identity.Unmapped{{Person: person, Reason: c.reason}}
			}
			if diff := cmp.Diff(want, r); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCollision(t *testing.T) {
	t.Parallel()
	r := build(Rules{},
		entry("uid=b", "uid", "Jane", "cn", "Jane B", "mail", "b@x.example"),
		entry("uid=z", "uid", "zoe", "cn", "Zoe", "mail", "z@x.example"),
		entry("uid=a", "uid", "jane", "cn", "Jane A", "mail", "a@x.example"))
	if len(r.People) != 1 || r.People[0].Username != "zoe" {
		t.Errorf("people: %v", r.People)
	}
	if len(r.Unmapped) != 2 {
		t.Fatalf("unmapped: %v", r.Unmapped)
	}
	for i, want := range []string{
		`2 entries have the username "jane": also uid=b as "Jane", and LoginTC may not tell capitals apart`,
		`2 entries have the username "Jane": also uid=a as "jane", and LoginTC may not tell capitals apart`,
	} {
		if r.Unmapped[i].Reason != want {
			t.Errorf("reason %d: %s", i, r.Unmapped[i].Reason)
		}
	}
	if r.Size() != 3 {
		t.Errorf("size %d: everybody is still there", r.Size())
	}
}

func TestIncompleteEntryClaimsItsUsername(t *testing.T) {
	t.Parallel()
	r := build(Rules{},
		entry("uid=a", "uid", "jane", "cn", "Jane A", "mail", "a@x.example"),
		entry("uid=b", "uid", "jane", "cn", "Jane B"))
	if len(r.People) != 0 || len(r.Unmapped) != 2 {
		t.Fatalf("%+v", r)
	}
	if want := `2 entries have the username "jane": also uid=b`; r.Unmapped[0].DN != "uid=a" || r.Unmapped[0].Reason != want {
		t.Errorf("%+v", r.Unmapped[0])
	}
}

// An excluded entry is not there: it counts as nobody, claims no username, and is known.
func TestExcluded(t *testing.T) {
	t.Parallel()
	mapper := func(e *identity.Entry) identity.Mapped {
		m := plain(e)
		switch left, _ := e.First("left"); left {
		case "yes":
			m.Excluded = "disabled(entry)"
		case "?":
			m.Problems = append(m.Problems, identity.Problem{Field: "exclude", Absent: true, Text: "nothing is shown"})
		}
		return m
	}
	b := NewBuilder(Rules{}, mapper, nil)
	for _, e := range []*identity.Entry{
		entry("uid=b", "uid", "jane", "cn", "Jane B", "mail", "b@x.example"),
		entry("uid=a", "uid", " Jane", "left", "yes"),
		entry("uid=c", "uid", "kim", "cn", "Kim", "mail", "k@x.example", "left", "?"),
		entry("uid=d", "cn", "Nobody", "left", "yes"),
	} {
		b.Add(e)
	}
	r := b.Roster()
	want := &Roster{
		Entries: 4,
		People:  []identity.Person{{User: identity.User{Username: "jane", Name: "Jane B", Email: "b@x.example"}, DN: "uid=b", EntryID: "id-of-uid=b"}},
		Unmapped: []identity.Unmapped{{
			Person: identity.Person{User: identity.User{Username: "kim", Name: "Kim", Email: "k@x.example"}, DN: "uid=c", EntryID: "id-of-uid=c"},
			Reason: "it can not be told whether the entry is excluded: nothing is shown",
		}},
		Excluded: []identity.Excluded{
			{Username: "Jane", DN: "uid=a", EntryID: "id-of-uid=a", Source: "disabled(entry)"},
			{DN: "uid=d", EntryID: "id-of-uid=d", Source: "disabled(entry)"},
		},
	}
	if diff := cmp.Diff(want, r); diff != "" || r.Size() != 2 {
		t.Errorf("%d, %s", r.Size(), diff)
	}
	b = NewBuilder(Rules{}, mapper, nil)
	b.Add(entry("uid=a", "uid", "Jane", "left", "yes"))
	gone := b.Roster()
	if err := CheckCanaries("directory.corp", []string{"jane"}, gone); err != nil {
		t.Error(err)
	}
	if err := gone.CheckEmpty("domain.vpn", "directory.corp", identity.Evidence{}); err == nil || !strings.Contains(err.Error(), "1 entries, all of which user.exclude excludes, for base") {
		t.Error(err)
	}
	b.Add(entry("uid=c", "uid", "kim", "left", "?"))
	b.Add(entry("uid=a", "uid", "Jane", "left", "yes"))
	if err := b.Roster().CheckEmpty("domain.vpn", "directory.corp", identity.Evidence{}); err == nil || !strings.Contains(err.Error(), "of which user.exclude excludes 2 and none could be mapped to a user (the first: uid=c: it can not") {
		t.Error(err)
	}
}

func TestComposedAndDecomposedCollide(t *testing.T) {
	t.Parallel()
	r := build(Rules{},
		entry("uid=a", "uid", "zo\u00eb", "cn", "Zoë", "mail", "a@x.example"),
		entry("uid=b", "uid", "zoe\u0308", "cn", "Zoë", "mail", "b@x.example"))
	if len(r.People) != 0 || len(r.Unmapped) != 2 {
		t.Errorf("%+v", r)
	}
}

func TestSameEntryTwice(t *testing.T) {
	t.Parallel()
	e := entry("uid=a", "uid", "jane", "cn", "Jane", "mail", "a@x.example")
	if r := build(Rules{}, e, e); len(r.People) != 1 || len(r.Unmapped) != 0 {
		t.Errorf("%+v", r)
	}
}

func TestOrderDoesNotMatter(t *testing.T) {
	t.Parallel()
	a := entry("uid=a", "uid", "anna", "cn", "Anna", "mail", "a@x.example")
	b := entry("uid=b", "uid", "Bob", "cn", "Bob", "mail", "b@x.example")
	c := entry("uid=c", "uid", "bob", "cn", "Bob", "mail", "c@x.example")
	d := entry("uid=d", "cn", "Nobody")
	want := build(Rules{}, a, b, c, d)
	for _, order := range [][]*identity.Entry{{d, c, b, a}, {b, d, a, c}, {c, a, d, b}} {
		if diff := cmp.Diff(want, build(Rules{}, order...)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestChecks(t *testing.T) {
	t.Parallel()
	some := build(Rules{}, entry("uid=a", "uid", "Jane", "cn", "Jane", "mail", "a@x.example"), entry("uid=b", "uid", "bob"))
	unmapped := build(Rules{}, entry("uid=b", "uid", "bob"))
	evidence := identity.Evidence{BaseDN: "dc=x", Filter: "(uid=*)"}
	grouped := evidence
	grouped.Groups = &identity.GroupEvidence{MembersOf: []string{"cn=vpn,dc=x", "cn=ops,dc=x"}, Members: 3}
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"users":             {some.CheckEmpty("domain.vpn", "directory.corp", evidence), ""},
		"no entries":        {build(Rules{}).CheckEmpty("domain.vpn", "directory.corp", evidence), `domain.vpn: directory.corp returned no entries for base "dc=x" and filter "(uid=*)"`},
		"no members":        {build(Rules{}).CheckEmpty("domain.vpn", "directory.corp", grouped), `for base "dc=x" and filter "(uid=*)" in the groups cn=vpn,dc=x; cn=ops,dc=x, which name 3 members: nothing was compared`},
		"none mapped":       {unmapped.CheckEmpty("domain.vpn", "directory.corp", evidence), "returned 1 entries, none of which could be mapped to a user (the first: uid=b: no name"},
		"canary there":      {CheckCanaries("domain.vpn", []string{"jane"}, some), ""},
		"unmapped canary":   {CheckCanaries("domain.vpn", []string{"BOB"}, unmapped, some), ""},
		"canary gone":       {CheckCanaries("directory.corp", []string{"jane", "zoe", "kim"}, some), "directory.corp: zoe, kim not found though named in canaries"},
		"all valid":         {build(Rules{}).CheckValid("domain.vpn"), ""},
		"validation failed": {some.CheckValid("domain.vpn"), "uid=b: no name: the entry has no cn; no email: the entry has no mail"},
	} {
		if got := fmt.Sprint(c.err); (c.want == "") != (c.err == nil) || !strings.Contains(got, c.want) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// The short way accepts nothing that the parser of addresses does not.
func TestPlainAddress(t *testing.T) {
	t.Parallel()
	for address, plain := range map[string]bool{
		"jane.doe@x.example": true, "j+a_b-c'd@x-y.example": true, "j@localhost": true, "J%x&y=z/w@X1.example": true,
		"": false, "jane": false, "@x": false, "j@": false, "j..d@x": false, ".j@x": false, "j.@x": false, "j@x..y": false, "a@b@c": false, "j d@x": false, "zoë@x.example": false, `"j"@x`: false, "j@[::1]": false,
	} {
		if got := isPlainAddress(address); got != plain {
			t.Errorf("%q: %v", address, got)
		}
		if parsed, err := mail.ParseAddress(address); plain && (err != nil || parsed.Address != address) {
			t.Errorf("%q is no address: %v", address, err)
		}
	}
}

func BenchmarkBuild(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			e := entry("uid=user,ou=People,dc=example,dc=com", "uid", "", "cn", "Jane Doe", "mail", "jane.doe@example.com")
			names := make([]string, n)
			for i := range names {
				names[i] = fmt.Sprintf("user%07d", (i*7919)%n)
			}
			b.ReportAllocs()
			for b.Loop() {
				builder := NewBuilder(Rules{}, plain, nil)
				for _, name := range names {
					e.Attributes[0].Values[0] = name
					builder.Add(e)
				}
				if r := builder.Roster(); len(r.People) != n {
					b.Fatal(len(r.People))
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/entry")
		})
	}
}
