package apply

import (
	"errors"
	"testing"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
	"github.com/rollcall-cli/rollcall/internal/state"
)

func TestConclude(t *testing.T) {
	t.Parallel()
	domain := func(change func(*plan.Domain)) plan.Domain {
		d := plan.Domain{Name: "vpn", ID: "d1", Roster: 4, Unmapped: 1, Scope: plan.Scope{"base_dn": "new"}, Sources: []plan.Source{{Directory: "directory.corp", Evidence: identity.Evidence{Entries: 5, Ended: at}, Users: 5}}}
		change(&d)
		return d
	}
	for name, c := range map[string]struct {
		plan     *plan.Plan
		complete bool
		scope    string
		roster   int
		applied  bool
	}{
		"done":             {&plan.Plan{ID: "p", Domains: []plan.Domain{domain(func(*plan.Domain) {})}, Operations: add("a")}, true, "new", 5, true},
		"nothing to do":    {&plan.Plan{ID: "p", Domains: []plan.Domain{domain(func(*plan.Domain) {})}}, true, "new", 5, false},
		"failed in part":   {&plan.Plan{ID: "p", Domains: []plan.Domain{domain(func(*plan.Domain) {})}, Operations: add("a")}, false, "old", 5, false},
		"shrunk":           {&plan.Plan{ID: "p", Domains: []plan.Domain{domain(func(d *plan.Domain) { d.Shrunk = true })}, Operations: add("a")}, true, "new", 9, true},
		"removal withheld": {&plan.Plan{ID: "p", Domains: []plan.Domain{domain(func(*plan.Domain) {})}, Operations: add("a"), Withheld: []plan.Withheld{{Domain: "vpn", Action: plan.LeaveDomain, Guard: plan.GuardLimit}}}, true, "old", 5, true},
		"person withheld":  {&plan.Plan{ID: "p", Domains: []plan.Domain{domain(func(*plan.Domain) {})}, Operations: add("a"), Withheld: []plan.Withheld{{Domain: "vpn", Guard: plan.GuardData}}}, true, "new", 5, true},
	} {
		s := fresh(t)
		s.SetScope("vpn", map[string]string{"base_dn": "old"})
		s.Observe("vpn", state.Read{Directory: "directory.corp", At: at, Counts: state.Counts{Entries: 9, Users: 9}})
		var result Result
		if !c.complete {
			result.Failed = []Failure{{Err: errors.New("refused")}}
		}
		if Conclude(s, c.plan, result, nil, at) != c.complete {
			t.Errorf("%s: complete", name)
		}
		if got := s.Scope("vpn")["base_dn"]; got != c.scope {
			t.Errorf("%s: scope %s", name, got)
		}
		if got := s.Rosters("vpn")["directory.corp"]; got != c.roster {
			t.Errorf("%s: roster %d", name, got)
		}
		if s.HasApplied("p") != c.applied {
			t.Errorf("%s: applied %v", name, s.HasApplied("p"))
		}
	}
}
