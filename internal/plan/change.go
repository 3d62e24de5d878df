package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// change makes the wishes of all domains into operations, one update or
// creation for a user however many domains want it.
func (c *computer) change() {
	for _, w := range c.order {
		if conflict := c.conflict(w); conflict != "" {
			c.withholdWish(w, conflict)
			continue
		}
		switch {
		case w.account == nil:
			op := w.domain.operation(CreateUser, w.person, "in the directory, not in the organization")
			op.After = &w.person.User
			c.operations = append(c.operations, op)
		case sameValues(w.account.User, w.person.User):
		case c.protects(w.account.Username):
			w.domain.out.Protected++
		default:
			c.update(w)
		}
		for _, j := range w.joins {
			c.join(w, j)
		}
	}
}

func (c *computer) update(w *wish) {
	var fields []string
	if w.account.Name != w.person.Name {
		fields = append(fields, "name")
	}
	if w.account.Email != w.person.Email {
		fields = append(fields, "email")
	}
	op := w.domain.operation(UpdateUser, w.person, strings.Join(fields, " and ")+" in the directory is another")
	op.Username, op.UserID, op.Before = w.account.Username, w.account.ID, &w.account.User
	op.After = &identity.User{Username: w.account.Username, Name: w.person.Name, Email: w.person.Email}
	c.operations = append(c.operations, op)
}

func (c *computer) join(w *wish, j join) {
	op := j.domain.operation(JoinDomain, w.person, j.reason)
	op.After = &w.person.User
	if w.account != nil {
		op.Username, op.UserID = w.account.Username, w.account.ID
		op.After = &identity.User{Username: w.account.Username, Name: w.person.Name, Email: w.person.Email}
		if c.protects(w.account.Username) {
			op.After = &w.account.User
		}
	}
	c.operations = append(c.operations, op)
	if j.domain.Policy.TokenMode == TokenWithoutEmail {
		token := op
		token.Action, token.After, token.Reason = IssueToken, nil, "new members get a token"
		c.operations = append(c.operations, token)
	}
}

// conflict says which two domains want different values for one user, or nothing.
func (c *computer) conflict(w *wish) string {
	for _, d := range c.domains {
		if d == w.domain {
			continue
		}
		other := d.person(w.key)
		if other == nil || sameValues(other.User, w.person.User) {
			continue
		}
		return fmt.Sprintf("domain.%s wants name %q and email %q (%s), domain.%s wants name %q and email %q (%s)",
			w.domain.Name, w.person.Name, w.person.Email, w.person.DN, d.Name, other.Name, other.Email, other.DN)
	}
	return ""
}

// person returns the person of the roster with the key, or nil.
func (d *comparison) person(key identity.Key) *identity.Person {
	at, found := slices.BinarySearch(d.people, key)
	if !found {
		return nil
	}
	return &d.People[at]
}

func (c *computer) withholdWish(w *wish, conflict string) {
	one := Withheld{Username: w.person.Username, DN: w.person.DN, Guard: GuardData, Reason: conflict}
	if len(w.joins) == 0 {
		one.Domain, one.Action = w.domain.Name, UpdateUser
		c.withhold(one)
	}
	for _, j := range w.joins {
		one.Domain, one.Action = j.domain.Name, JoinDomain
		c.withhold(one)
	}
}

// protects reports whether the policy of any domain protects the username, read
// or not: a user's values and existence are shared by all domains.
func (c *computer) protects(username string) bool {
	if slices.ContainsFunc(c.in.Others, func(p Policy) bool { return p.Protects(username) }) {
		return true
	}
	return slices.ContainsFunc(c.domains, func(d *comparison) bool { return d.Policy.Protects(username) })
}
