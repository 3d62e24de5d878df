package apply

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
	"github.com/rollcall-cli/rollcall/internal/state"
)

// Touched returns the ids of the domains in which operations were carried out,
// in the order of the plan's domains.
func (r Result) Touched(p *plan.Plan) []string {
	return domainsOf(p, r.Done, func(a plan.Action) bool { return !a.OnState() })
}

// Expecting returns the ids of the plan's domains that must be listed before the steps
// are carried out, in the plan's order: something is sent for them, or somebody
// forgotten.
func Expecting(p *plan.Plan, steps []Step) []string {
	return domainsOf(p, steps, func(a plan.Action) bool { return !a.OnState() || a == plan.Forget })
}

// domainsOf returns the ids of the plan's domains that have steps with such an action.
func domainsOf(p *plan.Plan, steps []Step, such func(plan.Action) bool) []string {
	has := map[string]bool{}
	for i := range steps {
		has[steps[i].DomainID] = has[steps[i].DomainID] || such(steps[i].Action)
	}
	var ids []string
	for _, d := range p.Domains {
		if has[d.ID] {
			ids = append(ids, d.ID)
		}
	}
	return ids
}

// Moved returns the usernames that were added to the domain and removed from it,
// sorted.
func (r Result) Moved(domain string) (added, removed []string) {
	for i := range r.Done {
		switch op := &r.Done[i]; {
		case op.Domain != domain:
		case op.Action == plan.JoinDomain:
			added = append(added, op.Username)
		case op.Action.Removes():
			removed = append(removed, op.Username)
		}
	}
	slices.Sort(added)
	slices.Sort(removed)
	return added, removed
}

// Difference is an operation that LoginTC said was done, and whose effect is not
// to be seen.
type Difference struct {
	Operation Step
	// Text says what is there instead.
	Text string
}

// Differences compares the members of one domain, listed after the run, with
// what the operations on it were to leave behind.
func (r Result) Differences(domainID string, live []identity.Account) []Difference {
	byID := make(map[string]*identity.User, len(live))
	for i := range live {
		byID[live[i].ID] = &live[i].User
	}
	var differences []Difference
	for _, op := range r.Done {
		if op.DomainID != domainID {
			continue
		}
		user := byID[op.UserID]
		if op.UserID == "" { // which none has that LoginTC did
			user = withName(live, op.Username)
		}
		member := user != nil
		switch {
		case op.Action == plan.JoinDomain && !member:
			differences = append(differences, Difference{op, op.Address() + " was added and is not a member"})
		case op.Action.Removes() && member:
			differences = append(differences, Difference{op, op.Address() + " was removed and is still a member"})
		case op.Action == plan.UpdateUser && member && !op.After.IsMetBy(user):
			differences = append(differences, Difference{op, fmt.Sprintf("%s was changed and has name %q and email %q%s", op.Address(), user.Name, user.Email, aliasText(user))})
		}
	}
	return differences
}

// withName returns the user of a username, or nil.
func withName(live []identity.Account, username string) *identity.User {
	key := identity.NewKey(username)
	for i := range live {
		if identity.NewKey(live[i].Username) == key {
			return &live[i].User
		}
	}
	return nil
}

func aliasText(user *identity.User) string {
	var b strings.Builder
	for i, alias := range user.Aliases() {
		if name, ok := alias.Name(); ok {
			fmt.Fprintf(&b, ", alias%d %q", i+1, name)
		}
	}
	return b.String()
}

// remember keeps what the state has of a member that is to be taken out of it.
func (r *Result) remember(op *Step, s *state.State) {
	member, known := s.Member(op.Domain, identity.NewKey(op.Username))
	if !known {
		return
	}
	if r.removed == nil {
		r.removed = map[string]identity.Member{}
	}
	r.removed[op.Address()] = member
}

// restore brings the state back to what is so: a member that was to go and is
// still there stays rollcall's, so that the next plan removes it.
func (r Result) restore(s *state.State, differences []Difference) {
	for _, d := range differences {
		s.RecordUndone(d.Operation.Number)
		switch {
		case d.Operation.Action.Removes():
			if member, ok := r.removed[d.Operation.Address()]; ok {
				s.Upsert(d.Operation.Domain, member)
			}
		case d.Operation.Action == plan.JoinDomain:
			s.Remove(d.Operation.Domain, identity.NewKey(d.Operation.Username))
		}
	}
}
