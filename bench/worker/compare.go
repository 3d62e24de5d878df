package main

import (
	"fmt"

	"github.com/rollcall-cli/rollcall/bench/measure"
	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
)

// compare compares n users with nothing read: one in a hundred has another name, and one
// in two hundred is gone.
func compare(n int) error {
	limit, err := identity.ParseLimit("5%")
	if err != nil {
		return err
	}
	id := fmt.Sprintf("%040x", 0)
	d := plan.DomainInput{Name: "vpn", ID: id, Policy: plan.Policy{Name: "policy.bench", SyncMode: plan.Remove, MaxRemoveLimit: limit}}
	for i := range n {
		username, entry := fmt.Sprintf("user%07d", i), fmt.Sprintf("%032x", i)
		dn := "uid=" + username + ",ou=People,dc=example,dc=com"
		user := identity.User{Username: username, Name: "Given Surname", Email: username + "@example.com"}
		d.Members = append(d.Members, identity.Account{ID: fmt.Sprintf("%040x", i), User: user, Domains: []string{id}})
		d.Known.Members = append(d.Known.Members, identity.Member{UserID: fmt.Sprintf("%040x", i), User: user, EntryID: entry, DN: dn, Origin: identity.OriginAdded})
		if i%100 == 0 {
			user.Name = "Changed"
		}
		if i%200 != 1 {
			d.People = append(d.People, identity.Person{User: user, EntryID: entry, DN: dn})
		}
	}
	return measure.Tell(func() error {
		p := plan.Compute(plan.Input{Domains: []plan.DomainInput{d}})
		if changed := p.Summarize("").Change; changed != (n+99)/100 {
			return fmt.Errorf("%d are to be changed, and not %d", changed, (n+99)/100)
		}
		return nil
	})
}
