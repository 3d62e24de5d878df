package roster

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// roll is a roster of people and, after "!", of entries that could not become users.
func roll(directory string, usernames ...string) Part {
	b := NewBuilder(Rules{}, plain, nil)
	for _, username := range usernames {
		name, whole := strings.CutPrefix(username, "!")
		pairs := []string{"cn", "Somebody", "uid", name}
		if !whole {
			pairs = append(pairs, "mail", name+"@x.example")
		}
		b.Add(entry(username+" of "+directory, pairs...))
	}
	return Part{Directory: directory, Roster: b.Roster()}
}

func TestMerge(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		parts    []Part
		people   string // DNs
		unmapped string
		shadowed string // DNs, each with that before
		users    []int
	}{
		"one":                    {parts: []Part{roll("a", "jane", "!kim")}, people: "jane of a", unmapped: "!kim of a", users: []int{2}},
		"disjoint":               {parts: []Part{roll("a", "jane", "zoe"), roll("b", "ada", "kim")}, people: "ada of b, jane of a, kim of b, zoe of a", users: []int{2, 2}},
		"the first wins":         {parts: []Part{roll("a", "jane"), roll("b", "jane", "kim")}, people: "jane of a, kim of b", shadowed: "jane of b < jane of a", users: []int{1, 1}},
		"whatever the capitals":  {parts: []Part{roll("a", "jane"), roll("b", "Jane")}, people: "jane of a", shadowed: "Jane of b < jane of a", users: []int{1, 0}},
		"of three":               {parts: []Part{roll("a", "jane"), roll("b", "kim"), roll("c", "kim", "jane")}, people: "jane of a, kim of b", shadowed: "jane of c < jane of a, kim of c < kim of b", users: []int{1, 1, 0}},
		"though it is not valid": {parts: []Part{roll("a", "!jane"), roll("b", "jane")}, unmapped: "!jane of a", shadowed: "jane of b < !jane of a", users: []int{1, 0}},
		"over one not valid":     {parts: []Part{roll("a", "jane"), roll("b", "!jane")}, people: "jane of a", shadowed: "!jane of b < jane of a", users: []int{1, 0}},
		"no username":            {parts: []Part{roll("a", "!"), roll("b", "!", "kim")}, people: "kim of b", unmapped: "! of a, ! of b", users: []int{1, 2}},
		"two of one, one of two": {parts: []Part{roll("a", "jane", "JANE"), roll("b", "jane")}, unmapped: "JANE of a, jane of a", shadowed: "jane of b < jane of a", users: []int{2, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			merged, shadowed := Merge(c.parts)
			var people, unmapped, shadows []string
			for _, p := range merged.People {
				people = append(people, p.DN)
				if from := c.parts[p.Source].Directory; !strings.HasSuffix(p.DN, " of "+from) {
					t.Errorf("%s is from %s", p.DN, from)
				}
			}
			for _, u := range merged.Unmapped {
				unmapped = append(unmapped, u.DN)
			}
			for _, s := range shadowed {
				shadows = append(shadows, s.DN+" < "+s.ByDN)
			}
			got := []string{strings.Join(people, ", "), strings.Join(unmapped, ", "), strings.Join(shadows, ", ")}
			if diff := cmp.Diff([]string{c.people, c.unmapped, c.shadowed}, got); diff != "" {
				t.Error(diff)
			}
			for i, users := range c.users {
				if c.parts[i].Users != users {
					t.Errorf("%s gives %d users, want %d", c.parts[i].Directory, c.parts[i].Users, users)
				}
			}
		})
	}
}

func TestMergeTellsWhoseWarningItIs(t *testing.T) {
	t.Parallel()
	a, b := roll("a", "jane"), roll("b", "kim")
	b.Warnings = []string{"kim (kim of b): no number"}
	merged, _ := Merge([]Part{a, b})
	if diff := cmp.Diff([]string{"b: kim (kim of b): no number"}, merged.Warnings); diff != "" || merged.Entries != 2 {
		t.Error(diff, merged.Entries)
	}
}
