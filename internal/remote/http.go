package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/state"
)

// HTTP says how an HTTP server that keeps a state is spoken to. Its protocol is that of
// Terraform's http backend, which GitLab's managed state implements: GET, POST with the
// lock's id as ?ID=, and a lock with a document that says who holds it.
type HTTP struct {
	LockAddress, LockMethod     string
	UnlockAddress, UnlockMethod string
	Username                    string
	Password                    identity.Secret
}

// served keeps a state behind an HTTP server.
type served struct {
	Options
	client *http.Client
}

func newHTTP(o Options) *served {
	return &served{o, &http.Client{Transport: &http.Transport{Proxy: o.Proxy}}}
}

// lockInfo is the document of a lock, with the names of Terraform's.
type lockInfo struct {
	ID        string    `json:"ID"`
	Operation string    `json:"Operation"`
	Info      string    `json:"Info"`
	Who       string    `json:"Who"`
	Version   string    `json:"Version"`
	Created   time.Time `json:"Created"`
	Path      string    `json:"Path"`
}

func (h *served) read(ctx context.Context) ([]byte, error) {
	got, err := h.send(ctx, http.MethodGet, h.URL, nil)
	if err != nil {
		return nil, err
	}
	switch got.code {
	case http.StatusOK:
		if len(got.content) == 0 {
			return nil, nil
		}
		return got.content, nil
	case http.StatusNoContent:
		return nil, nil
	case http.StatusNotFound:
		// GitLab says so of a project that is not there, or that the token may not see.
		if !bytes.Contains(got.content, []byte("Project Not Found")) {
			return nil, nil
		}
	}
	return nil, h.refused(got)
}

// write leaves out what but observes: the server keeps one version for each serial.
func (h *served) write(ctx context.Context, next state.Replacement, content []byte, lockID string) error {
	if !next.Changed {
		return nil
	}
	address, err := url.Parse(h.URL)
	if err != nil {
		return err
	}
	query := address.Query()
	query.Set("ID", lockID)
	address.RawQuery = query.Encode()
	got, err := h.send(ctx, http.MethodPost, address.String(), content)
	if err != nil {
		return err
	}
	if got.code/100 != 2 {
		return h.refused(got)
	}
	return nil
}

func (h *served) lock(ctx context.Context, holder state.Holder) (*state.Holder, error) {
	document, err := json.Marshal(lockInfo{
		ID: holder.ID, Operation: holder.Operation, Who: holder.User + "@" + holder.Host, Created: holder.Since,
		Info: fmt.Sprintf("process %d", holder.PID),
	})
	if err != nil {
		return nil, err
	}
	got, err := h.send(ctx, h.HTTP.LockMethod, h.HTTP.LockAddress, document)
	if err != nil {
		return nil, err
	}
	switch got.code {
	case http.StatusOK, http.StatusCreated, http.StatusNoContent:
		return nil, nil
	case http.StatusLocked, http.StatusConflict:
		other := holderOf(got.content)
		if other.ID == holder.ID {
			return nil, nil // it was sent twice, and the first took
		}
		return other, nil
	}
	return nil, h.refused(got)
}

// holderOf reads who holds a lock. What can not be read is somebody unknown.
func holderOf(content []byte) *state.Holder {
	var info lockInfo
	if json.Unmarshal(content, &info) != nil {
		return &state.Holder{}
	}
	h := &state.Holder{ID: info.ID, Operation: info.Operation, Since: info.Created}
	h.User, h.Host, _ = strings.Cut(info.Who, "@")
	_, _ = fmt.Sscanf(info.Info, "process %d", &h.PID) // others say nothing of it
	return h
}

func (h *served) unlock(ctx context.Context, id string) error {
	document, err := json.Marshal(lockInfo{ID: id})
	if err != nil {
		return err
	}
	got, err := h.send(ctx, h.HTTP.UnlockMethod, h.HTTP.UnlockAddress, document)
	if err != nil {
		return err
	}
	switch {
	case got.code/100 == 2:
		return nil
	case got.code == http.StatusLocked || got.code == http.StatusConflict:
		return &NotLockedError{ID: id, Present: holderOf(got.content).ID}
	case got.code == http.StatusNotFound:
		return &NotLockedError{ID: id}
	}
	return h.refused(got)
}

// holder takes the lock for a moment, since the protocol has no other way to look.
func (h *served) holder(ctx context.Context) (*state.Holder, error) {
	const probe = "rollcall-lock-status"
	other, err := h.lock(ctx, state.Holder{ID: probe, Operation: "lock status", Since: time.Unix(0, 0).UTC()})
	if err != nil || other != nil {
		return other, err
	}
	return nil, h.unlock(ctx, probe)
}

// answer is what the server said to a request.
type answer struct {
	request, status string
	code            int
	header          http.Header
	content         []byte
}

// send sends one request.
func (h *served) send(ctx context.Context, method, address string, body []byte) (*answer, error) {
	request, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if h.HTTP.Username != "" {
		request.SetBasicAuth(h.HTTP.Username, h.HTTP.Password.Reveal())
	}
	response, err := h.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	got := &answer{request: method + " " + request.URL.Redacted(), status: response.Status, code: response.StatusCode, header: response.Header}
	if got.content, err = readAll(response.Body); err != nil {
		return nil, fmt.Errorf("%s: %w", got.request, err)
	}
	return got, nil
}

// refused says that the protocol does not have the answer.
func (h *served) refused(a *answer) error {
	remedy := ""
	if a.code == http.StatusUnauthorized || a.code == http.StatusForbidden {
		remedy = "see username and password in the state block"
	}
	return a.unexpected(remedy)
}

func (a *answer) unexpected(remedy string) error {
	if remedy != "" {
		remedy = "; " + remedy
	}
	return fmt.Errorf("%s was answered %s %q%s", a.request, a.status, a.content[:min(200, len(a.content))], remedy)
}
