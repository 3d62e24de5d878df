package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// change makes the wishes of all domains into operations, one update or
// creation for a user however many domains want it.
func (c *computer) change() {
	c.operations = slices.Grow(c.operations, c.expected())
	for i, w := range c.order {
		c.order[i] = nil // a wish that is an operation is needed no more
		if conflict := c.conflict(w); conflict != "" {
			c.withholdWish(w, conflict)
			continue
		}
		switch {
		case w.account == nil:
			op := w.domain.operation(CreateUser, w.person, "in the directory, not in the organization")
			op.After = w.user
			c.operations = append(c.operations, op)
			c.give(w)
		case w.user.IsMetBy(&w.account.User) && len(w.lacks) == 0:
		case c.protects(w.account.Username):
			w.domain.out.Protected++
		default:
			c.update(w)
			c.give(w)
		}
		for _, j := range w.joins {
			c.join(w, j)
		}
	}
}

// expected is how many operations the wishes come to, or somewhat more: one list that grew
// would be in memory twice.
func (c *computer) expected() int {
	n := 0
	for _, w := range c.order {
		n += 1 + len(w.lacks)
		for _, j := range w.joins {
			n++
			if j.domain.Policy.TokenMode.action() != "" {
				n++
			}
		}
	}
	return n
}

func (c *computer) update(w *wish) {
	if w.user.IsMetBy(&w.account.User) {
		return
	}
	var fields []string
	if !identity.SameText(w.account.Name, w.user.Name) {
		fields = append(fields, "name")
	}
	if !identity.SameText(w.account.Email, w.user.Email) {
		fields = append(fields, "email")
	}
	wanted, present := w.user.Aliases(), w.account.Aliases()
	for i := range wanted {
		if wanted[i] != "" && !wanted[i].Same(present[i]) {
			fields = append(fields, fmt.Sprintf("alias%d", i+1))
		}
	}
	op := w.domain.operation(UpdateUser, w.person, enumerate(fields)+" in the directory "+isOrAre(len(fields)))
	op.Username, op.UserID, op.Before, op.After = w.account.Username, w.account.ID, &w.account.User, w.after()
	c.operations = append(c.operations, op)
}

// after is what the account comes to: LoginTC's spelling of the username stays.
func (w *wish) after() *identity.User {
	if w.user.Username == w.account.Username {
		return w.user
	}
	after := *w.user
	after.Username = w.account.Username
	return &after
}

func enumerate(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

func isOrAre(n int) string {
	if n == 1 {
		return "is another"
	}
	return "are others"
}

func (c *computer) join(w *wish, j join) {
	op := j.domain.operation(JoinDomain, w.person, "in the directory, not a member")
	op.After = w.user
	switch {
	case j.earlier != nil:
		op.Details, op.Reason = otherName(j.earlier.Username), "the entry was "+j.earlier.Username+", and LoginTC can not rename a user"
	case j.known != nil:
		op.Reason = "in the directory; the member that rollcall knew is gone from LoginTC"
	}
	if w.account != nil {
		op.Username, op.UserID, op.After = w.account.Username, w.account.ID, w.after()
		if c.protects(w.account.Username) {
			present := w.user.Of(w.account.User)
			op.After = &present
		}
	}
	c.operations = append(c.operations, op)
	if action := j.domain.Policy.TokenMode.action(); action != "" {
		token := op
		token.Action, token.After, token.Details, token.Reason = action, nil, nil, "new members get a token"
		c.operations = append(c.operations, token)
	}
}

// conflict says which two domains want different values for one user, or nothing.
func (c *computer) conflict(w *wish) string {
	if len(c.domains) == 1 {
		return ""
	}
	key := identity.NewKey(w.person.Username)
	for _, d := range c.domains {
		if d == w.domain {
			continue
		}
		other := d.person(key)
		if other == nil {
			continue
		}
		if w.user.Name != other.Name || w.user.Email != other.Email {
			return fmt.Sprintf("domain.%s wants name %q and email %q (%s), domain.%s wants name %q and email %q (%s)",
				w.domain.Name, w.person.Name, w.person.Email, w.person.DN, d.Name, other.Name, other.Email, other.DN)
		}
		if alias := w.aliasConflict(other); alias != 0 {
			wants, otherWants := w.user.Aliases()[alias-1], other.Aliases()[alias-1]
			return fmt.Sprintf("domain.%s wants alias%d %s (%s), domain.%s wants %s (%s)", w.domain.Name, alias, quotedAlias(wants), w.person.DN,
				d.Name, quotedAlias(otherWants), other.DN)
		}
	}
	return ""
}

// aliasConflict returns the number of an alias that the two want to be different,
// or 0.
func (w *wish) aliasConflict(other *identity.Person) int {
	wants, otherWants := w.user.Aliases(), other.Aliases()
	for i := range wants {
		if otherWants[i] != "" && wants[i] != "" && otherWants[i] != wants[i] {
			return i + 1
		}
	}
	return 0
}

func quotedAlias(alias identity.Alias) string {
	if name, ok := alias.Name(); ok {
		return strconv.Quote(name)
	}
	return "none"
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
