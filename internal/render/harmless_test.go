package render

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
)

// arbitrary is a plan whose every string is drawn, as no command would make it:
// a plan file may have been written by anybody.
func arbitrary(t *rapid.T) *plan.Plan {
	draw := func() string { return anything().Draw(t, "string") }
	user := func() *identity.User {
		if rapid.IntRange(0, 4).Draw(t, "user") == 0 {
			return nil
		}
		return &identity.User{Username: draw(), Name: draw(), Email: draw()}
	}
	name := draw()
	p := &plan.Plan{
		ID: draw(), RollcallVersion: draw(), Warnings: []string{draw()}, Failures: []string{draw()}, APICalls: 1,
		RunLimit: &plan.LimitUse{Wanted: 1},
		Domains: []plan.Domain{{
			Name: name, ID: draw(), Title: draw(), SyncMode: plan.SyncMode(draw()),
			Sources: []plan.Source{{Directory: draw(), Evidence: identity.Evidence{
				Server: draw(), BaseDN: draw(), Scope: identity.Scope(draw()), Filter: draw(), Referrals: []string{draw()},
				Groups: &identity.GroupEvidence{MembersOf: []string{draw()}, Cycles: []string{draw()}, Outside: 1, OutsideSome: []string{draw()}},
			}}},
			Shadowed:     []identity.Shadowed{{Username: draw(), Directory: draw(), DN: draw(), By: draw(), ByDN: draw()}},
			Limit:        plan.LimitUse{Wanted: 1},
			ScopeChanges: []plan.ScopeChange{{Setting: draw(), Before: draw(), After: draw()}},
		}},
	}
	for _, action := range []plan.Action{
		plan.CreateUser, plan.UpdateUser, plan.JoinDomain, plan.IssueToken, plan.LeaveDomain, plan.DeleteUser,
		plan.Adopt, plan.MarkMissing, plan.MarkPresent, plan.Record, plan.Forget, plan.Action(draw()),
	} {
		p.Operations = append(p.Operations, plan.Operation{
			Action: action, Domain: name, Username: draw(), DN: draw(), Reason: draw(), Before: user(), After: user(),
			Details: &plan.Details{OtherUsername: draw(), PhoneNumber: draw(), GroupName: draw()},
		})
	}
	for _, kind := range []plan.DriftKind{plan.DriftChanged, plan.DriftAdded, plan.DriftRemoved, plan.DriftDeleted, plan.DriftKind(draw())} {
		p.Drift = append(p.Drift, plan.Drift{Domain: draw(), Username: draw(), Kind: kind, Before: user(), After: user()})
	}
	for _, guard := range []plan.Guard{plan.GuardData, plan.GuardLimit, plan.GuardGrace, plan.GuardRename, plan.Guard(draw())} {
		p.Withheld = append(p.Withheld, plan.Withheld{Domain: name, Username: draw(), DN: draw(), Guard: guard, Reason: draw(), Operation: &plan.Operation{Username: draw(), Reason: draw()}})
	}
	return p
}

// TestNothingActsOnTheTerminal says that whatever a plan holds, its text holds
// nothing but what can be seen, line ends, and the colours of this package.
func TestNothingActsOnTheTerminal(t *testing.T) {
	t.Parallel()
	colours := regexp.MustCompile("\x1b\\[(0|1|2|3[123]|1;31|3[12];1)m")
	rapid.Check(t, func(t *rapid.T) {
		p := arbitrary(t)
		for _, color := range []bool{false, true} {
			var b strings.Builder
			if err := Text(&b, p, TextOptions{Color: color, Width: 80}); err != nil {
				t.Fatal(err)
			}
			got := b.String()
			if color {
				got = colours.ReplaceAllString(got, "")
			}
			if bad := harmful(got); bad != "" {
				t.Fatalf("color %t: %q in\n%q", color, bad, got)
			}
			if !color && strings.Contains(got, " \n") {
				t.Fatalf("a space ends a line of\n%q", got)
			}
		}
	})
}

// TestJSONSaysThePlan says that a program reads what the plan says, and that
// nothing in the document acts on a terminal.
func TestJSONSaysThePlan(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := arbitrary(t)
		var b strings.Builder
		if err := JSON(&b, p); err != nil {
			t.Fatal(err)
		}
		if bad := harmful(b.String()); bad != "" {
			t.Fatalf("%q in\n%q", bad, b.String())
		}
		if want := byReflection(t, p); b.String() != want {
			t.Fatal(b.String(), "\nis not\n", want)
		}
		unescaped, err := json.Marshal(newDocument(p))
		if err != nil {
			t.Fatal(err)
		}
		var got, want any
		if err := errors.Join(json.Unmarshal([]byte(b.String()), &got), json.Unmarshal(unescaped, &want)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}
