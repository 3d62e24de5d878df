package plan

import (
	"fmt"
	"strings"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// exclusion returns why the entry of a member who is no person of the roster does not
// count, though it is in the directory; nothing where there is no such entry. The unique
// id says whose entry it is, where both have one; else the username does.
func (d *comparison) exclusion(key identity.Key, known *identity.Member) string {
	if len(d.Excluded) == 0 {
		return ""
	}
	if d.excluded == nil {
		d.excluded = map[string]*identity.Excluded{}
		for i := range d.Excluded {
			e := &d.Excluded[i]
			if e.Username != "" {
				d.excluded["name\x00"+string(identity.NewKey(e.Username))] = e
			}
			if e.EntryID != "" {
				d.excluded["id\x00"+e.EntryID] = e
			}
		}
	}
	if known != nil && known.EntryID != "" {
		if e := d.excluded["id\x00"+known.EntryID]; e != nil {
			return e.Reason()
		}
	}
	if e := d.excluded["name\x00"+string(key)]; e != nil {
		return e.Reason()
	}
	return ""
}

// recreated returns the unique id that the member's entry had, where the person's entry has
// another: then an entry was deleted, and one with the same username created. Nothing
// where it is the same or one of them is not known.
func recreated(known *identity.Member, person *identity.Person) string {
	if known.EntryID == "" || person.EntryID == "" || known.EntryID == person.EntryID {
		return ""
	}
	return known.EntryID
}

// noteEntry adds an operation on the state about a member whose entry is not the one that
// the state has.
func (c *computer) noteEntry(d *comparison, action Action, member *identity.Account, known *identity.Member, after identity.User, person *identity.Person, reason string) {
	before := recreated(known, person)
	if before != "" {
		reason = fmt.Sprintf("re-created in the directory: another unique id (was %s); the token of the earlier person stays", before)
		d.recreated = append(d.recreated, member.Username)
	}
	c.note(d, action, member, &known.User, after, person, reason)
	if before != "" {
		c.operations[len(c.operations)-1].Details = &Details{FormerEntryID: before}
	}
}

// maxNamed is how many people one warning names.
const maxNamed = 20

// namedFew lists people for a warning, the first of them where there are many.
func namedFew(usernames []string) string {
	text := strings.Join(usernames[:min(len(usernames), maxNamed)], ", ")
	if more := len(usernames) - maxNamed; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// warnOfEntries warns of members whose entries were deleted and created again, since whoever
// has the name now may be another person; and of members whose entries are excluded and
// who stay all the same.
func (c *computer) warnOfEntries() {
	for _, d := range c.domains {
		if len(d.recreated) > 0 {
			c.plan.Warnings = append(c.plan.Warnings, fmt.Sprintf("domain.%s: re-created in the directory: %s: whoever has the username now may be another person, "+
				"and has the token of the earlier one; revoke it in LoginTC if so", d.Name, namedFew(d.recreated)))
		}
		if len(d.stay) > 0 {
			c.plan.Warnings = append(c.plan.Warnings, fmt.Sprintf("domain.%s: members whose entries user.exclude excludes, and who stay, since rollcall neither added nor "+
				"adopted them: %s; remove them in LoginTC, or set unmanaged = \"remove\"", d.Name, namedFew(d.stay)))
		}
	}
}
