package logintctest

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// mediaType is the type of every body of the API, asked for and sent.
const mediaType = "application/vnd.logintc.v1+json"

// reply is one answer before it is written.
type reply struct {
	status      int
	contentType string // of the body, where there is one
	body        []byte
	allow       string // the Allow header of a 405
	retryAfter  string // the Retry-After header, in seconds
}

// ok is a success with a JSON body.
func ok(body []byte) reply {
	return reply{status: http.StatusOK, contentType: mediaType, body: body}
}

// done is a success that has nothing to say.
func done() reply { return reply{status: http.StatusOK} }

// encode is a success with v as its body; v holds nothing that can not be encoded.
func encode(v any) reply {
	body, err := json.Marshal(v)
	if err != nil {
		return fail(http.StatusInternalServerError, "internal", err.Error())
	}
	return ok(body)
}

// fail is an error in the documented form. Of the codes only notfound.token is
// documented, the others are this package's own in the same manner.
func fail(status int, code, message string) reply {
	type problem struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	body, _ := json.Marshal(map[string][]problem{"errors": {{"api.error." + code, message}}}) // strings alone
	return reply{status: status, contentType: mediaType, body: body}
}

func badRequest(code, message string) reply { return fail(http.StatusBadRequest, code, message) }

func notFound(what, message string) reply {
	return fail(http.StatusNotFound, "notfound."+what, message)
}

// write sends the answer; with half, the length of all of its body and half of it.
func (a reply) write(w http.ResponseWriter, half bool) {
	header := w.Header()
	if len(a.body) > 0 {
		header.Set("Content-Type", a.contentType)
	}
	header.Set("Content-Length", strconv.Itoa(len(a.body)))
	if a.allow != "" {
		header.Set("Allow", a.allow)
	}
	if a.retryAfter != "" {
		header.Set("Retry-After", a.retryAfter)
	}
	w.WriteHeader(a.status)
	// The other side may be gone, which is its own affair.
	if !half {
		_, _ = w.Write(a.body)
		return
	}
	_, _ = w.Write(a.body[:len(a.body)/2])
	_ = http.NewResponseController(w).Flush() // what is buffered is lost when the connection is closed
}
