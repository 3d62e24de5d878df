package roster

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// Part is what one of the directories of a domain came to.
type Part struct {
	// Directory is its reference, such as "directory.corp".
	Directory string
	*Roster
	// Users counts the people that it gives the domain, mapped or not; Merge sets it.
	Users int
}

// Merge makes one roster of those of several directories: of people whom several have, the
// entry of the first counts, even if it can not become a user, and the others are
// returned, sorted by username. It changes no roster, and returns that of a single part
// as it is.
func Merge(parts []Part) (*Roster, []identity.Shadowed) {
	if len(parts) == 1 {
		parts[0].Users = parts[0].Size()
		return parts[0].Roster, nil
	}
	m := merger{out: &Roster{}, taken: map[identity.Key]claim{}}
	for i := range parts {
		m.add(i, &parts[i])
	}
	slices.SortFunc(m.people, func(x, y keyed) int { return cmp.Compare(x.key, y.key) }) // which differ
	for _, person := range m.people {
		m.out.People = append(m.out.People, *person.Person)
	}
	m.out.sort()
	slices.SortFunc(m.shadowed, func(x, y identity.Shadowed) int {
		return cmp.Or(cmp.Compare(x.Username, y.Username), cmp.Compare(x.Directory, y.Directory), cmp.Compare(x.DN, y.DN))
	})
	return m.out, m.shadowed
}

// merger collects the parts in their order.
type merger struct {
	out      *Roster
	people   []keyed
	taken    map[identity.Key]claim
	shadowed []identity.Shadowed
}

// claim says which directory has a username, and in which entry.
type claim struct{ directory, dn string }

func (m *merger) add(source int, part *Part) {
	m.out.Entries += part.Entries
	own := map[identity.Key]claim{}
	take := func(p *identity.Person) (key identity.Key, taken bool) {
		key = identity.NewKey(p.Username)
		if earlier, taken := m.taken[key]; taken && p.Username != "" {
			m.shadowed = append(m.shadowed, identity.Shadowed{
				Username: p.Username, Directory: part.Directory, DN: p.DN, By: earlier.directory, ByDN: earlier.dn,
			})
			return key, false
		}
		if p.Username != "" {
			own[key] = claim{part.Directory, p.DN}
		}
		part.Users++
		p.Source = source
		return key, true
	}
	for _, person := range part.People {
		if key, taken := take(&person); taken {
			m.people = append(m.people, keyed{key, &person})
		}
	}
	for _, unmapped := range part.Unmapped {
		if _, taken := take(&unmapped.Person); taken {
			m.out.Unmapped = append(m.out.Unmapped, unmapped)
		}
	}
	for _, excluded := range part.Excluded { // who is excluded claims no username
		excluded.From = source
		m.out.Excluded = append(m.out.Excluded, excluded)
	}
	for _, warning := range part.Warnings {
		m.out.Warnings = append(m.out.Warnings, fmt.Sprintf("%s: %s", part.Directory, warning))
	}
	maps.Copy(m.taken, own)
}
