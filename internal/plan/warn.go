package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// warn adds what people should know and what withholds nothing.
func (c *computer) warn() {
	for _, d := range c.domains {
		for _, warning := range d.Warnings {
			c.plan.Warnings = append(c.plan.Warnings, "domain."+d.Name+": "+warning)
		}
		for i := range d.Sources {
			for _, warning := range groupWarnings(&d.Sources[i]) {
				c.plan.Warnings = append(c.plan.Warnings, "domain."+d.Name+": "+warning)
			}
		}
	}
	c.warnOfEntries()
	if c.hasAliases() {
		c.warnOfSharedNames()
	}
}

// groupWarnings are about groups that contain themselves and members that are nowhere.
func groupWarnings(s *Source) []string {
	g := s.Evidence.Groups
	if g == nil {
		return nil
	}
	var warnings []string
	for _, cycle := range g.Cycles {
		warnings = append(warnings, fmt.Sprintf("%s: a group contains itself, which was not followed: %s", s.Directory, cycle))
	}
	named := func(n int, first []string, what string) {
		if n == 0 {
			return
		}
		members := fmt.Sprintf("%d members of the groups are", n)
		if n == 1 {
			members = "1 member of the groups is"
		}
		text := strings.Join(first, "; ")
		if more := n - len(first); more > 0 {
			text += fmt.Sprintf("; and %d more", more)
		}
		warnings = append(warnings, fmt.Sprintf("%s: %s %s: %s", s.Directory, members, what, text))
	}
	named(g.Elsewhere, g.ElsewhereSome, "outside the directory's base and scope, or of another directory, and so not in the domain")
	named(g.Outside, g.OutsideSome, "not to be found there: of another directory, deleted, or groups that the bind account may not read, whose people are missing then")
	return warnings
}

// hasAliases reports whether anybody is wanted to have an alias.
func (c *computer) hasAliases() bool {
	has := func(p identity.Person) bool {
		for _, alias := range p.Aliases() {
			if _, ok := alias.Name(); ok {
				return true
			}
		}
		return false
	}
	return slices.ContainsFunc(c.domains, func(d *comparison) bool { return slices.ContainsFunc(d.People, has) })
}

// named is a user with the names by which it is to be known once the plan is applied.
type named struct {
	username, dn string
	user         identity.User
}

// warnOfSharedNames warns of two users with one alias, and of an alias that is
// another's username: LoginTC may take one for the other.
func (c *computer) warnOfSharedNames() {
	users := c.named()
	keys := slices.Sorted(maps.Keys(users))
	claims := map[identity.Key][]string{}
	owners := map[identity.Key]identity.Key{}
	shared := map[identity.Key]bool{}
	claim := func(name, owner identity.Key, what string) {
		u := users[owner]
		if u.dn != "" {
			what += " (" + u.dn + ")"
		}
		claims[name] = append(claims[name], what)
		if first, taken := owners[name]; taken && first != owner {
			shared[name] = true
		}
		owners[name] = owner
	}
	for _, key := range keys {
		u := users[key]
		claim(key, key, fmt.Sprintf("the username of %q", u.username))
		for i, alias := range u.user.Aliases() {
			if name, ok := alias.Name(); ok && identity.NewKey(name) != key {
				claim(identity.NewKey(name), key, fmt.Sprintf("alias%d of %q", i+1, u.username))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(shared)) {
		c.plan.Warnings = append(c.plan.Warnings, fmt.Sprintf("one name for several users: %q is %s; LoginTC may take one for the other",
			string(name), strings.Join(claims[name], " and ")))
	}
}

// named returns the users of all rosters, and the members that stay beside them.
func (c *computer) named() map[identity.Key]*named {
	leaving := map[string]bool{}
	for i := range c.operations {
		if op := &c.operations[i]; op.Action.Removes() {
			leaving[op.UserID+op.DomainID] = true
		}
	}
	users := map[identity.Key]*named{}
	for _, d := range c.domains {
		for i := range d.People {
			person := &d.People[i]
			u := users[d.people[i]]
			if u == nil {
				u = &named{username: person.Username, dn: person.DN}
				users[d.people[i]] = u
			}
			u.user = u.user.AliasesOr(&person.User)
		}
	}
	for _, d := range c.domains {
		for _, member := range d.members {
			u := users[member.key]
			if u == nil {
				if leaving[member.ID+d.ID] {
					continue
				}
				u = &named{username: member.Username}
				users[member.key] = u
			}
			u.user = u.user.AliasesOr(&member.User)
		}
	}
	return users
}
