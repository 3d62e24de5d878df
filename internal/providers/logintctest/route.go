package logintctest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// call is one request on its way through the emulator.
type call struct {
	org      *organization
	pageSize int
	page     pageFault
	query    query
	body     []byte
	sync     bool
	now      time.Time
	// group and job are what the path names.
	group, job string
	// domain and user are those that the path names; nil where it names none.
	domain *domain
	user   *record
}

// action answers one documented call under the emulator's lock.
type action struct {
	method string
	do     func(*call) reply
	// parameters are those of the query; body says that a body is documented.
	parameters []string
	// assumed are parameters that are not documented.
	assumed []string
	body    bool
	accept  string // also accepted, besides the vendor's media type
}

// route is a documented path below /api/; {user} and {domain} stand for ids.
type route struct {
	segments []string
	actions  []action
}

func routes() []route {
	const get, post, put, del = http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete
	at := func(path string, actions ...action) route {
		return route{segments: strings.Split(path, "/"), actions: actions}
	}
	return []route{
		at("ping", action{method: get, do: ping}),
		at("organization", action{method: get, do: getOrganization}),
		at("users",
			action{method: get, do: listUsers, parameters: []string{"page", "username"}},
			action{method: post, do: createUser, body: true}),
		at("users/{user}",
			action{method: get, do: getUser},
			action{method: put, do: updateUser, body: true},
			action{method: del, do: deleteUser}),
		at("domains/{domain}", action{method: get, do: getDomain}),
		at("domains/{domain}/image", action{method: get, do: getImage, accept: "image/png"}),
		at("domains/{domain}/users",
			action{method: get, do: listMembers, parameters: []string{"page"}},
			action{method: put, do: setMembers, body: true}),
		at("domains/{domain}/users/{user}",
			action{method: get, do: getMember},
			action{method: put, do: joinDomain},
			action{method: del, do: leaveDomain}),
		at("domains/{domain}/users/{user}/token",
			action{method: get, do: getToken},
			action{method: put, do: issueToken, assumed: []string{"email"}},
			action{method: del, do: revokeToken}),
	}
}

// match returns the route of a path below /api/, as it is escaped, and what it names
// by the segment of the route.
func match(all []route, path string) (r *route, names map[string]string) {
	given := strings.Split(path, "/")
	for i, segment := range given {
		plain, err := url.PathUnescape(segment)
		if err != nil {
			return nil, nil
		}
		given[i] = plain
	}
	for i := range all {
		r = &all[i]
		if !slices.EqualFunc(r.segments, given, func(have, got string) bool { return have == got || have[0] == '{' && got != "" }) {
			continue
		}
		names = map[string]string{}
		for k, segment := range r.segments {
			if segment[0] == '{' {
				names[segment] = given[k]
			}
		}
		return r, names
	}
	return nil, nil
}

// find returns the action of a method, and all methods for the Allow header.
func (r *route) find(method string) (*action, string) {
	allow := make([]string, 0, len(r.actions))
	for i := range r.actions {
		if r.actions[i].method == method {
			return &r.actions[i], ""
		}
		allow = append(allow, r.actions[i].method)
	}
	return nil, strings.Join(allow, ", ")
}
