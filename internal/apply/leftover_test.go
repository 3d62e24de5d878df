package apply

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
	"github.com/rollcall-cli/rollcall/internal/state"
)

// lookout is LoginTC after a run broke off.
type lookout struct {
	members      []identity.Account
	organization []identity.Account
	tokens       []string // ids
	job          JobProgress
	asked        []string
	err          error
}

func (l *lookout) Members(_ context.Context, domainID string) ([]identity.Account, error) {
	l.asked = append(l.asked, "members "+domainID)
	return l.members, l.err
}

func (l *lookout) Organization(context.Context) ([]identity.Account, error) {
	l.asked = append(l.asked, "organization")
	return l.organization, l.err
}

func (l *lookout) HasToken(_ context.Context, domainID, userID string) (bool, error) {
	l.asked = append(l.asked, "token "+domainID+" "+userID)
	return slices.Contains(l.tokens, userID), l.err
}

func (l *lookout) Look(_ context.Context, id string) (JobProgress, error) {
	l.asked = append(l.asked, "job "+id)
	return l.job, l.err
}

func openOperation(t *testing.T, number int, op plan.Operation, tokenDue bool) state.Begun {
	t.Helper()
	text, err := json.Marshal(begun{op, tokenDue})
	if err != nil {
		t.Fatal(err)
	}
	return state.Begun{Number: number, Operation: text}
}

// What became of each kind of operation is told by what LoginTC has now.
func TestSettle(t *testing.T) {
	t.Parallel()
	there := identity.Account{ID: "id-a", User: *user("a"), Holdings: &identity.Holdings{PhoneNumbers: []string{"+1"}, GroupNames: []string{"g"}}}
	renamed := there
	renamed.User = identity.User{Username: "a", Name: "New", Email: "n@x.example"}
	op := func(action plan.Action) plan.Operation {
		return plan.Operation{Action: action, Domain: "vpn", DomainID: "d1", Username: "a", UserID: "id-a", Before: user("a"), After: &renamed.User, Details: &plan.Details{PhoneNumber: "+1", GroupName: "g"}}
	}
	nameless := func(action plan.Action) plan.Operation { o := op(action); o.UserID = ""; return o }
	member := []identity.Account{there}
	for name, c := range map[string]struct {
		op   plan.Operation
		from lookout
		want bool
	}{
		"created":                   {nameless(plan.CreateUser), lookout{organization: member}, true},
		"not created":               {nameless(plan.CreateUser), lookout{organization: []identity.Account{{ID: "x", User: *user("A")}}}, false},
		"updated":                   {op(plan.UpdateUser), lookout{members: []identity.Account{renamed}}, true},
		"not updated":               {op(plan.UpdateUser), lookout{members: member}, false},
		"update of nobody":          {op(plan.UpdateUser), lookout{}, false},
		"joined":                    {op(plan.JoinDomain), lookout{members: member}, true},
		"joined after its creation": {nameless(plan.JoinDomain), lookout{members: member}, true},
		"not joined":                {op(plan.JoinDomain), lookout{organization: member}, false},
		"left":                      {op(plan.LeaveDomain), lookout{organization: member}, true},
		"not left":                  {op(plan.LeaveDomain), lookout{members: member}, false},
		"left and gone":             {op(plan.LeaveDomain), lookout{}, true},
		"deleted":                   {op(plan.DeleteUser), lookout{}, true},
		"not deleted":               {op(plan.DeleteUser), lookout{members: member}, false},
		"token issued":              {op(plan.IssueToken), lookout{members: member, tokens: []string{"id-a"}}, true},
		"token not issued":          {op(plan.IssueToken), lookout{members: member}, false},
		"token of no member":        {op(plan.EmailToken), lookout{organization: member, tokens: []string{"id-a"}}, false},
		"phone":                     {op(plan.AddPhone), lookout{members: member}, true},
		"no phone":                  {op(plan.AddPhone), lookout{members: []identity.Account{{ID: "id-a", User: *user("a")}}}, false},
		"group":                     {op(plan.JoinGroup), lookout{members: member}, true},
		"no group":                  {op(plan.JoinGroup), lookout{members: []identity.Account{{ID: "id-a", User: *user("a")}}}, false},
	} {
		s := fresh(t, "a")
		s.Start("p")
		settled, err := Settle(t.Context(), s, &state.Leftover{Open: []state.Begun{openOperation(t, 7, c.op, true)}}, &c.from, at)
		if err != nil || len(settled) != 1 || settled[0].Done != c.want {
			t.Errorf("%s: %+v, %v", name, settled, err)
		}
		created, done := s.Progress("p").Done[7]
		if done != c.want || (created == "id-a") != (c.want && c.op.Action == plan.CreateUser) {
			t.Errorf("%s: recorded %v, created %q", name, done, created)
		}
		m, known := s.Member("vpn", "a")
		if known == (c.op.Action.Removes() && c.want) {
			t.Errorf("%s: in the state: %v", name, known)
		}
		if c.op.Action == plan.JoinDomain && m.TokenDue != c.want {
			t.Errorf("%s: token due %v", name, m.TokenDue)
		}
	}
}

