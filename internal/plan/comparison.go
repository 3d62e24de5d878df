package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// comparison is one domain while it is compared.
type comparison struct {
	*DomainInput
	out     Domain
	members accounts
	// people and known are the keys of People and Known.Members, place by place.
	people, known []identity.Key
	// held are usernames, entry ids and DNs of people who are in the directory and
	// could not be mapped; nameless is one of them that has no username.
	heldKeys, heldIDs, heldDNs map[string]bool
	nameless                   *identity.Unmapped
	removals                   []removal
	// limited are the removals that a limit or max_shrink withheld.
	limited []removal
	// strangers are digests of the live members who are not rollcall's.
	strangers []digest
	// renamedFrom and renamedTo are the members that are known under another username
	// than the entry has now, by the new key; and those entries, by the old one.
	renamedFrom map[identity.Key]*identity.Member
	renamedTo   map[identity.Key]*identity.Person
	// excluded are the excluded entries by unique id and username, nil until they are needed;
	// recreated are the members whose entries have other unique ids than the state knows.
	excluded  map[string]*identity.Excluded
	recreated []string
	// stay are members who are not rollcall's and whose entries are excluded.
	stay []string
}

// removal is a member that is to go.
type removal struct {
	account *identity.Account
	known   *identity.Member // nil for one that the state does not have
	reason  string
	// renamed is the username that the entry has now, or empty.
	renamed string
	// withheld is where the plan has it among the withheld, -1 where it is not.
	withheld int
}

func newComparison(in *DomainInput) *comparison {
	d := &comparison{
		DomainInput: in, members: sortAccounts(in.Members),
		people: make([]identity.Key, len(in.People)), known: make([]identity.Key, len(in.Known.Members)),
		heldKeys: map[string]bool{}, heldIDs: map[string]bool{}, heldDNs: map[string]bool{},
	}
	d.out = Domain{
		Name: in.Name, ID: in.ID, Title: in.Title, Sources: in.Sources, Shadowed: in.Shadowed, SyncMode: in.Policy.SyncMode,
		Notify: in.Policy.Notify, Roster: len(in.People), Unmapped: len(in.Unmapped), Excluded: len(in.Excluded), Members: len(in.Members),
		Scope: in.Scope, ScopeChanges: scopeChanges(in.Known.Scope, in.Scope),
	}
	for i := range in.People {
		d.people[i] = identity.NewKey(in.People[i].Username)
	}
	for i := range in.Known.Members {
		d.known[i] = identity.NewKey(in.Known.Members[i].Username)
	}
	for i := range in.Unmapped {
		u := &in.Unmapped[i]
		if !d.isRow(u) {
			d.heldDNs[dnKey(u.DN)] = true
		}
		if u.EntryID != "" {
			d.heldIDs[u.EntryID] = true
		}
		if u.Username != "" {
			d.heldKeys[string(identity.NewKey(u.Username))] = true
		} else if d.nameless == nil {
			d.nameless = u
		}
	}
	return d
}

func scopeChanges(before, after Scope) []ScopeChange {
	if before == nil {
		return nil
	}
	var settings []string
	for setting := range before {
		settings = append(settings, setting)
	}
	for setting := range after {
		if _, both := before[setting]; !both {
			settings = append(settings, setting)
		}
	}
	slices.Sort(settings)
	var changes []ScopeChange
	for _, setting := range settings {
		if before[setting] != after[setting] {
			changes = append(changes, ScopeChange{Setting: setting, Before: before[setting], After: after[setting]})
		}
	}
	return changes
}

// compare settles each username of the domain.
func (d *comparison) compare(c *computer) {
	d.findRenames()
	if adopted := min(len(d.people), len(d.members)) - len(d.known); adopted > 0 {
		c.operations = slices.Grow(c.operations, adopted) // as many at least, as a rule
	}
	d.walk(func(key identity.Key, person *identity.Person, live []keyedAccount, known *identity.Member) {
		d.drift(c, live, known)
		d.decide(c, key, person, live, known)
	})
	for i := range d.Unmapped {
		u := &d.Unmapped[i]
		c.withhold(Withheld{Domain: d.Name, Username: u.Username, DN: u.DN, Guard: GuardData, Reason: u.Reason})
	}
}

// walk goes through roster, live members and state side by side, all sorted by key, and
// yields what there is of each: a person of the roster or nil, live members, what the
// state has or nil.
func (d *comparison) walk(yield func(identity.Key, *identity.Person, []keyedAccount, *identity.Member)) {
	var people, members, known int
	for people < len(d.people) || members < len(d.members) || known < len(d.known) {
		key := d.least(people, members, known)
		var person *identity.Person
		if people < len(d.people) && d.people[people] == key {
			person = &d.People[people]
			people++
		}
		first := members
		for members < len(d.members) && d.members[members].key == key {
			members++
		}
		var record *identity.Member
		if known < len(d.known) && d.known[known] == key {
			record = &d.Known.Members[known]
			known++
		}
		yield(key, person, d.members[first:members], record)
	}
}

// least returns the least of the keys that come next, of which there is one.
func (d *comparison) least(people, members, known int) identity.Key {
	var key identity.Key
	have := false
	if people < len(d.people) {
		key, have = d.people[people], true
	}
	if members < len(d.members) && (!have || d.members[members].key < key) {
		key, have = d.members[members].key, true
	}
	if known < len(d.known) && (!have || d.known[known] < key) {
		key = d.known[known]
	}
	return key
}

