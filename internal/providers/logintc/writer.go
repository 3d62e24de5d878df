package logintc

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// Writer reads and writes an organization.
type Writer struct{ *Reader }

// NewWriter returns a writer. It sends nothing yet.
func NewWriter(o Options) (*Writer, error) {
	r, err := NewReader(o)
	if err != nil {
		return nil, err
	}
	return &Writer{r}, nil
}

// newUser and changedUser are the bodies of POST and PUT.
type newUser struct {
	Username string `json:"username"`
	Name     string `json:"name"`
	Email    string `json:"email"`
}

type changedUser struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

// CreateUser creates a user of the organization. If the answer is lost, the
// username is looked up, and only a user that is not there is created again.
func (w *Writer) CreateUser(ctx context.Context, user identity.User) (identity.Account, error) {
	var answer wireUser
	c := call{method: http.MethodPost, path: "/users", body: newUser(user), into: &answer, once: true}
	lost := false
	for attempt := 0; ; attempt++ {
		answer = wireUser{}
		err := w.do(ctx, c)
		if err == nil {
			account, err := answer.account()
			if err != nil {
				return identity.Account{}, c.fail(err)
			}
			return account, nil
		}
		if !uncertain(err) && !lost || ctx.Err() != nil {
			return identity.Account{}, err
		}
		lost = true
		account, found, lookup := w.UserByUsername(ctx, user.Username)
		switch {
		case lookup != nil:
			return identity.Account{}, errors.Join(err, lookup)
		case found:
			return account, nil
		case !uncertain(err), attempt == w.options.Retries:
			return identity.Account{}, err
		}
		if err := sleep(ctx, backoff(w.options.RetryWaitMin, w.options.RetryWaitMax, attempt, nil)); err != nil {
			return identity.Account{}, err
		}
	}
}

// UpdateUser writes name and email.
func (w *Writer) UpdateUser(ctx context.Context, userID string, user identity.User) error {
	return w.do(ctx, call{method: http.MethodPut, path: "/users/" + url.PathEscape(userID), body: changedUser{user.Name, user.Email}})
}

// DeleteUser deletes a user from the organization, with its memberships and
// tokens. One that is gone already is no error.
func (w *Writer) DeleteUser(ctx context.Context, userID string) error {
	return unlessGone(w.do(ctx, call{method: http.MethodDelete, path: "/users/" + url.PathEscape(userID)}))
}

// JoinDomain makes a user a member.
func (w *Writer) JoinDomain(ctx context.Context, domainID, userID string) error {
	return w.do(ctx, call{method: http.MethodPut, path: membership(domainID, userID)})
}

// LeaveDomain ends a membership; its token is revoked. One that ended already is
// no error.
func (w *Writer) LeaveDomain(ctx context.Context, domainID, userID string) error {
	return unlessGone(w.do(ctx, call{method: http.MethodDelete, path: membership(domainID, userID)}))
}

// token is the state of a token; the code activates it and is a secret.
type token struct {
	State string `json:"state"`
	Code  string `json:"code"`
}

// IssueToken issues a token without sending mail and returns its activation
// code. If the answer is lost, the token is read: issuing again would replace a
// code that may be on its way. The code is empty for a token that turns out to
// be active.
func (w *Writer) IssueToken(ctx context.Context, domainID, userID string) (identity.Secret, error) {
	path := membership(domainID, userID) + "/token"
	for attempt := 0; ; attempt++ {
		var issued token
		err := w.do(ctx, call{method: http.MethodPut, path: path, into: &issued, once: true})
		if err == nil {
			return identity.NewSecret(issued.Code), nil
		}
		if !uncertain(err) || ctx.Err() != nil {
			return identity.Secret{}, err
		}
		var present token
		lookup := w.do(ctx, call{method: http.MethodGet, path: path, into: &present})
		switch {
		case lookup == nil:
			return identity.NewSecret(present.Code), nil
		case !hasStatus(lookup, http.StatusNotFound):
			return identity.Secret{}, errors.Join(err, lookup)
		case attempt == w.options.Retries:
			return identity.Secret{}, err
		}
		if err := sleep(ctx, backoff(w.options.RetryWaitMin, w.options.RetryWaitMax, attempt, nil)); err != nil {
			return identity.Secret{}, err
		}
	}
}

func membership(domainID, userID string) string {
	return "/domains/" + url.PathEscape(domainID) + "/users/" + url.PathEscape(userID)
}

// unlessGone takes "not found" for done: what was to go is gone.
func unlessGone(err error) error {
	if hasStatus(err, http.StatusNotFound) {
		return nil
	}
	return err
}
