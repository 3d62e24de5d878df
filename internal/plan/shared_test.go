package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

func mode(m SyncMode) func(*DomainInput) { return func(d *DomainInput) { d.Policy.SyncMode = m } }

// in is where a live user is a member.
func in(d *DomainInput, username string, ids ...string) {
	for i := range d.Members {
		if d.Members[i].Username == username {
			d.Members[i].Domains = ids
		}
	}
}

// A user of several domains is created and changed once, and deleted only when
// nobody holds it any more.
func TestSharedUsers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		a, b         setup
		organization string
		partial      bool
		want         []string
		reason       string // part of the reason of the last operation
	}{
		"created once":        {a: setup{roster: "u"}, b: setup{roster: "u"}, want: []string{"create_user a u", "join_domain a u", "join_domain b u"}},
		"member of the other": {a: setup{roster: "u"}, b: setup{roster: "u", live: "u", state: "u"}, want: []string{"join_domain a u"}},
		"changed once": {
			a:    setup{roster: "u", live: "u", state: "u", change: func(d *DomainInput) { d.People[0].Name = "New" }},
			b:    setup{roster: "u", live: "u", state: "u", change: func(d *DomainInput) { d.People[0].Name = "New" }},
			want: []string{"update_user a u"},
		},
		"domains disagree": {
			a:    setup{roster: "u", live: "u", state: "u", change: func(d *DomainInput) { d.People[0].Name = "New" }},
			b:    setup{roster: "u", live: "u", state: "u"},
			want: []string{"withheld data a u"},
		},
		"domains disagree on a new user": {
			a: setup{roster: "u", change: func(d *DomainInput) { d.People[0].Name = "New" }}, b: setup{roster: "u"},
			want: []string{"withheld data a u", "withheld data b u"},
		},
		"protected by the other's policy": {
			a:    setup{roster: "u", live: "u", state: "u", change: func(d *DomainInput) { d.People[0].Name = "New" }},
			b:    setup{change: func(d *DomainInput) { d.Policy.Protect = []string{"u"} }},
			want: []string{},
		},
		"leaves both, deleted once": {
			a:    setup{live: "u", state: "u", change: func(d *DomainInput) { mode(Delete)(d); in(d, "u", "id-of-a", "id-of-b") }},
			b:    setup{live: "u", state: "u", change: func(d *DomainInput) { mode(Delete)(d); in(d, "u", "id-of-a", "id-of-b") }},
			want: []string{"leave_domain a u", "delete_user b u"},
		},
		"only the first deletes": {
			a:    setup{live: "u", state: "u", change: func(d *DomainInput) { mode(Delete)(d); in(d, "u", "id-of-a", "id-of-b") }},
			b:    setup{live: "u", state: "u", change: func(d *DomainInput) { in(d, "u", "id-of-a", "id-of-b") }},
			want: []string{"leave_domain b u", "delete_user a u"},
		},
		"the other still has it": {
			a: setup{live: "u", state: "u", change: func(d *DomainInput) { mode(Delete)(d); in(d, "u", "id-of-a", "id-of-b") }},
			b: setup{roster: "u", live: "u", state: "u"}, want: []string{"leave_domain a u"}, reason: "not deleted from the organization: domain.b wants it",
		},
		"the other wants it": {
			a: setup{live: "u", state: "u", change: mode(Delete)}, b: setup{roster: "u"},
			want: []string{"join_domain b u", "leave_domain a u"}, reason: "not deleted from the organization: domain.b wants it",
		},
		"member of a foreign domain": {
			a:    setup{live: "u", state: "u", change: func(d *DomainInput) { mode(Delete)(d); in(d, "u", "id-of-a", "f00") }},
			want: []string{"leave_domain a u"}, reason: "it is a member of the LoginTC domain f00",
		},
		"LoginTC does not say": {
			a:    setup{live: "u", state: "u", change: func(d *DomainInput) { mode(Delete)(d); in(d, "u") }},
			want: []string{"leave_domain a u"}, reason: "LoginTC did not say",
		},
		"the other's removal is withheld": {
			a:    setup{live: "u", state: "u", change: func(d *DomainInput) { mode(Delete)(d); in(d, "u", "id-of-a", "id-of-b") }},
			b:    setup{live: "u", state: "u", change: func(d *DomainInput) { limit("0")(d); in(d, "u", "id-of-a", "id-of-b") }},
			want: []string{"mark_missing b u", "leave_domain a u", "withheld max_remove_limit b u"}, reason: "it is a member of domain.b",
		},
		"other domains were not read": {
			a: setup{live: "u", state: "u", change: mode(Delete)}, partial: true,
			want: []string{"leave_domain a u"}, reason: "other domains of the configuration were not read",
		},
		"somebody nameless in the other": {
			a:    setup{live: "u", state: "u", change: func(d *DomainInput) { mode(Delete)(d); d.Known.Members[0].EntryID = "" }},
			b:    setup{change: func(d *DomainInput) { d.Unmapped = []identity.Unmapped{{Person: identity.Person{DN: "x"}}} }},
			want: []string{"leave_domain a u", "withheld data b "}, reason: "an entry of domain.b without a username may be this person",
		},
		"protected in the other from deletion": {
			a: setup{live: "u", state: "u", change: mode(Delete)}, b: setup{change: func(d *DomainInput) { d.Policy.Protect = []string{"u"} }},
			want: []string{"leave_domain a u"}, reason: "a policy protects it",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := Compute(Input{Domains: []DomainInput{c.b.domain("b"), c.a.domain("a")}, Partial: c.partial})
			if diff := cmp.Diff(c.want, brief(p)); diff != "" {
				t.Error(diff)
			}
			if c.reason != "" && !strings.Contains(p.Operations[len(p.Operations)-1].Reason, c.reason) {
				t.Errorf("reason: %s", p.Operations[len(p.Operations)-1].Reason)
			}
		})
	}
}

