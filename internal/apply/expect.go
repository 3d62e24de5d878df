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

// NeedsOrganization reports whether the plan changes users who are members of none of
// the domains, so that their values are found in the organization alone.
func (l *Live) NeedsOrganization(p *plan.Plan) bool {
	return slices.ContainsFunc(p.Operations, func(op plan.Operation) bool {
		return op.Action == plan.UpdateUser && l.user(op.UserID) == nil
	})
}

// Sent returns the ids of the domains that the plan sends operations for, in its order.
func Sent(p *plan.Plan) []string { return domainsOf(p, p.Operations) }

// Change is an operation whose target is not what the plan expects.
type Change struct {
	Operation plan.Operation
	// Text says what is there instead, without a full stop.
	Text string
}

// Changes holds each operation against what it expects to find. What is not listed
// here and can not be repeated, LoginTC refuses by itself: a username that is taken.
func (l *Live) Changes(p *plan.Plan) []Change {
	var changes []Change
	for _, op := range p.Operations {
		if text := l.change(&op); text != "" {
			changes = append(changes, Change{op, text})
		}
	}
	return changes
}

func (l *Live) change(op *plan.Operation) string {
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
	case plan.Adopt, plan.MarkMissing, plan.MarkPresent, plan.Record, plan.Forget: // of the state, which has its serial
	}
	return ""
}

// differs compares a user with the values that the operation expects.
func differs(op *plan.Operation, now *identity.Account, gone string) string {
	switch {
	case now == nil:
		return gone
	case op.Before != nil && !now.Equal(*op.Before):
		return fmt.Sprintf("it has name %q and email %q%s by now", now.Name, now.Email, aliasText(&now.User))
	}
	return ""
}

// Without returns the plan without the operations that changed and what comes after
// them for the same user, and those operations. What the state alone learns stays.
func Without(p *plan.Plan, changes []Change) (rest *plan.Plan, left []plan.Operation) {
	if len(changes) == 0 {
		return p, nil
	}
	type place struct {
		key    identity.Key
		action plan.Action
		domain string
	}
	at := func(op *plan.Operation) place { return place{identity.NewKey(op.Username), op.Action, op.Domain} }
	changed := map[place]bool{}
	for i := range changes {
		changed[at(&changes[i].Operation)] = true
	}
	stopped := map[identity.Key]bool{}
	shorter := *p
	shorter.Operations = nil
	for i := range p.Operations {
		op := &p.Operations[i]
		key := identity.NewKey(op.Username)
		stopped[key] = stopped[key] || changed[at(op)]
		if stopped[key] && !op.Action.OnState() {
			left = append(left, *op)
		} else {
			shorter.Operations = append(shorter.Operations, *op)
		}
	}
	return &shorter, left
}
