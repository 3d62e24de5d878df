// Package state keeps what rollcall manages: the members of each domain as it
// last wrote them, and whose entries they came from. One JSON file, replaced
// whole, with numbered backups, guarded by a lock of the operating system.
//
// It knows neither directories nor LoginTC, and decides nothing.
package state

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// FormatVersion is the version of the file. Load refuses others.
const FormatVersion = 1

// maxApplied is how many ids of applied plans are kept: a plan expires long
// before so many others were applied.
const maxApplied = 1000

// State is what rollcall remembers between runs. It is not safe for concurrent use.
type State struct {
	// Lineage is a UUID from the first write; empty before it.
	Lineage string
	// Serial moves by one with every write that changes content.
	Serial uint64
	// Version is the version of rollcall that wrote it.
	Version string

	domains     map[string]*domain
	directories map[string]Observation
	applied     []Applied
	approvals   []Approval
	// progress is nil where no plan was carried out in part; started says that its
	// plan is the one that is carried out now.
	progress *Progress
	started  bool
	// cipher encrypts what is written; nil where nothing is.
	cipher Cipher
	// base is what was loaded; Save replaces nothing else.
	base head
	// changed and observed say that there is content, or an observation, that the
	// file does not have yet.
	changed, observed bool
}

// Cipher encrypts a state at rest.
type Cipher interface {
	Encrypt(out io.Writer) (io.WriteCloser, error)
	Decrypt(in io.Reader) (io.Reader, error)
}

// head names one version of a state.
type head struct {
	lineage string
	serial  uint64
}

// Observation is the last complete read of a directory. It does not move the serial.
type Observation struct {
	ReadAt time.Time `json:"read_at"`
	// Rosters are by the name of the domain.
	Rosters map[string]Counts `json:"rosters"`
}

// Counts are the counts of one search.
type Counts struct {
	// Entries were read; Users are those in the roster and those withheld for
	// their data.
	Entries int `json:"entries"`
	Users   int `json:"users"`
}

// Applied is a plan that was carried out to its end.
type Applied struct {
	Plan string    `json:"plan"`
	At   time.Time `json:"at"`
}

func empty() *State {
	return &State{domains: map[string]*domain{}, directories: map[string]Observation{}}
}

// domain is the members of one domain: a sorted list and the changes to it since
// it was last merged.
type domain struct {
	id      string
	scope   map[string]string
	members []identity.Member
	changes map[identity.Key]*identity.Member // nil: removed
	// others are members who are not rollcall's; nil where none were ever recorded.
	others []string
}

// DomainNames returns the names of the domains, sorted.
func (s *State) DomainNames() []string { return slices.Sorted(maps.Keys(s.domains)) }

// Members returns the members of the domain, sorted by identity.NewKey of their
// usernames. The list is not to be changed.
func (s *State) Members(name string) []identity.Member {
	d := s.domains[name]
	if d == nil {
		return nil
	}
	d.merge()
	return d.members
}

// Member returns one member.
func (s *State) Member(name string, key identity.Key) (identity.Member, bool) {
	if d := s.domains[name]; d != nil {
		return d.get(key)
	}
	return identity.Member{}, false
}

// Upsert puts a member in, in place of one with the same key.
func (s *State) Upsert(name string, m identity.Member) {
	s.upsert(name, &m)
}

func (s *State) upsert(name string, m *identity.Member) {
	d := s.domain(name)
	key := identity.NewKey(m.Username)
	if old, ok := d.get(key); ok && same(old, *m) {
		return
	}
	d.change(key, m)
	s.changed = true
}

// Remove takes a member out.
func (s *State) Remove(name string, key identity.Key) {
	d := s.domains[name]
	if d == nil {
		return
	}
	if _, ok := d.get(key); ok {
		d.change(key, nil)
		s.changed = true
	}
}

// Scope returns what decided the roster of the domain when it was last applied,
// or nil.
func (s *State) Scope(name string) map[string]string {
	if d := s.domains[name]; d != nil {
		return d.scope
	}
	return nil
}

// SetScope records what decides the roster of the domain.
func (s *State) SetScope(name string, scope map[string]string) {
	if d := s.domain(name); d.scope == nil || !maps.Equal(d.scope, scope) {
		d.scope = maps.Clone(scope)
		s.changed = true
	}
}

// SetDomainID records LoginTC's id of the domain. The members of another one are
// not this one's, and are forgotten.
func (s *State) SetDomainID(name, id string) {
	d := s.domain(name)
	if d.id == id {
		return
	}
	if d.id != "" {
		d.members, d.changes = nil, nil
	}
	d.id = id
	s.changed = true
}

// MoveDomain gives what is known of a domain to another name.
func (s *State) MoveDomain(from, to string) error {
	switch {
	case s.domains[from] == nil:
		return fmt.Errorf("the state has no domain %q", from)
	case s.domains[to] != nil:
		return fmt.Errorf("the state has a domain %q already", to)
	}
	s.domains[to] = s.domains[from]
	delete(s.domains, from)
	for directory, o := range s.directories {
		if counts, ok := o.Rosters[from]; ok {
			o.Rosters = maps.Clone(o.Rosters)
			delete(o.Rosters, from)
			o.Rosters[to] = counts
			s.directories[directory] = o
		}
	}
	s.changed = true
	return nil
}

