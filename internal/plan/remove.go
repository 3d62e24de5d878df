package plan

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// gone settles a live member that no person of the roster matches. The guards
// stand in the order of the design: whose it is, protection, mode, doubt, grace.
// Limits come later, on all of them together.
func (d *comparison) gone(c *computer, key identity.Key, member *identity.Account, known *identity.Member) {
	policy := &d.Policy
	if known != nil && (known.UserID != member.ID || known.Origin == identity.OriginUnmanaged && !policy.RemoveUnmanaged) {
		known = nil // somebody else's
	}
	switch {
	case d.renamedTo[key] != nil && policy.OnRename == WithholdOnRename:
		c.withhold(Withheld{
			Domain: d.Name, Username: member.Username, DN: known.DN, Action: LeaveDomain, Guard: GuardRename,
			Reason: "the entry is " + d.renamedTo[key].Username + " now, and on_rename is \"withhold\": neither is this one removed nor that one added",
		})
		c.markPresent(d, known, "the entry is in the directory under another username")
		return
	case d.holds(known, key):
		c.markPresent(d, known, "the entry is in the directory, though it can not be mapped")
		return
	case known == nil && !policy.RemoveUnmanaged:
		d.out.Unmanaged++
		if d.exclusion(key, nil) != "" {
			d.stay = append(d.stay, member.Username)
		}
		return
	case policy.Protects(member.Username):
		d.out.Protected++
		return
	case policy.SyncMode == AddOnly:
		d.out.Kept++
		c.markMissing(d, member, known, d.exclusion(key, known))
		return
	}
	r := removal{account: member, known: known, reason: "no entry in the directory any more" + d.orGroups(), withheld: -1}
	if known == nil {
		r.reason = "no entry in the directory" + d.orGroups() + ", and unmanaged members are removed"
	}
	if reason := d.exclusion(key, known); reason != "" {
		r.reason = reason
		if known == nil {
			r.reason += ", and unmanaged members are removed"
		}
	}
	if renamed := d.renamedTo[key]; renamed != nil {
		r.renamed, r.reason = renamed.Username, "the entry is "+renamed.Username+" now, and LoginTC can not rename a user"
	}
	if d.nameless != nil && (known == nil || known.EntryID == "") {
		c.withholdRemoval(d, r, GuardNameless, fmt.Sprintf("an entry without a username may be this person: %s (%s)", d.nameless.DN, d.nameless.Reason))
		return
	}
	if wait := d.grace(known); wait != "" {
		c.withholdRemoval(d, r, GuardGrace, wait)
		c.markMissing(d, member, known, d.exclusion(key, known))
		return
	}
	d.removals = append(d.removals, r)
}

// orGroups ends a reason where the directories were asked for members of groups: who left
// these and who left the directory look alike.
func (d *comparison) orGroups() string {
	if slices.ContainsFunc(d.Sources, func(s Source) bool { return s.Evidence.Groups != nil }) {
		return ", or it is in no group of members_of"
	}
	return ""
}

// grace says how long the member must still be missing, or nothing. The clock
// is the time at which the directory was read.
func (d *comparison) grace(known *identity.Member) string {
	after := d.Policy.RemoveAfter
	if after <= 0 {
		return ""
	}
	if known == nil || known.MissingSince == nil {
		return fmt.Sprintf("missing since this plan; removed when missing for %s", after)
	}
	if due := known.MissingSince.Add(after); d.readAt().Before(due) {
		return fmt.Sprintf("missing since %s; removed from %s on", known.MissingSince.UTC().Format(time.RFC3339), due.UTC().Format(time.RFC3339))
	}
	return ""
}

// readAt is the time as of which everybody's absence is known: when the first of the
// directories was read to its end. A snapshot may be days older than the other reads.
func (d *comparison) readAt() time.Time {
	var at time.Time
	for i := range d.Sources {
		if ended := d.Sources[i].Evidence.Ended; i == 0 || ended.Before(at) {
			at = ended
		}
	}
	return at
}

// markPresent ends the time of a member whose entry is there and which nothing else
// is done about.
func (c *computer) markPresent(d *comparison, known *identity.Member, reason string) {
	if known != nil && known.MissingSince != nil {
		c.noteGone(d, MarkPresent, known, reason)
		c.operations[len(c.operations)-1].After = &known.User
	}
}

