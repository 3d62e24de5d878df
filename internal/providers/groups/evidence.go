package groups

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// maxNamed is how many members are named, of each kind that is.
const maxNamed = 20

// Evidence says how the groups came to their members, once all of it was read. Searches
// counts what that took, the area is that of the search.
func (c *Closure) Evidence(searches int, area Area) *identity.GroupEvidence {
	e := &identity.GroupEvidence{MembersOf: slices.Clone(c.asked), Missing: c.missing, Depth: c.depth(), Searches: searches}
	var outside, elsewhere []string
	for name := range c.outside {
		outside = append(outside, name)
	}
	for _, u := range c.uids {
		if !u.seen {
			outside = append(outside, "memberUid "+u.name)
		}
	}
	for key, at := range c.number {
		switch n := &c.nodes[at]; n.state {
		case group:
			e.Read++
		case person:
			e.Members++
		case unmatched:
			e.Members++
			e.Unmatched++
			if !area.Has(key) || isForeign(key) {
				elsewhere = append(elsewhere, cmp.Or(n.name, string(key)))
			}
		case unseen:
			outside = append(outside, n.name)
		}
	}
	e.Members += len(outside)
	e.Outside, e.OutsideSome = len(outside), some(outside)
	e.Elsewhere, e.ElsewhereSome = len(elsewhere), some(elsewhere)
	e.Cycles = c.cycles()
	return e
}

// isForeign reports whether the DN is that of a foreign security principal, which stands for
// somebody of another domain of Active Directory.
func isForeign(key identity.DNKey) bool {
	return strings.Contains(string(key), ",cn=foreignsecurityprincipals,")
}

// some returns the first of the names in order.
func some(names []string) []string {
	slices.Sort(names)
	var first []string
	for _, name := range names[:min(len(names), maxNamed)] {
		first = append(first, strings.ToValidUTF8(name, "\uFFFD"))
	}
	return first
}

// depth counts the levels of groups, the ones asked for being the first.
func (c *Closure) depth() int {
	level, seen, depth := c.tops, map[int]bool{}, 0
	for _, top := range level {
		seen[top] = true
	}
	for ; len(level) > 0; depth++ {
		var next []int
		for _, at := range level {
			for _, m := range c.nodes[at].members {
				if member := int(m); c.nodes[member].state == group && !seen[member] {
					seen[member] = true
					next = append(next, member)
				}
			}
		}
		level = next
	}
	return depth
}

// cycles returns for each group that contains itself a shortest way round through it, each
// way once, from the least DN in it and back to it. They are the same whatever the order in
// which groups were read.
func (c *Closure) cycles() []string {
	keys := make([]identity.DNKey, len(c.nodes))
	for key, at := range c.number {
		keys[at] = key
	}
	byKey := func(a, b int) int { return strings.Compare(string(keys[a]), string(keys[b])) }
	below := map[int][]int{} // the groups in each group
	var all []int
	for at := range c.nodes {
		if c.nodes[at].state != group {
			continue
		}
		all = append(all, at)
		for _, m := range c.nodes[at].members {
			if c.nodes[m].state == group {
				below[at] = append(below[at], int(m))
			}
		}
		slices.SortFunc(below[at], byKey)
		below[at] = slices.Compact(below[at])
	}
	slices.SortFunc(all, byKey)
	covered := map[int]bool{}
	var found []string
	for _, at := range knotted(all, below) {
		if covered[at] {
			continue
		}
		way := wayRound(at, below)
		if len(way) == 0 {
			continue
		}
		least := slices.Index(way, slices.MinFunc(way, byKey))
		names := make([]string, 0, len(way)+1)
		for i := range len(way) + 1 {
			on := way[(least+i)%len(way)]
			covered[on] = true
			names = append(names, strings.ToValidUTF8(c.nodes[on].name, "\uFFFD"))
		}
		found = append(found, strings.Join(names, " > "))
	}
	slices.Sort(found)
	return found
}

// knotted leaves out groups that have no group in them or are in none, until there are no
// such: what is left are the cycles and what lies between two.
func knotted(all []int, below map[int][]int) []int {
	return peeled(peeled(all, below), reversed(below))
}

func reversed(below map[int][]int) map[int][]int {
	above := map[int][]int{}
	for at, inside := range below {
		for _, b := range inside {
			above[b] = append(above[b], at)
		}
	}
	return above
}

// peeled leaves out those that lead nowhere, in whatever order.
func peeled(all []int, next map[int][]int) []int {
	left, before := map[int]int{}, reversed(next)
	var bare []int
	for _, at := range all {
		if left[at] = len(next[at]); left[at] == 0 {
			bare = append(bare, at)
		}
	}
	gone := map[int]bool{}
	for len(bare) > 0 {
		at := bare[len(bare)-1]
		bare, gone[at] = bare[:len(bare)-1], true
		for _, b := range before[at] {
			if left[b]--; left[b] == 0 {
				bare = append(bare, b)
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(at int) bool { return gone[at] })
}

// wayRound returns a shortest way from a group through groups in it back to it, or nothing.
func wayRound(from int, below map[int][]int) []int {
	before := map[int]int{}
	queue := []int{from}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, next := range below[at] {
			if next == from {
				way := []int{at}
				for at != from {
					at = before[at]
					way = append(way, at)
				}
				slices.Reverse(way)
				return way
			}
			if _, seen := before[next]; !seen {
				before[next] = at
				queue = append(queue, next)
			}
		}
	}
	return nil
}
