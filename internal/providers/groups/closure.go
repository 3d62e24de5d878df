package groups

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// Closure keeps the books of one search by groups: which groups were read, whom they name,
// and who of those was found. It holds keys of the members and no entries.
type Closure struct {
	asked   []string
	tops    []int // the nodes of those of them that exist
	missing []string
	number  map[identity.DNKey]int
	nodes   []node
	fresh   []Member
	uids    map[identity.Key]*uid
	urls    []URL
	sids    map[string]bool
	outside map[string]bool // what can be no entry's name, and searches that have no base
	// spellings are those of DNs that are not of ASCII alone, and of others with their keys.
	spellings map[identity.DNKey][]string
	twins     map[string]bool // entries, as in nodes, that have the key of another
}

// node is one DN that a group named, or that was found.
type node struct {
	name  string
	state state
	// members are the nodes that a group names.
	members []int32
	// named says that a group names it, handed that the entry was handed on.
	named, handed bool
	// entry is the unique id of the entry that was handed on or, without one, its DN.
	entry string
	// spelled says that a group names that entry as it is spelled itself.
	spelled bool
}

// state is what is known of a DN; of two the greater counts.
type state int8

const (
	unseen state = iota
	unmatched
	person
	group
)

// uid is a value of memberUid.
type uid struct {
	name string
	seen bool // somebody has it
}

// Member is a DN that a group names.
type Member struct {
	DN  string
	Key identity.DNKey
}

// New returns the books of a search for members of these groups.
func New(membersOf []string) (*Closure, error) {
	for _, dn := range membersOf {
		if key, err := identity.NewDNKey(dn); err != nil {
			return nil, fmt.Errorf("the group %w", err)
		} else if key == "" {
			return nil, errors.New("a group has the empty DN; name groups by their DNs")
		}
	}
	return &Closure{
		asked: membersOf, number: map[identity.DNKey]int{}, uids: map[identity.Key]*uid{},
		sids: map[string]bool{}, outside: map[string]bool{}, spellings: map[identity.DNKey][]string{}, twins: map[string]bool{},
	}, nil
}

// Asked returns the groups that are asked for.
func (c *Closure) Asked() []string { return c.asked }

// Missing enters a group of those asked for that the source does not hold.
func (c *Closure) Missing(dn string) { c.missing = append(c.missing, dn) }

// AddTop enters one of the groups asked for from its entry.
func (c *Closure) AddTop(e *identity.Entry) error {
	g := Of(e)
	if g == nil {
		return fmt.Errorf("%q is no group: it has none of the attributes %s, and is of no class of groups; name groups, or let the account that reads see their members",
			e.DN, strings.Join(MemberAttributes(), ", "))
	}
	at, err := c.add(g)
	if err == nil && !slices.Contains(c.tops, at) {
		c.tops = append(c.tops, at)
	}
	return err
}

// Add enters a group that was read. A second time for the same group changes nothing.
func (c *Closure) Add(g *Group) error {
	_, err := c.add(g)
	return err
}

func (c *Closure) add(g *Group) (int, error) {
	if g.wrong != nil {
		return 0, g.wrong
	}
	key, err := identity.NewDNKey(g.DN)
	if err != nil {
		return 0, err
	}
	at := c.at(key)
	if c.nodes[at].state == group {
		if areTwins(c.nodes[at].name, g.DN) {
			return 0, errTwins(key, g.DN)
		}
		return at, nil
	}
	c.nodes[at].state, c.nodes[at].name = group, g.DN
	for _, dn := range g.Members {
		if strings.TrimSpace(dn) == "" {
			continue // the value of a group that may not be empty and is
		}
		key, err := identity.NewDNKey(dn)
		if err != nil {
			c.outside[dn] = true
			continue
		}
		member := c.at(key)
		n := &c.nodes[member]
		other := c.spelled(key, dn, n.named)
		if other || !n.named {
			c.fresh = append(c.fresh, Member{dn, key})
		}
		if !n.named {
			n.named = true
			if n.state == unseen {
				n.name = dn
			}
		}
		c.nodes[at].members = append(c.nodes[at].members, int32(member)) //nolint:gosec // fewer than 2^31 fit in memory
	}
	for _, name := range g.UIDs {
		if key := identity.NewKey(name); name != "" && c.uids[key] == nil {
			c.uids[key] = &uid{name: name}
		}
	}
	for _, u := range g.URLs {
		if !slices.Contains(c.urls, u) {
			c.urls = append(c.urls, u)
		}
	}
	if g.SID != "" {
		c.sids[g.SID] = true
	}
	return at, nil
}

// at returns the node of a key.
func (c *Closure) at(key identity.DNKey) int {
	at, known := c.number[key]
	if !known {
		at = len(c.nodes)
		c.number[key] = at
		c.nodes = append(c.nodes, node{})
	}
	return at
}

