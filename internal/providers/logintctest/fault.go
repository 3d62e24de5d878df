package logintctest

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Fault is a way to misbehave and the requests to do it to. ParseFault makes one.
type Fault struct {
	effect
	every, after int
	method, path string
}

// ParseFault reads a comma-separated list of what happens and when:
//
//	status=N        N (400 to 599) is answered instead of acting
//	retry_after=N   with status: the header Retry-After, in seconds
//	drop=before     the connection is closed without acting
//	drop=after      it is acted, then the connection is closed without an answer
//	body=half       it is acted; the answer breaks off in the middle of its body
//	delay=2s        it is waited before anything else happens
//	type=text/html  a page of this type is answered instead of acting, with
//	                status 200 where none is given, as a proxy does
//	page=repeat     a page of a listing after the first has what the page before has
//	page=shift      a page of a listing after the first begins one user early
//
//	every=N         of the requests that match, every Nth (default 1: each)
//	after=N         only after the first N that match
//	method=M        only requests of this method
//	path=P          only requests whose path with query begins with P, which
//	                begins with /api
//
// A list without a when hits each request of the API.
func ParseFault(spec string) (Fault, error) {
	f := Fault{every: 1}
	seen := map[string]bool{}
	for part := range strings.SplitSeq(spec, ",") {
		name, value, _ := strings.Cut(part, "=")
		if seen[name] {
			return Fault{}, fmt.Errorf("%s is there twice", name)
		}
		seen[name] = true
		if problem := f.set(name, value); problem != "" {
			return Fault{}, fmt.Errorf("%q: %s", part, problem)
		}
	}
	if err := f.check(); err != nil {
		return Fault{}, err
	}
	return f, nil
}

// set takes one part of a specification and returns what is wrong with it.
func (f *Fault) set(name, value string) string {
	var valid bool
	var want string
	switch name {
	case "status":
		f.status, valid = number(value, http.StatusBadRequest, 599)
		want = "status is a number from 400 to 599"
	case "retry_after":
		_, valid = number(value, 0, 86400)
		f.retryAfter, want = value, "retry_after is a number of seconds"
	case "drop":
		f.drop = dropFault(value)
		valid = f.drop == dropBefore || f.drop == dropAfter
		want = "drop is before or after"
	case "body":
		f.half, valid = true, value == "half"
		want = "body is half"
	case "delay":
		var err error
		f.delay, err = time.ParseDuration(value)
		valid, want = err == nil && f.delay > 0, "delay is a duration such as 2s"
	case "type":
		_, _, err := mime.ParseMediaType(value)
		f.mediaType, valid = value, err == nil && strings.Contains(value, "/")
		want = "type is a media type such as text/html"
	case "page":
		f.page = pageFault(value)
		valid, want = f.page == pageRepeat || f.page == pageShift, "page is repeat or shift"
	default:
		return f.setWhen(name, value)
	}
	if valid {
		return ""
	}
	return want
}

func (f *Fault) setWhen(name, value string) string {
	var valid bool
	var want string
	switch name {
	case "every":
		f.every, valid = number(value, 1, 1<<30)
		want = "every is a number from 1"
	case "after":
		f.after, valid = number(value, 0, 1<<30)
		want = "after is a number from 0"
	case "method":
		f.method, valid = value, value != "" && value == strings.ToUpper(value)
		want = "method is a method such as POST"
	case "path":
		f.path, valid = value, strings.HasPrefix(value, "/api")
		want = "path begins with /api"
	default:
		return "known are status, retry_after, drop, body, delay, type, page, every, after, method and path"
	}
	if valid {
		return ""
	}
	return want
}

// check refuses what can not happen together.
func (f *Fault) check() error {
	var instead []string
	for _, e := range []struct {
		there bool
		name  string
	}{
		{f.status != 0 || f.mediaType != "", "status or type"},
		{f.drop != "", "drop"},
		{f.half, "body"},
		{f.page != "", "page"},
	} {
		if e.there {
			instead = append(instead, e.name)
		}
	}
	switch {
	case len(instead) > 1:
		return fmt.Errorf("%s do not go together: give each its own fault", strings.Join(instead, " and "))
	case len(instead) == 0 && f.delay == 0:
		return errors.New("it does not say what happens: give status, drop, body, delay, type or page")
	case f.retryAfter != "" && f.status == 0:
		return errors.New("retry_after goes with status")
	}
	return nil
}

func number(s string, low, high int) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= low && n <= high
}
