package logintc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/providers/logintctest"
)

// assuming is a writer that may use assumed calls.
func assuming(t testing.TB, url string) *Writer {
	t.Helper()
	return writer(t, url, func(o *Options) { o.Assumed = true })
}

// Every assumed call against the emulator, answers lost included: nothing is done
// twice, and what was done is found out.
func TestAssumedCalls(t *testing.T) {
	t.Parallel()
	for name, specs := range map[string][]string{
		"in peace":         nil,
		"answers are lost": {"drop=after,method=POST,every=2", "drop=after,method=PUT,every=2"},
		"servers are busy": {"status=503,every=3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := organization(0)
			data.Administrators = []string{"admin@example.com"}
			s := emulator(t, logintctest.Options{Data: data, Faults: faults(t, specs...)})
			w, ctx := assuming(t, s.URL), t.Context()
			jane := identity.User{Username: "jane", Name: "Jane", Email: "jane@x.example", AliasSet: &identity.AliasSet{Alias1: "jd", Alias2: identity.NoAlias}}
			created, err := w.CreateUser(ctx, jane)
			if err != nil {
				t.Fatal(err)
			}
			have := jane
			have.SetAliases([3]identity.Alias{"jd", identity.NoAlias, identity.NoAlias})
			if !created.Equal(have) {
				t.Errorf("created: %+v", created.User)
			}
			changed := jane
			changed.SetAliases([3]identity.Alias{identity.NoAlias, "second", ""})
			err = errors.Join(w.UpdateUser(ctx, created.ID, have, changed), w.UpdateUser(ctx, created.ID, have, have), w.JoinDomain(ctx, vpn, created.ID),
				w.AssociatePhone(ctx, created.ID, "+491"), w.AssociatePhone(ctx, created.ID, "+492"),
				w.JoinGroup(ctx, created.ID, "North/South & Zoë"), w.IssueTokenWithEmail(ctx, vpn, created.ID))
			if err != nil {
				t.Fatal(err)
			}
			listing, err := w.DomainUsers(ctx, vpn, nil)
			if err != nil || len(listing.Accounts) != 1 {
				t.Fatal(listing, err)
			}
			want := identity.Account{
				ID: created.ID, User: changed, Domains: []string{vpn},
				Holdings: &identity.Holdings{PhoneNumbers: []string{"+491", "+492"}, GroupNames: []string{"North/South & Zoë"}},
			}
			want.SetAliases([3]identity.Alias{identity.NoAlias, "second", identity.NoAlias})
			if diff := cmp.Diff(want, listing.Accounts[0]); diff != "" {
				t.Error(diff)
			}
			mails := s.Mails().Mails
			if len(mails) != 1 || mails[0].Kind != "token" {
				t.Errorf("%+v", mails)
			}
		})
	}
}

func TestNotify(t *testing.T) {
	t.Parallel()
	data := organization(0)
	data.Administrators = []string{"admin@example.com"}
	s := emulator(t, logintctest.Options{Data: data, Faults: faults(t, "drop=after,method=POST,after=1")})
	w := assuming(t, s.URL)
	if err := w.Notify(t.Context(), vpn, "admin@example.com", []string{"a"}, nil); err != nil {
		t.Error(err)
	}
	// An answer that is lost is an error; the mail is not sent again.
	if err := w.Notify(t.Context(), vpn, "admin@example.com", nil, []string{"b"}); err == nil {
		t.Error("nobody noticed")
	}
	if mails := s.Mails(); mails.Total != 2 {
		t.Errorf("%+v", mails)
	}
}

// actions are actions as SubmitJob takes them.
func actions(list ...JobAction) func(int) JobAction { return func(i int) JobAction { return list[i] } }

func TestBodyOfAJob(t *testing.T) {
	t.Parallel()
	all := []JobAction{{Action: "create_user", Username: "<jane>", Name: "Jane", Email: "jane@x.example", aliases: aliases{identity.AliasSet{Alias1: "jd", Alias2: identity.NoAlias}}}}
	for i := range 250 {
		all = append(all, JobAction{Action: "join_group", UserID: fmt.Sprint(i), Group: "Zoë & co"})
	}
	for _, n := range []int{1, 2, 100, 101, len(all)} {
		for _, notify := range []string{"", "admin@x.example"} {
			want, err := json.Marshal(struct {
				Type    string      `json:"type"`
				Notify  string      `json:"notify,omitempty"`
				Actions []JobAction `json:"actions"`
			}{"SyncUsersJob", notify, all[:n]})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := encodeJob(notify, n, actions(all...)); err != nil || string(got) != string(want) {
				t.Errorf("%d: %v\n%s\nnot\n%s", n, err, got, want)
			}
		}
	}
}