// markMissing notes since when a member is missing, once. A member that the
// state does not have gets into it this way, so that its time can run. The reason is
// empty for one that has no entry.
func (c *computer) markMissing(d *comparison, member *identity.Account, known *identity.Member, reason string) {
	switch {
	case known == nil && d.Policy.SyncMode != AddOnly && d.Policy.RemoveAfter > 0:
		known = &identity.Member{UserID: member.ID, User: member.User}
	case known == nil || known.MissingSince != nil:
		return
	}
	c.noteGone(d, MarkMissing, known, cmp.Or(reason, "the entry is missing from the directory"+d.orGroups()))
}

func (c *computer) withholdRemoval(d *comparison, r removal, guard Guard, reason string) {
	w := Withheld{Domain: d.Name, Username: r.account.Username, Action: LeaveDomain, Guard: guard, Reason: reason}
	if d.Policy.SyncMode == Delete {
		w.Action = DeleteUser
	}
	if r.known != nil {
		w.DN = r.known.DN
	}
	c.withhold(w)
}

// remove holds the removals of each domain against its limits and makes those
// that remain into operations.
func (c *computer) remove() {
	for _, d := range c.domains {
		c.shrinkage(d)
		c.limit(d)
	}
	c.runLimit()
	for _, d := range c.domains {
		d.out.Limit.Used = len(d.removals)
	}
	c.makeRemovals(func(d *comparison) []removal { return d.removals }, func(_ removal, op Operation) {
		c.operations = append(c.operations, op)
	})
	// What an approval adds is what would be done without limits.
	c.makeRemovals(func(d *comparison) []removal { return slices.Concat(d.removals, d.limited) }, func(r removal, op Operation) {
		if r.withheld >= 0 {
			c.plan.Withheld[r.withheld].Operation = &op
		}
	})
}

// makeRemovals makes the removals of all domains into operations. The last domain in
// the order that may delete a user does, if the user leaves all.
func (c *computer) makeRemovals(of func(*comparison) []removal, yield func(removal, Operation)) {
	leaving := map[string][]string{}
	for _, d := range c.domains {
		for _, r := range of(d) {
			leaving[r.account.ID] = append(leaving[r.account.ID], d.ID)
		}
	}
	for _, d := range slices.Backward(c.domains) {
		for _, r := range of(d) {
			yield(r, c.removeOne(d, r, leaving))
		}
	}
}

// withholdAll withholds every removal of the domain.
func (c *computer) withholdAll(d *comparison, guard Guard, reason string) {
	for _, r := range d.removals {
		r.withheld = len(c.plan.Withheld)
		c.withholdRemoval(d, r, guard, reason)
		c.markMissing(d, r.account, r.known, d.exclusion(identity.NewKey(r.account.Username), r.known))
		d.limited = append(d.limited, r)
	}
	d.removals = nil
}

// shrinkage withholds all removals of a domain whose roster shrank by more than
// max_shrink since the state's last look.
func (c *computer) shrinkage(d *comparison) {
	reason := d.shrunk()
	if reason == "" {
		return
	}
	d.out.Shrunk = true
	c.plan.Warnings = append(c.plan.Warnings, fmt.Sprintf("domain.%s: %s: every removal is withheld; check the directory, and approve them if so many did leave", d.Name, reason))
	c.withholdAll(d, GuardShrink, reason)
}

// shrunk says what shrank by more than max_shrink, or nothing: the whole roster or, where
// the domain has several directories, the part of one of them.
func (d *comparison) shrunk() string {
	much := func(what string, before, now int) string {
		allowed := d.Policy.MaxShrink.Of(before)
		if d.Policy.MaxShrink.Percent && d.Policy.MaxShrink.Value > 0 {
			allowed = max(allowed, 1) // one person who leaves a team of three is no sign of a broken read
		}
		if before-now <= allowed {
			return ""
		}
		return fmt.Sprintf("%s shrank from %d to %d, more than max_shrink (%s) allows", what, before, now, d.Policy.MaxShrink)
	}
	before := 0
	for _, users := range d.Known.Rosters {
		before += users
	}
	if reason := much("the roster", before, len(d.People)+len(d.Unmapped)); reason != "" || len(d.Sources) < 2 {
		return reason
	}
	for _, s := range d.Sources {
		if reason := much("the part of the roster from "+s.Directory, d.Known.Rosters[s.Directory], s.Users); reason != "" {
			return reason
		}
	}
	return ""
}

