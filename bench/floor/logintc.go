package floor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// LoginTC is an organization and a domain of it, spoken to by net/http alone, one call
// after another.
type LoginTC struct {
	// URL ends in /api.
	URL, Key, Domain string
}

// Discard reads the members of the domain page after page, throws the pages away, and
// counts them.
func (l LoginTC) Discard() (pages int, err error) {
	for ; ; pages++ {
		body, err := l.call(http.MethodGet, fmt.Sprintf("/domains/%s/users?page=%d", l.Domain, pages+1), nil)
		if err != nil {
			return 0, err
		}
		if bytes.Equal(bytes.TrimSpace(body), []byte("[]")) {
			return pages, nil
		}
	}
}

// Find asks for the user of a username, and whether it is a member: what somebody does who
// compares one user at a time.
func (l LoginTC) Find(username string) error {
	id, err := l.user(http.MethodGet, "/users?username="+url.QueryEscape(username), nil)
	if err != nil {
		return err
	}
	_, err = l.call(http.MethodGet, l.membership(id), nil)
	return err
}

// Create makes a user and a member of it.
func (l LoginTC) Create(username, name, email string) error {
	id, err := l.user(http.MethodPost, "/users", map[string]string{"username": username, "name": name, "email": email})
	if err != nil {
		return err
	}
	return l.Join(id)
}

// Join makes a user a member.
func (l LoginTC) Join(id string) error {
	_, err := l.call(http.MethodPut, l.membership(id), nil)
	return err
}

func (l LoginTC) membership(id string) string { return "/domains/" + l.Domain + "/users/" + id }

// user calls what answers with one user, and returns the user's id.
func (l LoginTC) user(method, path string, body any) (id string, err error) {
	answer, err := l.call(method, path, body)
	if err != nil {
		return "", err
	}
	var user struct {
		ID string `json:"id"`
	}
	return user.ID, json.Unmarshal(answer, &user)
}

// call is one call; any answer but a success is an error.
func (l LoginTC) call(method, path string, body any) ([]byte, error) {
	var sent io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		sent = bytes.NewReader(encoded)
	}
	request, err := http.NewRequest(method, l.URL+path, sent)
	if err != nil {
		return nil, err
	}
	const mediaType = "application/vnd.logintc.v1+json"
	request.Header.Set("Authorization", `LoginTC key="`+l.Key+`"`)
	request.Header.Set("Accept", mediaType)
	if body != nil {
		request.Header.Set("Content-Type", mediaType)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		return nil, fmt.Errorf("%s %s: %s: %s", method, path, response.Status, strings.TrimSpace(string(answer)))
	}
	return answer, nil
}
