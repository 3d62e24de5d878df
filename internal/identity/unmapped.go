package identity

// Problem says why one field of a user could not be had from an entry.
type Problem struct {
	// Field is the field of the user block: username, name or email.
	Field string
	// Absent says that the directory simply has no value, so that a default may
	// take its place.
	Absent bool
	// Text is the reason, without a full stop.
	Text string
}

// Unmapped is an entry that is in the directory and could not become a user of
// the roster. Whoever it is must not be taken for gone.
type Unmapped struct {
	// Person has what could be had; Username may be empty.
	Person
	// Reason says why, without a full stop.
	Reason string
}
