package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

var readAt = time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)

// user makes a user whose name and email follow from its username.
func user(username string) identity.User {
	return identity.User{Username: username, Name: "Name " + username, Email: strings.ToLower(username) + "@x.example"}
}

func person(username string) identity.Person {
	return identity.Person{User: user(username), DN: "uid=" + username, EntryID: "entry-" + username}
}

func account(username string, domains ...string) identity.Account {
	return identity.Account{ID: "id-" + username, User: user(username), Domains: domains}
}

func member(username string) identity.Member {
	return identity.Member{UserID: "id-" + username, User: user(username), DN: "uid=" + username, EntryID: "entry-" + username, Origin: identity.OriginAdded}
}

// setup is a domain in short: usernames of the roster, the live members and the state.
type setup struct {
	roster, live, state string
	change              func(*DomainInput)
}

// domain makes the input; the policy removes without bounds unless change says else.
func (s setup) domain(name string) DomainInput {
	d := DomainInput{
		Name: name, ID: "id-of-" + name, Title: strings.ToUpper(name), Pages: 1,
		Sources: []Source{{Directory: "directory.corp", Evidence: identity.Evidence{Ended: readAt}}},
		Policy: Policy{
			SyncMode: Remove, MaxRemoveLimit: identity.Limit{Value: 100}, OnLimit: WithholdOnLimit, TokenMode: NoToken,
			MaxShrink: identity.Limit{Value: 30, Percent: true},
		},
	}
	for _, name := range sortedNames(s.roster) {
		d.People = append(d.People, person(name))
	}
	for name := range strings.FieldsSeq(s.live) {
		d.Members = append(d.Members, account(name, d.ID))
	}
	for _, name := range sortedNames(s.state) {
		d.Known.Members = append(d.Known.Members, member(name))
	}
	if s.change != nil {
		s.change(&d)
	}
	return d
}

func sortedNames(names string) []string {
	fields := strings.Fields(names)
	slices.SortFunc(fields, func(a, b string) int { return strings.Compare(string(identity.NewKey(a)), string(identity.NewKey(b))) })
	return fields
}

// brief lists operations as "action address", withheld ones as "withheld guard address".
func brief(p *Plan) []string {
	lines := []string{}
	for _, op := range p.Operations {
		lines = append(lines, string(op.Action)+" "+op.Domain+" "+op.Username)
	}
	for _, w := range p.Withheld {
		lines = append(lines, "withheld "+string(w.Guard)+" "+w.Domain+" "+w.Username)
	}
	return lines
}

