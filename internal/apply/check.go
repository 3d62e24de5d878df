package apply

import (
	"fmt"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
)

// Touched returns the ids of the domains in which operations were carried out,
// in the order of the plan's domains.
func (r Result) Touched(p *plan.Plan) []string {
	touched := map[string]bool{}
	for i := range r.Done {
		touched[r.Done[i].DomainID] = true
	}
	var ids []string
	for _, d := range p.Domains {
		if touched[d.ID] {
			ids = append(ids, d.ID)
		}
	}
	return ids
}

// Differences compares the members of one domain, listed after the run, with
// what the operations on it were to leave behind, and says what is otherwise.
func (r Result) Differences(domainID string, live []identity.Account) []string {
	members := make(map[identity.Key]identity.User, len(live))
	for i := range live {
		members[identity.NewKey(live[i].Username)] = live[i].User
	}
	var differences []string
	for i := range r.Done {
		op := &r.Done[i]
		if op.DomainID != domainID {
			continue
		}
		user, member := members[identity.NewKey(op.Username)]
		switch {
		case op.Action == plan.JoinDomain && !member:
			differences = append(differences, op.Address()+" was added and is not a member")
		case op.Action.Removes() && member:
			differences = append(differences, op.Address()+" was removed and is still a member")
		case op.Action == plan.UpdateUser && member && (user.Name != op.After.Name || user.Email != op.After.Email):
			differences = append(differences, fmt.Sprintf("%s was changed and has name %q and email %q", op.Address(), user.Name, user.Email))
		}
	}
	return differences
}
