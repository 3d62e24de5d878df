package apply

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
)

func TestChanges(t *testing.T) {
	t.Parallel()
	now := func(name string, domains ...string) identity.Account {
		return identity.Account{ID: "id-" + name, User: *user(name), Domains: domains}
	}
	renamed := now("a", "d1")
	renamed.Name = "By Hand"
	aliased := now("a", "d1")
	aliased.SetAliases([3]identity.Alias{"x", "", ""})
	op := func(action plan.Action, change func(*plan.Operation)) plan.Operation {
		o := plan.Operation{Action: action, Domain: "vpn", DomainID: "d1", Username: "a", UserID: "id-a", Before: user("a"), After: user("a"), Domains: []string{"d1"}}
		if change != nil {
			change(&o)
		}
		return o
	}
	created := func(o *plan.Operation) { o.UserID = "" }
	for name, c := range map[string]struct {
		op           plan.Operation
		members      []identity.Account
		organization []identity.Account
		want         string
	}{
		"update":                     {op(plan.UpdateUser, nil), []identity.Account{now("a", "d1")}, nil, ""},
		"update of another value":    {op(plan.UpdateUser, nil), []identity.Account{renamed}, nil, `it has name "By Hand" and email "a@x.example" by now`},
		"update of another alias":    {op(plan.UpdateUser, nil), []identity.Account{aliased}, nil, `it has name "Name a" and email "a@x.example", alias1 "x" by now`},
		"update of a stranger":       {op(plan.UpdateUser, nil), nil, []identity.Account{now("a")}, ""},
		"update of nobody":           {op(plan.UpdateUser, nil), nil, nil, "it is no user any more"},
		"leave":                      {op(plan.LeaveDomain, nil), []identity.Account{now("a", "d1")}, nil, ""},
		"leave of no member":         {op(plan.LeaveDomain, nil), nil, []identity.Account{now("a")}, "it is no member any more"},
		"leave of another of a name": {op(plan.LeaveDomain, nil), []identity.Account{{ID: "other", User: *user("a")}}, nil, "it is no member any more"},
		"leave of another value":     {op(plan.LeaveDomain, nil), []identity.Account{renamed}, nil, `it has name "By Hand" and email "a@x.example" by now`},
		"delete":                     {op(plan.DeleteUser, nil), []identity.Account{now("a", "d1")}, nil, ""},
		"delete of a joiner":         {op(plan.DeleteUser, nil), []identity.Account{now("a", "d1", "d2")}, nil, "it is a member of 2 domains, not 1 as planned"},
		"delete of no member":        {op(plan.DeleteUser, nil), nil, nil, "it is no member any more"},
		"join":                       {op(plan.JoinDomain, nil), nil, nil, ""},
		"join of a member":           {op(plan.JoinDomain, nil), []identity.Account{now("a", "d1")}, nil, "it is a member by now"},
		"create":                     {op(plan.CreateUser, created), []identity.Account{now("b", "d1")}, nil, ""},
		"create of a member":         {op(plan.CreateUser, created), []identity.Account{{ID: "other", User: *user("A")}}, nil, "it is a member by now"},
		"of the state":               {op(plan.MarkMissing, nil), nil, nil, ""},
		"forget":                     {op(plan.Forget, nil), nil, nil, ""},
		"forget a member":            {op(plan.Forget, nil), []identity.Account{now("a", "d1")}, nil, "it is a member still"},
	} {
		var live Live
		live.AddDomain("d1", c.members)
		steps := Steps(&plan.Plan{Operations: []plan.Operation{c.op}}, nil)
		if live.NeedsOrganization(steps) != (c.op.Action == plan.UpdateUser && c.members == nil) {
			t.Errorf("%s: whether the organization is needed", name)
		}
		live.AddOrganization(c.organization)
		got := ""
		for _, change := range live.Changes(steps) {
			got = change.Text
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// Without what changed goes everything that comes after it for the same user, and
// nothing else.
func TestWithout(t *testing.T) {
	t.Parallel()
	steps := Steps(&plan.Plan{Operations: append(append(add("a"), plan.Operation{Action: plan.Record, Domain: "vpn", Username: "A"}), append(add("b"), leave("c")...)...)}, nil)
	if rest, left := Without(steps, nil); len(rest) != 8 || left != nil {
		t.Error("nothing changed")
	}
	rest, left := Without(steps, []Change{{Operation: steps[1]}})
	brief := func(steps []Step) (out []string) {
		for _, s := range steps {
			out = append(out, fmt.Sprintf("%d %s %s", s.Number, s.Action, s.Username))
		}
		return out
	}
	if diff := cmp.Diff([]string{"1 join_domain a", "2 issue_token a"}, brief(left)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"0 create_user a", "3 record A", "4 create_user b", "5 join_domain b", "6 issue_token b", "7 leave_domain c"}, brief(rest)); diff != "" {
		t.Error(diff)
	}
}
