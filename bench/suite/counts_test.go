package main

import (
	"strings"
	"testing"

	"github.com/rollcall-cli/rollcall/bench/measure"
)

// costsOf are those of a report in which a command took so much for two sizes.
func costsOf(t *testing.T, allocations, octets uint64, calls int) []cost {
	t.Helper()
	r := newReport()
	for _, n := range []int{1000, 10_000} {
		r.count(n, "plan", measure.Part{Allocations: 777 + uint64(n)*allocations, Octets: 4096 + uint64(n)*octets}, counts{Total: 3 + n*calls/100})
	}
	costs, err := r.costs()
	if err != nil {
		t.Fatal(err)
	}
	return costs
}

func TestCostsPerUser(t *testing.T) {
	t.Parallel()
	want := cost{What: "plan", Allocations: 20, Octets: 1000, Calls: 0.01}
	if got := costsOf(t, 20, 1000, 1); len(got) != 1 || got[0] != want {
		t.Errorf("%+v", got)
	}
}

func TestRisen(t *testing.T) {
	t.Parallel()
	before := costsOf(t, 20, 1000, 1)
	for name, c := range map[string]struct {
		now  []cost
		want string
	}{
		"the same":             {costsOf(t, 20, 1000, 1), ""},
		"less":                 {costsOf(t, 10, 500, 0), ""},
		"a tenth more":         {costsOf(t, 22, 1100, 1), ""},
		"more allocations":     {costsOf(t, 23, 1000, 1), "plan: 23.000 allocations for each user, and it was 20.000"},
		"more octets":          {costsOf(t, 20, 1101, 1), "plan: 1101.000 octets for each user, and it was 1000.000"},
		"a call for each user": {costsOf(t, 20, 1000, 100), "plan: 1.000 calls for each user, and it was 0.010"},
		"not counted":          {nil, "plan: was not counted"},
	} {
		err := risen(before, c.now)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, and not %q", name, err, c.want)
		}
	}
}