// DomainID returns LoginTC's id of the domain, or nothing.
func (s *State) DomainID(name string) string {
	if d := s.domains[name]; d != nil {
		return d.id
	}
	return ""
}

// Rosters returns how many people each directory gave the domain at the last look, by
// the directory's reference; nil where there was none. A domain that is given another
// directory is compared with what it was.
func (s *State) Rosters(name string) map[string]int {
	var sizes map[string]int
	for directory, o := range s.directories {
		if counts, ok := o.Rosters[name]; ok {
			if sizes == nil {
				sizes = map[string]int{}
			}
			sizes[directory] = counts.Users
		}
	}
	return sizes
}

// Read is a complete read of a directory for one domain.
type Read struct {
	// Directory is the directory's reference, At when it ended.
	Directory string
	At        time.Time
	Counts
}

// Observe records the reads of a domain's directories, in the place of its earlier ones.
func (s *State) Observe(name string, reads ...Read) {
	for directory, o := range s.directories {
		among := func(r Read) bool { return r.Directory == directory }
		if _, ok := o.Rosters[name]; ok && !slices.ContainsFunc(reads, among) {
			o.Rosters = maps.Clone(o.Rosters)
			delete(o.Rosters, name)
			s.directories[directory] = o
			s.observed = true
		}
	}
	for _, r := range reads {
		s.observe(name, r)
	}
}

func (s *State) observe(name string, r Read) {
	o := s.directories[r.Directory]
	if o.Rosters[name] == r.Counts && o.ReadAt.Equal(r.At) {
		return
	}
	o.Rosters = maps.Clone(o.Rosters)
	if o.Rosters == nil {
		o.Rosters = map[string]Counts{}
	}
	o.Rosters[name] = r.Counts
	if r.At.After(o.ReadAt) {
		o.ReadAt = r.At
	}
	s.directories[r.Directory] = o
	s.observed = true
}

// Others returns the members of the domain who were not rollcall's at the last apply,
// as it was given them, or nil where it never was.
func (s *State) Others(name string) []string {
	if d := s.domains[name]; d != nil {
		return d.others
	}
	return nil
}

// ObserveOthers records who is a member and not rollcall's, sorted. It does not move the
// serial.
func (s *State) ObserveOthers(name string, others []string) {
	d := s.domain(name)
	if d.others != nil && slices.Equal(d.others, others) {
		return
	}
	d.others = append([]string{}, others...)
	s.observed = true
}

// HasApplied reports whether the plan was applied.
func (s *State) HasApplied(plan string) bool {
	return slices.ContainsFunc(s.applied, func(a Applied) bool { return a.Plan == plan })
}

// RecordApplied records that the plan was applied to its end.
func (s *State) RecordApplied(plan string, at time.Time) {
	s.applied = append(s.applied, Applied{Plan: plan, At: at})
	s.applied = s.applied[max(0, len(s.applied)-maxApplied):]
	s.progress = nil
	s.changed = true
}

func (s *State) domain(name string) *domain {
	d := s.domains[name]
	if d == nil {
		d = &domain{}
		s.domains[name] = d
		s.changed = true
	}
	return d
}

func (d *domain) change(key identity.Key, m *identity.Member) {
	if d.changes == nil {
		d.changes = map[identity.Key]*identity.Member{}
	}
	d.changes[key] = m
}

func (d *domain) get(key identity.Key) (identity.Member, bool) {
	if m, ok := d.changes[key]; ok {
		if m == nil {
			return identity.Member{}, false
		}
		return *m, true
	}
	at, ok := slices.BinarySearchFunc(d.members, key, func(m identity.Member, key identity.Key) int {
		return strings.Compare(string(identity.NewKey(m.Username)), string(key))
	})
	if !ok {
		return identity.Member{}, false
	}
	return d.members[at], true
}

// merge brings the changes into the list.
func (d *domain) merge() {
	if len(d.changes) == 0 {
		return
	}
	keys := slices.Sorted(maps.Keys(d.changes))
	merged := make([]identity.Member, 0, len(d.members)+len(keys))
	next := 0
	for i := range d.members {
		key := identity.NewKey(d.members[i].Username)
		for next < len(keys) && keys[next] < key {
			merged = appendMember(merged, d.changes[keys[next]])
			next++
		}
		if next < len(keys) && keys[next] == key {
			continue // comes with the next key
		}
		merged = append(merged, d.members[i])
	}
	for ; next < len(keys); next++ {
		merged = appendMember(merged, d.changes[keys[next]])
	}
	d.members, d.changes = merged, nil
}

func appendMember(list []identity.Member, m *identity.Member) []identity.Member {
	if m == nil {
		return list
	}
	return append(list, *m)
}

func same(a, b identity.Member) bool {
	if (a.MissingSince == nil) != (b.MissingSince == nil) || a.MissingSince != nil && !a.MissingSince.Equal(*b.MissingSince) ||
		!a.Since.Equal(b.Since) || !a.Equal(b.User) {
		return false
	}
	a.MissingSince, b.MissingSince, a.Since, b.Since, a.User, b.User = nil, nil, time.Time{}, time.Time{}, identity.User{}, identity.User{}
	return a == b
}
