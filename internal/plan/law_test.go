package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// world is a simple LoginTC and state that operations are carried out on, one by
// one, by the book.
type world struct {
	users   map[string]identity.User   // by id
	phones  map[string][]string        // by id
	groups  map[string][]string        // by id
	members map[string]map[string]bool // domain id to user ids
	state   map[string]map[identity.Key]identity.Member
}

func newWorld() *world {
	return &world{users: map[string]identity.User{}, phones: map[string][]string{}, groups: map[string][]string{}, members: map[string]map[string]bool{}, state: map[string]map[identity.Key]identity.Member{}}
}

func (w *world) do(t *rapid.T, op Operation) {
	key := identity.NewKey(op.Username)
	id := op.UserID
	if id == "" {
		id = "id-" + op.Username
	}
	entered := identity.Member{UserID: id, DN: op.DN, EntryID: op.EntryID}
	if op.After != nil {
		entered.User = *op.After
	}
	switch op.Action {
	case CreateUser:
		if _, there := w.users[id]; there {
			t.Fatalf("%s is created twice", op.Username)
		}
		w.users[id] = op.After.AliasesOr(&identity.User{AliasSet: &identity.AliasSet{Alias1: identity.NoAlias, Alias2: identity.NoAlias, Alias3: identity.NoAlias}})
	case UpdateUser:
		if !w.users[id].Equal(*op.Before) {
			t.Fatalf("%s: expects %v, is %v", op.Username, *op.Before, w.users[id])
		}
		w.users[id] = op.After.AliasesOr(op.Before)
		for _, domain := range w.state {
			if m, ok := domain[key]; ok && m.UserID == id {
				m.User = op.After.AliasesOr(&m.User)
				domain[key] = m
			}
		}
	case JoinDomain:
		if _, there := w.users[id]; !there || w.members[op.DomainID][id] {
			t.Fatalf("%s can not join: user %v", op.Username, there)
		}
		w.members[op.DomainID][id] = true
		w.state[op.Domain][key] = entered
	case LeaveDomain, DeleteUser:
		if !w.members[op.DomainID][id] {
			t.Fatalf("%s is no member of %s", op.Username, op.Domain)
		}
		delete(w.members[op.DomainID], id)
		delete(w.state[op.Domain], key)
		if op.Action == DeleteUser {
			delete(w.users, id)
			for domain, members := range w.members {
				if members[id] {
					t.Fatalf("%s is deleted while a member of %s", op.Username, domain)
				}
			}
		}
	case Adopt, MarkPresent, Record:
		w.state[op.Domain][key] = entered
	case Forget:
		delete(w.state[op.Domain], key)
	case MarkMissing:
		m := w.state[op.Domain][key]
		at := readAt
		m.MissingSince = &at
		w.state[op.Domain][key] = m
	case IssueToken, EmailToken:
		if !w.members[op.DomainID][id] {
			t.Fatalf("%s gets a token and is no member of %s", op.Username, op.Domain)
		}
	case AddPhone:
		if _, there := w.users[id]; !there || slices.Contains(w.phones[id], op.Phone()) {
			t.Fatalf("%s gets %s: user %v, phones %v", op.Username, op.Phone(), there, w.phones[id])
		}
		w.phones[id] = append(w.phones[id], op.Phone())
	case JoinGroup:
		if _, there := w.users[id]; !there || slices.Contains(w.groups[id], op.Group()) {
			t.Fatalf("%s joins %s: user %v, groups %v", op.Username, op.Group(), there, w.groups[id])
		}
		w.groups[id] = append(w.groups[id], op.Group())
	}
}

// input is the world as it would be read.
func (w *world) input(domains []DomainInput) Input {
	in := Input{Domains: slices.Clone(domains)}
	for i := range in.Domains {
		d := &in.Domains[i]
		d.Members, d.Known.Members = nil, nil
		for id := range w.members[d.ID] {
			d.Members = append(d.Members, w.account(id))
		}
		for _, m := range w.state[d.Name] {
			d.Known.Members = append(d.Known.Members, m)
		}
		slices.SortFunc(d.Known.Members, func(a, b identity.Member) int {
			return strings.Compare(string(identity.NewKey(a.Username)), string(identity.NewKey(b.Username)))
		})
	}
	for id := range w.users {
		in.Organization = append(in.Organization, w.account(id))
	}
	return in
}

func (w *world) account(id string) identity.Account {
	a := identity.Account{ID: id, User: w.users[id], Holdings: &identity.Holdings{PhoneNumbers: w.phones[id], GroupNames: w.groups[id]}}
	for domain, members := range w.members {
		if members[id] {
			a.Domains = append(a.Domains, domain)
		}
	}
	slices.Sort(a.Domains)
	return a
}