// limit withholds all removals of a domain that are more than its limit allows.
func (c *computer) limit(d *comparison) {
	use := LimitUse{Limit: d.Policy.MaxRemoveLimit, Allowed: d.Policy.MaxRemoveLimit.Of(len(d.Members)), Wanted: len(d.removals)}
	d.out.Limit = use
	if use.Wanted <= use.Allowed {
		return
	}
	reason := fmt.Sprintf("%s and max_remove_limit (%s) allows %d", due(use.Wanted), use.Limit, use.Allowed)
	if d.Policy.OnLimit == FailOnLimit {
		c.plan.Failures = append(c.plan.Failures, fmt.Sprintf("domain.%s: %s, and on_limit is \"fail\"", d.Name, reason))
	}
	c.withholdAll(d, GuardLimit, reason)
}

func due(removals int) string {
	if removals == 1 {
		return "1 removal is due"
	}
	return fmt.Sprintf("%d removals are due", removals)
}

// runLimit withholds all removals of all domains that together are more than
// the limit of the run allows.
func (c *computer) runLimit() {
	if c.in.RunLimit == nil {
		return
	}
	use := &LimitUse{Limit: *c.in.RunLimit}
	var members int
	for _, d := range c.domains {
		members += len(d.Members)
		use.Wanted += len(d.removals)
	}
	use.Allowed = use.Limit.Of(members)
	c.plan.RunLimit = use
	if use.Wanted <= use.Allowed {
		use.Used = use.Wanted
		return
	}
	reason := fmt.Sprintf("%s over all domains and the max_remove_limit of the rollcall block (%s) allows %d", due(use.Wanted), use.Limit, use.Allowed)
	for _, d := range c.domains {
		if len(d.removals) > 0 && d.Policy.OnLimit == FailOnLimit {
			c.plan.Failures = append(c.plan.Failures, fmt.Sprintf("domain.%s: %s, and on_limit is \"fail\"", d.Name, reason))
		}
		c.withholdAll(d, GuardRunLimit, reason)
	}
}

// removeOne makes one removal an operation: a deletion where the mode is delete
// and nothing else holds the user, else the end of a membership. Leaving has the
// ids of the domains that the plan takes an account out of, nothing once it is
// deleted.
func (c *computer) removeOne(d *comparison, r removal, leaving map[string][]string) Operation {
	op := Operation{
		Action: LeaveDomain, Domain: d.Name, DomainID: d.ID, Username: r.account.Username, UserID: r.account.ID,
		Before: &r.account.User, Details: otherName(r.renamed), Reason: r.reason,
	}
	if r.known != nil {
		op.DN, op.EntryID = r.known.DN, r.known.EntryID
	}
	if d.Policy.SyncMode == Delete {
		if holder := c.holder(d, r, leaving[r.account.ID]); holder != "" {
			op.Reason += "; not deleted from the organization: " + holder
		} else {
			op.Action, op.Domains = DeleteUser, slices.Sorted(slices.Values(r.account.Domains))
			leaving[r.account.ID] = nil
		}
	}
	return op
}

// holder says why a user of a domain in delete mode must not be deleted on its
// behalf, or nothing.
func (c *computer) holder(d *comparison, r removal, leaving []string) string {
	switch {
	case leaving == nil:
		return "that is done on behalf of another domain"
	case c.in.Partial:
		return "other domains of the configuration were not read"
	case c.protects(r.account.Username):
		return "a policy protects it"
	case !slices.Contains(r.account.Domains, d.ID):
		return "LoginTC did not say which domains it is a member of"
	}
	key := identity.NewKey(r.account.Username)
	for _, other := range c.domains {
		switch {
		case other == d:
		case other.person(key) != nil || other.holds(r.known, key):
			return "domain." + other.Name + " wants it"
		case other.nameless != nil && (r.known == nil || r.known.EntryID == ""):
			return "an entry of domain." + other.Name + " without a username may be this person"
		}
	}
	for _, id := range r.account.Domains {
		if !slices.Contains(leaving, id) {
			return "it is a member of " + c.domainName(id)
		}
	}
	return ""
}

// domainName names a domain of LoginTC, by its block where it has one.
func (c *computer) domainName(id string) string {
	for _, d := range c.domains {
		if d.ID == id {
			return "domain." + d.Name
		}
	}
	return "the LoginTC domain " + id
}
