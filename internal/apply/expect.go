package apply

import (
	"fmt"
	"slices"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
)

// Live is LoginTC as it is just before a plan is carried out.
type Live struct {
	// domains are the members by the id of the domain and of the user.
	domains map[string]map[string]*identity.Account
	// names are the usernames of members by the id of the domain.
	names map[string]map[identity.Key]bool
	// organization are users by id; nil where they were not listed.
	organization map[string]*identity.Account
}

// AddDomain takes in the members of a domain, listed now.
func (l *Live) AddDomain(id string, members []identity.Account) {
	if l.domains == nil {
		l.domains, l.names = map[string]map[string]*identity.Account{}, map[string]map[identity.Key]bool{}
	}
	l.domains[id], l.names[id] = byID(members), map[identity.Key]bool{}
	for i := range members {
		l.names[id][identity.NewKey(members[i].Username)] = true
	}
}

// AddOrganization takes in the users of the organization, listed now.
func (l *Live) AddOrganization(users []identity.Account) { l.organization = byID(users) }

func byID(accounts []identity.Account) map[string]*identity.Account {
	out := make(map[string]*identity.Account, len(accounts))
	for i := range accounts {
		out[accounts[i].ID] = &accounts[i]
	}
	return out
}

// user finds a user among the members, or in the organization.
func (l *Live) user(id string) *identity.Account {
	for _, members := range l.domains {
		if a := members[id]; a != nil {
			return a
		}
	}
	return l.organization[id]
}

// NeedsOrganization reports whether steps change users who are members of none of
// the domains, so that their values are found in the organization alone.
func (l *Live) NeedsOrganization(steps []Step) bool {
	return slices.ContainsFunc(steps, func(op Step) bool {
		return op.Action == plan.UpdateUser && l.user(op.UserID) == nil
	})
}

// Change is an operation whose target is not what the plan expects.
type Change struct {
	Operation Step
	// Text says what is there instead, without a full stop.
	Text string
}

// Changes holds each step against what it expects to find. What is not listed
// here and can not be repeated, LoginTC refuses by itself: a username that is taken.
func (l *Live) Changes(steps []Step) []Change {
	var changes []Change
	for _, step := range steps {
		if text := l.change(&step); text != "" {
			changes = append(changes, Change{step, text})
		}
	}
	return changes
}

func (l *Live) change(op *Step) string {
	member := l.domains[op.DomainID][op.UserID]
	switch op.Action {
	case plan.CreateUser:
		if l.names[op.DomainID][identity.NewKey(op.Username)] {
			return "it is a member by now"
		}
	case plan.JoinDomain:
		if op.UserID != "" && member != nil {
			return "it is a member by now"
		}
	case plan.UpdateUser:
		return differs(op, l.user(op.UserID), "it is no user any more")
	case plan.LeaveDomain:
		return differs(op, member, "it is no member any more")
	case plan.DeleteUser:
		if text := differs(op, member, "it is no member any more"); text != "" {
			return text
		}
		if now := slices.Sorted(slices.Values(member.Domains)); !slices.Equal(now, slices.Sorted(slices.Values(op.Domains))) {
			return fmt.Sprintf("it is a member of %d domains, not %d as planned", len(now), len(op.Domains))
		}
	case plan.IssueToken, plan.EmailToken, plan.AddPhone, plan.JoinGroup: // they only give, to whom the others let in
	case plan.Forget: // who is forgotten is nobody's to remove any more
		if member != nil {
			return "it is a member still"
		}
	case plan.Adopt, plan.MarkMissing, plan.MarkPresent, plan.Record: // of the state, which has its serial
	}
	return ""
}

// differs compares a user with the values that the operation expects.
func differs(op *Step, now *identity.Account, gone string) string {
	switch {
	case now == nil:
		return gone
	case op.Before != nil && !now.Equal(*op.Before):
		return fmt.Sprintf("it has name %q and email %q%s by now", now.Name, now.Email, aliasText(&now.User))
	}
	return ""
}

// Without returns the steps without those that changed and what comes after them for
// the same user, and those. What the state alone learns stays.
func Without(steps []Step, changes []Change) (rest, left []Step) {
	if len(changes) == 0 {
		return steps, nil
	}
	changed := map[int]bool{}
	for i := range changes {
		changed[changes[i].Operation.Number] = true
	}
	stopped := map[identity.Key]bool{}
	for i := range steps {
		step := &steps[i]
		key := identity.NewKey(step.Username)
		stopped[key] = stopped[key] || changed[step.Number]
		if changed[step.Number] || stopped[key] && !step.Action.OnState() {
			left = append(left, *step)
		} else {
			rest = append(rest, *step)
		}
	}
	return rest, left
}