// draw makes a world and the domains to compare it with.
func draw(t *rapid.T) (*world, []DomainInput) {
	w := newWorld()
	names := []string{"a", "B", "c", "d", "E", "svc-f", "g"}
	for _, name := range names {
		if rapid.Bool().Draw(t, "exists "+name) {
			u := user(name)
			u.Name += rapid.SampledFrom([]string{"", "", " old"}).Draw(t, "live name")
			u.SetAliases(drawAliases(t, "live aliases", identity.NoAlias, "x", "y"))
			w.users["id-"+name] = u
			w.phones["id-"+name] = rapid.SliceOfDistinct(rapid.SampledFrom(numbers()), rapid.ID[string]).Draw(t, "live phones")
		}
	}
	// What the directory says of a person is the same for both domains.
	wanted := map[string]identity.Person{}
	for _, name := range names {
		var p identity.Person
		p.SetAliases(drawAliases(t, "aliases", "", identity.NoAlias, "x", "z"))
		p.Holdings = &identity.Holdings{PhoneNumbers: rapid.SliceOfDistinct(rapid.SampledFrom(numbers()), rapid.ID[string]).Draw(t, "phones")}
		wanted[name] = p
	}
	var domains []DomainInput
	for _, domain := range []string{"x", "y"} {
		d := setup{roster: strings.Join(rapid.SliceOfDistinct(rapid.SampledFrom(names), rapid.ID[string]).Draw(t, "roster"), " ")}.domain(domain)
		d.Policy.SyncMode = rapid.SampledFrom([]SyncMode{AddOnly, Remove, Delete}).Draw(t, "mode")
		d.Policy.RemoveUnmanaged = rapid.Bool().Draw(t, "unmanaged")
		d.Policy.Protect = rapid.SampledFrom([][]string{nil, {"svc-*"}}).Draw(t, "protect")
		d.Policy.MaxRemoveLimit = identity.Limit{Value: float64(rapid.IntRange(0, 4).Draw(t, "limit"))}
		d.Group = rapid.SampledFrom([]string{"", "all", domain}).Draw(t, "group")
		if rapid.Bool().Draw(t, "maps aliases and phones") {
			for i := range d.People {
				w := wanted[d.People[i].Username]
				d.People[i].SetAliases(w.Aliases())
				d.People[i].Holdings = w.Holdings
			}
		}
		d.Policy.TokenMode = rapid.SampledFrom([]TokenMode{NoToken, TokenWithoutEmail, TokenWithEmail}).Draw(t, "tokens")
		d.Known.Rosters = map[string]int{"directory.corp": rapid.IntRange(0, 8).Draw(t, "earlier roster")}
		w.members[d.ID], w.state[d.Name] = map[string]bool{}, map[identity.Key]identity.Member{}
		for _, name := range names {
			if _, there := w.users["id-"+name]; there && rapid.Bool().Draw(t, "member") {
				w.members[d.ID]["id-"+name] = true
			}
			if rapid.Bool().Draw(t, "known") {
				m := member(name)
				if rapid.IntRange(0, 9).Draw(t, "renamed") == 0 {
					m.EntryID = "entry-" + rapid.SampledFrom(names).Draw(t, "entry of")
				}
				w.state[d.Name][identity.NewKey(name)] = m
			}
		}
		d.Policy.OnRename = rapid.SampledFrom([]OnRename{ReplaceOnRename, WithholdOnRename}).Draw(t, "on rename")
		domains = append(domains, d)
	}
	return w, domains
}

func numbers() []string { return []string{"+1", "+2", "+3"} }

func drawAliases(t *rapid.T, label string, of ...identity.Alias) [3]identity.Alias {
	var out [3]identity.Alias
	for i := range out {
		out[i] = rapid.SampledFrom(of).Draw(t, label)
	}
	return out
}

