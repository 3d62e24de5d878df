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
	c := &computer{
		in:      &in,
		plan:    &Plan{FormatVersion: FormatVersion},
		creates: map[identity.Key]*wish{},
		updates: map[identity.Key]*wish{},
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
	// by account id; order keeps them as they came, so that no map is ranged over.
	creates, updates map[identity.Key]*wish
	order            []*wish
	operations       []Operation
	// organization has the ids of its users; nil until it is needed.
	organization map[string]bool
}

// wish is what domains want one user to be.
type wish struct {
	key     identity.Key
	account *identity.Account // nil for a new user
	person  *identity.Person
	domain  *comparison
	// user are the person's values, with those aliases that only other domains have.
	user identity.User
	// joins are the domains that the user joins, with the reason for each.
	joins []join
	// phones and groups are those that the user lacks, each with the domain that
	// wants it first.
	phones, groups []lack
}

// lack is something that a user is to get and keep.
type lack struct {
	what   string
	domain *comparison
	person *identity.Person
}

type join struct {
	domain *comparison
	reason string
	// renamed is the earlier username of a person who was renamed, or empty.
	renamed string
}

// strangers returns the keys of people who are not members of the domain that
// wants them, so that their accounts must be looked for elsewhere.
func (c *computer) strangers() map[identity.Key]bool {
	wanted := map[identity.Key]bool{}
	for _, d := range c.domains {
		next := 0
		for _, key := range d.people {
			for next < len(d.members) && d.members[next].key < key {
				next++
			}
			if next == len(d.members) || d.members[next].key != key {
				wanted[key] = true
			}
		}
	}
	return wanted
}

// wish notes that a domain wants the person's values. The account is nil for a
// new user.
func (c *computer) wish(key identity.Key, account *identity.Account, person *identity.Person, d *comparison) *wish {
	wishes, at := c.creates, key
	if account != nil {
		wishes, at = c.updates, identity.Key(account.ID)
	}
	w, ok := wishes[at]
	if !ok {
		w = &wish{key: key, account: account, person: person, domain: d, user: person.User}
		wishes[at] = w
		c.order = append(c.order, w)
	}
	w.user = w.user.AliasesOr(&person.User)
	w.phones, w.groups = d.lacks(w, person)
	return w
}

func (c *computer) withhold(w Withheld) { c.plan.Withheld = append(c.plan.Withheld, w) }

// note adds an operation on the state about a member that has an entry.
func (c *computer) note(d *comparison, action Action, member *identity.Account, before *identity.User, after identity.User, person *identity.Person, reason string) {
	op := d.operation(action, person, reason)
	op.Username, op.UserID, op.Before, op.After = member.Username, member.ID, before, &after
	c.operations = append(c.operations, op)
}

// noteGone adds an operation on the state about a member that has no entry.
func (c *computer) noteGone(d *comparison, action Action, known *identity.Member, reason string) {
	c.operations = append(c.operations, Operation{
		Action: action, Domain: d.Name, DomainID: d.ID, Username: known.Username, UserID: known.UserID,
		DN: known.DN, EntryID: known.EntryID, Before: &known.User, Reason: reason,
	})
}
