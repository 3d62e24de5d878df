package identity

import (
	"cmp"
	"slices"
)

// Known are the members that the state has of a domain, sorted by the keys of their
// usernames. What is read of the same people afterwards is mostly the same text: it is in
// memory once where it was unified with them.
type Known []Member

// find returns the member with the key, or nil.
func (k Known) find(key Key) *Member {
	at, found := slices.BinarySearchFunc(k, key, func(m Member, key Key) int { return cmp.Compare(NewKey(m.Username), key) })
	if !found {
		return nil
	}
	return &k[at]
}

// UnifyPerson lets the person have the member's texts where they are equal to its own. The
// key is that of its username.
func (k Known) UnifyPerson(key Key, p *Person) {
	if m := k.find(key); m != nil {
		unifyUser(&p.User, m)
		unify(&p.DN, m.DN)
		unify(&p.EntryID, m.EntryID)
	}
}

// UnifyAccount does the same for an account.
func (k Known) UnifyAccount(a *Account) {
	if m := k.find(NewKey(a.Username)); m != nil {
		unify(&a.ID, m.UserID)
		unifyUser(&a.User, m)
	}
}

// UnifyAccounts does the same for a page of accounts.
func (k Known) UnifyAccounts(page []Account) {
	for i := range page {
		k.UnifyAccount(&page[i])
	}
}

func unifyUser(u *User, m *Member) {
	unify(&u.Username, m.Username)
	unify(&u.Name, m.Name)
	unify(&u.Email, m.Email)
}

func unify(text *string, known string) {
	if *text == known {
		*text = known
	}
}
