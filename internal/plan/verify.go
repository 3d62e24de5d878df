package plan

import (
	"fmt"
	"strings"
	"time"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// StaleError says that a plan no longer fits what it was made from, so that
// nothing of it may be done.
type StaleError struct{ Reason string }

func (e *StaleError) Error() string {
	return "the plan can not be applied: " + e.Reason + "; nothing was sent; plan again"
}

// Present is what there is when a plan is about to be applied.
type Present struct {
	ConfigDigest string
	Lineage      string
	Serial       uint64
	// Applied says that the state has the plan's id among those applied.
	Applied bool
	// Continues says that the plan was carried out in part, and nothing else was
	// since: the state is then no longer the one that the plan names.
	Continues bool
	Now       time.Time
	// Limits are the max_remove_limit of each domain of the configuration,
	// RunLimit that of the rollcall block or nil.
	Limits   map[string]identity.Limit
	RunLimit *identity.Limit
}

// FailedError says that a limit with on_limit = "fail" stops the plan.
type FailedError struct{ Failures []string }

func (e *FailedError) Error() string {
	return "nothing can be applied: " + strings.Join(e.Failures, "; ")
}

// Failed returns a *FailedError if a limit with on_limit = "fail" stops the plan.
func (p *Plan) Failed() error {
	if len(p.Failures) == 0 {
		return nil
	}
	return &FailedError{p.Failures}
}

// Verify returns a *FailedError or *StaleError if the plan may not be applied to
// what is present.
func (p *Plan) Verify(now Present) error {
	if err := p.Failed(); err != nil {
		return err
	}
	switch {
	case now.Applied:
		return &StaleError{"it was applied already"}
	case !now.Now.Before(p.Expires):
		return &StaleError{"it expired at " + p.Expires.UTC().Format(time.RFC3339)}
	case now.ConfigDigest != p.ConfigDigest:
		return &StaleError{"the configuration has changed since it was made"}
	case now.Continues:
	case now.Lineage != p.Lineage && p.Lineage == "":
		return &StaleError{"a state was written since it was made"}
	case now.Lineage != p.Lineage:
		return &StaleError{"it was made from another state (another lineage)"}
	case now.Serial != p.Serial:
		return &StaleError{fmt.Sprintf("the state has changed since it was made (serial %d then, %d now)", p.Serial, now.Serial)}
	}
	return p.verifyLimits(now)
}

// verifyLimits counts the very operations that would run.
func (p *Plan) verifyLimits(now Present) error {
	removals := map[string]int{}
	var total, members int
	for i := range p.Operations {
		if op := &p.Operations[i]; op.Action.Removes() {
			removals[op.Domain]++
			total++
		}
	}
	for _, d := range p.Domains {
		members += d.Members
		limit, ok := now.Limits[d.Name]
		if !ok {
			return &StaleError{fmt.Sprintf("the configuration has no domain %q", d.Name)}
		}
		if allowed := p.Approval.allowed(d.Name, limit.Of(d.Members)); removals[d.Name] > allowed {
			return &StaleError{fmt.Sprintf("it removes %d members of domain.%s and max_remove_limit (%s) allows %d", removals[d.Name], d.Name, limit, allowed)}
		}
		delete(removals, d.Name)
	}
	if len(removals) > 0 {
		return &StaleError{"it removes members of domains that it does not list"}
	}
	if now.RunLimit == nil {
		return nil
	}
	allowed := now.RunLimit.Of(members)
	if p.Approval != nil {
		allowed += p.Approval.Count()
	}
	if total > allowed {
		return &StaleError{fmt.Sprintf("it removes %d members over all domains and the rollcall block allows %d", total, allowed)}
	}
	return nil
}
