package apply

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
	"github.com/rollcall-cli/rollcall/internal/state"
)

// jobServer keeps what was submitted and ends each job at the second look.
type jobServer struct {
	submitted []string
	looks     map[string]int
	refuse    map[string]error // by domain
	lookError error
	outcome   func(plan.Operation) Outcome
	jobs      map[string][]Step
	short     int // outcomes that are missing
	err       error
}

func (s *jobServer) Submit(_ context.Context, d plan.Domain, operations []Step) (string, error) {
	if err := s.refuse[d.Name]; err != nil {
		return "", err
	}
	var all []string
	for _, op := range operations {
		all = append(all, string(op.Action)+" "+op.Username)
	}
	s.submitted = append(s.submitted, d.Name+": "+strings.Join(all, ", "))
	if s.jobs == nil {
		s.jobs, s.looks = map[string][]Step{}, map[string]int{}
	}
	s.jobs["job-"+d.Name] = operations
	return "job-" + d.Name, nil
}

func (s *jobServer) Look(_ context.Context, id string) (JobProgress, error) {
	if s.lookError != nil {
		return JobProgress{}, s.lookError
	}
	operations := s.jobs[id]
	if s.looks[id]++; s.looks[id] < 2 {
		return JobProgress{Done: 1}, nil
	}
	p := JobProgress{Ended: true, Done: len(operations), Err: s.err}
	for _, op := range operations[:len(operations)-s.short] {
		o := Outcome{UserID: op.UserID}
		if o.UserID == "" {
			o.UserID = "new-" + op.Username
		}
		if op.Action == plan.IssueToken {
			o.Code = identity.NewSecret("code-of-" + op.Username)
		}
		if s.outcome != nil && s.outcome(op.WithUser()) != (Outcome{}) {
			o = s.outcome(op.WithUser())
		}
		p.Outcomes = append(p.Outcomes, o)
	}
	return p, nil
}

// unsure is an error after which it is not known whether it was done.
type unsure struct{ error }

func (unsure) Uncertain() bool { return true }

// jobPlan adds "new" to two domains and lets "old" leave one of them.
func jobPlan() *plan.Plan {
	p := &plan.Plan{ID: "p", Domains: []plan.Domain{{Name: "site", ID: "d2"}, {Name: "vpn", ID: "d1"}}}
	join := add("new")[1]
	join.Domain, join.DomainID = "site", "d2"
	p.Operations = append([]plan.Operation{{Action: plan.Forget, Domain: "vpn", DomainID: "d1", Username: "ghost", Before: user("ghost")}}, add("new")...)
	p.Operations = append(append(p.Operations, join), leave("old")...)
	return p
}

func runJobs(t *testing.T, p *plan.Plan, server *jobServer, s *state.State, wait bool) (Result, []string, []string) {
	var codes, submitted []string
	steps, o := begin(t, s, p)
	o.Codes = func(domain, username string, code identity.Secret) error {
		codes = append(codes, domain+" "+username+" "+code.Reveal())
		return nil
	}
	result := RunJobs(t.Context(), p, steps, o, JobOptions{Jobs: server, Wait: wait, Submitted: func(d plan.Domain, id string) { submitted = append(submitted, d.Name+" "+id) }})
	return result, codes, submitted
}

func TestJobs(t *testing.T) {
	t.Parallel()
	server, s := &jobServer{}, fresh(t, "old", "ghost")
	result, codes, submitted := runJobs(t, jobPlan(), server, s, true)
	if !result.Complete() || len(result.Done) != 5 {
		t.Fatalf("%+v", result)
	}
	if diff := cmp.Diff([]string{"site: join_domain new", "vpn: create_user new, join_domain new, issue_token new, leave_domain old"}, server.submitted); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"vpn new code-of-new"}, codes); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"site job-site", "vpn job-vpn"}, submitted); diff != "" {
		t.Error(diff)
	}
	m, ok := s.Member("vpn", "new")
	if !ok || m.UserID != "new-new" || m.TokenDue {
		t.Errorf("%+v", m)
	}
	for _, gone := range []identity.Key{"old", "ghost"} {
		if _, ok := s.Member("vpn", gone); ok {
			t.Errorf("%s is still in the state", gone)
		}
	}
}

func TestJobsThatGoWrong(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		server                     *jobServer
		wait                       bool
		done, failed, skipped, out int
		due                        bool // a token of "new" is due
	}{
		"not waited for":    {&jobServer{}, false, 0, 0, 0, 2, false},
		"not to be seen":    {&jobServer{lookError: broken}, true, 0, 0, 0, 2, false},
		"refused":           {&jobServer{refuse: map[string]error{"vpn": broken}}, true, 1, 1, 3, 0, false},
		"perhaps submitted": {&jobServer{refuse: map[string]error{"vpn": unsure{broken}}}, true, 1, 0, 0, 1, false},
		"ended early":       {&jobServer{short: 1, err: broken}, true, 3, 2, 0, 0, false},
		"token failed": {&jobServer{outcome: func(op plan.Operation) Outcome {
			if op.Action == plan.IssueToken {
				return Outcome{Err: broken}
			}
			return Outcome{}
		}}, true, 4, 1, 0, 0, true},
		"skipped": {&jobServer{outcome: func(op plan.Operation) Outcome {
			return Outcome{UserID: "x", Skipped: op.Action == plan.LeaveDomain}
		}}, true, 4, 0, 1, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := fresh(t, "old")
			result, _, _ := runJobs(t, jobPlan(), c.server, s, c.wait)
			if len(result.Done) != c.done || len(result.Failed) != c.failed || len(result.Skipped) != c.skipped || len(result.Unsettled) != c.out || result.Complete() {
				t.Errorf("%d done, %+v failed, %d skipped, %+v unsettled", len(result.Done), result.Failed, len(result.Skipped), result.Unsettled)
			}
			if m, ok := s.Member("vpn", "new"); ok && m.TokenDue != c.due {
				t.Errorf("%+v", m)
			}
			if _, ok := s.Member("vpn", "old"); !ok && c.done < 4 {
				t.Error("old is gone from the state")
			}
		})
	}
}

// After an interruption no other job is submitted, and the one under way goes on.
func TestJobsInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	server := &jobServer{}
	steps, o := begin(t, fresh(t), jobPlan())
	result := RunJobs(ctx, jobPlan(), steps, o, JobOptions{
		Jobs: server, Wait: true, Submitted: func(plan.Domain, string) { cancel() },
	})
	if len(server.submitted) != 1 || len(result.Unsettled) != 1 || result.Unsettled[0].ID != "job-site" || len(result.Skipped) != 4 {
		t.Errorf("%v, %+v", server.submitted, result)
	}
}
