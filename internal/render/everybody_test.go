package render

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
)

// TestEverybodyIsNamed says that the text of any plan names everybody who is
// removed and everybody who is withheld, whatever withheld them: nobody is cut,
// folded into a count or left out because a domain has many.
func TestEverybodyIsNamed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := computed(t)
		for _, width := range []int{0, 20, 80} {
			var b strings.Builder
			if err := Text(&b, p, TextOptions{Width: width}); err != nil {
				t.Fatal(err)
			}
			rows := map[string]bool{}
			for row := range strings.Lines(b.String()) {
				for word := range strings.FieldsSeq(row) {
					rows[strings.Trim(word, ",")] = true
				}
			}
			for _, op := range p.Operations {
				if op.Action.Removes() && !rows[op.Username] {
					t.Fatalf("width %d: the removal of %s is missing from\n%s", width, op.Username, b.String())
				}
			}
			for _, x := range p.Withheld {
				if !rows[x.Username] && !strings.Contains(b.String(), "("+x.DN+")") {
					t.Fatalf("width %d: withheld %s (%s) is missing from\n%s", width, x.Username, x.DN, b.String())
				}
			}
		}
	})
}

// computed draws two domains with members who leave, under limits and guards
// that let them go or not. Usernames are of their domain, so that one row can
// not stand for another.
func computed(t *rapid.T) *plan.Plan {
	var in plan.Input
	for i, name := range []string{"site", "vpn"} {
		roster, live := lines(ada), lines(ada)
		for j := range rapid.IntRange(0, 60).Draw(t, "leavers") {
			live = append(live, fmt.Sprintf("%s.%02d | Leaver %d | leaver@example.com", name, j, j))
		}
		d := domain(name, roster, live, live)
		d.ID = strings.Repeat(fmt.Sprint(i+1), 40)
		for j := range d.Members {
			d.Members[j].Domains = []string{d.ID}
		}
		d.Policy.SyncMode = rapid.SampledFrom([]plan.SyncMode{plan.Remove, plan.Delete}).Draw(t, "sync_mode")
		d.Policy.OnLimit = rapid.SampledFrom([]plan.OnLimit{plan.WithholdOnLimit, plan.FailOnLimit}).Draw(t, "on_limit")
		d.Policy.MaxRemoveLimit = identity.Limit{Value: float64(rapid.SampledFrom([]int{0, 20, 100}).Draw(t, "limit"))}
		d.Policy.RemoveAfter = rapid.SampledFrom([]time.Duration{0, time.Hour}).Draw(t, "remove_after")
		if rapid.Bool().Draw(t, "shrunk") {
			d.Known.Rosters, d.Policy.MaxShrink = map[string]int{"directory.corp": len(live)}, identity.Limit{Value: 10, Percent: true}
		}
		for j := range rapid.IntRange(0, 3).Draw(t, "unmapped") {
			dn := fmt.Sprintf("cn=%s-%d,dc=example,dc=com", name, j)
			d.Unmapped = append(d.Unmapped, identity.Unmapped{Person: identity.Person{DN: dn}, Reason: "no username"})
		}
		in.Domains = append(in.Domains, d)
	}
	if rapid.Bool().Draw(t, "run limit") {
		in.RunLimit = &identity.Limit{Value: float64(rapid.SampledFrom([]int{0, 30, 200}).Draw(t, "run"))}
	}
	return compute(in)
}
