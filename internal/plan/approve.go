package plan

import (
	"fmt"
	"slices"
	"strings"
)

// Approval is what somebody approved beyond the limits: these removals, of this plan.
type Approval struct {
	// Plan is the id of the plan that was looked at.
	Plan string
	// Removals counts them by the name of the domain.
	Removals map[string]int
}

// Count is how many removals were approved.
func (a *Approval) Count() int {
	n := 0
	for _, removals := range a.Removals {
		n += removals
	}
	return n
}

// Approvable counts the removals that limits and max_shrink withheld, which Approve
// adds.
func (p *Plan) Approvable() int {
	n := 0
	for i := range p.Withheld {
		if p.Withheld[i].Operation != nil {
			n++
		}
	}
	return n
}

// Approve returns the plan with the removals that limits and max_shrink withheld. The
// id, of which the beginning is enough, and the count say which plan was looked at; if
// they are not this plan's it returns a *StaleError. The plan that it returns has an id
// of its own.
func (p *Plan) Approve(id string, count int) (*Plan, error) {
	switch approvable := p.Approvable(); {
	case !strings.HasPrefix(p.ID, id):
		return nil, &StaleError{fmt.Sprintf("%s was approved, and this is plan %.12s", id, p.ID)}
	case approvable == 0:
		return nil, &StaleError{"no limit withholds removals in it, so there are none to approve"}
	case approvable != count:
		return nil, &StaleError{fmt.Sprintf("%d removals were approved, and limits withhold %d in it", count, approvable)}
	}
	approved := *p
	approved.Approval = &Approval{Plan: p.ID, Removals: map[string]int{}}
	approved.Operations, approved.Withheld, approved.Failures = slices.Clone(p.Operations), nil, nil
	for _, w := range p.Withheld {
		if w.Operation == nil {
			approved.Withheld = append(approved.Withheld, w)
			continue
		}
		approved.Operations = append(approved.Operations, *w.Operation)
		approved.Approval.Removals[w.Domain]++
	}
	order(approved.Operations)
	approved.Domains = slices.Clone(p.Domains)
	for i := range approved.Domains {
		d := &approved.Domains[i]
		d.Limit.Used += approved.Approval.Removals[d.Name]
		d.Shrunk = false
	}
	if p.RunLimit != nil {
		limit := *p.RunLimit
		limit.Used += count
		approved.RunLimit = &limit
	}
	approved.APICalls += count
	return &approved, approved.Seal()
}

// allowed is how many removals of a domain may run: those approved or, where none
// were, those that its limit allows.
func (a *Approval) allowed(domain string, limit int) int {
	if a != nil && a.Removals[domain] > 0 {
		return a.Removals[domain]
	}
	return limit
}
