package plan

import (
	"slices"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// hasLacks reports whether the account has not every phone and group that the
// domain wants it to have.
func (d *comparison) hasLacks(account *identity.Account, person *identity.Person) bool {
	if d.Group != "" && !slices.Contains(account.Groups(), d.Group) {
		return true
	}
	return slices.ContainsFunc(person.Phones(), func(phone string) bool { return !d.hasPhone(account, phone) })
}

func (d *comparison) hasPhone(account *identity.Account, phone string) bool {
	return slices.ContainsFunc(account.Phones(), func(have string) bool {
		return have == phone || d.Phone != nil && d.Phone(have) == phone
	})
}

// lack is something that a user is to get and keep: a phone number or a group.
type lack struct {
	action Action
	what   string
	domain *comparison
	person *identity.Person
}

// addLacks adds to the wish what the domain wants beside.
func (d *comparison) addLacks(w *wish, person *identity.Person) {
	add := func(action Action, what string) {
		if !slices.ContainsFunc(w.lacks, func(l lack) bool { return l.action == action && l.what == what }) {
			w.lacks = append(w.lacks, lack{action, what, d, person})
		}
	}
	for _, phone := range person.Phones() {
		if w.account == nil || !d.hasPhone(w.account, phone) {
			add(AddPhone, phone)
		}
	}
	if d.Group != "" && (w.account == nil || !slices.Contains(w.account.Groups(), d.Group)) {
		add(JoinGroup, d.Group)
	}
}

// give makes what a user lacks into operations.
func (c *computer) give(w *wish) {
	for _, l := range w.lacks {
		op := l.domain.operation(l.action, l.person, "all users of the domain are in this group")
		if l.action == AddPhone {
			op.Details, op.Reason = &Details{PhoneNumber: l.what}, "the directory has this number, LoginTC has not"
		} else {
			op.Details = &Details{GroupName: l.what}
		}
		op.Username = w.person.Username
		if w.account != nil {
			op.Username, op.UserID = w.account.Username, w.account.ID
		}
		c.operations = append(c.operations, op)
	}
}
