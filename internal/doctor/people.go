package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// fewItems is how many cases are shown of one thing.
const fewItems = 5

// People judges who of the entries could not become a user: those who share a username,
// and those whose data is missing or wrong.
func People(entries int, unmapped []identity.Unmapped) []Check {
	shared := sharing(unmapped)
	inShared := map[identity.Key]bool{}
	duplicates := Check{Name: "duplicates", Result: OK, Detail: "no two entries have one username"}
	people := 0
	for _, same := range shared {
		inShared[identity.NewKey(same[0].Username)] = true
		people += len(same)
		if len(duplicates.Items) < fewItems {
			var dns []string
			for _, u := range same {
				dns = append(dns, u.DN)
			}
			duplicates.Items = append(duplicates.Items, same[0].Username+": "+strings.Join(dns, " and "))
		}
	}
	if len(shared) > 0 {
		duplicates.Result = Warning
		duplicates.Detail = fmt.Sprintf("%d entries share %d usernames, and all of them are withheld", people, len(shared))
		if len(shared) == 1 {
			duplicates.Detail = fmt.Sprintf("%d entries have one username, and all of them are withheld", people)
		}
		duplicates.Remedy = "let one entry of each have the username, or leave the others out with base_dn or filter"
	}
	var lacking []identity.Unmapped
	for _, u := range unmapped {
		if u.Username == "" || !inShared[identity.NewKey(u.Username)] {
			lacking = append(lacking, u)
		}
	}
	return []Check{duplicates, missing(entries, lacking)}
}

// sharing returns the entries that have one username with another entry, by username.
func sharing(unmapped []identity.Unmapped) [][]identity.Unmapped {
	byKey := map[identity.Key][]identity.Unmapped{}
	var keys []identity.Key
	for _, u := range unmapped {
		if u.Username == "" {
			continue
		}
		key := identity.NewKey(u.Username)
		same := func(other identity.Unmapped) bool {
			return other.DN == u.DN || other.EntryID != "" && other.EntryID == u.EntryID
		}
		if slices.ContainsFunc(byKey[key], same) {
			continue // one entry to which two referrals lead
		}
		if byKey[key] == nil {
			keys = append(keys, key)
		}
		byKey[key] = append(byKey[key], u)
	}
	slices.Sort(keys)
	var shared [][]identity.Unmapped
	for _, key := range keys {
		if len(byKey[key]) > 1 {
			shared = append(shared, byKey[key])
		}
	}
	return shared
}

// missing judges people who are withheld for their data, the most frequent reason first.
func missing(entries int, lacking []identity.Unmapped) Check {
	c := Check{Name: "missing data", Result: OK, Detail: "nobody is withheld for their data"}
	if len(lacking) == 0 {
		return c
	}
	type reason struct {
		text    string
		count   int
		example string
	}
	var reasons []reason
	for _, u := range lacking {
		text := kindOf(u.Reason)
		at := slices.IndexFunc(reasons, func(r reason) bool { return r.text == text })
		if at < 0 {
			at = len(reasons)
			reasons = append(reasons, reason{text: text, example: u.DN})
		}
		reasons[at].count++
	}
	slices.SortFunc(reasons, func(x, y reason) int {
		return cmp.Or(cmp.Compare(y.count, x.count), cmp.Compare(x.text, y.text))
	})
	for _, r := range reasons[:min(len(reasons), fewItems)] {
		c.Items = append(c.Items, fmt.Sprintf("%d × %s, such as %s", r.count, r.text, r.example))
	}
	if more := len(reasons) - fewItems; more > 0 {
		c.Items = append(c.Items, fmt.Sprintf("and %d other reasons", more))
	}
	c.Result = Warning
	if len(lacking) == entries {
		c.Result = Failed
	}
	c.Detail = fmt.Sprintf("%s withheld for their data", outOf(len(lacking), entries))
	c.Remedy = "correct them in the directory, change the user block, or set default_name or default_email in the policy"
	return c
}

// kindOf takes the value of one person out of a reason, so that those of many are the
// same: `email "x@" is not an address`, `name has 130 characters, LoginTC takes 128`.
func kindOf(reason string) string {
	parts := strings.Split(reason, "; ")
	for i, part := range parts {
		if before, _, found := strings.Cut(part, `" is not an address`); found {
			field, _, _ := strings.Cut(before, ` "`)
			parts[i] = field + " is not an address"
		} else if before, after, found := strings.Cut(part, " has "); found && (strings.Contains(after, "at most") || strings.Contains(after, "LoginTC takes")) {
			parts[i] = before + " is too long"
		}
	}
	return strings.Join(parts, "; ")
}