func TestOneDomain(t *testing.T) {
	t.Parallel()
	long := func(ago time.Duration) func(*DomainInput) {
		return func(d *DomainInput) {
			d.Policy.RemoveAfter = 72 * time.Hour
			since := readAt.Add(-ago)
			d.Known.Members[0].MissingSince = &since
		}
	}
	for name, c := range map[string]struct {
		setup
		organization string
		want         []string
	}{
		"nothing anywhere":         {want: []string{}},
		"all as it should be":      {setup: setup{roster: "a b", live: "b a", state: "a b"}, want: []string{}},
		"new user":                 {setup: setup{roster: "a"}, want: []string{"create_user vpn a", "join_domain vpn a"}},
		"user of the organization": {setup: setup{roster: "a"}, organization: "a z", want: []string{"join_domain vpn a"}},
		"token for a new member":   {setup: setup{roster: "a", change: func(d *DomainInput) { d.Policy.TokenMode = TokenWithoutEmail }}, want: []string{"create_user vpn a", "join_domain vpn a", "issue_token vpn a"}},
		"no token for an old one":  {setup: setup{roster: "a", live: "a", state: "a", change: func(d *DomainInput) { d.Policy.TokenMode = TokenWithoutEmail }}, want: []string{}},
		"token still due":          {setup: setup{roster: "a", live: "a", state: "a", change: func(d *DomainInput) { d.Policy.TokenMode = TokenWithoutEmail; d.Known.Members[0].TokenDue = true }}, want: []string{"issue_token vpn a"}},
		"adopted":                  {setup: setup{roster: "a", live: "a"}, want: []string{"adopt vpn a"}},
		"made anew by others":      {setup: setup{roster: "a", live: "a", state: "a", change: func(d *DomainInput) { d.Members[0].ID = "id-other" }}, want: []string{"adopt vpn a"}},
		"changed name":             {setup: setup{roster: "a", live: "a", state: "a", change: func(d *DomainInput) { d.People[0].Name = "New" }}, want: []string{"update_user vpn a"}},
		"changed in add_only too":  {setup: setup{roster: "a", live: "a", state: "a", change: func(d *DomainInput) { d.People[0].Email = "n@x.example"; d.Policy.SyncMode = AddOnly }}, want: []string{"update_user vpn a"}},
		"changed by hand":          {setup: setup{roster: "a", live: "a", state: "a", change: func(d *DomainInput) { d.Members[0].Name = "By hand" }}, want: []string{"update_user vpn a"}},
		"changed on both sides":    {setup: setup{roster: "a", live: "a", state: "a", change: func(d *DomainInput) { d.Members[0].Name, d.People[0].Name = "Same", "Same" }}, want: []string{"record vpn a"}},
		"moved entry":              {setup: setup{roster: "a", live: "a", state: "a", change: func(d *DomainInput) { d.People[0].DN = "uid=a,ou=Moved" }}, want: []string{"record vpn a"}},
		"left":                     {setup: setup{live: "a", state: "a"}, want: []string{"leave_domain vpn a"}},
		"left, mode delete":        {setup: setup{live: "a", state: "a", change: func(d *DomainInput) { d.Policy.SyncMode = Delete }}, want: []string{"delete_user vpn a"}},
		"left, mode add_only":      {setup: setup{live: "a", state: "a", change: func(d *DomainInput) { d.Policy.SyncMode = AddOnly }}, want: []string{"mark_missing vpn a"}},
		"left on both sides":       {setup: setup{state: "a"}, want: []string{"forget vpn a"}},
		"removed by hand":          {setup: setup{roster: "a", state: "a"}, organization: "a", want: []string{"join_domain vpn a"}},
		"unmanaged":                {setup: setup{live: "a"}, want: []string{}},
		"unmanaged = remove":       {setup: setup{live: "a", change: func(d *DomainInput) { d.Policy.RemoveUnmanaged = true }}, want: []string{"leave_domain vpn a"}},
		"protected from removal":   {setup: setup{live: "svc-x svcx", state: "svc-x svcx", change: func(d *DomainInput) { d.Policy.Protect = []string{"SVC-*"} }}, want: []string{"leave_domain vpn svcx"}},
		"protected from change":    {setup: setup{roster: "root", live: "root", state: "root", change: func(d *DomainInput) { d.People[0].Name = "New"; d.Policy.Protect = []string{"r??t"} }}, want: []string{}},
		"grace begins":             {setup: setup{live: "a", state: "a", change: func(d *DomainInput) { d.Policy.RemoveAfter = 72 * time.Hour }}, want: []string{"mark_missing vpn a", "withheld remove_after vpn a"}},
		"grace runs":               {setup: setup{live: "a", state: "a", change: long(71 * time.Hour)}, want: []string{"withheld remove_after vpn a"}},
		"grace is over":            {setup: setup{live: "a", state: "a", change: long(72 * time.Hour)}, want: []string{"leave_domain vpn a"}},
		"back, not mapped": {setup: setup{live: "a", state: "a", change: func(d *DomainInput) {
			long(time.Hour)(d)
			d.Unmapped = []identity.Unmapped{{Person: identity.Person{DN: "uid=a"}, Reason: "no email"}}
		}}, want: []string{"mark_present vpn a", "withheld data vpn "}},
		"noted while unmanaged were removed": {setup: setup{live: "a", state: "a", change: func(d *DomainInput) {
			long(100 * time.Hour)(d)
			d.Known.Members[0].Origin = identity.OriginUnmanaged
		}}, want: []string{}},
		"noted, and still to be removed": {setup: setup{live: "a", state: "a", change: func(d *DomainInput) {
			long(100 * time.Hour)(d)
			d.Known.Members[0].Origin, d.Policy.RemoveUnmanaged = identity.OriginUnmanaged, true
		}}, want: []string{"leave_domain vpn a"}},
		"the managed one is spelled otherwise": {setup: setup{roster: "jane", live: "Jane jane", state: "Jane"}, want: []string{"withheld data vpn jane"}},
		"back in time":                         {setup: setup{roster: "a", live: "a", state: "a", change: long(time.Hour)}, want: []string{"mark_present vpn a"}},
		"LoginTC's spelling stays": {setup: setup{roster: "Jane", live: "jane", state: "jane", change: func(d *DomainInput) {
			d.People[0].EntryID, d.People[0].DN = "entry-jane", "uid=jane"
			d.People[0].Name = "New"
		}}, want: []string{"update_user vpn jane"}},
		"exact spelling first":      {setup: setup{roster: "jane", live: "JANE jane", state: "jane"}, want: []string{}},
		"spelling can not be told":  {setup: setup{roster: "Jane", live: "JANE jane"}, want: []string{"withheld data vpn Jane"}},
		"limit reached":             {setup: setup{live: "a b", state: "a b", change: limit("2")}, want: []string{"leave_domain vpn a", "leave_domain vpn b"}},
		"one more than the limit":   {setup: setup{roster: "c", live: "a b", state: "a b", change: limit("1")}, want: []string{"mark_missing vpn a", "mark_missing vpn b", "create_user vpn c", "join_domain vpn c", "withheld max_remove_limit vpn a", "withheld max_remove_limit vpn b"}},
		"percentage is rounded":     {setup: setup{roster: "b c", live: "a b c", state: "a b c", change: limit("34%")}, want: []string{"leave_domain vpn a"}},
		"percentage rounded down":   {setup: setup{roster: "b c", live: "a b c", state: "a b c", change: limit("33%")}, want: []string{"mark_missing vpn a", "withheld max_remove_limit vpn a"}},
		"limits count no additions": {setup: setup{roster: "a b c", change: limit("0")}, want: []string{"create_user vpn a", "join_domain vpn a", "create_user vpn b", "join_domain vpn b", "create_user vpn c", "join_domain vpn c"}},
		"shrunk":                    {setup: setup{roster: "a b c d e f", live: "a b c d e f g", state: "a b c d e f g", change: func(d *DomainInput) { d.Known.Rosters = map[string]int{"directory.corp": 10} }}, want: []string{"mark_missing vpn g", "withheld max_shrink vpn g"}},
		"shrunk within bounds":      {setup: setup{roster: "a b c d e f h", live: "a b c d e f g h", state: "a b c d e f g h", change: func(d *DomainInput) { d.Known.Rosters = map[string]int{"directory.corp": 10} }}, want: []string{"leave_domain vpn g"}},
		"a part shrunk": {setup: setup{roster: "a b c d e f", live: "a b c d e f g", state: "a b c d e f g", change: func(d *DomainInput) {
			d.Sources[0].Users = 5
			d.Sources = append(d.Sources, Source{Directory: "directory.staff", Users: 1})
			d.Known.Rosters = map[string]int{"directory.corp": 5, "directory.staff": 3}
		}}, want: []string{"mark_missing vpn g", "withheld max_shrink vpn g"}},
		"parts shrunk within bounds": {setup: setup{roster: "a b c d e f", live: "a b c d e f g", state: "a b c d e f g", change: func(d *DomainInput) {
			d.Sources[0].Users = 4
			d.Sources = append(d.Sources, Source{Directory: "directory.staff", Users: 2})
			d.Known.Rosters = map[string]int{"directory.corp": 4, "directory.staff": 3}
		}}, want: []string{"leave_domain vpn g"}},
		"another directory shrunk": {setup: setup{roster: "a b c d e f", live: "a b c d e f g", state: "a b c d e f g", change: func(d *DomainInput) {
			d.Known.Rosters = map[string]int{"directory.old": 10}
		}}, want: []string{"mark_missing vpn g", "withheld max_shrink vpn g"}},
		"one of two may leave":      {setup: setup{roster: "a", live: "a b", state: "a b", change: func(d *DomainInput) { d.Known.Rosters = map[string]int{"directory.corp": 2} }}, want: []string{"leave_domain vpn b"}},
		"users who leave come last": {setup: setup{roster: "c", live: "a", state: "a"}, want: []string{"create_user vpn c", "join_domain vpn c", "leave_domain vpn a"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := Input{Domains: []DomainInput{c.domain("vpn")}}
			for name := range strings.FieldsSeq(c.organization) {
				in.Organization = append(in.Organization, account(name))
			}
			if diff := cmp.Diff(c.want, brief(Compute(in))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func limit(s string) func(*DomainInput) {
	return func(d *DomainInput) {
		parsed, err := identity.ParseLimit(s)
		if err != nil {
			panic(err)
		}
		d.Policy.MaxRemoveLimit = parsed
	}
}

// A person who is in the directory and can not be mapped is never taken for gone.
func TestUnmappedIsNotGone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		unmapped identity.Unmapped
		change   func(*DomainInput)
		want     []string
	}{
		"by username":                           {unmapped: identity.Unmapped{Person: identity.Person{User: identity.User{Username: "A"}, DN: "x"}}, want: []string{"withheld data vpn A"}},
		"by entry id":                           {unmapped: identity.Unmapped{Person: identity.Person{DN: "x", EntryID: "entry-a"}}, want: []string{"withheld data vpn "}},
		"by DN":                                 {unmapped: identity.Unmapped{Person: identity.Person{DN: "uid=a"}}, want: []string{"withheld data vpn "}},
		"another entry":                         {unmapped: identity.Unmapped{Person: identity.Person{DN: "x", EntryID: "y"}}, want: []string{"leave_domain vpn a", "withheld data vpn "}},
		"perhaps this one, without entry id":    {unmapped: identity.Unmapped{Person: identity.Person{DN: "x"}}, change: func(d *DomainInput) { d.Known.Members[0].EntryID = "" }, want: []string{"withheld data vpn ", "withheld no_username vpn a"}},
		"perhaps this one, unmanaged":           {unmapped: identity.Unmapped{Person: identity.Person{DN: "x", EntryID: "y"}}, change: func(d *DomainInput) { d.Known.Members = nil; d.Policy.RemoveUnmanaged = true }, want: []string{"withheld data vpn ", "withheld no_username vpn a"}},
		"has a username, so it is not this one": {unmapped: identity.Unmapped{Person: identity.Person{User: identity.User{Username: "b"}, DN: "x", EntryID: "y"}}, change: func(d *DomainInput) { d.Known.Members = nil; d.Policy.RemoveUnmanaged = true }, want: []string{"leave_domain vpn a", "withheld data vpn b"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := setup{live: "a", state: "a", change: c.change}.domain("vpn")
			d.Unmapped = []identity.Unmapped{c.unmapped}
			if diff := cmp.Diff(c.want, brief(Compute(Input{Domains: []DomainInput{d}}))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCounts(t *testing.T) {
	t.Parallel()
	d := setup{roster: "a b", live: "a kept safe stranger", state: "a kept safe", change: func(d *DomainInput) {
		d.Policy.SyncMode = AddOnly
		d.Policy.Protect = []string{"safe"}
		d.Pages = 3
	}}.domain("vpn")
	p := Compute(Input{Domains: []DomainInput{d}, RequestsPerSecond: 2})
	got := p.Domains[0]
	if got.Roster != 2 || got.Members != 4 || got.Unmanaged != 1 || got.Protected != 1 || got.Kept != 1 {
		t.Errorf("%+v", got)
	}
	if want := 2 + 2*3; p.APICalls != want || p.APISeconds != 4 {
		t.Errorf("calls %d, want %d; seconds %v", p.APICalls, want, p.APISeconds)
	}
	want := Summary{Add: 1, Create: 1, StateOnly: 1}
	if diff := cmp.Diff(want, p.Summarize("vpn")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(Summary{}, p.Summarize("other")); diff != "" {
		t.Error(diff)
	}
}

func TestScopeChanges(t *testing.T) {
	t.Parallel()
	d := setup{roster: "a", live: "a", state: "a"}.domain("vpn")
	d.Scope = Scope{"base_dn": "ou=New", "filter": "(x=1)", "user.name": "entry.cn"}
	if p := Compute(Input{Domains: []DomainInput{d}}); p.Domains[0].ScopeChanges != nil {
		t.Errorf("the first look is no change: %v", p.Domains[0].ScopeChanges)
	}
	d.Known.Scope = Scope{"base_dn": "ou=Old", "filter": "(x=1)", "path": "a.ldif"}
	want := []ScopeChange{{"base_dn", "ou=Old", "ou=New"}, {"path", "a.ldif", ""}, {"user.name", "", "entry.cn"}}
	if diff := cmp.Diff(want, Compute(Input{Domains: []DomainInput{d}}).Domains[0].ScopeChanges); diff != "" {
		t.Error(diff)
	}
}

func TestHasChanges(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		setup
		want bool
	}{
		"nothing":        {setup{roster: "a", live: "a", state: "a"}, false},
		"addition":       {setup{roster: "a"}, true},
		"adoption":       {setup{roster: "a", live: "a"}, true},
		"withheld only":  {setup{live: "a", state: "a", change: limit("0")}, false},
		"grace begins":   {setup{live: "a", state: "a", change: func(d *DomainInput) { d.Policy.RemoveAfter = time.Hour }}, true},
		"moved entry":    {setup{roster: "a", live: "a", state: "a", change: func(d *DomainInput) { d.People[0].DN = "uid=x" }}, false},
		"left, add_only": {setup{live: "a", state: "a", change: func(d *DomainInput) { d.Policy.SyncMode = AddOnly }}, false},
	} {
		if got := Compute(Input{Domains: []DomainInput{c.domain("vpn")}}).HasChanges(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestOnLimitFail(t *testing.T) {
	t.Parallel()
	d := setup{live: "a", state: "a", change: func(d *DomainInput) { limit("0")(d); d.Policy.OnLimit = FailOnLimit }}.domain("vpn")
	p := Compute(Input{Domains: []DomainInput{d}})
	if len(p.Failures) != 1 || !strings.Contains(p.Failures[0], "domain.vpn: 1 removal is due and max_remove_limit (0) allows 0") {
		t.Errorf("%v", p.Failures)
	}
	if _, failed := errors.AsType[*FailedError](p.Verify(Present{})); !failed {
		t.Error("it may be applied")
	}
}

func BenchmarkCompute(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			d := setup{}.domain("vpn")
			for i := range n {
				name := fmt.Sprintf("user%07d", i)
				p, m := person(name), member(name)
				if i%100 == 0 {
					p.Name = "Changed"
				}
				d.Members = append(d.Members, account(name, d.ID))
				d.Known.Members = append(d.Known.Members, m)
				if i%200 != 1 {
					d.People = append(d.People, p)
				}
			}
			b.ReportAllocs()
			b.ResetTimer()
			for b.Loop() {
				if p := Compute(Input{Domains: []DomainInput{d}}); p.Summarize("").Change != n/100 {
					b.Fatal(p.Summarize(""))
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/user")
		})
	}
}
