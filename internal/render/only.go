package render

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rollcall-cli/rollcall/internal/plan"
)

// Part is a part of a plan that can be shown alone.
type Part string

// The parts.
const (
	PartAdd      Part = "add"
	PartChange   Part = "change"
	PartRemove   Part = "remove"
	PartWithheld Part = "withheld"
	PartDrift    Part = "drift"
)

// Parts are all of them, in the order of the text.
func Parts() []Part { return []Part{PartRemove, PartChange, PartAdd, PartDrift, PartWithheld} }

// Selection says what of a plan is shown: the parts and domains that it names, or all.
type Selection struct {
	Parts   []Part
	Domains []string
}

// NewSelection checks the names of parts and domains against the plan.
func NewSelection(p *plan.Plan, parts, domains []string) (Selection, error) {
	s := Selection{Domains: domains}
	for _, name := range parts {
		if !slices.Contains(Parts(), Part(name)) {
			return s, fmt.Errorf("there is no part %q of a plan; known are add, change, remove, withheld and drift", name)
		}
		s.Parts = append(s.Parts, Part(name))
	}
	for i, name := range s.Domains {
		s.Domains[i] = strings.TrimPrefix(name, "domain.")
		if !slices.ContainsFunc(p.Domains, func(d plan.Domain) bool { return d.Name == s.Domains[i] }) {
			var all []string
			for j := range p.Domains {
				all = append(all, p.Domains[j].Name)
			}
			return s, fmt.Errorf("the plan has no domain %q; it has: %s", s.Domains[i], strings.Join(all, ", "))
		}
	}
	return s, nil
}

// IsAll reports whether nothing is left out.
func (s Selection) IsAll() bool { return len(s.Parts)+len(s.Domains) == 0 }

func (s Selection) part(part Part) bool {
	return len(s.Parts) == 0 || slices.Contains(s.Parts, part)
}

func (s Selection) domain(name string) bool {
	return len(s.Domains) == 0 || slices.Contains(s.Domains, name)
}

// partOf returns the part that an operation belongs to, or nothing for a note of the
// state.
func partOf(op *plan.Operation) Part {
	switch op.Action {
	case plan.UpdateUser:
		return PartChange
	case plan.LeaveDomain, plan.DeleteUser:
		return PartRemove
	case plan.CreateUser, plan.JoinDomain, plan.IssueToken, plan.EmailToken:
		return PartAdd
	case plan.AddPhone, plan.JoinGroup:
		if op.UserID == "" {
			return PartAdd
		}
		return PartChange
	case plan.Adopt, plan.MarkMissing, plan.MarkPresent, plan.Record, plan.Forget:
	}
	return ""
}

// Select returns what the selection leaves of a plan, to be shown; it is no plan that
// could be applied, and its summary is still that of the whole.
func (s Selection) Select(p *plan.Plan) *plan.Plan {
	if s.IsAll() {
		return p
	}
	shown := *p
	shown.Operations, shown.Withheld, shown.Drift, shown.Domains = nil, nil, nil, nil
	for i := range p.Operations {
		op := &p.Operations[i]
		if s.domain(op.Domain) && (len(s.Parts) == 0 || slices.Contains(s.Parts, partOf(op))) {
			shown.Operations = append(shown.Operations, *op)
		}
	}
	for i := range p.Withheld {
		if s.part(PartWithheld) && s.domain(p.Withheld[i].Domain) {
			shown.Withheld = append(shown.Withheld, p.Withheld[i])
		}
	}
	for i := range p.Drift {
		if s.part(PartDrift) && s.domain(p.Drift[i].Domain) {
			shown.Drift = append(shown.Drift, p.Drift[i])
		}
	}
	for i := range p.Domains {
		if s.domain(p.Domains[i].Name) {
			shown.Domains = append(shown.Domains, p.Domains[i])
		}
	}
	return &shown
}
