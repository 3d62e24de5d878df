// Package roster turns the entries of a directory into the users that one
// domain should have: mapping, trimming, defaults, validation, and people who
// claim the same username.
//
// It reads no directory and knows nothing of LoginTC's side. An entry that can
// not become a user is kept as unmapped, so that nobody takes the person for gone.
package roster

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// Rules are the parts of a policy that decide who is a valid user.
type Rules struct {
	// DefaultName and DefaultEmail stand in where the directory has none.
	DefaultName, DefaultEmail string
	// PhoneRegion is the country of phone numbers without a country code, as two
	// letters (ISO 3166-1); empty where such numbers can not be understood.
	PhoneRegion string
}

// Mapper maps an entry to a user. A field that has a problem is empty.
type Mapper func(*identity.Entry) identity.Mapped

// Roster is who should be in a domain.
type Roster struct {
	// Entries counts the entries that were read.
	Entries int
	// People are sorted by identity.NewKey of their usernames, which differ.
	People []identity.Person
	// Unmapped are sorted by DN.
	Unmapped []identity.Unmapped
	// Excluded are entries that the user block excludes, sorted by DN. Nobody of the roster
	// comes from them, though one may have the username of one.
	Excluded []identity.Excluded
	// Warnings are about values of people that can not be used and that nobody is
	// withheld for: aliases and phone numbers. They are sorted.
	Warnings []string
}

// Size counts everybody who is in the directory and not excluded, mapped or not.
func (r *Roster) Size() int { return len(r.People) + len(r.Unmapped) }

// Builder collects a roster from entries as they are read.
type Builder struct {
	rules    Rules
	mapper   Mapper
	known    identity.Known
	entries  int
	people   []keyed
	unmapped []identity.Unmapped
	excluded []identity.Excluded
	warnings []string
}

// keyed is small: many are moved while they grow in number and are sorted.
type keyed struct {
	key identity.Key
	*identity.Person
}

// NewBuilder returns a builder with no entries. People who are known have their texts in
// common with what is known of them.
func NewBuilder(rules Rules, mapper Mapper, known identity.Known) *Builder {
	return &Builder{rules: rules, mapper: mapper, known: known}
}

// Add maps one entry. It keeps nothing of the entry but its DN and id.
func (b *Builder) Add(e *identity.Entry) {
	b.entries++
	mapped := b.mapper(e)
	// A DN is shown and kept in files of UTF-8, whatever octets the server sent.
	person := &identity.Person{User: mapped.User, DN: strings.ToValidUTF8(e.DN, "\uFFFD"), EntryID: e.ID}
	if mapped.Excluded != "" {
		username := strings.TrimSpace(mapped.Username)
		if checkText(username) != "" {
			username = "" // what can not be a username names nobody
		}
		b.excluded = append(b.excluded, identity.Excluded{Username: username, DN: person.DN, EntryID: person.EntryID, Source: mapped.Excluded})
		return
	}
	if reason := b.rules.complete(&person.User, mapped.Problems); reason != "" {
		b.unmapped = append(b.unmapped, identity.Unmapped{Person: *person, Reason: strings.ToValidUTF8(reason, "\uFFFD")})
		return
	}
	for _, warning := range b.rules.extra(person, &mapped) {
		b.warnings = append(b.warnings, fmt.Sprintf("%s (%s): %s", person.Username, person.DN, strings.ToValidUTF8(warning, "\uFFFD")))
	}
	key := identity.NewKey(person.Username)
	b.known.UnifyPerson(key, person)
	b.people = append(b.people, keyed{key, person})
}

// Roster returns what the entries came to. The builder is done with then.
func (b *Builder) Roster() *Roster {
	slices.SortFunc(b.people, func(x, y keyed) int {
		if byKey := cmp.Compare(x.key, y.key); byKey != 0 {
			return byKey
		}
		return cmp.Compare(x.DN, y.DN)
	})
	r := &Roster{Entries: b.entries, Unmapped: b.unmapped, Excluded: b.excluded, Warnings: b.warnings}
	claims := b.claims()
	r.People = make([]identity.Person, 0, len(b.people))
	for start := 0; start < len(b.people); {
		end := start + 1
		for end < len(b.people) && b.people[end].key == b.people[start].key {
			end++
		}
		same := b.people[start:end]
		if claim := claims[same[0].key]; claim != "" {
			same = append(slices.Clone(same), keyed{same[0].key, &identity.Person{User: same[0].User, DN: claim}})
			r.Unmapped = append(r.Unmapped, collide(same)[:end-start]...)
		} else if len(same) == 1 || isOneEntry(same) {
			r.People = append(r.People, *same[0].Person)
			same[0].Person = nil // it is there twice otherwise
		} else {
			r.Unmapped = append(r.Unmapped, collide(same)...)
		}
		start = end
	}
	r.sort()
	b.people = nil
	return r
}

// sort puts all but the people in order.
func (r *Roster) sort() {
	slices.SortFunc(r.Unmapped, func(x, y identity.Unmapped) int {
		return cmp.Or(cmp.Compare(x.DN, y.DN), cmp.Compare(x.Username, y.Username))
	})
	slices.SortFunc(r.Excluded, func(x, y identity.Excluded) int {
		return cmp.Or(cmp.Compare(x.DN, y.DN), cmp.Compare(x.Username, y.Username))
	})
	slices.Sort(r.Warnings)
	r.Warnings = slices.Compact(r.Warnings)
}

// claims returns the usernames of entries that could not be mapped for another
// reason, with their DNs: such an entry may be the person as well as one that
// could be mapped.
func (b *Builder) claims() map[identity.Key]string {
	claims := map[identity.Key]string{}
	for _, u := range b.unmapped {
		if u.Username != "" {
			claims[identity.NewKey(u.Username)] = u.DN
		}
	}
	return claims
}

// isOneEntry reports whether all are the same entry, read more than once: two
// referrals may lead to it.
func isOneEntry(same []keyed) bool {
	for _, other := range same[1:] {
		one := other.EntryID == same[0].EntryID && (other.EntryID != "" || identity.SameDN(other.DN, same[0].DN))
		if !one || !other.Equal(same[0].User) || !slices.Equal(other.Phones(), same[0].Phones()) {
			return false
		}
	}
	return true
}

func collide(same []keyed) []identity.Unmapped {
	var out []identity.Unmapped
	for i, person := range same {
		other := same[(i+1)%len(same)]
		reason := fmt.Sprintf("%d entries have the username %q: also %s", len(same), person.Username, other.DN)
		if person.Username != other.Username {
			reason += fmt.Sprintf(" as %q, and LoginTC may not tell capitals apart", other.Username)
		}
		out = append(out, identity.Unmapped{Person: *person.Person, Reason: reason})
	}
	return out
}
