package logintc

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// Reader reads an organization. It has no method that writes.
type Reader struct {
	*client
	longest atomic.Int64 // page of a listing that was seen, in users
	actions atomic.Int64 // of the largest job that was submitted
}

// NewReader returns a reader. It sends nothing yet.
func NewReader(o Options) (*Reader, error) {
	c, err := newClient(o)
	if err != nil {
		return nil, err
	}
	return &Reader{client: c}, nil
}

// Domain is a LoginTC domain.
type Domain struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Type string `json:"type"`
}

// Ping asks whether the API is there and takes the key.
func (r *Reader) Ping(ctx context.Context) error {
	_, err := r.PingDate(ctx)
	return err
}

// PingDate is Ping, and returns what the clock of the server says (RFC 9110, 6.6.1);
// zero where the answer does not tell.
func (r *Reader) PingDate(ctx context.Context) (time.Time, error) {
	var answer struct {
		Status string `json:"status"`
	}
	var header http.Header
	if err := r.do(ctx, call{method: http.MethodGet, path: "/ping", into: &answer, header: &header}); err != nil {
		return time.Time{}, err
	}
	if answer.Status != "OK" {
		return time.Time{}, fmt.Errorf("LoginTC: GET /ping: its status is %q", printable(answer.Status))
	}
	date, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return time.Time{}, nil //nolint:nilerr // a server without a clock sends none
	}
	return date, nil
}

// Organization returns the name of the organization that the key belongs to.
func (r *Reader) Organization(ctx context.Context) (string, error) {
	var answer struct {
		Name string `json:"name"`
	}
	return answer.Name, r.do(ctx, call{method: http.MethodGet, path: "/organization", into: &answer})
}

// Domain returns one domain; an *APIError with status 404 where there is none.
func (r *Reader) Domain(ctx context.Context, id string) (Domain, error) {
	var d Domain
	c := call{method: http.MethodGet, path: "/domains/" + url.PathEscape(id), into: &d}
	if err := r.do(ctx, c); err != nil {
		return Domain{}, err
	}
	if d.ID != id {
		return Domain{}, c.fail(fmt.Errorf("the answer is about another domain: %q", printable(d.ID)))
	}
	return d, nil
}

// UserByUsername returns the user of this username, and whether there is one.
// Whether LoginTC compares usernames with case is not documented: the username
// of the account is LoginTC's spelling.
func (r *Reader) UserByUsername(ctx context.Context, username string) (identity.Account, bool, error) {
	var u wireUser
	c := call{method: http.MethodGet, path: "/users?username=" + url.QueryEscape(username), into: &u}
	if err := r.do(ctx, c); isNotFound(err) {
		return identity.Account{}, false, nil
	} else if err != nil {
		return identity.Account{}, false, err
	}
	account, err := r.accountOf(&u, username)
	if err != nil {
		return identity.Account{}, false, c.fail(err)
	}
	return account, true, nil
}

// HasMember reports whether a user is a member of a domain.
func (r *Reader) HasMember(ctx context.Context, domainID, userID string) (bool, error) {
	var u wireUser
	return found(r.do(ctx, call{method: http.MethodGet, path: membership(domainID, userID), into: &u}))
}

// HasToken reports whether a member has a token on the domain, pending or active.
func (r *Reader) HasToken(ctx context.Context, domainID, userID string) (bool, error) {
	var present token
	return found(r.do(ctx, call{method: http.MethodGet, path: membership(domainID, userID) + "/token", into: &present}))
}

// wireUser is a user as the API sends it. Fields that are not known are passed
// over: the API may grow. Domains is nil where the field is missing or null, which
// plan takes for "not known", so that such a user is never deleted.
type wireUser struct {
	ID       string   `json:"id"`
	Username string   `json:"username"`
	Name     string   `json:"name"`
	Email    string   `json:"email"`
	Domains  []string `json:"domains"`
	assumedFields
}

// account checks the user: one without id or username comes from a broken answer.
func (c *client) account(u *wireUser) (identity.Account, error) {
	if !isID(u.ID) {
		return identity.Account{}, fmt.Errorf("the answer has a user (%q) whose id is not 40 hexadecimal characters: %q", printable(u.Username), printable(u.ID))
	}
	if u.Username == "" {
		return identity.Account{}, fmt.Errorf("the answer has a user without a username: %s", u.ID)
	}
	for _, id := range u.Domains {
		if !isID(id) {
			return identity.Account{}, fmt.Errorf("the answer has a user (%q) in a domain whose id is not 40 hexadecimal characters: %q", printable(u.Username), printable(id))
		}
	}
	account := identity.Account{
		ID: u.ID, User: identity.User{Username: u.Username, Name: u.Name, Email: u.Email}, Domains: u.Domains,
	}
	if c.options.Assumed {
		u.fill(&account, &c.nothing)
	}
	return account, nil
}

// accountOf checks, beside, that the user is the one that was asked for.
func (c *client) accountOf(u *wireUser, username string) (identity.Account, error) {
	account, err := c.account(u)
	if err == nil && identity.NewKey(account.Username) != identity.NewKey(username) {
		err = fmt.Errorf("the answer is about another user: %q", printable(account.Username))
	}
	return account, err
}

// isID reports whether s has the form of an id (REST API 1.3: 40 hexadecimal characters).
func isID(s string) bool {
	if len(s) != 40 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}
