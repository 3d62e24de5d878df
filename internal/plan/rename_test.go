package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// An entry that the state knows under another username is a rename: one user comes,
// one goes, and each says who the other is.
func TestRename(t *testing.T) {
	t.Parallel()
	// The entry of old has the username new by now.
	renamed := func(change func(*DomainInput)) func(*DomainInput) {
		return func(d *DomainInput) {
			d.People[0].EntryID = "entry-old"
			if change != nil {
				change(d)
			}
		}
	}
	withhold := func(d *DomainInput) { d.Policy.OnRename = WithholdOnRename }
	for name, c := range map[string]struct {
		setup setup
		want  []string
		// renamed are the operations that name the other username.
		renamed string
	}{
		"replaced":                 {setup{"new", "old", "old", renamed(nil)}, []string{"create_user vpn new", "join_domain vpn new", "leave_domain vpn old"}, "join_domain old, leave_domain new"},
		"withheld":                 {setup{"new", "old", "old", renamed(withhold)}, []string{"withheld on_rename vpn old"}, ""},
		"both are members":         {setup{"new", "old new", "old new", renamed(nil)}, []string{"record vpn new", "leave_domain vpn old"}, "leave_domain new"},
		"both, withheld":           {setup{"new", "old new", "old new", renamed(withhold)}, []string{"record vpn new", "withheld on_rename vpn old"}, ""},
		"the old is no member now": {setup{"new", "", "old", renamed(withhold)}, []string{"create_user vpn new", "join_domain vpn new", "forget vpn old"}, ""},
		"the old is protected":     {setup{"new", "old", "old", renamed(func(d *DomainInput) { d.Policy.Protect = []string{"old"} })}, []string{"create_user vpn new", "join_domain vpn new"}, "join_domain old"},
		"nobody is removed":        {setup{"new", "old", "old", renamed(mode(AddOnly))}, []string{"create_user vpn new", "join_domain vpn new", "mark_missing vpn old"}, "join_domain old"},
		"over the limit": {
			setup{"new", "old", "old", renamed(func(d *DomainInput) { d.Policy.MaxRemoveLimit = identity.Limit{} })},
			[]string{"create_user vpn new", "join_domain vpn new", "mark_missing vpn old", "withheld max_remove_limit vpn old"},
			"join_domain old",
		},
		"another person":    {setup{"new", "old", "old", nil}, []string{"create_user vpn new", "join_domain vpn new", "leave_domain vpn old"}, ""},
		"both in directory": {setup{"new old", "old", "old", renamed(nil)}, []string{"create_user vpn new", "join_domain vpn new"}, ""},
	} {
		p := Compute(Input{Domains: []DomainInput{c.setup.domain("vpn")}})
		got := brief(p)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		var renamed []string
		for _, op := range p.Operations {
			if op.Renamed() != "" {
				renamed = append(renamed, string(op.Action)+" "+op.Renamed())
			}
		}
		if strings.Join(renamed, ", ") != c.renamed {
			t.Errorf("%s: %q", name, renamed)
		}
	}
}

func TestApprove(t *testing.T) {
	t.Parallel()
	limited := func(d *DomainInput) { d.Policy.MaxRemoveLimit = identity.Limit{Value: 1} }
	p := Compute(Input{Domains: []DomainInput{
		setup{"a", "a b c", "a b c", limited}.domain("vpn"),
		setup{"a", "a d", "a d", nil}.domain("site"),
	}})
	if err := p.Seal(); err != nil {
		t.Fatal(err)
	}
	now := Present{Domains: map[string]PresentDomain{
		"vpn":  {"id-of-vpn", Policy{SyncMode: Remove, MaxRemoveLimit: identity.Limit{Value: 1}}},
		"site": {"id-of-site", Policy{SyncMode: Remove, MaxRemoveLimit: identity.Limit{Value: 100}}},
	}}
	now.Now = p.Expires.AddDate(-1, 0, 0)
	if diff := cmp.Diff([]string{"mark_missing vpn b", "mark_missing vpn c", "leave_domain site d", "withheld max_remove_limit vpn b", "withheld max_remove_limit vpn c"}, brief(p)); diff != "" {
		t.Error(diff)
	}
	for name, c := range map[string]struct {
		id    string
		count int
		want  string
	}{
		"another plan":  {"000000000000", 2, "000000000000 was approved, and this is plan "},
		"another count": {p.ID[:12], 3, "3 removals were approved, and limits withhold 2"},
	} {
		if _, err := p.Approve(c.id, c.count); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	approved, err := p.Approve(p.ID[:12], 2)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"mark_missing vpn b", "leave_domain vpn b", "mark_missing vpn c", "leave_domain vpn c", "leave_domain site d"}, brief(approved)); diff != "" {
		t.Error(diff)
	}
	if approved.ID == p.ID || approved.Domains[1].Limit.Used != 2 || p.Domains[1].Limit.Used != 0 {
		t.Errorf("%+v", approved.Domains)
	}
	if err := approved.Verify(now); err != nil {
		t.Error(err)
	}
	// Nothing but the approval lets so many go: no file can bring one.
	approved.Approval = nil
	if err := approved.Verify(now); err == nil {
		t.Error("removals beyond the limit without an approval")
	}
	if _, err := approved.Approve(approved.ID, 1); err == nil {
		t.Error("there is nothing to approve")
	}
}
