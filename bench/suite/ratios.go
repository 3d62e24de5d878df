package main

import (
	"fmt"
	"slices"
	"strings"
)

// ratios says how rollcall stands to what it is compared with, size by size.
func (r *report) ratios() []string {
	var lines []string
	var sizes []int
	for _, x := range r.Results {
		if len(sizes) == 0 || sizes[len(sizes)-1] != x.Users {
			sizes = append(sizes, x.Users)
		}
	}
	for i, n := range sizes {
		if slices.Contains(sizes[:i], n) {
			continue
		}
		lines = append(lines, r.ofFloors(n)...)
		lines = append(lines, r.ofLoops(n)...)
		lines = append(lines, r.ofFar(n)...)
		lines = append(lines, r.ofTofu(n)...)
	}
	return lines
}

// ofFloors compares a plan with nothing to do with what only reads, round by round.
func (r *report) ofFloors(n int) []string {
	plans, searches, ldap, http := r.find(n, nothingToDo), r.find(n, floorLdapsearch), r.find(n, floorGoLDAP), r.find(n, floorHTTP)
	if len(ldap) == 0 {
		return nil
	}
	slower := make([]reading, len(plans))
	pairs := make([]float64, len(plans))
	for i := range plans {
		slower[i] = ldap[i]
		if http[i].Sample.Seconds > ldap[i].Sample.Seconds {
			slower[i] = http[i]
		}
		pairs[i] = seconds(plans[i]) / seconds(slower[i])
	}
	lines := []string{fmt.Sprintf("%d users: a plan with nothing to do takes %.2f times the slower of the floors of go-ldap and HTTP (medians), of rounds %.2f; %.2f times ldapsearch; its calls: %v",
		n, middle(plans, seconds)/middle(slower, seconds), pairs, middle(plans, seconds)/middle(searches, seconds), plans[0].Calls.Calls)}
	if of := r.find(n, comparison); len(of) > 0 {
		lines = append(lines, fmt.Sprintf("%d users: comparison alone %.3f s, %.2f µs and %.0f octets in %.2f pieces a user", n, seconds(of[0]), seconds(of[0])*1e6/float64(n), float64(of[0].Octets)/float64(n), float64(of[0].Allocations)/float64(n)))
	}
	return lines
}

// ofLoops compares with one user at a time.
func (r *report) ofLoops(n int) []string {
	of := r.find(n, loopPlan)
	if len(of) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%d users: to find each user takes %.1f times as long as the plan with nothing to do (%d of them were, and no directory was read)", n, seconds(of[0])/middle(r.find(n, nothingToDo), seconds), of[0].Of)}
}

func (r *report) ofFar(n int) (lines []string) {
	if plan, pages := r.find(n, farPlan), r.find(n, farPages); len(pages) > 0 {
		lines = append(lines, fmt.Sprintf("%d users, far: a plan with nothing to do is %.1f times faster than page after page", n, seconds(pages[0])/seconds(plan[0])))
	}
	if joins, loop := r.find(n, farJoins), r.find(n, farLoop); len(loop) > 0 {
		lines = append(lines, fmt.Sprintf("%d users, far: apply of joins is %.1f times faster than the loop (%d of them were done)", n, seconds(loop[0])/seconds(joins[0]), loop[0].Of))
	}
	for _, what := range []string{limitUnknown, limitKnown} {
		for _, of := range r.find(n, what) {
			served := of.Calls.Total - of.Calls.Refused
			lines = append(lines, fmt.Sprintf("%d users, %s: %.1f%% of %d calls a second used (a first burst of as many not counted), %d of %d calls refused, none for good",
				n, what, 100*float64(served-rateLimit)/(rateLimit*seconds(of)), rateLimit, of.Calls.Refused, of.Calls.Total))
		}
	}
	return lines
}

func (r *report) ofTofu(n int) (lines []string) {
	for _, pair := range [][2]string{{tofuPlan, besidePlan}, {tofuApply, besideApply}, {tofuApply, besideJoins}, {tofuApply, besideJob}, {tofuNothing, besideNothing}} {
		tofu, own := r.find(n, pair[0]), r.find(n, pair[1])
		if len(own) == 0 {
			continue
		}
		line := fmt.Sprintf("%d resources: %s takes %.1f times as long as rollcall's %s, and %.1f times the memory",
			n, pair[0], seconds(tofu[0])/seconds(own[0]), strings.TrimPrefix(pair[1], "beside OpenTofu: "), peak(tofu[0])/peak(own[0]))
		if own[0].Disk > 0 {
			line += fmt.Sprintf("; what it writes is %.1f times as large", disk(tofu[0])/disk(own[0]))
		}
		lines = append(lines, line)
	}
	return lines
}
