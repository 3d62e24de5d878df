package logintc

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode"
)

// maxMessage is how many characters of a server's message are shown.
const maxMessage = 300

// APIError is an answer that is no success.
type APIError struct {
	Method string
	// Path stands below the base URL, with its query.
	Path   string
	Status int
	// Code and Message are the server's own, or empty; printable and cut.
	Code, Message string
}

func (e *APIError) Error() string {
	text := fmt.Sprintf("LoginTC: %s %s: %d %s", e.Method, e.Path, e.Status, http.StatusText(e.Status))
	for _, part := range []string{e.Code, e.Message, e.remedy()} {
		if part != "" {
			text += ": " + part
		}
	}
	return text
}

func (e *APIError) remedy() string {
	switch {
	case e.Status == http.StatusUnauthorized:
		return "check that api_key is a key of this organization"
	case e.Status == http.StatusForbidden:
		return "the API key may not do this; check its permissions"
	case e.Status >= 300 && e.Status < 400:
		return "redirects are not followed with the API key; check host"
	}
	return ""
}

// newAPIError reads the documented body of an error, as far as there is one:
// {"errors":[{"code":"…","message":"…"}]}.
func newAPIError(call call, status int, contentType string, body []byte) *APIError {
	e := &APIError{Method: call.method, Path: call.path, Status: status}
	var document struct {
		Errors []struct{ Code, Message string } `json:"errors"`
	}
	if strings.Contains(contentType, "json") && json.Unmarshal(body, &document) == nil && len(document.Errors) > 0 {
		e.Code, e.Message = printable(document.Errors[0].Code), printable(document.Errors[0].Message)
	}
	return e
}

// printable cuts a server's text and takes out what could act on a terminal.
func printable(s string) string {
	runes := []rune(s)
	if len(runes) > maxMessage {
		runes = append(runes[:maxMessage], '…')
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, string(runes))
}

// hasStatus reports whether err is an answer with the status.
func hasStatus(err error, status int) bool {
	var api *APIError
	return errors.As(err, &api) && api.Status == status
}

// uncertain reports whether the call may have been acted upon all the same: no
// answer came, or one by which a server or proxy says that it does not know.
func uncertain(err error) bool {
	var api *APIError
	return err != nil && (!errors.As(err, &api) || api.Status >= http.StatusInternalServerError)
}
