package logintctest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"unicode/utf8"
)

// maxBody bounds a request, in bytes: more than a domain of 100,000 users needs.
const maxBody = 32 << 20

// query holds the parameters of a call, each there once.
type query map[string]string

// checkRequest holds the headers, and whether there is a body, against the
// documentation. The reply is what to answer where something is wrong.
func checkRequest(r *http.Request, a *action, body []byte) (_ reply, wrong bool) {
	if accept := r.Header.Values("Accept"); len(accept) != 1 ||
		accept[0] != mediaType && (a.accept == "" || accept[0] != a.accept) {
		return fail(http.StatusNotAcceptable, "notacceptable", "send the header Accept: "+mediaType), true
	}
	problem := ""
	switch contentType := r.Header.Values("Content-Type"); {
	case a.body && (len(contentType) != 1 || contentType[0] != mediaType):
		problem = "send the header Content-Type: " + mediaType
	case a.body && len(body) == 0:
		problem = "this call needs a body"
	case a.body && len(body) > maxBody:
		problem = "the body is larger than 32 MiB"
	case !a.body && r.ContentLength != 0:
		problem = "this call has no body"
	case !a.body && r.Method == http.MethodPut && r.Header.Get("Content-Length") != "0":
		problem = "send the header Content-Length: 0"
	}
	if problem != "" {
		return badRequest("badrequest.body", problem), true
	}
	return reply{}, false
}

// readQuery returns the parameters. One that the call does not have makes it a
// call that is not there.
func readQuery(r *http.Request, a *action, sync bool) (_ query, _ reply, wrong bool) {
	if r.URL.RawQuery == "" {
		return nil, reply{}, false
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, badRequest("badrequest.query", "the query can not be read"), true
	}
	q := make(query, len(values))
	for name, list := range values {
		if !slices.Contains(a.parameters, name) && (!sync || !slices.Contains(a.assumed, name)) {
			return nil, notFound("call", fmt.Sprintf("no documented call has the parameter %q here", name)), true
		}
		if len(list) != 1 || !utf8.ValidString(list[0]) {
			return nil, badRequest("badrequest.query", fmt.Sprintf("parameter %q is there twice or is not UTF-8", name)), true
		}
		q[name] = list[0]
	}
	return q, reply{}, false
}

// pageNumber returns the page that is asked for; without the parameter the
// first, as the official clients expect.
func (q query) pageNumber() (n int, valid bool) {
	text, given := q["page"]
	if !given {
		return 1, true
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 1 && strconv.Itoa(n) == text
}
