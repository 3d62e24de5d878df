package plan

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// What became of a member's entry: what it does, and what is said of it.
func TestEntries(t *testing.T) {
	t.Parallel()
	first := func(change func(*identity.Person)) func(*DomainInput) {
		return func(d *DomainInput) { change(&d.People[0]) }
	}
	excluded := func(e identity.Excluded, change func(*DomainInput)) func(*DomainInput) {
		return func(d *DomainInput) {
			e.Source = "disabled(entry)"
			d.Excluded = []identity.Excluded{e}
			if change != nil {
				change(d)
			}
		}
	}
	const gone, out = "no entry in the directory any more", "excluded by user.exclude: disabled(entry)"
	for name, c := range map[string]struct {
		setup setup
		// want are operations with their reasons, changes whether there is something to do.
		want    []string
		changes bool
	}{
		"the same":            {setup{"jane", "jane", "jane", nil}, nil, false},
		"written another way": {setup{"jane", "jane", "jane", first(func(p *identity.Person) { p.DN = "UID = JANE" })}, nil, false},
		"composed": {setup{"jane", "jane", "jane", func(d *DomainInput) {
			d.People[0].Name, d.Members[0].Name, d.Known.Members[0].Name = "Zo\u00eb", "Zoe\u0308", "Zoe\u0308"
		}}, nil, false},
		"moved": {
			setup{"jane", "jane", "jane", first(func(p *identity.Person) { p.DN = "uid=jane,ou=new" })},
			[]string{"record jane: the entry has another DN or unique id than the state"},
			false,
		},
		"created again": {
			setup{"jane", "jane", "jane", first(func(p *identity.Person) { p.EntryID = "other" })},
			[]string{"record jane: re-created in the directory: another unique id (was entry-jane); the token of the earlier person stays"},
			false,
		},
		"created again after a while": {
			setup{"jane", "jane", "jane", func(d *DomainInput) {
				d.People[0].EntryID, d.Known.Members[0].MissingSince = "other", &readAt
			}},
			[]string{"mark_present jane: re-created in the directory: another unique id (was entry-jane); the token of the earlier person stays"},
			false,
		},
		"no unique id": {
			setup{"jane", "jane", "jane", first(func(p *identity.Person) { p.EntryID = "" })},
			[]string{"record jane: the entry has another DN or unique id than the state"},
			false,
		},
		"gone": {setup{"", "jane", "jane", nil}, []string{"leave_domain jane: " + gone}, true},
		"gone of the groups": {
			setup{"", "jane", "jane", func(d *DomainInput) {
				d.Sources = []Source{{Directory: "directory.corp"}}
				d.Sources[0].Evidence.Groups = &identity.GroupEvidence{MembersOf: []string{"cn=vpn"}, Read: 1, Depth: 1}
			}},
			[]string{"leave_domain jane: " + gone + ", or it is in no group of members_of"},
			true,
		},
		"excluded": {
			setup{"", "jane", "jane", excluded(identity.Excluded{Username: "Jane", EntryID: "entry-jane"}, nil)},
			[]string{"leave_domain jane: " + out},
			true,
		},
		"excluded by its id": {
			setup{"", "jane", "jane", excluded(identity.Excluded{Username: "jane.smith", EntryID: "entry-jane"}, nil)},
			[]string{"leave_domain jane: " + out},
			true,
		},
		"another is excluded": {
			setup{"", "jane", "jane", excluded(identity.Excluded{Username: "kim", EntryID: "entry-kim"}, nil)},
			[]string{"leave_domain jane: " + gone},
			true,
		},
		"excluded and not managed": {
			setup{"", "jane", "", excluded(identity.Excluded{Username: "jane"}, func(d *DomainInput) { d.Policy.RemoveUnmanaged = true })},
			[]string{"leave_domain jane: " + out + ", and unmanaged members are removed"},
			true,
		},
		"excluded and kept": {
			setup{"", "jane", "jane", excluded(identity.Excluded{Username: "jane"}, mode(AddOnly))},
			[]string{"mark_missing jane: " + out},
			false,
		},
		"excluded and hired again": {
			setup{"jane", "jane", "jane", excluded(identity.Excluded{Username: "jane", EntryID: "entry-jane"}, func(d *DomainInput) { d.People[0].EntryID = "new" })},
			[]string{"record jane: re-created in the directory: another unique id (was entry-jane); the token of the earlier person stays"},
			false,
		},
	} {
		d := c.setup.domain("vpn")
		d.Policy.MaxShrink.Value = 100
		p := Compute(Input{Domains: []DomainInput{d}})
		var got []string
		for _, op := range p.Operations {
			got = append(got, fmt.Sprintf("%s %s: %s", op.Action, op.Username, op.Reason))
			if again := strings.HasPrefix(op.Reason, "re-created"); again != (op.Recreated() == "entry-jane") {
				t.Errorf("%s: %q", name, op.Recreated())
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" || p.HasChanges() != c.changes || p.Domains[0].Excluded != len(d.Excluded) {
			t.Errorf("%s: changes %v, %s", name, p.HasChanges(), diff)
		}
		if warned := len(p.Warnings) > 0; warned != strings.Contains(strings.Join(got, ""), "re-created") {
			t.Errorf("%s: %q", name, p.Warnings)
		}
	}
}

// Who is excluded and is not rollcall's stays, and the plan says so.
func TestExcludedStrangersStay(t *testing.T) {
	t.Parallel()
	d := setup{"", "jane kim", "", nil}.domain("vpn")
	d.Excluded = []identity.Excluded{{Username: "jane", Source: "disabled(entry)"}}
	p := Compute(Input{Domains: []DomainInput{d}})
	if len(p.Operations) != 0 || p.Domains[0].Unmanaged != 2 || len(p.Warnings) != 1 || !strings.Contains(p.Warnings[0], "adopted them: jane; remove them in LoginTC") {
		t.Errorf("%v, %q", p.Operations, p.Warnings)
	}
}

// A person who could not be mapped is known by the DN however it is written.
func TestHeldByDN(t *testing.T) {
	t.Parallel()
	d := setup{"", "jane", "jane", nil}.domain("vpn")
	d.Known.Members[0].EntryID = ""
	d.Unmapped = []identity.Unmapped{{Person: identity.Person{User: identity.User{Username: "x"}, DN: "UID=Jane"}, Reason: "no email"}}
	if diff := cmp.Diff([]string{"withheld data vpn x"}, brief(Compute(Input{Domains: []DomainInput{d}}))); diff != "" {
		t.Error(diff)
	}
}

// Rows of two tables are two people, whatever their numbers are.
func TestHeldByRow(t *testing.T) {
	t.Parallel()
	d := setup{"", "jane", "jane", nil}.domain("vpn")
	d.Policy.MaxShrink.Value, d.Sources = 100, make([]Source, 2)
	d.Known.Members[0].EntryID, d.Known.Members[0].DN = "staff:1", "id=1"
	row := identity.Unmapped{Person: identity.Person{User: identity.User{Username: "x"}, DN: "id=1", EntryID: "contractors:1", Source: 1}, Reason: "no email"}
	for id, want := range map[string][]string{
		"contractors:1": {"leave_domain vpn jane", "withheld data vpn x"},
		"staff:1":       {"withheld data vpn x"},
	} {
		row.EntryID = id
		d.Unmapped = []identity.Unmapped{row}
		if diff := cmp.Diff(want, brief(Compute(Input{Domains: []DomainInput{d}}))); diff != "" {
			t.Errorf("%s: %s", id, diff)
		}
	}
}

func TestWarningOfManyRecreated(t *testing.T) {
	t.Parallel()
	var names []string
	for i := range 23 {
		names = append(names, fmt.Sprintf("u%02d", i))
	}
	all := strings.Join(names, " ")
	d := setup{all, all, all, func(d *DomainInput) {
		for i := range d.People {
			d.People[i].EntryID = "new"
		}
	}}.domain("vpn")
	p := Compute(Input{Domains: []DomainInput{d}})
	if len(p.Warnings) != 1 || !strings.Contains(p.Warnings[0], "u19 and 3 more: whoever has the username now may be another person") {
		t.Errorf("%q", p.Warnings)
	}
}