// A thousand open operations cost a listing, and a call for each token alone.
func TestSettleAsksLittle(t *testing.T) {
	t.Parallel()
	from := lookout{}
	var open []state.Begun
	for i := range 1000 {
		op := leave(fmt.Sprint(i))[0]
		from.members = append(from.members, identity.Account{ID: op.UserID, User: *op.Before})
		open = append(open, openOperation(t, i, op, false))
	}
	s := fresh(t)
	s.Start("p")
	if _, err := Settle(t.Context(), s, &state.Leftover{Open: open}, &from, at); err != nil || !slices.Equal(from.asked, []string{"members d1"}) {
		t.Errorf("%v %v", from.asked, err)
	}
}

// A job says itself what it did, once it has ended.
func TestSettleJob(t *testing.T) {
	t.Parallel()
	operations := add("a")
	left := &state.Leftover{Jobs: []state.Job{{ID: "j", Operations: []int{3, 4, 5}}}}
	for i, op := range operations {
		left.Open = append(left.Open, openOperation(t, 3+i, op, true))
	}
	s := fresh(t)
	s.Start("p")
	from := &lookout{}
	var runs *JobRunsError
	if _, err := Settle(t.Context(), s, left, from, at); !errors.As(err, &runs) || runs.ID != "j" {
		t.Errorf("%v", err)
	}
	from.members = []identity.Account{{ID: "id-a", User: *user("a")}}
	from.job = JobProgress{Ended: true, Outcomes: []Outcome{{UserID: "id-a"}, {UserID: "id-a"}, {Err: errors.New("refused")}}}
	settled, err := Settle(t.Context(), s, left, from, at)
	if err != nil {
		t.Fatal(err)
	}
	var done []bool
	for _, one := range settled {
		done = append(done, one.Done)
	}
	if diff := cmp.Diff([]bool{true, true, false}, done); diff != "" {
		t.Error(diff)
	}
	if m, _ := s.Member("vpn", "a"); m.UserID != "id-a" || !m.TokenDue {
		t.Errorf("%+v", m)
	}
}

func TestSettleCanNotTell(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, left := range map[string]*state.Leftover{
		"LoginTC is away": {Open: []state.Begun{openOperation(t, 0, leave("a")[0], false)}},
		"no operation":    {Open: []state.Begun{{Number: 0, Operation: json.RawMessage(`[]`)}}},
	} {
		s := fresh(t, "a")
		s.Start("p")
		if _, err := Settle(t.Context(), s, left, &lookout{err: broken}, at); err == nil {
			t.Errorf("%s: no error", name)
		}
		if len(s.Progress("p").Done) != 0 {
			t.Errorf("%s: done", name)
		}
	}
}
