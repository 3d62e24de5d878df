package roster

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// EmptyError says that a directory gave no users and was not expected to.
type EmptyError struct {
	// Domain and Directory are references; Entries counts the entries that were
	// read and could not be mapped, FirstReason is why for one of them; Excluded those
	// among them that user.exclude excludes.
	Domain, Directory string
	Search            identity.Evidence
	Entries, Excluded int
	FirstReason       string
}

func (e *EmptyError) Error() string {
	what := "no entries"
	switch {
	case e.Excluded > 0 && e.Excluded == e.Entries:
		what = fmt.Sprintf("%d entries, all of which user.exclude excludes,", e.Entries)
	case e.Excluded > 0:
		what = fmt.Sprintf("%d entries, of which user.exclude excludes %d and none could be mapped to a user (the first: %s)", e.Entries, e.Excluded, e.FirstReason)
	case e.Entries > 0:
		what = fmt.Sprintf("%d entries, none of which could be mapped to a user (the first: %s)", e.Entries, e.FirstReason)
	}
	groups, check := "", "the base and the filter"
	if g := e.Search.Groups; g != nil {
		members := "1 member"
		if g.Members != 1 {
			members = fmt.Sprintf("%d members", g.Members)
		}
		groups = fmt.Sprintf(" in the groups %s, which name %s", strings.Join(g.MembersOf, "; "), members)
		check = "the base, the filter and the groups"
	}
	return fmt.Sprintf("%s: %s returned %s for base %q and filter %q%s: nothing was compared, since a bind account that lost "+
		"its read permission is answered just so; check the account, %s, or set allow_empty = true if it is right",
		e.Domain, e.Directory, what, e.Search.BaseDN, e.Search.Filter, groups, check)
}

// CheckEmpty returns an error if the roster has no users.
func (r *Roster) CheckEmpty(domain, directory string, evidence identity.Evidence) error {
	if len(r.People) > 0 {
		return nil
	}
	err := &EmptyError{Domain: domain, Directory: directory, Search: evidence, Entries: r.Entries, Excluded: len(r.Excluded)}
	if len(r.Unmapped) > 0 {
		err.FirstReason = r.Unmapped[0].DN + ": " + r.Unmapped[0].Reason
	}
	return err
}

// CanaryError says that users that must be in a directory are not.
type CanaryError struct {
	// Where is the reference whose canaries they are.
	Where   string
	Missing []string
}

func (e *CanaryError) Error() string {
	return fmt.Sprintf("%s: %s not found though named in canaries: the read is taken to be wrong and nothing was compared; "+
		"check the bind account, the base and the filter, or take the name out of canaries if the person left",
		e.Where, strings.Join(e.Missing, ", "))
}

// CheckCanaries returns an error if a canary is in none of the rosters. One that is
// excluded was read.
func CheckCanaries(where string, canaries []string, rosters ...*Roster) error {
	var missing []string
	for _, canary := range canaries {
		if !slices.ContainsFunc(rosters, func(r *Roster) bool { return r.has(identity.NewKey(canary)) }) {
			missing = append(missing, canary)
		}
	}
	if len(missing) > 0 {
		return &CanaryError{Where: where, Missing: missing}
	}
	return nil
}

func (r *Roster) has(key identity.Key) bool {
	_, found := slices.BinarySearchFunc(r.People, key, func(p identity.Person, key identity.Key) int {
		return strings.Compare(string(identity.NewKey(p.Username)), string(key))
	})
	return found || slices.ContainsFunc(r.Unmapped, func(u identity.Unmapped) bool {
		return u.Username != "" && identity.NewKey(u.Username) == key
	}) || slices.ContainsFunc(r.Excluded, func(e identity.Excluded) bool {
		return e.Username != "" && identity.NewKey(e.Username) == key
	})
}

// ValidationError is what local_validation makes of people who can not be mapped.
type ValidationError struct {
	Domain   string
	Unmapped []identity.Unmapped
}

func (e *ValidationError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d entries are not valid users, and local_validation stops the run before anything is sent; "+
		"correct them in the directory, set default_name or default_email, or turn local_validation off:", e.Domain, len(e.Unmapped))
	for _, u := range e.Unmapped {
		fmt.Fprintf(&b, "\n  %s: %s", u.DN, u.Reason)
	}
	return b.String()
}

// CheckValid returns an error if anybody could not be mapped.
func (r *Roster) CheckValid(domain string) error {
	if len(r.Unmapped) == 0 {
		return nil
	}
	return &ValidationError{Domain: domain, Unmapped: r.Unmapped}
}
