package logintctest

import (
	"net/http"
	"slices"
	"strings"
)

// The calls of this file and of job.go are assumed: LoginTC's own sync tool does what
// they do, and their form is this project's.

// assumedRoutes are served beside the documented ones.
func assumedRoutes() []route {
	const get, post, put = http.MethodGet, http.MethodPost, http.MethodPut
	at := func(path string, a action) route { return route{strings.Split(path, "/"), []action{a}} }
	return []route{
		at("users/{user}/phones", action{method: post, do: associatePhone, body: true}),
		at("groups/{group}/users/{user}", action{method: put, do: joinGroup}),
		at("domains/{domain}/jobs", action{method: post, do: submitJob, body: true}),
		at("jobs/{job}", action{method: get, do: getJob}),
		at("domains/{domain}/notifications", action{method: post, do: notify, body: true}),
	}
}

func associatePhone(c *call) reply {
	d, err := parseDocument(c.body, shape{texts: []string{"number"}, required: []string{"number"}})
	if err != nil {
		return badRequest("badrequest.body", err.Error())
	}
	c.user.Phones, c.user.wire = addOnce(c.user.Phones, d.texts["number"]), nil
	return ok(c.user.encoded())
}

func joinGroup(c *call) reply {
	if problem := (field{"group", c.group}).check(); problem != "" {
		return badRequest("badrequest.group", "the name of the group "+problem)
	}
	c.user.Groups, c.user.wire = addOnce(c.user.Groups, c.group), nil
	return done()
}

// Mail is a mail that LoginTC would have sent.
type Mail struct {
	To string `json:"to"`
	// Kind is "token" or "notification". An activation code is never here.
	Kind string `json:"kind"`
	// Domain is the id of the domain.
	Domain string `json:"domain"`
	// Username is the user of a token; Added and Removed are the users of a
	// notification.
	Username string   `json:"username,omitempty"`
	Added    []string `json:"added,omitempty"`
	Removed  []string `json:"removed,omitempty"`
}

// Mails are the mails that were sent.
type Mails struct {
	// Total is the length of Mails.
	Total int    `json:"total"`
	Mails []Mail `json:"mails"`
}

// Mails returns all mails since the start or the last Reset.
func (e *Emulator) Mails() Mails {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.advance()
	return Mails{len(e.org.mails), append([]Mail{}, e.org.mails...)}
}

// mailToken issues a token whose code goes to the user by mail, and to nobody else.
func (o *organization) mailToken(d *domain, r *record) token {
	o.issueToken(d, r)
	o.mails = append(o.mails, Mail{To: r.Email, Kind: "token", Domain: d.ID, Username: r.Username})
	return token{State: TokenPending}
}

// tell sends a notification. An address that is no administrator's is ignored.
func (o *organization) tell(to string, d *domain, added, removed []string) {
	if slices.Contains(o.administrators, to) && len(added)+len(removed) > 0 {
		o.mails = append(o.mails, Mail{To: to, Kind: "notification", Domain: d.ID, Added: added, Removed: removed})
	}
}

func notify(c *call) reply {
	names := []string{"added", "removed"}
	d, err := parseDocument(c.body, shape{texts: []string{"email"}, lists: names, required: append(names, "email")})
	if err != nil {
		return badRequest("badrequest.body", err.Error())
	}
	if len(d.lists["added"])+len(d.lists["removed"]) == 0 {
		return badRequest("badrequest.body", "nobody was added or removed")
	}
	c.org.tell(d.texts["email"], c.domain, d.lists["added"], d.lists["removed"])
	return reply{status: http.StatusAccepted}
}
