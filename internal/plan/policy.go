package plan

import (
	"time"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// Policy is what may be done to a domain.
type Policy struct {
	// Name is the reference of the policy, such as "policy.standard".
	Name           string
	SyncMode       SyncMode
	MaxRemoveLimit identity.Limit
	OnLimit        OnLimit
	TokenMode      TokenMode
	// Protect are patterns of usernames that are never removed, deleted or
	// changed: * stands for any characters, ? for one; case does not matter.
	Protect []string
	// RemoveUnmanaged says that members that are neither in the state nor match
	// an entry are removed like those that rollcall added.
	RemoveUnmanaged bool
	// MaxShrink is the share of a roster that may be gone since the state's last
	// look before every removal is withheld.
	MaxShrink identity.Limit
	// RemoveAfter is how long a member must have been missing before it is removed.
	RemoveAfter time.Duration
	// OnRename says what is done about a member whose entry has another username.
	OnRename OnRename
	// Notify is the administrator who is told of new and removed users, or empty.
	Notify string
}

// SyncMode says what happens to members that are not in the directory.
type SyncMode string

// The modes of LoginTC's own sync tool.
const (
	AddOnly SyncMode = "add_only"
	Remove  SyncMode = "remove"
	Delete  SyncMode = "delete"
)

// TokenMode says what newly added members get.
type TokenMode string

// The token modes of LoginTC's own sync tool.
const (
	NoToken           TokenMode = "do_not_issue_token"
	TokenWithoutEmail TokenMode = "issue_token_without_email"
	TokenWithEmail    TokenMode = "issue_token_with_email"
)

// action is the operation that issues a token in that mode, or empty.
func (m TokenMode) action() Action {
	switch m {
	case TokenWithoutEmail:
		return IssueToken
	case TokenWithEmail:
		return EmailToken
	case NoToken:
	}
	return ""
}

// OnLimit says what passing a limit does.
type OnLimit string

// Removals are withheld and the rest goes on, or everything stops.
const (
	WithholdOnLimit OnLimit = "withhold"
	FailOnLimit     OnLimit = "fail"
)

// OnRename says what a new username of a person does.
type OnRename string

// A new user joins and the old one leaves, as far as the limits allow; or neither.
const (
	ReplaceOnRename  OnRename = "replace"
	WithholdOnRename OnRename = "withhold"
)
