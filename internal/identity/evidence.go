package identity

import "time"

// Evidence says how one search was answered. There is evidence only of a search
// that the source said was complete.
type Evidence struct {
	// Server is the URL that answered, or the path of an export. Never a credential.
	Server string `json:"server"`
	BaseDN string `json:"base_dn"`
	Scope  Scope  `json:"scope"`
	Filter string `json:"filter"`
	// Entries counts the entries returned, Pages the pages that they came in.
	Entries int `json:"entries"`
	Pages   int `json:"pages"`
	// Referrals are the referred URLs that were followed, in order;
	// ReferralsIgnored counts those left alone because the configuration says so, or
	// because nobody is there: Active Directory's own partitions.
	Referrals        []string `json:"referrals,omitempty"`
	ReferralsIgnored int      `json:"referrals_ignored,omitempty"`
	// Groups says how groups came to members; nil for a search without groups.
	Groups  *GroupEvidence `json:"groups,omitempty"`
	Started time.Time      `json:"started"`
	Ended   time.Time      `json:"ended"`
}

// Timeless returns what groups came to, without how they were read; g may be nil.
func (g *GroupEvidence) Timeless() *GroupEvidence {
	if g == nil {
		return nil
	}
	return &GroupEvidence{MembersOf: g.MembersOf, Read: g.Read, Members: g.Members, Cycles: g.Cycles}
}

// GroupEvidence says how the groups of a search came to the entries that are in them.
type GroupEvidence struct {
	// MembersOf are the groups asked for, as the search has them; Missing are those of
	// them that the source does not hold.
	MembersOf []string `json:"members_of"`
	Missing   []string `json:"missing,omitempty"`
	// Read counts the groups that were read, nested ones too, Depth the levels that they
	// are nested in (1 where none is), Members the different members that they name and
	// that are no groups, Searches the searches that all of this took.
	Read     int `json:"read"`
	Depth    int `json:"depth"`
	Members  int `json:"members"`
	Searches int `json:"searches"`
	// Cycles are groups that contain themselves, each as the way round: DNs with " > "
	// between them, sorted.
	Cycles []string `json:"cycles,omitempty"`
	// Unmatched counts members that exist and that base, scope and filter leave out. Elsewhere
	// counts those of them whose DNs are outside base and scope, and who are of another
	// directory behind a foreign security principal (MS-ADTS, 3.1.1.5.2.1); ElsewhereSome
	// are the first of them in order, at most 20. Outside
	// counts those that the source does not hold or does not show: members of another
	// directory, leftovers of deleted entries, and groups that the bind account may not
	// read. OutsideSome are the first of them in order, at most 20.
	Unmatched     int      `json:"unmatched,omitempty"`
	Elsewhere     int      `json:"elsewhere,omitempty"`
	ElsewhereSome []string `json:"elsewhere_some,omitempty"`
	Outside       int      `json:"outside,omitempty"`
	OutsideSome   []string `json:"outside_some,omitempty"`
}
