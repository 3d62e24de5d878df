package render

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
)

// Whatever the order of a plan, each domain shows its operations by username, and those of
// one user as they stand in the plan.
func TestOperationsByDomain(t *testing.T) {
	t.Parallel()
	actions := []plan.Action{plan.CreateUser, plan.JoinDomain, plan.UpdateUser, plan.JoinGroup, plan.LeaveDomain, plan.DeleteUser, plan.Adopt, plan.Forget, "unknown"}
	rapid.Check(t, func(t *rapid.T) {
		p := &plan.Plan{Domains: []plan.Domain{{Name: "site"}, {Name: "vpn"}}}
		for i := range rapid.IntRange(0, 40).Draw(t, "operations") {
			p.Operations = append(p.Operations, plan.Operation{
				Action: rapid.SampledFrom(actions).Draw(t, "action"), Domain: rapid.SampledFrom([]string{"vpn", "site", "hidden"}).Draw(t, "domain"),
				Username: rapid.SampledFrom([]string{"jane", "Jane", "ada", "zoë"}).Draw(t, "username"), Reason: fmt.Sprint(i),
			})
		}
		groups := byDomain(p)
		if len(groups) != 2 {
			t.Fatalf("%d domains", len(groups))
		}
		for domain, group := range groups {
			for kind := range kindsOfOperations {
				var want, got []plan.Operation
				for _, op := range p.Operations {
					if of, shown := kindOf(op.Action); shown && of == kind && op.Domain == domain {
						want = append(want, op)
					}
				}
				slices.SortStableFunc(want, func(a, b plan.Operation) int { return strings.Compare(a.Username, b.Username) })
				for op := range group.of(kind) {
					got = append(got, *op)
				}
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Fatalf("kind %d of %s:\n%v\nwant\n%v", kind, domain, got, want)
				}
			}
		}
	})
}

// A rename is shown once, however many operations it takes.
func TestRenamedOnce(t *testing.T) {
	t.Parallel()
	p := &plan.Plan{Domains: []plan.Domain{{Name: "vpn"}}, Operations: []plan.Operation{
		{Action: plan.LeaveDomain, Domain: "vpn", Username: "old", Details: &plan.Details{OtherUsername: "new"}},
		{Action: plan.LeaveDomain, Domain: "vpn", Username: "b", Details: &plan.Details{OtherUsername: "a"}},
		{Action: plan.JoinDomain, Domain: "vpn", Username: "new", Details: &plan.Details{OtherUsername: "old"}},
		{Action: plan.UpdateUser, Domain: "vpn", Username: "x", Details: &plan.Details{OtherUsername: "y"}},
		{Action: plan.JoinDomain, Domain: "vpn", Username: "a", Details: &plan.Details{OtherUsername: "c"}},
	}}
	var got []string
	for op := range at(p, byDomain(p)["vpn"].renamed()) {
		from, to := rename(op)
		got = append(got, from+" "+to)
	}
	if want := []string{"c a", "b a", "old new"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAddressesAreThePlans(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(anything(), rapid.StringMatching(`[ -~]{0,9}`))
		domain, username := name.Draw(t, "domain"), name.Draw(t, "username")
		var l listed
		l.membership("", domain, username)
		if want := Escape(plan.Address(domain, username)); string(l) != want {
			t.Fatalf("got %q, want %q", l, want)
		}
	})
}

// A plan fills the memory as it is: showing one more person needs no piece more, unless
// values change, which are compared.
func TestNobodyNeedsMemory(t *testing.T) {
	show := map[string]func(*plan.Plan) error{
		"text":     func(p *plan.Plan) error { return Text(io.Discard, p, TextOptions{Color: true}) },
		"HTML":     func(p *plan.Plan) error { return HTML(io.Discard, p) },
		"Markdown": func(p *plan.Plan) error { return Markdown(io.Discard, p, DefaultMarkdown) },
	}
	few, many := still(2_000), still(4_000)
	for format, show := range show {
		pieces := func(p *plan.Plan) float64 {
			return testing.AllocsPerRun(3, func() {
				if err := show(p); err != nil {
					t.Fatal(err)
				}
			})
		}
		if a, b := pieces(few), pieces(many); b > a+50 {
			t.Errorf("%s: %.0f pieces of memory for %d operations, %.0f for %d", format, a, len(few.Operations), b, len(many.Operations))
		}
	}
}

// still is a plan in which nobody's values change: of four one leaves, one is withheld, one is
// adopted and one added.
func still(people int) *plan.Plan {
	var roster, live, known []string
	for i := range people {
		line := fmt.Sprintf("zoë.%06d | Zoë Müller %d | zoe.%d@example.com", i, i, i)
		if i%4 >= 2 {
			roster = append(roster, line)
		}
		if i%4 <= 2 {
			live = append(live, line)
		}
		if i%4 <= 1 {
			known = append(known, line)
		}
	}
	d := domain("vpn", roster, live, known)
	d.Policy.MaxRemoveLimit = identity.Limit{Value: 50, Percent: true}
	site := domain("site", lines(ada), append(lines(ada), known...), append(lines(ada), known...))
	site.ID, site.Policy.MaxRemoveLimit = strings.Repeat("5", 40), identity.Limit{Value: 1}
	return compute(plan.Input{Domains: []plan.DomainInput{d, site}})
}
