package apply

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
	"github.com/rollcall-cli/rollcall/internal/state"
)

var at = time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)

// recorder is a target that notes its calls, and fails those that it is told to.
type recorder struct {
	mu    sync.Mutex
	calls []string
	fail  func(call string) error
	block chan struct{} // each call waits for one, where it is not nil
}

func (r *recorder) call(ctx context.Context, format string, args ...any) error {
	call := fmt.Sprintf(format, args...)
	if r.block != nil {
		<-r.block
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, call)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if r.fail != nil {
		return r.fail(call)
	}
	return nil
}

func (r *recorder) CreateUser(ctx context.Context, u identity.User) (identity.Account, error) {
	return identity.Account{ID: "new-" + u.Username, User: u}, r.call(ctx, "create %s", u.Username)
}

func (r *recorder) UpdateUser(ctx context.Context, id string, _, u identity.User) error {
	return r.call(ctx, "update %s %s", id, u.Name)
}

func (r *recorder) DeleteUser(ctx context.Context, id string) error {
	return r.call(ctx, "delete %s", id)
}

func (r *recorder) JoinDomain(ctx context.Context, domain, id string) error {
	return r.call(ctx, "join %s %s", domain, id)
}

func (r *recorder) LeaveDomain(ctx context.Context, domain, id string) error {
	return r.call(ctx, "leave %s %s", domain, id)
}

func (r *recorder) IssueToken(ctx context.Context, domain, id string) (identity.Secret, error) {
	return identity.NewSecret("code"), r.call(ctx, "token %s %s", domain, id)
}

func (r *recorder) IssueTokenWithEmail(ctx context.Context, domain, id string) error {
	return r.call(ctx, "token by mail %s %s", domain, id)
}

func (r *recorder) AssociatePhone(ctx context.Context, id, number string) error {
	return r.call(ctx, "phone %s %s", id, number)
}

func (r *recorder) JoinGroup(ctx context.Context, id, group string) error {
	return r.call(ctx, "group %s %s", id, group)
}

func user(name string) *identity.User {
	return &identity.User{Username: name, Name: "Name " + name, Email: name + "@x.example"}
}

// add is what adds a new user with a token.
func add(name string) []plan.Operation {
	base := plan.Operation{Domain: "vpn", DomainID: "d1", Username: name, DN: "uid=" + name, EntryID: "e-" + name}
	create, join, token := base, base, base
	create.Action, create.After = plan.CreateUser, user(name)
	join.Action, join.After = plan.JoinDomain, user(name)
	token.Action = plan.IssueToken
	return []plan.Operation{create, join, token}
}

func leave(name string) []plan.Operation {
	return []plan.Operation{{Action: plan.LeaveDomain, Domain: "vpn", DomainID: "d1", Username: name, UserID: "id-" + name, Before: user(name)}}
}

