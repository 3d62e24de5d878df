package logintc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// Everything in this file is assumed: LoginTC does not document the
// wire of what its own sync tool does, and these forms are this project's choice.
// Nothing of it is sent without Options.Assumed.

// errNotAssumed says that a call was asked for that the configuration forbids. The
// configuration is checked before, so it is a mistake of the program.
var errNotAssumed = errors.New(`this takes a call that LoginTC does not document; it needs api = "sync"`)

func (w *Writer) assumed() error {
	if !w.options.Assumed {
		return errNotAssumed
	}
	return nil
}

// assumedFields are what a user has beside the documented fields.
type assumedFields struct {
	Alias1 *string  `json:"alias1"`
	Alias2 *string  `json:"alias2"`
	Alias3 *string  `json:"alias3"`
	Phones []string `json:"phones"`
	Groups []string `json:"groups"`
}

// nothing is what most accounts have, and share.
type nothing struct {
	aliases  *identity.AliasSet
	holdings *identity.Holdings
}

func newNothing() nothing {
	return nothing{&identity.AliasSet{Alias1: identity.NoAlias, Alias2: identity.NoAlias, Alias3: identity.NoAlias}, &identity.Holdings{}}
}

func (f *assumedFields) fill(account *identity.Account, nothing *nothing) {
	have := [3]identity.Alias{identity.NoAlias, identity.NoAlias, identity.NoAlias}
	for i, alias := range [...]*string{f.Alias1, f.Alias2, f.Alias3} {
		if alias != nil && *alias != "" {
			have[i] = identity.Alias(*alias)
		}
	}
	account.AliasSet, account.Holdings = nothing.aliases, nothing.holdings
	if have != account.Aliases() {
		account.SetAliases(have)
	}
	if len(f.Phones)+len(f.Groups) > 0 {
		account.Holdings = &identity.Holdings{PhoneNumbers: f.Phones, GroupNames: f.Groups}
	}
}

// aliases are the fields of a body: absent where nothing is said, null to clear.
type aliases struct{ identity.AliasSet }

func aliasesOf(user identity.User) aliases {
	if user.AliasSet == nil {
		return aliases{}
	}
	return aliases{*user.AliasSet}
}

func (w *Writer) aliases(user identity.User) (aliases, error) {
	out := aliasesOf(user)
	if out != (aliases{}) {
		return out, w.assumed()
	}
	return out, nil
}

// AssociatePhone gives a user a phone. If the answer is lost, the user is read.
func (w *Writer) AssociatePhone(ctx context.Context, userID, number string) error {
	if err := w.assumed(); err != nil {
		return err
	}
	post := call{method: http.MethodPost, path: userPath(userID) + "/phones", body: map[string]string{"number": number}, once: true}
	return w.settle(ctx, func() error { return w.do(ctx, post) }, func() (bool, error) {
		var u wireUser
		err := w.do(ctx, call{method: http.MethodGet, path: userPath(userID), into: &u})
		return err == nil && slices.Contains(u.Phones, number), err
	})
}

// JoinGroup puts a user into a group, which is created where there is none.
func (w *Writer) JoinGroup(ctx context.Context, userID, group string) error {
	if err := w.assumed(); err != nil {
		return err
	}
	return w.do(ctx, call{method: http.MethodPut, path: "/groups/" + url.PathEscape(group) + userPath(userID)})
}

// IssueTokenWithEmail issues a token whose code LoginTC mails to the user. If the
// answer is lost, the token is read: a second mail would make the first one's code
// worthless.
func (w *Writer) IssueTokenWithEmail(ctx context.Context, domainID, userID string) error {
	if err := w.assumed(); err != nil {
		return err
	}
	put := call{method: http.MethodPut, path: membership(domainID, userID) + "/token?email=true", once: true}
	return w.settle(ctx, func() error { return w.do(ctx, put) }, func() (bool, error) { return w.HasToken(ctx, domainID, userID) })
}

