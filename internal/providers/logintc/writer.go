package logintc

import (
	"context"
	"errors"
	"fmt"
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
	aliases
}

type changedUser struct {
	Name  string `json:"name,omitempty"`
	Email string `json:"email,omitempty"`
	aliases
}

// CreateUser creates a user of the organization. If the answer is lost, the
// username is looked up, and only a user that is not there is created again.
func (w *Writer) CreateUser(ctx context.Context, user identity.User) (account identity.Account, err error) {
	wanted, err := w.aliases(user)
	if err != nil {
		return identity.Account{}, err
	}
	c := call{method: http.MethodPost, path: "/users", body: newUser{user.Username, user.Name, user.Email, wanted}, once: true}
	create := func() error {
		var answer wireUser
		c.into = &answer
		if err := w.do(ctx, c); err != nil {
			return err
		}
		if account, err = w.accountOf(&answer, user.Username); err != nil {
			return c.fail(err)
		}
		return nil
	}
	lookup := func() (found bool, err error) {
		account, found, err = w.UserByUsername(ctx, user.Username)
		return found, err
	}
	if err := w.settle(ctx, create, lookup); err != nil {
		return identity.Account{}, err
	}
	return account, nil
}

// settle carries out a call that must not be done twice. Where its answer is
// lost, or tells nothing, lookup says whether it was done; only if not, it is
// called again.
func (w *Writer) settle(ctx context.Context, act func() error, lookup func() (done bool, err error)) error {
	lost := false
	for attempt := 0; ; attempt++ {
		err := act()
		if err == nil || ctx.Err() != nil {
			return err // if it was sent, it is uncertain by itself
		}
		// After a lost answer, a refusal may mean that the first time was a success.
		if lost = lost || uncertain(err); !lost {
			return err
		}
		done, unknown := lookup()
		switch {
		case unknown != nil:
			return &UncertainError{fmt.Errorf("%w; whether it was done all the same could not be found out: %w", err, unknown)}
		case done:
			return nil
		case !uncertain(err), !repeatable(err), attempt == w.options.Retries:
			return err
		}
		if ended := sleep(ctx, backoff(w.options.RetryWaitMin, w.options.RetryWaitMax, attempt, nil)); ended != nil {
			return fmt.Errorf("%w; not tried again: %w", err, ended)
		}
	}
}

// UpdateUser writes those values that differ from the ones before. Aliases of which
// nothing is said stay what they are.
func (w *Writer) UpdateUser(ctx context.Context, userID string, before, after identity.User) error {
	body, err := w.change(before, after)
	if err != nil || body == (changedUser{}) {
		return err
	}
	return w.do(ctx, call{method: http.MethodPut, path: userPath(userID), body: body})
}

func (w *Writer) change(before, after identity.User) (changedUser, error) {
	changed := changedValues(before, after)
	aliases, err := w.aliases(changed)
	return changedUser{changed.Name, changed.Email, aliases}, err
}

// changedValues returns a user with those values alone that differ.
func changedValues(before, after identity.User) identity.User {
	var changed identity.User
	if after.Name != before.Name {
		changed.Name = after.Name
	}
	if after.Email != before.Email {
		changed.Email = after.Email
	}
	was, is := before.Aliases(), after.Aliases()
	for i := range is {
		if is[i] == was[i] {
			is[i] = ""
		}
	}
	changed.SetAliases(is)
	return changed
}

// DeleteUser deletes a user from the organization, with its memberships and
// tokens. One that is gone already is no error.
func (w *Writer) DeleteUser(ctx context.Context, userID string) error {
	return unlessGone(w.do(ctx, call{method: http.MethodDelete, path: userPath(userID)}))
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
	var present token
	read := func(c call) error {
		present = token{}
		c.path, c.into = path, &present
		if err := w.do(ctx, c); err != nil {
			return err
		}
		if present.Code == "" && present.State != "active" {
			return c.fail(errors.New("the answer has no activation code"))
		}
		return nil
	}
	issue := func() error { return read(call{method: http.MethodPut, once: true}) }
	lookup := func() (bool, error) { return found(read(call{method: http.MethodGet})) }
	if err := w.settle(ctx, issue, lookup); err != nil {
		return identity.Secret{}, err
	}
	return identity.NewSecret(present.Code), nil
}

// found tells by the error of a lookup whether the thing is there.
func found(err error) (bool, error) {
	if isNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

func userPath(userID string) string { return "/users/" + url.PathEscape(userID) }

func membership(domainID, userID string) string {
	return "/domains/" + url.PathEscape(domainID) + "/users/" + url.PathEscape(userID)
}

// unlessGone takes "not found" for done: what was to go is gone.
func unlessGone(err error) error {
	if isNotFound(err) {
		return nil
	}
	return err
}
