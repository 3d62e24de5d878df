package logintctest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// job is an asynchronous job. It has no goroutine: whoever looks at the organization
// finds it as far as it would be by then.
type job struct {
	id, domain, notify          string
	created, started, completed time.Time
	actions                     []document
	results                     []jobResult
	failed                      int
	errorCode, errorMessage     string
	// spoiled are users of whom an action failed.
	spoiled        map[*record]bool
	spoiledNames   map[string]bool
	added, removed []string
}

// jobResult is what became of one action.
type jobResult struct {
	Status       string  `json:"status"`
	User         *string `json:"user"`
	Code         string  `json:"code,omitempty"`
	ErrorCode    *string `json:"errorCode"`
	ErrorMessage *string `json:"errorMessage"`
}

// jobObject is a job on the wire.
type jobObject struct {
	ID               string      `json:"id"`
	Type             string      `json:"type"`
	Status           string      `json:"status"`
	Created          *string     `json:"dtCreated"`
	Started          *string     `json:"dtStarted"`
	Completed        *string     `json:"dtCompleted"`
	ActionsCompleted int         `json:"actionsCompleted"`
	ActionsTotal     int         `json:"actionsTotal"`
	ErrorCode        *string     `json:"errorCode"`
	ErrorMessage     *string     `json:"errorMessage"`
	Results          []jobResult `json:"results"`
}

const jobType = "SyncUsersJob"

// actionShapes are the fields of each action. Of "user" and "username" it has one,
// except where an action is about a user that there is, or is to be.
func actionShapes() map[string]shape {
	either := []string{"user", "username"}
	with := func(texts ...string) shape { return shape{texts: append(texts, either...), required: texts} }
	create := userShape(true, "username", "name", "email")
	update := userShape(true, "user", "name", "email")
	create.lists, update.lists, update.required = nil, nil, []string{"user"}
	return map[string]shape{
		"create_user": create, "update_user": update,
		"join_domain": with(), "issue_token": with(), "issue_token_with_email": with(),
		"associate_phone": with("number"), "join_group": with("group"),
		"leave_domain": with(), "delete_user": with(),
	}
}

// readActions reads the actions of a job.
func readActions(dec *json.Decoder) ([]document, error) {
	if err := expect(dec, '['); err != nil {
		return nil, err
	}
	var all []document
	every, own := everyField(), actionShapes()
	for dec.More() {
		d, err := readAction(dec, every, own)
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", len(all)+1, err)
		}
		all = append(all, d)
	}
	return all, expect(dec, ']')
}

// everyField is a shape with all fields that any action has.
func everyField() shape {
	return shape{
		texts:    []string{"action", "user", "username", "name", "email", "number", "group"},
		nullable: aliasFields(), required: []string{"action"},
	}
}

// readAction reads an action with all fields that any has, and then holds it
// against its own shape.
func readAction(dec *json.Decoder, every shape, shapes map[string]shape) (document, error) {
	d, err := every.read(dec)
	if err != nil {
		return d, err
	}
	own, known := shapes[d.texts["action"]]
	if !known {
		return d, fmt.Errorf("there is no action %q", d.texts["action"])
	}
	names := slices.DeleteFunc(d.names(), func(name string) bool { return name == "action" })
	for _, name := range names {
		if !slices.Contains(own.texts, name) && !slices.Contains(own.nullable, name) {
			return d, fmt.Errorf("field %q is not one of %s", name, d.texts["action"])
		}
	}
	for _, name := range own.required {
		if !slices.Contains(names, name) {
			return d, fmt.Errorf("field %q is missing", name)
		}
	}
	_, id := d.texts["user"]
	_, username := d.texts["username"]
	if id == username {
		return d, errors.New("either user or username is expected")
	}
	if d.texts["action"] == "update_user" && len(names) == 1 {
		return d, errors.New("nothing is to be changed")
	}
	return d, nil
}

func submitJob(c *call) reply {
	d, err := parseDocument(c.body, shape{texts: []string{"type", "notify"}, actions: true, required: []string{"type", "actions"}})
	switch {
	case err != nil:
		return badRequest("badrequest.body", err.Error())
	case d.texts["type"] != jobType:
		return badRequest("badrequest.body", "type is "+jobType)
	case len(d.actions) == 0:
		return badRequest("badrequest.body", "a job has at least one action")
	}
	notify, given := d.texts["notify"]
	if given && checkEmail(notify) != "" {
		return badRequest("badrequest.body", "notify "+checkEmail(notify))
	}
	j := &job{
		id: c.org.newID(), domain: c.domain.ID, notify: notify, created: c.now, actions: d.actions,
		spoiled: map[*record]bool{}, spoiledNames: map[string]bool{},
	}
	c.org.jobs = append(c.org.jobs, j)
	answer := encode(map[string]string{"id": j.id})
	answer.status = http.StatusAccepted
	return answer
}

func getJob(c *call) reply {
	at := slices.IndexFunc(c.org.jobs, func(j *job) bool { return j.id == c.job })
	if at < 0 {
		return notFound("job", "no job has this id")
	}
	return encode(c.org.jobs[at].object())
}

func (j *job) object() jobObject {
	return jobObject{
		ID: j.id, Type: jobType, Status: j.status(),
		Created: wireTime(j.created), Started: wireTime(j.started), Completed: wireTime(j.completed),
		ActionsCompleted: len(j.results), ActionsTotal: len(j.actions),
		ErrorCode: orNull(j.errorCode), ErrorMessage: orNull(j.errorMessage), Results: append([]jobResult{}, j.results...),
	}
}

func (j *job) status() string {
	switch {
	case j.started.IsZero():
		return "Queued"
	case j.completed.IsZero():
		return "Running"
	case j.errorCode != "":
		return "Failed"
	}
	return "Completed"
}

func wireTime(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	return new(t.UTC().Format("2006-01-02T15:04:05-0700"))
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
