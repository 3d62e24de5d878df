package logintc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// Everything in this file and in job.go is assumed: LoginTC does not document the
// wire of what its own sync tool does, and these forms are this project's choice.
// Nothing of it is sent without Options.Assumed.

// errNotAssumed says that a call was asked for that the configuration forbids. The
// configuration is checked before, so it is a mistake of the program.
var errNotAssumed = errors.New(`this takes a call that LoginTC does not document; it needs api = "sync"`)

func (w *Writer) assumed() error {
	if !w.options.Assumed {
		return errNotAssumed
	}
	return nil
}

// assumedFields are what a user has beside the documented fields.
type assumedFields struct {
	Alias1 *string  `json:"alias1"`
	Alias2 *string  `json:"alias2"`
	Alias3 *string  `json:"alias3"`
	Phones []string `json:"phones"`
	Groups []string `json:"groups"`
}

func (f *assumedFields) fill(account *identity.Account) {
	have := [3]identity.Alias{identity.NoAlias, identity.NoAlias, identity.NoAlias}
	for i, alias := range [...]*string{f.Alias1, f.Alias2, f.Alias3} {
		if alias != nil && *alias != "" {
			have[i] = identity.Alias(*alias)
		}
	}
	account.SetAliases(have)
	account.Holdings = &identity.Holdings{PhoneNumbers: f.Phones, GroupNames: f.Groups}
}

// aliases are the fields of a body: absent where nothing is said, null to clear.
type aliases struct{ identity.AliasSet }

func aliasesOf(user identity.User) aliases {
	if user.AliasSet == nil {
		return aliases{}
	}
	return aliases{*user.AliasSet}
}

func (w *Writer) aliases(user identity.User) (aliases, error) {
	out := aliasesOf(user)
	if out != (aliases{}) {
		return out, w.assumed()
	}
	return out, nil
}

// changedAliases returns a user with those aliases alone that differ.
func changedAliases(before, after identity.User) identity.User {
	was, is := before.Aliases(), after.Aliases()
	for i := range is {
		if is[i] == was[i] {
			is[i] = ""
		}
	}
	var out identity.User
	out.SetAliases(is)
	return out
}

// AssociatePhone gives a user a phone. If the answer is lost, the user is read.
func (w *Writer) AssociatePhone(ctx context.Context, userID, number string) error {
	if err := w.assumed(); err != nil {
		return err
	}
	post := call{method: http.MethodPost, path: userPath(userID) + "/phones", body: map[string]string{"number": number}, once: true}
	return w.settle(ctx, func() error { return w.do(ctx, post) }, func() (bool, error) {
		var u wireUser
		err := w.do(ctx, call{method: http.MethodGet, path: userPath(userID), into: &u})
		return err == nil && slices.Contains(u.Phones, number), err
	})
}

// JoinGroup puts a user into a group, which is created where there is none.
func (w *Writer) JoinGroup(ctx context.Context, userID, group string) error {
	if err := w.assumed(); err != nil {
		return err
	}
	return w.do(ctx, call{method: http.MethodPut, path: "/groups/" + url.PathEscape(group) + userPath(userID)})
}

// IssueTokenWithEmail issues a token whose code LoginTC mails to the user. If the
// answer is lost, the token is read: a second mail would make the first one's code
// worthless.
func (w *Writer) IssueTokenWithEmail(ctx context.Context, domainID, userID string) error {
	if err := w.assumed(); err != nil {
		return err
	}
	path := membership(domainID, userID) + "/token"
	put := call{method: http.MethodPut, path: path + "?email=true", once: true}
	return w.settle(ctx, func() error { return w.do(ctx, put) }, func() (bool, error) {
		var present token
		return found(w.do(ctx, call{method: http.MethodGet, path: path, into: &present}))
	})
}

// Notify has an administrator told by mail of users who were added to a domain and
// removed from it. LoginTC ignores an address that is no administrator's. If the
// answer is lost, nobody can tell, and it is not sent again.
func (w *Writer) Notify(ctx context.Context, domainID, email string, added, removed []string) error {
	if err := w.assumed(); err != nil {
		return err
	}
	body := struct {
		Email   string   `json:"email"`
		Added   []string `json:"added"`
		Removed []string `json:"removed"`
	}{email, orEmpty(added), orEmpty(removed)}
	err := w.do(ctx, call{method: http.MethodPost, path: "/domains/" + url.PathEscape(domainID) + "/notifications", body: body, once: true})
	if err != nil {
		return fmt.Errorf("notifying %s: %w", email, err)
	}
	return nil
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