// spelled enters how a DN is spelled, and reports whether it may be looked for in this
// spelling too: "strauß" and "strauss" have one key (RFC 4518, 2.2), and there are servers
// that have an entry of each.
func (c *Closure) spelled(key identity.DNKey, dn string, named bool) bool {
	known := c.spellings[key]
	same := func(s string) bool { return strings.EqualFold(s, dn) }
	if len(known) == 0 && isASCII(dn) || slices.ContainsFunc(known, same) {
		return false
	}
	if len(known) == 0 && named { // in ASCII
		known = append(known, string(key))
	}
	c.spellings[key] = append(known, dn)
	return true
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

// Fresh returns the DNs that groups named since it was asked last, each spelling with
// characters beyond ASCII once in all, others once.
func (c *Closure) Fresh() []Member {
	fresh := c.fresh
	c.fresh = nil
	return fresh
}

// Names reports whether a group names the DN.
func (c *Closure) Names(key identity.DNKey) bool {
	at, known := c.number[key]
	return known && c.nodes[at].named
}

// Open reports whether a group names the DN and no entry of it was seen yet.
func (c *Closure) Open(key identity.DNKey) bool {
	at, known := c.number[key]
	return known && c.nodes[at].state == unseen
}

// Hand enters an entry that is wanted, and reports whether it is the first time. Of several
// entries with one key each must be named in its own spelling, else it is an error: it can
// not be told which of them is meant.
func (c *Closure) Hand(e *identity.Entry, key identity.DNKey) (bool, error) {
	at, entry := c.at(key), cmp.Or(e.ID, e.DN)
	c.see(at, person)
	n := &c.nodes[at]
	isSpelled := slices.ContainsFunc(c.spellings[key], func(s string) bool { return strings.EqualFold(s, e.DN) })
	switch {
	case !n.handed:
		n.handed, n.entry, n.spelled = true, entry, isSpelled
		return true, nil
	case strings.EqualFold(n.entry, entry), c.twins[entry], e.ID == "" && !areTwins(n.entry, entry):
		return false, nil
	case n.spelled && isSpelled:
		c.twins[entry] = true
		return true, nil
	}
	return false, errTwins(key, e.DN)
}

// areTwins reports whether two spellings of DNs with one key may be those of two entries.
func areTwins(a, b string) bool { return !strings.EqualFold(a, b) && (!isASCII(a) || !isASCII(b)) }

func errTwins(key identity.DNKey, dn string) error {
	return fmt.Errorf("there are several entries %q: their DNs are the same as RFC 4518 compares them, as with \"ß\" and \"ss\", so that it can not be told "+
		"which of them a group names; rename one (one is %q)", string(key), dn)
}

// Unmatched enters a member that exists and that the search leaves out.
func (c *Closure) Unmatched(key identity.DNKey) {
	at := c.at(key)
	c.see(at, unmatched)
}

func (c *Closure) see(at int, s state) {
	n := &c.nodes[at]
	if n.state = max(n.state, s); n.state == person {
		n.name = "" // whoever is found is not named in the evidence
	}
}

// Outside enters a search for members that has no base.
func (c *Closure) Outside(u URL) { c.outside[u.Text] = true }

// UIDs returns the values of memberUid that nobody was seen to have, in order.
func (c *Closure) UIDs() []string {
	var names []string
	for _, u := range c.uids {
		if !u.seen {
			names = append(names, u.name)
		}
	}
	slices.Sort(names)
	return names
}

// HasUID reports whether a group names one of the values of uid, and enters that it was seen.
func (c *Closure) HasUID(values []string) bool {
	has := false
	for _, value := range values {
		if u := c.uids[identity.NewKey(value)]; u != nil {
			u.seen, has = true, true
		}
	}
	return has
}

// URLs returns the searches that dynamic groups stand for.
func (c *Closure) URLs() []URL { return c.urls }

// RIDs returns the values of primaryGroupID that people have whose primary group is one of
// the groups, in order.
func (c *Closure) RIDs() []string {
	var rids []string
	for sid := range c.sids {
		_, rid := splitSID(sid)
		rids = append(rids, rid)
	}
	slices.Sort(rids)
	return slices.Compact(rids)
}

// HasPrimary reports whether the primary group of an entry, by its primaryGroupID and
// objectSid, is one of the groups. Without an objectSid it is taken to be of their domain.
func (c *Closure) HasPrimary(e *identity.Entry) bool {
	rid, ok := e.First("primaryGroupID")
	if !ok || len(c.sids) == 0 {
		return false
	}
	if sid, ok := e.First("objectSid"); ok {
		if domain, _ := splitSID(sidText(sid)); domain != "" {
			return c.sids[domain+"-"+rid]
		}
	}
	return slices.Contains(c.RIDs(), rid)
}
