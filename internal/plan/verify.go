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
	// Domains are those of the configuration by name, RunLimit the max_remove_limit of
	// the rollcall block or nil.
	Domains  map[string]PresentDomain
	RunLimit *identity.Limit
}

// PresentDomain is a domain of the configuration.
type PresentDomain struct {
	// ID is LoginTC's id of it.
	ID     string
	Policy Policy
}

// protects reports whether the policy of any domain protects the username.
func (p *Present) protects(username string) bool {
	for _, d := range p.Domains {
		if d.Policy.Protects(username) {
			return true
		}
	}
	return false
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
	if err := p.verifyProtection(now); err != nil {
		return err
	}
	return p.verifyLimits(now)
}

// verifyProtection looks whom the very operations would touch: what a plan that
// somebody else wrote says of its domains is not believed.
func (p *Plan) verifyProtection(now Present) error {
	for _, d := range p.Domains {
		switch present, ok := now.Domains[d.Name]; {
		case !ok:
			return &StaleError{fmt.Sprintf("the configuration has no domain %q", d.Name)}
		case present.ID != d.ID:
			return &StaleError{fmt.Sprintf("it is for another LoginTC domain (%s) than domain.%s is (%s)", d.ID, d.Name, present.ID)}
		}
	}
	for i := range p.Operations {
		op := &p.Operations[i]
		domain := now.Domains[op.Domain]
		switch op.Action {
		case LeaveDomain:
			if domain.Policy.Protects(op.Username) {
				return &StaleError{op.Address() + " would leave and is protected"}
			}
		case UpdateUser, DeleteUser:
			if now.protects(op.Username) {
				return &StaleError{op.Address() + " would be changed or deleted and is protected"}
			}
		case CreateUser, JoinDomain, IssueToken, EmailToken, AddPhone, JoinGroup: // they give
		case Adopt, MarkMissing, MarkPresent, Record, Forget: // of the state
		}
		if op.Action.Removes() && domain.Policy.SyncMode == AddOnly || op.Action == DeleteUser && domain.Policy.SyncMode != Delete {
			return &StaleError{fmt.Sprintf("%s would be removed (%s), and sync_mode is %q", op.Address(), op.Action, domain.Policy.SyncMode)}
		}
	}
	return nil
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
		limit := now.Domains[d.Name].Policy.MaxRemoveLimit
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