// Carrying a plan out brings the domains to their rosters within the policies,
// and a second plan has nothing to do.
func TestLaws(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w, domains := draw(t)
		p := Compute(w.input(domains))
		if n := p.Approvable(); n > 0 && rapid.Bool().Draw(t, "approve") {
			p = approve(t, p, n)
		}
		present := Present{Now: p.Expires.AddDate(-1, 0, 0), Domains: map[string]PresentDomain{}}
		for i, d := range domains {
			present.Domains[d.Name] = PresentDomain{d.ID, d.Policy}
			removed := 0
			for _, op := range p.Operations {
				if op.Action.Removes() && op.Domain == d.Name {
					removed++
					if d.Policy.SyncMode == AddOnly || d.Policy.Protects(op.Username) {
						t.Fatalf("%s must not be removed", op.Address())
					}
				}
				changes := op.Action == UpdateUser || op.UserID != "" && (op.Action == AddPhone || op.Action == JoinGroup)
				if changes && (domains[0].Policy.Protects(op.Username) || domains[1].Policy.Protects(op.Username)) {
					t.Fatalf("%s must not be changed", op.Address())
				}
			}
			if allowed := p.Approval.allowed(d.Name, d.Policy.MaxRemoveLimit.Of(0)); removed > allowed || removed != p.Domains[i].Limit.Used {
				t.Fatalf("%d removals in %s, %d allowed, %d said", removed, d.Name, allowed, p.Domains[i].Limit.Used)
			}
		}
		if err := p.Verify(present); err != nil {
			t.Fatal(err)
		}
		for _, op := range p.Operations {
			w.do(t, op)
		}
		for _, d := range domains {
			for _, person := range d.People {
				if renamed(p, d.Name, person.Username) {
					continue
				}
				if !w.members[d.ID]["id-"+person.Username] {
					t.Fatalf("%s is not in %s", person.Username, d.Name)
				}
				id := "id-" + person.Username
				u := w.users[id]
				if domains[0].Policy.Protects(u.Username) || domains[1].Policy.Protects(u.Username) {
					continue
				}
				if !person.IsMetBy(&u) {
					t.Fatalf("%s is %v", person.Username, u)
				}
				for _, phone := range person.Phones() {
					if !slices.Contains(w.phones[id], phone) {
						t.Fatalf("%s has the phones %v, not %s", person.Username, w.phones[id], phone)
					}
				}
				if d.Group != "" && !slices.Contains(w.groups[id], d.Group) {
					t.Fatalf("%s is in %v, not in %s", person.Username, w.groups[id], d.Group)
				}
			}
		}
		in := w.input(domains)
		for i := range in.Domains {
			in.Domains[i].Known.Others = append([]string{}, p.Domains[i].Others...)
		}
		again := Compute(in)
		if len(again.Operations) != 0 {
			t.Fatalf("the second plan still has %v", brief(again))
		}
		for _, drift := range again.Drift { // what nobody does anything about stays
			was := slices.ContainsFunc(p.Drift, func(d Drift) bool { return d.Address() == drift.Address() })
			if !was {
				t.Fatalf("what the plan did is drift: %+v", drift)
			}
		}
		accepted := Refresh(in)
		for _, op := range accepted.Operations {
			if !op.Action.OnState() {
				t.Fatalf("a refresh sends %s", op.Action)
			}
			w.do(t, op)
		}
		if still := Refresh(w.input(domains)); len(still.Operations) != 0 || len(still.Drift) != 0 {
			t.Fatalf("after drift was accepted there is still %+v", still.Drift)
		}
	})
}

// approve approves all that limits withheld in a plan: it adds just these removals.
func approve(t *rapid.T, p *Plan, n int) *Plan {
	if err := p.Seal(); err != nil {
		t.Fatal(err)
	}
	approved, err := p.Approve(p.ID[:12], n)
	if err != nil {
		t.Fatal(err)
	}
	before, after := removalsOf(p), removalsOf(approved)
	if len(after) != len(before)+n || approved.Approvable() != 0 {
		t.Fatalf("%d removals before, %d after %d were approved", len(before), len(after), n)
	}
	for _, op := range before {
		if !slices.Contains(after, op) {
			t.Fatalf("%s is gone", op)
		}
	}
	return approved
}

func removalsOf(p *Plan) (addresses []string) {
	for _, op := range p.Operations {
		if op.Action.Removes() {
			addresses = append(addresses, op.Address())
		}
	}
	return addresses
}

// renamed reports whether the person's renaming was withheld.
func renamed(p *Plan, domain, username string) bool {
	return slices.ContainsFunc(p.Withheld, func(w Withheld) bool {
		return w.Domain == domain && w.Guard == GuardRename && strings.Contains(w.Reason, "the entry is "+username+" now")
	})
}

// The order in which anything was read changes nothing.
func TestOrderDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w, domains := draw(t)
		in := w.input(domains)
		want := Compute(in)
		slices.Reverse(in.Domains)
		in.Organization = rapid.Permutation(in.Organization).Draw(t, "organization")
		for i := range in.Domains {
			in.Domains[i].Members = rapid.Permutation(in.Domains[i].Members).Draw(t, "members")
		}
		if diff := cmp.Diff(want, Compute(in)); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestProtects(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"root", "root", true},
		{"root", "Root", true},
		{"root", "roots", false},
		{"svc-*", "svc-", true},
		{"svc-*", "svc-a-b", true},
		{"*-x", "a-x-x", true},
		{"*a*b", "xaxxb", true},
		{"*a*b", "xaxxbc", false},
		{"r?t", "ret", true},
		{"r?t", "rt", false},
		{"zo\u00eb", "zoe\u0308", true},
		{"*", "", true},
		{"", "a", false},
		{"**", "ab", true},
	} {
		p := Policy{Protect: []string{"nobody", c.pattern}}
		if got := p.Protects(c.name); got != c.want {
			t.Errorf("%q protects %q: %v", c.pattern, c.name, got)
		}
	}
	long := strings.Repeat("a", 2000)
	if p := (Policy{Protect: []string{strings.Repeat("*a", 20) + "b"}}); p.Protects(long) {
		t.Errorf("no b in %d characters", len(long))
	}
}