// decide settles one username: a person of the roster or none, the live members
// of that name (several where they differ by case), what the state has or nil.
func (d *comparison) decide(c *computer, key identity.Key, person *identity.Person, live []keyedAccount, known *identity.Member) {
	if person == nil {
		for _, member := range live {
			d.gone(c, key, member.Account, known)
		}
		if known != nil && !d.isLive(live, known) && !d.holds(known, key) {
			c.noteGone(d, Forget, known, "neither an entry nor a member is left")
		}
		return
	}
	if len(live) == 0 {
		d.add(c, key, person, known)
		return
	}
	member, ambiguous := pick(live, person.Username)
	if !ambiguous && known != nil && known.UserID != member.ID && d.isLive(live, known) {
		ambiguous = true // the one that is rollcall's is another than the one spelled so
	}
	if ambiguous {
		c.withhold(ambiguity(d, person, live))
		c.markPresent(d, known, "the entry is in the directory, though it can not be told which user it is")
		return
	}
	d.out.Unmanaged += len(live) - 1 // others that differ by case are somebody else's
	d.keep(c, key, person, member, known)
}

// isLive reports whether the state's member is among the live ones.
func (d *comparison) isLive(live []keyedAccount, known *identity.Member) bool {
	return slices.ContainsFunc(live, func(a keyedAccount) bool { return a.ID == known.UserID })
}

// holds reports whether the member may be a person who is in the directory but
// could not be mapped.
func (d *comparison) holds(known *identity.Member, key identity.Key) bool {
	if d.heldKeys[string(key)] {
		return true
	}
	return known != nil && (known.EntryID != "" && d.heldIDs[known.EntryID] || d.heldDNs[dnKey(known.DN)])
}

// isRow reports whether the entry is a row of a table beside another directory: what stands in
// the place of its DN, such as id=1, may be that of a row of another table as well. Its
// unique id, which has the table's name, tells it apart.
func (d *comparison) isRow(u *identity.Unmapped) bool {
	return len(d.Sources) > 1 && d.Sources[u.Source].Evidence.Scope == "" && u.EntryID != ""
}

// dnKey is the form of a DN in which it is looked for; what is none stands for itself.
func dnKey(dn string) string {
	key, err := identity.NewDNKey(dn)
	if err != nil {
		return dn
	}
	return string(key)
}

func ambiguity(d *comparison, person *identity.Person, candidates []keyedAccount) Withheld {
	var names []string
	for _, a := range candidates {
		names = append(names, fmt.Sprintf("%q", a.Username))
	}
	return Withheld{
		Domain: d.Name, Username: person.Username, DN: person.DN, Guard: GuardData,
		Reason: "LoginTC has several users whose names differ only by case, and it can not be told which one this is: " + strings.Join(names, ", "),
	}
}

// add makes a person a member who is none: of an account that there is, or of a
// new one.
func (d *comparison) add(c *computer, key identity.Key, person *identity.Person, known *identity.Member) {
	candidates := c.accounts.of(key)
	account, ambiguous := pick(candidates, person.Username)
	if ambiguous {
		c.withhold(ambiguity(d, person, candidates))
		return
	}
	earlier := d.renamedFrom[key]
	if earlier != nil && d.Policy.OnRename == WithholdOnRename {
		return // withheld with the removal
	}
	w := c.wish(key, account, person, d)
	w.joins = append(w.joins, join{d, known, earlier})
}

// findRenames finds the members whose entries are in the directory under another
// username by now, by the entries' unique ids.
func (d *comparison) findRenames() {
	gone := map[string]*identity.Member{}
	for i := range d.Known.Members {
		m := &d.Known.Members[i]
		if m.EntryID != "" && m.Origin != identity.OriginUnmanaged && d.person(d.known[i]) == nil && d.isLive(d.members.of(d.known[i]), m) {
			gone[m.EntryID] = m
		}
	}
	if len(gone) == 0 {
		return
	}
	d.renamedFrom, d.renamedTo = map[identity.Key]*identity.Member{}, map[identity.Key]*identity.Person{}
	for i := range d.People {
		p := &d.People[i]
		if m := gone[p.EntryID]; m != nil && p.EntryID != "" {
			d.renamedFrom[d.people[i]], d.renamedTo[identity.NewKey(m.Username)] = m, p
		}
	}
}

// keep brings a member's values and state up to date.
func (d *comparison) keep(c *computer, key identity.Key, person *identity.Person, member *identity.Account, known *identity.Member) {
	same := person.IsMetBy(&member.User)
	if !same || d.hasLacks(member, person) {
		c.wish(key, member, person, d)
	}
	present := person.Of(member.User)
	if known == nil || known.UserID != member.ID {
		c.note(d, Adopt, member, nil, present, person, "a member that matches an entry becomes managed")
		return
	}
	after := known.User
	if same {
		after = present
	}
	switch {
	case known.MissingSince != nil:
		c.noteEntry(d, MarkPresent, member, known, after, person, "the entry is back in the directory")
	case !identity.SameDN(known.DN, person.DN) || known.EntryID != person.EntryID:
		c.noteEntry(d, Record, member, known, after, person, "the entry has another DN or unique id than the state")
	case !person.Of(after).Equal(person.Of(known.User)):
		c.note(d, Record, member, &known.User, after, person, "LoginTC has the directory's values already, the state others")
	}
	if action := d.Policy.TokenMode.action(); known.TokenDue && action != "" {
		op := d.operation(action, person, "added earlier, and the token could not be issued then")
		op.Username, op.UserID = member.Username, member.ID
		c.operations = append(c.operations, op)
	}
}

// operation returns an operation of the domain about a person.
func (d *comparison) operation(action Action, person *identity.Person, reason string) Operation {
	return Operation{
		Action: action, Domain: d.Name, DomainID: d.ID, Username: person.Username,
		DN: person.DN, EntryID: person.EntryID, Reason: reason,
	}
}