func TestJob(t *testing.T) {
	t.Parallel()
	s := emulator(t, logintctest.Options{Data: organization(0)})
	w, ctx := assuming(t, s.URL), t.Context()
	create := JobAction{Action: "create_user", Username: "jane"}
	create.SetValues(identity.User{Username: "jane", Name: "Jane", Email: "jane@x.example", AliasSet: &identity.AliasSet{Alias1: "jd"}})
	id, err := w.SubmitJob(ctx, vpn, "", 4, actions(create, JobAction{Action: "join_domain", Username: "jane"}, JobAction{Action: "issue_token", Username: "jane"}, JobAction{Action: "leave_domain", Username: "nobody"}))
	if err != nil {
		t.Fatal(err)
	}
	job, err := w.Job(ctx, id)
	if err != nil || !job.Ended() || job.Status != JobFailed || job.ActionsCompleted != 4 || job.ActionsTotal != 4 || job.Created.IsZero() || job.Completed.IsZero() {
		t.Fatalf("%+v, %v", job, err)
	}
	var statuses []string
	for _, r := range job.Results {
		statuses = append(statuses, r.Status)
	}
	if diff := cmp.Diff([]string{"Completed", "Completed", "Completed", "Failed"}, statuses); diff != "" {
		t.Error(diff)
	}
	if len(job.Results[2].Code.Reveal()) != 10 || job.Results[0].UserID != s.Data().Users[0].ID || job.Results[3].ErrorCode != "api.error.notfound.user" {
		t.Errorf("%+v", job.Results)
	}
	for _, bad := range []string{"", "x", "../users", strings.Repeat("0", 40)} {
		if _, err := w.Job(ctx, bad); err == nil {
			t.Errorf("%q is a job", bad)
		}
	}
	lost := assuming(t, emulator(t, logintctest.Options{Data: organization(0), Faults: faults(t, "drop=after,method=POST")}).URL)
	if _, err := lost.SubmitJob(ctx, vpn, "", 1, actions(create)); !isUncertain(err) {
		t.Errorf("a lost answer: %v", err)
	}
	if _, err := w.SubmitJob(ctx, strings.Repeat("0", 40), "", 1, actions(create)); err == nil || isUncertain(err) {
		t.Errorf("no such domain: %v", err)
	}
}

// Without Options.Assumed none of the calls is sent, and fields that only they know
// are not read.
func TestAssumedCallsNeedTheirOption(t *testing.T) {
	t.Parallel()
	data := organization(1)
	data.Users[0].Alias1, data.Users[0].Phones = new("jd"), []string{"+49"}
	s := emulator(t, logintctest.Options{Data: data})
	w, alias := writer(t, s.URL, nil), identity.User{AliasSet: &identity.AliasSet{Alias1: "x"}}
	id := s.Data().Users[0].ID
	for name, call := range map[string]func(context.Context) error{
		"alias of a new user": func(ctx context.Context) error { _, err := w.CreateUser(ctx, alias); return err },
		"alias":               func(ctx context.Context) error { return w.UpdateUser(ctx, id, identity.User{}, alias) },
		"phone":               func(ctx context.Context) error { return w.AssociatePhone(ctx, id, "+49") },
		"group":               func(ctx context.Context) error { return w.JoinGroup(ctx, id, "g") },
		"token":               func(ctx context.Context) error { return w.IssueTokenWithEmail(ctx, vpn, id) },
		"notify":              func(ctx context.Context) error { return w.Notify(ctx, vpn, "a@x.example", []string{"a"}, nil) },
		"submit":              func(ctx context.Context) error { _, err := w.SubmitJob(ctx, vpn, "", 0, nil); return err },
		"job":                 func(ctx context.Context) error { _, err := w.Job(ctx, id); return err },
	} {
		if err := call(t.Context()); !errors.Is(err, errNotAssumed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if calls := s.Requests(); calls.Total != 0 {
		t.Errorf("%+v", calls)
	}
	listing, err := w.Users(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if a := listing.Accounts[0]; a.AliasSet != nil || a.Holdings != nil {
		t.Errorf("%+v", a)
	}
}

func isUncertain(err error) bool {
	_, ok := errors.AsType[*UncertainError](err)
	return ok
}
