package logintc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
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
	parts := []string{
		fmt.Sprintf("LoginTC: %s %s", e.Method, e.Path),
		strings.TrimSpace(fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))),
		e.Code, e.Message, e.remedy(),
	}
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), ": ")
}

func (e *APIError) remedy() string {
	switch {
	case e.Status == http.StatusUnauthorized:
		return "check that api_key is a key of this organization"
	case e.Status == http.StatusForbidden:
		return "the API key may not do this; check its permissions"
	case e.Status == http.StatusTooManyRequests:
		return refusedRemedy
	case e.Status == http.StatusProxyAuthRequired:
		return proxyRemedy
	case e.Status >= 300 && e.Status < 400:
		return "redirects are not followed with the API key; check host"
	}
	return ""
}

// refusedRemedy is what to do where the server takes no calls.
const refusedRemedy = "no call got through for minutes; set requests_per_second in the logintc block to what LoginTC allows, or try again later"

// proxyRemedy is what to do where a proxy wants to know who asks.
const proxyRemedy = "check username and password of the proxy"

// ProxyError says that a proxy did not connect to LoginTC.
type ProxyError struct {
	// Status is the answer to CONNECT (RFC 9110, 9.3.6).
	Status int
}

func (e *ProxyError) Error() string {
	text := fmt.Sprintf("the proxy refused to connect: %d %s", e.Status, http.StatusText(e.Status))
	if e.Status == http.StatusProxyAuthRequired || e.Status == http.StatusUnauthorized { // some say one, some the other
		text += "; " + proxyRemedy
	}
	return text
}

// refusedByProxy implements http.Transport.OnProxyConnectResponse.
func refusedByProxy(_ context.Context, _ *url.URL, _ *http.Request, response *http.Response) error {
	if response.StatusCode == http.StatusOK {
		return nil
	}
	return &ProxyError{response.StatusCode}
}

// newAPIError reads the documented body of an error, as far as there is one:
// {"errors":[{"code":"…","message":"…"}]}. A server may quote the key.
func (c *client) newAPIError(call call, status int, contentType string, body []byte) *APIError {
	e := &APIError{Method: call.method, Path: call.path, Status: status}
	var document struct {
		Errors []struct{ Code, Message string } `json:"errors"`
	}
	if strings.Contains(contentType, "json") && json.Unmarshal(body, &document) == nil && len(document.Errors) > 0 {
		clean := func(s string) string { return printable(strings.ReplaceAll(s, c.key.Reveal(), c.key.String())) }
		e.Code, e.Message = clean(document.Errors[0].Code), clean(document.Errors[0].Message)
	}
	return e
}

// printable cuts a server's text and takes out what could act on a terminal.
func printable(s string) string {
	if len(s) <= maxMessage && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		return s // as almost every one
	}
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

// isNotFound reports whether LoginTC itself says that there is no such thing. A
// proxy's page of the same status says nothing about it.
func isNotFound(err error) bool {
	api, ok := errors.AsType[*APIError](err)
	return ok && api.Status == http.StatusNotFound && api.Code != ""
}
