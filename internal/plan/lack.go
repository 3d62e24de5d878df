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

// lacks returns what the wish has, and what the domain wants beside.
func (d *comparison) lacks(w *wish, person *identity.Person) (phones, groups []lack) {
	phones, groups = w.phones, w.groups
	wanted := func(list []lack, what string) bool {
		return slices.ContainsFunc(list, func(l lack) bool { return l.what == what })
	}
	for _, phone := range person.Phones() {
		if !wanted(phones, phone) && (w.account == nil || !d.hasPhone(w.account, phone)) {
			phones = append(phones, lack{phone, d, person})
		}
	}
	if d.Group != "" && !wanted(groups, d.Group) && (w.account == nil || !slices.Contains(w.account.Groups(), d.Group)) {
		groups = append(groups, lack{d.Group, d, person})
	}
	return phones, groups
}

// give makes what a user lacks into operations.
func (c *computer) give(w *wish) {
	for _, phone := range w.phones {
		op := phone.operation(AddPhone, w, "the directory has this number, LoginTC has not")
		op.Phone = phone.what
		c.operations = append(c.operations, op)
	}
	for _, group := range w.groups {
		op := group.operation(JoinGroup, w, "all users of the domain are in this group")
		op.Group = group.what
		c.operations = append(c.operations, op)
	}
}

func (l *lack) operation(action Action, w *wish, reason string) Operation {
	op := l.domain.operation(action, l.person, reason)
	if w.account != nil {
		op.Username, op.UserID = w.account.Username, w.account.ID
	} else {
		op.Username = w.person.Username
	}
	return op
}
