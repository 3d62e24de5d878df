package identity

// Problem says why one field of a user could not be had from an entry.
type Problem struct {
	// Field is the field of the user block: username, name, email, alias1 to
	// alias3, phone or phones; or exclude.
	Field string
	// Absent says that the directory simply has no value, so that a default may
	// take its place.
	Absent bool
	// Text is the reason, without a full stop.
	Text string
}

// Mapped is what a user block makes of an entry.
type Mapped struct {
	// User has no value where there is a problem with it. An alias is zero where the
	// entry has none, and NoAlias where it has an empty one.
	User
	// Phones are numbers as the directory writes them.
	Phones   []string
	Problems []Problem
	// Excluded is the expression that excludes the entry; empty for one that counts.
	Excluded string
}

// Unmapped is an entry that is in the directory and could not become a user of
// the roster. Whoever it is must not be taken for gone.
type Unmapped struct {
	// Person has what could be had; Username may be empty.
	Person
	// Reason says why, without a full stop.
	Reason string
}

// Excluded is an entry that is in the directory and that the user block excludes: it is
// treated as if it were not there.
type Excluded struct {
	// Username is empty where the entry has none.
	Username, DN, EntryID string
	// Source is the expression that excludes it.
	Source string
	// From is the place of its directory among those of the domain.
	From int
}

// Reason says why whoever has the entry is treated as gone.
func (e *Excluded) Reason() string { return "excluded by user.exclude: " + e.Source }