// fresh is a state in which the domains vpn and site have the members.
func fresh(t *testing.T, members ...string) *state.State {
	t.Helper()
	s, err := state.Load(filepath.Join(t.TempDir(), "state.json"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, domain := range []string{"vpn", "site"} {
		for _, name := range members {
			s.Upsert(domain, identity.Member{UserID: "id-" + name, User: *user(name), DN: "uid=" + name, Since: at, Origin: identity.OriginAdded})
		}
	}
	return s
}

// begin returns the steps of a plan that was started, and options for them.
func begin(t *testing.T, s *state.State, p *plan.Plan) ([]Step, Options) {
	t.Helper()
	steps := Steps(p, s.Progress(p.ID))
	journal, err := Start(filepath.Join(t.TempDir(), "state.json"), nil, s, p, steps, "tester", at)
	if err != nil {
		t.Fatal(err)
	}
	return steps, Options{State: s, Journal: journal, Concurrency: 3, Now: func() time.Time { return at }}
}

func carryOut(t *testing.T, operations []plan.Operation, target Target, s *state.State) Result {
	t.Helper()
	steps, o := begin(t, s, &plan.Plan{Operations: operations})
	o.Target = target
	return Run(t.Context(), steps, o)
}

func TestEachOperationAndItsNote(t *testing.T) {
	t.Parallel()
	known := plan.Operation{Domain: "vpn", DomainID: "d1", Username: "a", UserID: "id-a", DN: "uid=a,ou=New", EntryID: "e2", Before: user("a"), After: &identity.User{Username: "a", Name: "New", Email: "n@x.example"}}
	with := func(action plan.Action) []plan.Operation {
		op := known
		op.Action = action
		return []plan.Operation{op}
	}
	member := func(change func(*identity.Member)) *identity.Member {
		m := identity.Member{UserID: "id-a", User: *user("a"), DN: "uid=a", Since: at, Origin: identity.OriginAdded}
		change(&m)
		return &m
	}
	for name, c := range map[string]struct {
		members    []string
		operations []plan.Operation
		calls      []string
		vpn        *identity.Member // of a; nil for none
		site       bool             // whether a is still in the other domain's state
	}{
		"add":                       {nil, add("a"), []string{"create a", "join d1 new-a", "token d1 new-a"}, member(func(m *identity.Member) { m.UserID, m.EntryID = "new-a", "e-a" }), false},
		"update, in every domain":   {[]string{"a"}, with(plan.UpdateUser), []string{"update id-a New"}, member(func(m *identity.Member) { m.User = *known.After }), true},
		"leave":                     {[]string{"a"}, leave("a"), []string{"leave d1 id-a"}, nil, true},
		"delete, from every domain": {[]string{"a"}, with(plan.DeleteUser), []string{"delete id-a"}, nil, false},
		"adopt": {nil, with(plan.Adopt), nil, member(func(m *identity.Member) {
			m.User, m.DN, m.EntryID, m.Origin = *known.After, known.DN, "e2", identity.OriginAdopted
		}), false},
		"record":                            {[]string{"a"}, with(plan.Record), nil, member(func(m *identity.Member) { m.User, m.DN, m.EntryID = *known.After, known.DN, "e2" }), true},
		"mark missing":                      {[]string{"a"}, with(plan.MarkMissing), nil, member(func(m *identity.Member) { m.MissingSince = &at }), true},
		"mark one missing that was unknown": {nil, with(plan.MarkMissing), nil, &identity.Member{UserID: "id-a", User: *user("a"), Since: at, Origin: identity.OriginUnmanaged, MissingSince: &at}, false},
		"forget":                            {[]string{"a"}, with(plan.Forget), nil, nil, true},
		"unknown":                           {[]string{"a"}, with("frobnicate"), nil, member(func(*identity.Member) {}), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, target := fresh(t, c.members...), &recorder{}
			result := carryOut(t, c.operations, target, s)
			if diff := cmp.Diff(c.calls, target.calls); diff != "" {
				t.Error(diff)
			}
			if result.Complete() != (name != "unknown") {
				t.Errorf("%+v", result)
			}
			got, ok := s.Member("vpn", "a")
			if ok != (c.vpn != nil) {
				t.Fatalf("in the state: %v", ok)
			}
			if ok {
				if diff := cmp.Diff(*c.vpn, got); diff != "" {
					t.Error(diff)
				}
			}
			if _, ok := s.Member("site", "a"); ok != c.site {
				t.Errorf("in the other domain's state: %v", ok)
			}
		})
	}
}

func TestMarkPresentEndsTheTime(t *testing.T) {
	t.Parallel()
	s := fresh(t, "a")
	m, _ := s.Member("vpn", "a")
	m.MissingSince = &at
	s.Upsert("vpn", m)
	carryOut(t, []plan.Operation{{Action: plan.MarkPresent, Domain: "vpn", Username: "a", UserID: "id-a", DN: "uid=a", Before: user("a"), After: user("a")}}, &recorder{}, s)
	if m, _ := s.Member("vpn", "a"); m.MissingSince != nil {
		t.Errorf("%+v", m)
	}
}

// One user's failure stops that user's later operations and nobody else's.
func TestFailure(t *testing.T) {
	t.Parallel()
	target := &recorder{fail: func(call string) error {
		if call == "join d1 new-a" || call == "token d1 new-b" {
			return errors.New("refused")
		}
		return nil
	}}
	s := fresh(t, "z")
	missing := plan.Operation{Action: plan.MarkMissing, Domain: "vpn", Username: "z", UserID: "id-z", Before: user("z")}
	result := carryOut(t, slices.Concat(add("a"), add("b"), add("c"), []plan.Operation{missing}), target, s)
	if len(result.Failed) != 2 || len(result.Skipped) != 1 || len(result.Done) != 6 || result.Complete() {
		t.Errorf("%d failed, %d skipped, %d done", len(result.Failed), len(result.Skipped), len(result.Done))
	}
	if slices.Contains(target.calls, "token d1 new-a") {
		t.Error("a token for somebody who is no member")
	}
	if _, ok := s.Member("vpn", "a"); ok {
		t.Error("a is in the state")
	}
	for name, due := range map[string]bool{"b": true, "c": false} {
		if m, ok := s.Member("vpn", identity.Key(name)); !ok || m.TokenDue != due {
			t.Errorf("%s: in the state %v, token due %v", name, ok, m.TokenDue)
		}
	}
	if m, _ := s.Member("vpn", "z"); m.MissingSince == nil {
		t.Error("what needs no call was not noted")
	}
}

func TestTooManyFailuresStopTheRun(t *testing.T) {
	t.Parallel()
	var operations []plan.Operation
	for i := range 100 {
		operations = append(operations, add(fmt.Sprintf("u%03d", i))...)
	}
	target := &recorder{fail: func(string) error { return errors.New("refused") }}
	result := carryOut(t, operations, target, fresh(t))
	if n := len(result.Failed); n < MaxErrors || n > MaxErrors+3 {
		t.Errorf("%d failed", n)
	}
	if len(result.Skipped)+len(result.Failed) != 300 {
		t.Errorf("%d skipped", len(result.Skipped))
	}
}

// Nobody loses access before all who get it have it.
func TestRemovalsComeLast(t *testing.T) {
	t.Parallel()
	target := &recorder{}
	operations := slices.Concat(add("x"), add("y"), leave("a"), leave("b"))
	carryOut(t, operations, target, fresh(t, "a", "b"))
	first := slices.IndexFunc(target.calls, func(c string) bool { return strings.HasPrefix(c, "leave") })
	if first != 6 || len(target.calls) != 8 {
		t.Errorf("%v", target.calls)
	}
}

// An interruption finishes the operations under way and begins no other.
func TestInterruption(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	target := &recorder{block: make(chan struct{})}
	s := fresh(t)
	began := make(chan struct{}, 100)
	done := make(chan Result)
	steps, o := begin(t, s, &plan.Plan{Operations: slices.Concat(add("a"), add("b"))})
	o.Target, o.Concurrency, o.Begin = target, 1, func(Step) { began <- struct{}{} }
	go func() { done <- Run(ctx, steps, o) }()
	<-began
	target.block <- struct{}{} // create a
	<-began
	cancel()
	target.block <- struct{}{} // join a, which is under way
	result := <-done
	if len(result.Failed) != 0 || len(result.Done) != 2 || len(result.Skipped) != 4 {
		t.Errorf("%+v", result)
	}
	if m, ok := s.Member("vpn", "a"); !ok || !m.TokenDue {
		t.Errorf("in the state: %v; the token is still due: %v", ok, m.TokenDue)
	}
}

func TestBeginAndEndAreReported(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var events []string
	note := func(what string, op Step, err error) {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, fmt.Sprintf("%s %s %v", what, op.Action, err))
	}
	target := &recorder{fail: func(call string) error {
		if strings.HasPrefix(call, "join") {
			return errors.New("refused")
		}
		return nil
	}}
	steps, o := begin(t, fresh(t), &plan.Plan{Operations: add("a")})
	o.Target, o.Begin, o.End = target, func(op Step) { note("begin", op, nil) }, func(op Step, err error) { note("end", op, err) }
	Run(t.Context(), steps, o)
	want := []string{"begin create_user <nil>", "end create_user <nil>", "begin join_domain <nil>", "end join_domain refused"}
	if diff := cmp.Diff(want, events); diff != "" {
		t.Error(diff)
	}
}

