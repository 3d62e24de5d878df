package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"

	"github.com/rollcall-cli/rollcall/bench/measure"
)

// counted is what one command allocated and called, in a process of its own.
type counted struct {
	Users int    `json:"users"`
	What  string `json:"what"`
	measure.Part
	Calls int `json:"calls"`
}

func (r *report) count(users int, what string, of measure.Part, calls counts) {
	r.Counted = append(r.Counted, counted{users, what, of, calls.Total})
}

// cost is what one more user costs: the difference of two sizes, so that what a command
// costs anyway is not in it.
type cost struct {
	What        string  `json:"what"`
	Allocations float64 `json:"allocations_per_user"`
	Octets      float64 `json:"octets_per_user"`
	Calls       float64 `json:"calls_per_user"`
}

// costs are of the smallest and the largest size that was counted.
func (r *report) costs() ([]cost, error) {
	var all []cost
	for _, small := range r.Counted {
		for _, large := range r.Counted {
			if large.What != small.What || large.Users <= small.Users {
				continue
			}
			per := func(a, b float64) float64 {
				return math.Round((b-a)/float64(large.Users-small.Users)*1000) / 1000
			}
			all = append(all, cost{
				small.What, per(float64(small.Allocations), float64(large.Allocations)),
				per(float64(small.Octets), float64(large.Octets)), per(float64(small.Calls), float64(large.Calls)),
			})
		}
	}
	if len(all) == 0 {
		return nil, errors.New("costs per user need two sizes of at most 10,000 users")
	}
	return all, nil
}

// rise is how much a count may be above the one in the repository. What is hardly any may
// vary by so much more from run to run: the runtime allocates as it likes, and pages are
// fetched ahead.
const (
	rise             = 1.10
	spareAllocations = 0.05
	spareCalls       = 0.005
)

// hold compares the costs with those in the file, or writes them there.
func (r *report) hold(file string, update bool, out io.Writer) error {
	now, err := r.costs()
	if err != nil {
		return err
	}
	if update {
		document, err := json.MarshalIndent(now, "", "  ")
		if err != nil {
			return err
		}
		return os.WriteFile(file, append(document, '\n'), 0o644)
	}
	document, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var before []cost
	if err := json.Unmarshal(document, &before); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	for _, c := range now {
		_, _ = fmt.Fprintf(out, "%s: %.2f allocations, %.0f octets and %.3f calls for each user\n", c.What, c.Allocations, c.Octets, c.Calls)
	}
	return risen(before, now)
}

// risen returns an error that names every cost which is too far above the one before.
func risen(before, now []cost) error {
	var errs []error
	for _, was := range before {
		at := slices.IndexFunc(now, func(c cost) bool { return c.What == was.What })
		if at < 0 {
			errs = append(errs, fmt.Errorf("%s: was not counted", was.What))
			continue
		}
		for _, pair := range []struct {
			of                 string
			before, now, spare float64
		}{
			{"allocations", was.Allocations, now[at].Allocations, spareAllocations},
			{"octets", was.Octets, now[at].Octets, 0},
			{"calls", was.Calls, now[at].Calls, spareCalls},
		} {
			if pair.now > pair.before*rise+pair.spare {
				errs = append(errs, fmt.Errorf("%s: %.3f %s for each user, and it was %.3f", was.What, pair.now, pair.of, pair.before))
			}
		}
	}
	return errors.Join(errs...)
}
