package remotetest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// GitLab does what GitLab documents of its managed state
// (https://docs.gitlab.com/user/infrastructure/iac/terraform_state/, and the API below
// /projects/ID/terraform/state/NAME): a version for each serial, a write under a lock
// only by who has its id, and a lock by POST and DELETE.
type GitLab struct {
	// URL is the address of the state.
	URL string

	mu       sync.Mutex
	versions map[uint64][]byte
	newest   uint64
	lock     map[string]any
	refused  []string
}

// Username and Password are those that the server takes.
const (
	Username = "gitlab-ci-token"
	Password = "glpat-secret"
)

// StartGitLab starts the server. It ends with the test.
func StartGitLab(t testing.TB) *GitLab {
	t.Helper()
	g := &GitLab{versions: map[uint64][]byte{}}
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	g.URL = server.URL + "/api/v4/projects/7/terraform/state/rollcall"
	return g
}

// Refused returns what was refused for another reason than a lock that is held.
func (g *GitLab) Refused() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refused
}

// ServeHTTP implements http.Handler.
func (g *GitLab) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	refuse := func(code int, format string, args ...any) {
		text := fmt.Sprintf(format, args...)
		g.refused = append(g.refused, r.Method+" "+r.URL.Path+": "+text)
		http.Error(w, text, code)
	}
	if user, password, _ := r.BasicAuth(); user != Username || password != Password {
		refuse(http.StatusUnauthorized, "401 Unauthorized")
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client is gone
	}
	const path = "/api/v4/projects/7/terraform/state/rollcall"
	switch r.Method + " " + r.URL.Path {
	case "GET " + path:
		if g.newest == 0 {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = w.Write(g.versions[g.newest])
	case "POST " + path:
		g.write(w, r, body, refuse)
	case "POST " + path + "/lock":
		var info map[string]any
		if json.Unmarshal(body, &info) != nil || info["ID"] == "" || info["ID"] == nil {
			refuse(http.StatusBadRequest, "a lock has an ID")
			return
		}
		if g.lock != nil {
			w.WriteHeader(http.StatusLocked)
			_ = json.NewEncoder(w).Encode(g.lock)
			return
		}
		g.lock = info
	case "DELETE " + path + "/lock":
		var info map[string]any
		_ = json.Unmarshal(body, &info) // without an ID it is none of ours
		switch {
		case g.lock == nil:
			w.WriteHeader(http.StatusNotFound)
		case g.lock["ID"] != info["ID"]:
			w.WriteHeader(http.StatusConflict)
			_ = json.NewEncoder(w).Encode(g.lock)
		default:
			g.lock = nil
		}
	default:
		refuse(http.StatusMethodNotAllowed, "405 Method Not Allowed")
	}
}

func (g *GitLab) write(w http.ResponseWriter, r *http.Request, body []byte, refuse func(int, string, ...any)) {
	var head struct{ Serial uint64 }
	switch {
	case g.lock != nil && g.lock["ID"] != r.URL.Query().Get("ID"):
		w.WriteHeader(http.StatusConflict)
		_ = json.NewEncoder(w).Encode(g.lock)
	case r.Header.Get("Content-Type") != "application/json" || json.Unmarshal(body, &head) != nil || head.Serial == 0:
		refuse(http.StatusBadRequest, "a state is JSON with a serial")
	case g.versions[head.Serial] != nil:
		refuse(http.StatusUnprocessableEntity, "version %d has been taken", head.Serial)
	default:
		g.versions[head.Serial], g.newest = body, max(g.newest, head.Serial)
	}
}
