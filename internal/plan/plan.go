// Package plan computes what turns the live members of LoginTC domains into
// their rosters, checks it, and encodes it so that exactly it can be carried
// out later.
//
// A plan is inert data. Compute is a pure function: no clock, no network, no
// order of maps. Nothing here prints or sends.
package plan

import (
	"strconv"
	"time"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// FormatVersion is the version of the plan's document. A reader refuses others. Version 1 had one
// directory a domain.
const FormatVersion = 2

// Plan is everything that a reviewer sees and that apply will do: that, or
// less, never more.
type Plan struct {
	FormatVersion int `json:"format_version"`
	// ID is a digest of what the plan says, not of when it was made: two plans
	// with one id do the same.
	ID string `json:"id"`
	// Checksum is a digest of the whole document without this field.
	Checksum        string `json:"checksum,omitempty"`
	RollcallVersion string `json:"rollcall_version"`
	// ConfigDigest is the digest of the configuration that the plan was made from.
	ConfigDigest string `json:"config_digest"`
	// Lineage and Serial name the state that the plan was made from; Lineage is
	// empty where there was none yet.
	Lineage string    `json:"state_lineage"`
	Serial  uint64    `json:"state_serial"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`

	// Domains are sorted by name.
	Domains []Domain `json:"domains"`
	// Operations stand in the order in which they are carried out: those of one
	// user together, and users that only leave after all others.
	Operations []Operation `json:"operations"`
	// Withheld are sorted by domain, then username.
	Withheld []Withheld `json:"withheld,omitempty"`
	// Drift is what changed in LoginTC since rollcall last wrote, sorted by domain, then
	// username. It says nothing of what will be done.
	Drift []Drift `json:"drift,omitempty"`
	// RefreshOnly says that the plan but takes drift into the state: no directory was
	// read for it.
	RefreshOnly bool `json:"refresh_only,omitempty"`
	// RunLimit bounds the removals of all domains together; nil where none is set.
	RunLimit *LimitUse `json:"run_limit,omitempty"`
	// Failures are limits with on_limit = "fail" that were passed. A plan that
	// has any can not be applied.
	Failures []string `json:"failures,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
	// APICalls counts the calls that apply will make, its listings included;
	// APISeconds is the least time that they take at the configured rate, 0
	// where no rate is set.
	APICalls   int     `json:"api_calls"`
	APISeconds float64 `json:"api_seconds"`

	// Approval is set by Approve alone: it is in no file.
	Approval *Approval `json:"-"`
}

// Domain is what the plan says of one domain as a whole.
type Domain struct {
	Name string `json:"name"`
	// ID is LoginTC's id of the domain, Title the name that LoginTC has for it.
	ID    string `json:"id"`
	Title string `json:"title"`
	// Sources are its directories, in their order. Of people whom several have, the first
	// counts.
	Sources  []Source `json:"sources"`
	SyncMode SyncMode `json:"sync_mode"`
	// Notify is the administrator who is told by mail of new and removed users once
	// the plan is applied; empty for none.
	Notify string `json:"notify,omitempty"`
	// Roster counts the users that the domain should have, Unmapped the entries
	// that could not become users, Members those that it has now, Unmanaged those left alone since nothing says that they are
	// rollcall's, Protected those that the policy protects from a change or
	// removal that was due, Kept those that left the directory and stay because
	// the mode is add_only.
	Roster   int `json:"roster"`
	Unmapped int `json:"unmapped"`
	// Excluded counts the entries that user.exclude excludes: they are treated as not there.
	Excluded  int `json:"excluded,omitempty"`
	Members   int `json:"members"`
	Unmanaged int `json:"unmanaged"`
	Protected int `json:"protected"`
	Kept      int `json:"kept"`
	// Limit is the use of max_remove_limit.
	Limit LimitUse `json:"limit"`
	// Shadowed are entries that do not count, since a directory that comes before has their
	// usernames, sorted by username.
	Shadowed []identity.Shadowed `json:"shadowed,omitempty"`
	// Scope is what decides which entries the domain's roster is made of. Apply
	// records it in the state.
	Scope Scope `json:"scope"`
	// ScopeChanges are the differences to the scope that the state recorded: what
	// they remove, nobody left behind.
	ScopeChanges []ScopeChange `json:"scope_changes,omitempty"`
	// Shrunk says that max_shrink withheld the removals; the state then keeps
	// the earlier size of the roster to compare with.
	Shrunk bool `json:"shrunk,omitempty"`
	// Others are members that are not rollcall's, each by a digest of its id, as OtherID
	// makes it, sorted. Apply records them in the state, so that a later plan can
	// say who was added since.
	Others []string `json:"others,omitempty"`
}

// Source is one of the directories of a domain.
type Source struct {
	// Directory is its reference, such as "directory.corp".
	Directory string `json:"directory"`
	// Evidence is how its search for this domain was answered.
	Evidence identity.Evidence `json:"evidence"`
	// Users counts the people that it gives the domain, those withheld for their data too.
	Users int `json:"users"`
}

// Scope names the settings that decide a roster, and their values.
type Scope map[string]string

// ScopeChange is one setting of a scope that changed since the last apply.
type ScopeChange struct {
	Setting string `json:"setting"`
	Before  string `json:"before"`
	After   string `json:"after"`
}

// LimitUse is a limit on removals and how much of it is used.
type LimitUse struct {
	Limit identity.Limit `json:"limit"`
	// Allowed is the limit as a count, Wanted the removals that were due after
	// every other guard, Used those in the plan: Wanted, or 0 where Wanted is
	// more than Allowed.
	Allowed int `json:"allowed"`
	Wanted  int `json:"wanted"`
	Used    int `json:"used"`
}

// Action is one kind of operation.
type Action string

// The operations on LoginTC, and those on the state alone.
const (
	CreateUser  Action = "create_user" // a user of the organization
	UpdateUser  Action = "update_user" // its name, email and aliases
	JoinDomain  Action = "join_domain" // the user becomes a member
	IssueToken  Action = "issue_token" // without e-mail
	EmailToken  Action = "issue_token_with_email"
	AddPhone    Action = "associate_phone" // the user gets a phone number beside those that it has
	JoinGroup   Action = "join_group"      // the user becomes one of a LoginTC group
	LeaveDomain Action = "leave_domain"    // its token on the domain is revoked; the user stays in the organization
	DeleteUser  Action = "delete_user"     // from the organization, with every membership and token

	Adopt       Action = "adopt"        // a live member that matches an entry becomes managed
	MarkMissing Action = "mark_missing" // the entry is gone; notes since when
	MarkPresent Action = "mark_present" // the entry is back
	Record      Action = "record"       // notes what changed without rollcall: DN, entry id, values
	Forget      Action = "forget"       // neither entry nor member is left
)

// OnState reports whether the operation touches the state alone.
func (a Action) OnState() bool {
	switch a {
	case Adopt, MarkMissing, MarkPresent, Record, Forget:
		return true
	case CreateUser, UpdateUser, JoinDomain, IssueToken, EmailToken, AddPhone, JoinGroup, LeaveDomain, DeleteUser:
	}
	return false
}

// IssuesToken reports whether the operation issues a token, in one way or the other.
func (a Action) IssuesToken() bool { return a == IssueToken || a == EmailToken }

// Removes reports whether the operation takes somebody's membership away. The
// limits bound these.
func (a Action) Removes() bool { return a == LeaveDomain || a == DeleteUser }

// Operation is one thing that apply does, with what it expects to find.
type Operation struct {
	Action Action `json:"action"`
	// Domain is the name of the domain on whose behalf it is done, DomainID its
	// LoginTC id.
	Domain   string `json:"domain"`
	DomainID string `json:"domain_id"`
	// Username is LoginTC's spelling where the user exists, else the directory's.
	Username string `json:"username"`
	// UserID is LoginTC's id of the user; empty where an earlier operation of the
	// plan creates it.
	UserID string `json:"user_id,omitempty"`
	// DN and EntryID name the entry that the user comes from; for removals the
	// one that it came from, as far as the state knows.
	DN      string `json:"dn,omitempty"`
	EntryID string `json:"entry_id,omitempty"`
	// Domains are the ids of the domains that a user to delete is a member of.
	Domains []string `json:"domains,omitempty"`
	// Before is what the operation expects to find: the user's values for
	// update_user, leave_domain and delete_user; the state's for mark_missing,
	// mark_present, record and forget; nil for the others.
	Before *identity.User `json:"before,omitempty"`
	// After is what it leaves behind: the user's values for create_user,
	// update_user, join_domain, adopt (what LoginTC has), mark_present and record;
	// nil for the others. An alias that is absent stays what it is, one that is null
	// is cleared.
	After *identity.User `json:"after,omitempty"`
	// Details are nil for most operations.
	*Details
	// Reason says why, in one sentence without a full stop.
	Reason string `json:"reason"`
}

// Details are what few operations have: there may be millions of the others. Read them
// with the methods, which allow for nil.
type Details struct {
	PhoneNumber   string `json:"phone,omitempty"`
	GroupName     string `json:"group,omitempty"`
	OtherUsername string `json:"renamed,omitempty"`
	FormerEntryID string `json:"recreated,omitempty"`
}

// Phone is the number of associate_phone in E.164 form; empty for others.
func (d *Details) Phone() string { return d.orNone().PhoneNumber }

// Group is the name of join_group; empty for others.
func (d *Details) Group() string { return d.orNone().GroupName }

// Renamed is the other username of a person whose entry was renamed: the earlier one for
// join_domain, the present one for leave_domain and delete_user; empty for others.
func (d *Details) Renamed() string { return d.orNone().OtherUsername }

// Recreated is the unique id that the member's entry had, for record and mark_present of
// one whose entry has another now: it may be another person. It is empty for others.
func (d *Details) Recreated() string { return d.orNone().FormerEntryID }

func (d *Details) orNone() *Details {
	if d == nil {
		return &Details{}
	}
	return d
}

// otherName are the details of an operation on a person with another username, which may be
// empty.
func otherName(other string) *Details {
	if other == "" {
		return nil
	}
	return &Details{OtherUsername: other}
}

// Address names the membership: domain.vpn["jane.doe"].
func (o Operation) Address() string { return Address(o.Domain, o.Username) }

// Address names a membership the way commands take and print it.
func Address(domain, username string) string {
	return "domain." + domain + "[" + strconv.Quote(username) + "]"
}

// Guard names what withheld an operation.
type Guard string

// The guards. GuardData is about the person's own data, which is a warning; the
// others change the exit code.
const (
	GuardData     Guard = "data"
	GuardLimit    Guard = "max_remove_limit"
	GuardRunLimit Guard = "run_max_remove_limit"
	GuardShrink   Guard = "max_shrink"
	GuardGrace    Guard = "remove_after"
	// GuardRename is about a person who is a member under an earlier username.
	GuardRename Guard = "on_rename"
	// GuardNameless is about an entry without a username that may be the person.
	GuardNameless Guard = "no_username"
)

// Withheld is an operation that a limit or guard kept out of the plan.
type Withheld struct {
	Domain string `json:"domain"`
	// Username is empty where the entry has none.
	Username string `json:"username,omitempty"`
	DN       string `json:"dn,omitempty"`
	// Action is what would have been done; empty where it is not known because
	// the person's data are wrong.
	Action Action `json:"action,omitempty"`
	Guard  Guard  `json:"guard"`
	// Reason says why, in one sentence without a full stop.
	Reason string `json:"reason"`
	// Operation is the removal that an approval adds to the plan; nil where nothing
	// can be approved.
	Operation *Operation `json:"operation,omitempty"`
}