// Whom the policy of a domain that was not read protects is protected.
func TestUnreadDomainsProtect(t *testing.T) {
	t.Parallel()
	a := setup{roster: "root", live: "root", state: "root", change: func(d *DomainInput) { d.People[0].Name = "New" }}.domain("a")
	in := Input{Domains: []DomainInput{a}, Partial: true}
	if got := brief(Compute(in)); len(got) != 1 {
		t.Errorf("not protected: %v", got)
	}
	in.Others = []Policy{{Protect: []string{"root"}}}
	if got := brief(Compute(in)); len(got) != 0 {
		t.Errorf("protected: %v", got)
	}
}

func TestRunLimit(t *testing.T) {
	t.Parallel()
	domains := []DomainInput{
		setup{live: "u", state: "u"}.domain("a"),
		setup{roster: "n", live: "v w", state: "v w", change: limit("1")}.domain("b"),
		setup{live: "x", state: "x"}.domain("c"),
	}
	for name, c := range map[string]struct {
		limit identity.Limit
		want  LimitUse
		lines int // removals in the plan
	}{
		// b's two are withheld by its own limit and do not count.
		"within":     {identity.Limit{Value: 2}, LimitUse{Allowed: 2, Wanted: 2, Used: 2}, 2},
		"beyond":     {identity.Limit{Value: 1}, LimitUse{Allowed: 1, Wanted: 2}, 0},
		"percentage": {identity.Limit{Value: 50, Percent: true}, LimitUse{Allowed: 2, Wanted: 2, Used: 2}, 2},
	} {
		p := Compute(Input{Domains: domains, RunLimit: &c.limit})
		c.want.Limit = c.limit
		if diff := cmp.Diff(&c.want, p.RunLimit); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if s := p.Summarize(""); s.Remove != c.lines || s.Add != 1 {
			t.Errorf("%s: %+v", name, s)
		}
		used := 0
		for _, d := range p.Domains {
			used += d.Limit.Used
		}
		if used != c.lines {
			t.Errorf("%s: the domains say that %d are used", name, used)
		}
	}
}

func TestHasStrangers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		a, b setup
		want bool
	}{
		"all are members":      {setup{roster: "u", live: "u"}, setup{}, false},
		"by another spelling":  {setup{roster: "U", live: "u"}, setup{}, false},
		"nobody in the roster": {setup{live: "u"}, setup{}, false},
		"a new person":         {setup{roster: "u n", live: "u"}, setup{}, true},
		"member of the other":  {setup{roster: "u"}, setup{live: "u"}, true},
	} {
		in := Input{Domains: []DomainInput{c.a.domain("a"), c.b.domain("b")}}
		if got := in.HasStrangers(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