// Notify has an administrator told by mail of users who were added to a domain and
// removed from it. LoginTC ignores an address that is no administrator's. If the
// answer is lost, nobody can tell, and it is not sent again.
func (w *Writer) Notify(ctx context.Context, domainID, email string, added, removed []string) error {
	if err := w.assumed(); err != nil {
		return err
	}
	body := struct {
		Email   string   `json:"email"`
		Added   []string `json:"added"`
		Removed []string `json:"removed"`
	}{email, orEmpty(added), orEmpty(removed)}
	err := w.do(ctx, call{method: http.MethodPost, path: "/domains/" + url.PathEscape(domainID) + "/notifications", body: body, once: true})
	if err != nil {
		return fmt.Errorf("notifying %s: %w", email, err)
	}
	return nil
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// JobAction is one action of a job: an operation on a user. UserID names the user,
// or Username one that an earlier action creates.
type JobAction struct {
	// Action is create_user, update_user, join_domain, issue_token,
	// issue_token_with_email, associate_phone, join_group, leave_domain or delete_user.
	Action   string `json:"action"`
	UserID   string `json:"user,omitempty"`
	Username string `json:"username,omitempty"`
	Name     string `json:"name,omitempty"`
	Email    string `json:"email,omitempty"`
	aliases
	Number string `json:"number,omitempty"`
	Group  string `json:"group,omitempty"`
}

// SetValues says what a user is created with.
func (a *JobAction) SetValues(user identity.User) {
	a.Name, a.Email, a.aliases = user.Name, user.Email, aliasesOf(user)
}

// SetChange says what an update changes: what differs.
func (a *JobAction) SetChange(before, after identity.User) {
	a.SetValues(changedValues(before, after))
}

// The states of a job.
const (
	JobQueued    = "Queued"
	JobRunning   = "Running"
	JobCompleted = "Completed"
	JobFailed    = "Failed"
)

// Job is an asynchronous job and how far it is.
type Job struct {
	ID     string `json:"id"`
	Type   string `json:"type"`
	Status string `json:"status"`
	// Created, Started and Completed are zero where that is not so yet.
	Created          JobTime     `json:"dtCreated"`
	Started          JobTime     `json:"dtStarted"`
	Completed        JobTime     `json:"dtCompleted"`
	ActionsCompleted int         `json:"actionsCompleted"`
	ActionsTotal     int         `json:"actionsTotal"`
	ErrorCode        string      `json:"errorCode"`
	ErrorMessage     string      `json:"errorMessage"`
	Results          []JobResult `json:"results"`
}

// Ended reports whether the job is through, one way or the other. A status that is
// not known is an end: nobody should wait for it.
func (j *Job) Ended() bool { return j.Status != JobQueued && j.Status != JobRunning }

// JobSkipped is what becomes of an action after a failure of the same user; others
// are JobCompleted or JobFailed.
const JobSkipped = "Skipped"

// JobResult is what became of one action. Results stand in the order of the
// actions; those of actions that are not through yet are missing at the end.
type JobResult struct {
	// Status is JobCompleted, JobFailed or JobSkipped.
	Status       string          `json:"status"`
	UserID       string          `json:"user"`
	Code         identity.Secret `json:"code"`
	ErrorCode    string          `json:"errorCode"`
	ErrorMessage string          `json:"errorMessage"`
}

// JobTime is a time in the form of LoginTC's jobs, or null.
type JobTime struct{ time.Time }

const jobTimeLayout = "2006-01-02T15:04:05-0700"

// UnmarshalJSON implements json.Unmarshaler.
func (t *JobTime) UnmarshalJSON(document []byte) error {
	text := strings.Trim(string(document), `"`)
	if text == "null" || text == "" {
		t.Time = time.Time{}
		return nil
	}
	at, err := time.Parse(jobTimeLayout, text)
	t.Time = at.UTC()
	return err
}

// SubmitJob starts a job that performs exactly these n actions on a domain, and
// returns its id. They are asked for one by one, since there may be many. Notify is the address of an administrator or empty. If the
// answer is lost, nobody can tell whether it was started: it is not sent again, and
// the error is an *UncertainError.
func (w *Writer) SubmitJob(ctx context.Context, domainID, notify string, n int, action func(int) JobAction) (string, error) {
	if err := w.assumed(); err != nil {
		return "", err
	}
	body, err := encodeJob(notify, n, action)
	if err != nil {
		return "", err
	}
	w.actions.Store(max(w.actions.Load(), int64(n)))
	var answer struct {
		ID string `json:"id"`
	}
	c := call{method: http.MethodPost, path: "/domains/" + url.PathEscape(domainID) + "/jobs", encoded: body, into: &answer, once: true}
	if err := w.do(ctx, c); err != nil {
		return "", err
	}
	if !isID(answer.ID) {
		return "", &UncertainError{c.fail(fmt.Errorf("the id of the job is not 40 hexadecimal characters: %q", printable(answer.ID)))}
	}
	return answer.ID, nil
}

// encodeJob returns the body of a job of n actions.
func encodeJob(notify string, n int, action func(int) JobAction) ([]byte, error) {
	head := struct {
		Type   string `json:"type"`
		Notify string `json:"notify,omitempty"`
	}{"SyncUsersJob", notify}
	text, err := json.Marshal(head)
	if err != nil {
		return nil, err
	}
	body := bytes.NewBuffer(append(text[:len(text)-1], `,"actions":[`...))
	e := json.NewEncoder(body)
	const sample = 100
	var one JobAction
	for i := range n {
		if i > 0 {
			body.WriteByte(',')
		}
		if i == sample { // so that it need not grow often
			body.Grow(body.Len() / sample * (n - sample) * 9 / 8)
		}
		one = action(i)
		if err := e.Encode(&one); err != nil {
			return nil, err
		}
		body.Truncate(body.Len() - 1) // the line feed
	}
	body.WriteString("]}")
	return body.Bytes(), nil
}

// Job returns one job; an *APIError with status 404 where there is none.
func (r *Reader) Job(ctx context.Context, id string) (Job, error) {
	if !r.options.Assumed {
		return Job{}, errNotAssumed
	}
	if !isID(id) {
		return Job{}, errors.New("the id of a job has 40 hexadecimal characters")
	}
	job := Job{Results: make([]JobResult, 0, r.actions.Load())}
	c := call{method: http.MethodGet, path: "/jobs/" + url.PathEscape(id), into: &job}
	if err := r.do(ctx, c); err != nil {
		return Job{}, err
	}
	if job.ID != id {
		return Job{}, c.fail(fmt.Errorf("the answer is about another job: %q", printable(job.ID)))
	}
	for _, text := range []*string{&job.Type, &job.Status, &job.ErrorCode, &job.ErrorMessage} {
		*text = printable(*text)
	}
	for i := range job.Results {
		r := &job.Results[i]
		r.Status, r.ErrorCode, r.ErrorMessage = printable(r.Status), printable(r.ErrorCode), printable(r.ErrorMessage)
	}
	return job, nil
}