// A domain block that is given another LoginTC domain begins anew.
func TestAnotherDomainBeginsAnew(t *testing.T) {
	t.Parallel()
	s := fresh(t, "a")
	s.SetDomainID("vpn", "d0")
	s.Upsert("vpn", identity.Member{UserID: "id-a", User: *user("a")})
	adopt := plan.Operation{Action: plan.Adopt, Domain: "vpn", DomainID: "d1", Username: "b", UserID: "id-b", After: user("b")}
	steps, o := begin(t, s, &plan.Plan{Domains: []plan.Domain{{Name: "vpn", ID: "d1"}}, Operations: []plan.Operation{adopt}})
	Run(t.Context(), steps, o)
	if members := s.Members("vpn"); len(members) != 1 || members[0].Username != "b" || s.DomainID("vpn") != "d1" {
		t.Errorf("%v", members)
	}
}

func TestDifferences(t *testing.T) {
	t.Parallel()
	changed := plan.Operation{Action: plan.UpdateUser, Domain: "vpn", DomainID: "d1", Username: "c", UserID: "id-c", Before: user("c"), After: user("c")}
	s := fresh(t, "x", "y", "z")
	r := carryOut(t, slices.Concat(add("a"), add("b"), leave("x"), leave("y"), leave("z"), []plan.Operation{changed}), &recorder{}, s)
	live := []identity.Account{
		{ID: "new-a", User: *user("a")},
		{ID: "id-y", User: *user("y")},
		{ID: "other", User: *user("Z")},
		{ID: "id-c", User: identity.User{Username: "c", Name: "Other", Email: "c@x.example"}},
	}
	differences := r.Differences("d1", live)
	var got []string
	for _, d := range differences {
		got = append(got, d.Text)
	}
	slices.Sort(got)
	want := []string{
		`domain.vpn["b"] was added and is not a member`, `domain.vpn["c"] was changed and has name "Other" and email "c@x.example"`,
		`domain.vpn["y"] was removed and is still a member`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := r.Differences("d2", nil); got != nil {
		t.Errorf("of another domain: %v", got)
	}
	// Who is still there stays rollcall's; who is not there is not.
	r.restore(s, differences)
	var members []string
	for _, m := range s.Members("vpn") {
		members = append(members, m.Username+" "+string(m.Origin))
	}
	if diff := cmp.Diff([]string{"a added", "y added"}, members); diff != "" {
		t.Error(diff)
	}
}
