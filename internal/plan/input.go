package plan

import (
	"cmp"
	"slices"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// Input is everything that a plan is made of.
type Input struct {
	Domains []DomainInput
	// Organization holds the users of the organization, for people who are
	// members of none of the domains. It may be empty if HasStrangers says no.
	Organization []identity.Account
	// Partial says that the configuration has domains that were not read, so that
	// nobody is deleted on the ground that no domain wants them.
	Partial bool
	// Others are the policies of those domains: whom they protect is protected.
	Others []Policy
	// RunLimit bounds the removals of all domains together; nil where none is set.
	RunLimit *identity.Limit
	// RequestsPerSecond is the configured rate, 0 where none is set.
	RequestsPerSecond float64
	// Jobs says that the operations of a domain are carried out as one job.
	Jobs bool
}

// DomainInput is one domain: its roster, its live members, its state, its policy.
type DomainInput struct {
	// Name, ID, Title, Sources, Shadowed and Scope go into the plan as they are.
	Name, ID, Title string
	Sources         []Source
	Shadowed        []identity.Shadowed
	Scope           Scope
	Policy          Policy
	// People are sorted by the keys of their usernames, which differ.
	People []identity.Person
	// Unmapped are in the directory and could not become users.
	Unmapped []identity.Unmapped
	// Excluded are in the directory and treated as if they were not.
	Excluded []identity.Excluded
	// Warnings are about values of people that were not used.
	Warnings []string
	// Group is the LoginTC group that all people are in; empty for none.
	Group string
	// Phone gives a number that LoginTC has in the form of those of People; nil
	// where they have one form.
	Phone func(string) string
	// Members are the live members in any order, Pages the calls that listing
	// them took.
	Members []identity.Account
	Pages   int
	// Known is what the state has of the domain.
	Known Known
}

// Known is what the state has of a domain.
type Known struct {
	// Members are sorted by the keys of their usernames, which differ.
	Members []identity.Member
	// Scope is nil where none was recorded.
	Scope Scope
	// Rosters are the people whom each directory gave the domain at the state's last look,
	// mapped or not, by its reference; nil where there was none.
	Rosters map[string]int
	// Others are the members who were not rollcall's at the last apply, as in Domain; nil
	// where none was recorded.
	Others []string
}

// HasStrangers reports whether a roster has people who are not members of the
// domain that wants them: only then is the organization's list of users needed.
func (in Input) HasStrangers() bool {
	for _, d := range newComputer(in).domains {
		for range d.strange {
			return true
		}
	}
	return false
}

// accounts are sorted as byKey does.
type accounts []keyedAccount

// index returns the accounts that one of the wanted usernames may have. Wanted is sorted.
func (in *Input) index(wanted []identity.Key) accounts {
	var found accounts
	add := func(list []identity.Account) {
		for i := range list {
			key := identity.NewKey(list[i].Username)
			if _, is := slices.BinarySearch(wanted, key); is {
				found = append(found, keyedAccount{key, &list[i]})
			}
		}
	}
	if len(wanted) > 0 {
		add(in.Organization)
		for _, d := range in.Domains {
			add(d.Members)
		}
	}
	slices.SortStableFunc(found, byKey) // of one user the organization's comes first
	return slices.CompactFunc(found, func(a, b keyedAccount) bool { return a.key == b.key && a.ID == b.ID })
}

// of returns the accounts of a username.
func (list accounts) of(key identity.Key) accounts {
	first, found := slices.BinarySearchFunc(list, key, func(a keyedAccount, key identity.Key) int { return cmp.Compare(a.key, key) })
	if !found {
		return nil
	}
	end := first + 1
	for end < len(list) && list[end].key == key {
		end++
	}
	return list[first:end]
}

// pick returns the account of a username: the exact spelling first, else the
// only one that differs by case alone. Ambiguous says that there are several.
func pick(candidates []keyedAccount, username string) (account *identity.Account, ambiguous bool) {
	for _, a := range candidates {
		if a.Username == username {
			return a.Account, false
		}
	}
	switch len(candidates) {
	case 0:
		return nil, false
	case 1:
		return candidates[0].Account, false
	}
	return nil, true
}

// keyedAccount is an account with the key of its username, computed once.
type keyedAccount struct {
	key identity.Key
	*identity.Account
}

func sortAccounts(list []identity.Account) accounts {
	sorted := make(accounts, len(list))
	for i := range list {
		sorted[i] = keyedAccount{identity.NewKey(list[i].Username), &list[i]}
	}
	slices.SortFunc(sorted, byKey)
	return sorted
}

func byKey(a, b keyedAccount) int {
	return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.Username, b.Username), cmp.Compare(a.ID, b.ID))
}
