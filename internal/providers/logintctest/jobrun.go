package logintctest

import (
	"fmt"
	"time"
)

// advance performs what jobs would have done by now: one job after the other, in the
// order in which they were submitted. It is called under the lock.
func (e *Emulator) advance() {
	var free time.Time // when the job before was through
	for _, j := range e.org.jobs {
		if j.completed.IsZero() {
			if j.started.IsZero() {
				j.started = j.created
				if free.After(j.started) {
					j.started = free
				}
			}
			if !e.org.run(j, e.clock(), e.jobPace) {
				return
			}
		}
		free = j.completed
	}
}

// run performs the actions that are due, and reports whether the job is through.
func (o *organization) run(j *job, now time.Time, pace time.Duration) bool {
	d := o.domains[j.domain]
	if d == nil {
		j.completed, j.errorCode, j.errorMessage = now, "api.error.notfound.domain", "the domain of the job is gone"
		return true
	}
	if j.results == nil {
		j.results = make([]jobResult, 0, len(j.actions))
	}
	end := func(actions int) time.Time { return j.started.Add(time.Duration(actions) * pace) }
	for len(j.results) < len(j.actions) {
		if now.Before(end(len(j.results) + 1)) {
			return false
		}
		j.results = append(j.results, o.perform(j, d, j.actions[len(j.results)]))
	}
	j.completed = end(len(j.actions))
	if j.failed > 0 {
		j.errorCode, j.errorMessage = "api.error.job.actions", fmt.Sprintf("%d of %d actions failed", j.failed, len(j.actions))
	}
	o.tell(j.notify, d, j.added, j.removed)
	return true
}

// perform carries out one action. After a failure the later actions of the same user
// are skipped.
func (o *organization) perform(j *job, d *domain, a document) jobResult {
	r := o.byID[a.texts["user"]]
	if username, byName := a.texts["username"]; byName {
		r = o.byName[username]
	}
	name := a.texts["username"]
	if r != nil {
		name = r.Username
	}
	if j.spoiled[r] && r != nil || j.spoiledNames[name] {
		return jobResult{Status: "Skipped", User: idOf(r)}
	}
	made, code, errorCode, message := o.act(j, d, r, a)
	if errorCode != "" {
		j.failed++
		j.spoiled[r], j.spoiledNames[name] = true, name != ""
		errorCode = "api.error." + errorCode
		return jobResult{Status: "Failed", User: idOf(r), ErrorCode: &errorCode, ErrorMessage: &message}
	}
	return jobResult{Status: "Completed", User: idOf(made), Code: code}
}

func idOf(r *record) *string {
	if r == nil {
		return nil
	}
	return new(r.ID)
}

// act returns the user, with the code of a token that was issued without mail; or
// what is wrong.
func (o *organization) act(j *job, d *domain, r *record, a document) (user *record, code, errorCode, message string) {
	action := a.texts["action"]
	if action == "create_user" {
		if r != nil {
			return nil, "", "duplicate.username", "another user has this username"
		}
		r = o.create(a.texts["username"], a.texts["name"], a.texts["email"])
		r.take(a)
		return r, "", "", ""
	}
	if r == nil {
		return nil, "", "notfound.user", "there is no such user"
	}
	member := r.isMember(d)
	switch action {
	case "update_user":
		r.take(a)
	case "join_domain":
		o.join(d, r)
		if !member {
			j.added = append(j.added, r.Username)
		}
	case "associate_phone":
		r.Phones, r.wire = addOnce(r.Phones, a.texts["number"]), nil
	case "join_group":
		r.Groups, r.wire = addOnce(r.Groups, a.texts["group"]), nil
	case "delete_user":
		if member {
			j.removed = append(j.removed, r.Username)
		}
		o.delete(r)
	default:
		if !member {
			return nil, "", "notfound.member", "the user is no member of the domain"
		}
		code = o.actOnMember(j, d, r, action)
	}
	return r, code, "", ""
}

func (o *organization) actOnMember(j *job, d *domain, r *record, action string) (code string) {
	switch action {
	case "issue_token":
		code = o.issueToken(d, r).Code
	case "issue_token_with_email":
		o.mailToken(d, r)
	case "leave_domain":
		o.leave(d, r)
		j.removed = append(j.removed, r.Username)
	}
	return code
}
