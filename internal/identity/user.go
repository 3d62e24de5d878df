package identity

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// User is what LoginTC knows of a person and what rollcall may write.
type User struct {
	// Username has 1 to 128 characters and can not be changed in LoginTC.
	Username string `json:"username"`
	// Name has 1 to 128 characters.
	Name  string `json:"name"`
	Email string `json:"email"`
	// AliasSet is nil where nothing is said of aliases, which costs most users but a
	// pointer. Read it with Aliases, replace it with SetAliases, compare users with
	// Equal.
	*AliasSet
}

// Person is a user of a roster, with the entry that it was mapped from.
type Person struct {
	User
	DN string `json:"dn"`
	// EntryID is the unique id of the entry, or empty where the source has none.
	EntryID string `json:"entry_id,omitempty"`
	// Source is the place of the entry's directory among those of its domain, from 0.
	Source int `json:"-"`
	// Holdings are the numbers that the user is to have, in E.164 form, sorted; nil
	// where there are none.
	*Holdings
}

// Account is a user as LoginTC holds it.
type Account struct {
	// ID has 40 hexadecimal characters.
	ID string `json:"id"`
	User
	// Domains are the ids of all domains that the user is a member of.
	Domains []string `json:"domains,omitempty"`
	// Holdings are nil where only documented calls are used.
	*Holdings
}

// Holdings are what a user is given and keeps. Most users cost but a nil pointer.
type Holdings struct {
	// PhoneNumbers of an account are in the form in which LoginTC has them.
	PhoneNumbers []string `json:"phones,omitempty"`
	// GroupNames are the names of LoginTC groups.
	GroupNames []string `json:"groups,omitempty"`
}

// Phones returns the phone numbers; h may be nil.
func (h *Holdings) Phones() []string {
	if h == nil {
		return nil
	}
	return h.PhoneNumbers
}

// Groups returns the names of the groups; h may be nil.
func (h *Holdings) Groups() []string {
	if h == nil {
		return nil
	}
	return h.GroupNames
}

// Member is a membership that rollcall manages: what it last wrote, and whose
// entry it came from. The state keeps one per domain and username.
type Member struct {
	// UserID is LoginTC's id of the user.
	UserID string `json:"user_id"`
	// User is what was last written or, for an adopted member, last seen.
	User
	DN      string `json:"dn"`
	EntryID string `json:"entry_id,omitempty"`
	// Since is when the member was added or adopted.
	Since  time.Time `json:"since"`
	Origin Origin    `json:"origin"`
	// MissingSince is when an apply first found the entry missing from the
	// directory; nil while it is there.
	MissingSince *time.Time `json:"missing_since,omitempty"`
	// TokenDue says that a token was to be issued when the member was added and
	// has not been.
	TokenDue bool `json:"token_due,omitempty"`
}

// Origin says how a member came to be managed.
type Origin string

// A member was added by rollcall, was there already and matched an entry, or is
// not rollcall's at all and noted only since unmanaged members are removed when
// they have been missing for remove_after.
const (
	OriginAdded     Origin = "added"
	OriginAdopted   Origin = "adopted"
	OriginUnmanaged Origin = "unmanaged"
)

// Key is the form of a username by which two are the same: Unicode NFC, without
// case (simple folding, a character for a character). LoginTC does not document
// whether its usernames have case.
type Key string

// NewKey returns the key of a username. It allocates nothing for a username of
// lower-case ASCII.
func NewKey(username string) Key {
	lower := true
	for i := range len(username) {
		c := username[i]
		if c >= utf8.RuneSelf {
			return Key(norm.NFC.String(strings.Map(fold, norm.NFC.String(username))))
		}
		if 'A' <= c && c <= 'Z' {
			lower = false
		}
	}
	if lower {
		return Key(username)
	}
	return Key(strings.ToLower(username))
}

// fold returns one character for all that differ from it by case alone.
func fold(r rune) rune {
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	if least == unicode.SimpleFold(least) {
		return r // it has no case
	}
	return unicode.ToLower(least)
}
