package plan

import (
	"slices"
	"strings"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// Compute returns the plan that turns the live members into the rosters, as far
// as the policies allow. The caller adds what names its circumstances: versions,
// digests, times; and seals it.
func Compute(in Input) *Plan {
	c := newComputer(in)
	c.accounts = c.in.index(c.strangers())
	for _, d := range c.domains {
		d.compare(c)
	}
	c.change()
	c.remove()
	c.warn()
	c.finish()
	return c.plan
}

func newComputer(in Input) *computer {
	in.Domains = slices.Clone(in.Domains)
	slices.SortFunc(in.Domains, func(a, b DomainInput) int { return strings.Compare(a.Name, b.Name) })
	c := &computer{in: &in, plan: &Plan{FormatVersion: FormatVersion}}
	if len(in.Domains) > 1 { // else nobody is wished for twice
		c.creates, c.updates = map[identity.Key]*wish{}, map[string]*wish{}
	}
	for i := range in.Domains {
		c.domains = append(c.domains, newComparison(&in.Domains[i]))
	}
	return c
}

// computer holds what the domains share while a plan is computed.
type computer struct {
	in       *Input
	plan     *Plan
	domains  []*comparison
	accounts accounts
	// creates and updates are the wishes of all domains for one user, by key and
	// by account id; nil where there is but one domain. Order keeps them as they came, so
	// that no map is ranged over.
	creates    map[identity.Key]*wish
	updates    map[string]*wish
	order      []*wish
	operations []Operation
	// organization has the ids of its users; nil until it is needed.
	organization map[string]bool
}

// wish is what domains want one user to be. There may be one for each person.
type wish struct {
	account *identity.Account // nil for a new user
	person  *identity.Person
	domain  *comparison
	// user are the person's values, with those aliases that only other domains have.
	user *identity.User
	// joins are the domains that the user joins.
	joins []join
	// lacks are phones and groups that the user has not, each with the domain that wants
	// it first.
	lacks []lack
}

// join is a domain that a user joins.
type join struct {
	domain *comparison
	// known is what the state has of the person, earlier the member as whom it has a person
	// who was renamed; nil where there is none.
	known, earlier *identity.Member
}

// strangers returns the keys of people who are not members of the domain that
// wants them, so that their accounts must be looked for elsewhere; sorted.
func (c *computer) strangers() []identity.Key {
	n := 0
	for _, d := range c.domains {
		for range d.strange {
			n++
		}
	}
	wanted := make([]identity.Key, 0, n)
	for _, d := range c.domains {
		for key := range d.strange {
			wanted = append(wanted, key)
		}
	}
	if len(c.domains) > 1 {
		slices.Sort(wanted)
		wanted = slices.Compact(wanted)
	}
	return wanted
}

// strange yields the keys of people who are not members, sorted.
func (d *comparison) strange(yield func(identity.Key) bool) {
	next := 0
	for _, key := range d.people {
		for next < len(d.members) && d.members[next].key < key {
			next++
		}
		if (next == len(d.members) || d.members[next].key != key) && !yield(key) {
			return
		}
	}
}

// wish notes that a domain wants the person's values. The account is nil for a
// new user.
func (c *computer) wish(key identity.Key, account *identity.Account, person *identity.Person, d *comparison) *wish {
	w := c.wished(key, account)
	if w == nil {
		w = &wish{account: account, person: person, domain: d, user: &person.User}
		c.order = append(c.order, w)
		switch {
		case len(c.domains) == 1:
		case account == nil:
			c.creates[key] = w
		default:
			c.updates[account.ID] = w
		}
	} else if person.AliasSet != nil {
		user := w.user.AliasesOr(&person.User)
		w.user = &user
	}
	d.addLacks(w, person)
	return w
}

// wished returns what an earlier domain wants the user to be, or nil.
func (c *computer) wished(key identity.Key, account *identity.Account) *wish {
	if account == nil {
		return c.creates[key]
	}
	return c.updates[account.ID]
}

func (c *computer) withhold(w Withheld) { c.plan.Withheld = append(c.plan.Withheld, w) }

// note adds an operation on the state about a member that has an entry. After is often
// just what the member has, and is then that in the plan too.
func (c *computer) note(d *comparison, action Action, member *identity.Account, before *identity.User, after identity.User, person *identity.Person, reason string) {
	op := d.operation(action, person, reason)
	op.Username, op.UserID, op.Before, op.After = member.Username, member.ID, before, &member.User
	if after != member.User {
		op.After = new(after)
	}
	c.operations = append(c.operations, op)
}

// noteGone adds an operation on the state about a member that has no entry.
func (c *computer) noteGone(d *comparison, action Action, known *identity.Member, reason string) {
	c.operations = append(c.operations, Operation{
		Action: action, Domain: d.Name, DomainID: d.ID, Username: known.Username, UserID: known.UserID,
		DN: known.DN, EntryID: known.EntryID, Before: &known.User, Reason: reason,
	})
}
