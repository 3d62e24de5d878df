package cli_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// forge does what the scripts of examples/pipelines ask of GitHub or GitLab, as these
// document it: comments, issues with a label, and the artifact of a merged request.
type forge struct {
	URL string

	mu sync.Mutex
	// comments and issues are by id; issues that are closed are kept.
	comments map[int]string
	issues   map[int]forgeIssue
	next     int
	// head is the commit of the request that was merged as merge, plan its artifact.
	head, merge string
	plan        []byte
	refused     []string
}

type forgeIssue struct {
	Body   string
	Closed bool
}

const forgeToken = "forge-token-that-nobody-may-see"

func startForge(t *testing.T, routes func(*forge, *http.ServeMux), authorized func(*http.Request) bool) *forge {
	t.Helper()
	f := &forge{comments: map[int]string{1: "a remark of somebody"}, issues: map[int]forgeIssue{}, next: 2}
	mux := http.NewServeMux()
	routes(f, mux)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if _, pattern := mux.Handler(r); pattern == "" || !authorized(r) {
			f.refused = append(f.refused, r.Method+" "+r.URL.String())
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() {
		if len(f.refused) > 0 {
			t.Errorf("refused: %q", f.refused)
		}
	})
	f.URL = server.URL
	return f
}

// answer writes a document.
func answer(w http.ResponseWriter, document any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(document) // the client may be gone
}

// object reads a document of texts and lists; what is none is an empty one.
func object(r *http.Request) map[string]any {
	var document map[string]any
	_ = json.NewDecoder(r.Body).Decode(&document)
	return document
}

func text(document map[string]any, name string) string {
	s, _ := document[name].(string)
	return s
}

// listed are the comments that are not rollcall's as well, oldest first, on one page.
func (f *forge) listed(r *http.Request) []map[string]any {
	list := []map[string]any{}
	if r.URL.Query().Get("page") != "1" || r.URL.Query().Get("per_page") != "100" {
		return list
	}
	for id := range f.next {
		if body, ok := f.comments[id]; ok {
			list = append(list, map[string]any{"id": id, "body": body})
		}
	}
	return list
}

func (f *forge) add(into map[int]string, body string) int {
	id := f.next
	f.next++
	into[id] = body
	return id
}

// open returns the numbers of the open issues.
func (f *forge) open() (numbers []int) {
	for id := range f.next {
		if issue, ok := f.issues[id]; ok && !issue.Closed {
			numbers = append(numbers, id)
		}
	}
	return numbers
}

func number(r *http.Request, name string) (n int) {
	_, _ = fmt.Sscan(r.PathValue(name), &n) // what is no number is no id
	return n
}

func startGitHub(t *testing.T) *forge {
	t.Helper()
	return startForge(t, func(f *forge, mux *http.ServeMux) {
		const repository = "/repos/acme/access"
		mux.HandleFunc("GET "+repository+"/issues/7/comments", func(w http.ResponseWriter, r *http.Request) { answer(w, f.listed(r)) })
		mux.HandleFunc("POST "+repository+"/issues/7/comments", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusCreated)
			answer(w, map[string]any{"id": f.add(f.comments, text(object(r), "body"))})
		})
		mux.HandleFunc("PATCH "+repository+"/issues/comments/{id}", func(_ http.ResponseWriter, r *http.Request) {
			f.comments[number(r, "id")] = text(object(r), "body")
		})
		mux.HandleFunc("GET "+repository+"/issues", func(w http.ResponseWriter, r *http.Request) {
			list := []map[string]any{}
			if q := r.URL.Query(); q.Get("labels") == "rollcall-drift" && q.Get("state") == "open" {
				for _, id := range f.open() {
					list = append(list, map[string]any{"number": id})
				}
			}
			answer(w, list)
		})
		mux.HandleFunc("POST "+repository+"/issues", func(w http.ResponseWriter, r *http.Request) {
			f.issues[f.next] = forgeIssue{Body: text(object(r), "body")}
			f.next++
			w.WriteHeader(http.StatusCreated)
		})
		mux.HandleFunc("PATCH "+repository+"/issues/{number}", func(_ http.ResponseWriter, r *http.Request) {
			f.change(number(r, "number"), object(r), "body", "state", "closed")
		})
		mux.HandleFunc("GET "+repository+"/commits/{sha}/pulls", func(w http.ResponseWriter, r *http.Request) {
			list := []map[string]any{}
			if r.PathValue("sha") == f.merge {
				list = append(list, map[string]any{"merged_at": "2026-03-02T12:00:00Z", "head": map[string]string{"sha": f.head}})
			}
			answer(w, list)
		})
		mux.HandleFunc("GET "+repository+"/actions/artifacts", func(w http.ResponseWriter, r *http.Request) {
			list := []map[string]any{}
			if r.URL.Query().Get("name") == "rollcall-"+f.head {
				list = append(list, map[string]any{"archive_download_url": f.URL + repository + "/actions/artifacts/5/zip"})
			}
			answer(w, map[string]any{"artifacts": list})
		})
		mux.HandleFunc("GET "+repository+"/actions/artifacts/5/zip", func(w http.ResponseWriter, _ *http.Request) {
			var archive bytes.Buffer
			z := zip.NewWriter(&archive)
			file, err := z.Create("rollcall.plan")
			if err == nil {
				_, err = file.Write(f.plan)
			}
			if err != nil || z.Close() != nil {
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			_, _ = io.Copy(w, &archive)
		})
	}, func(r *http.Request) bool { return r.Header.Get("Authorization") == "Bearer "+forgeToken })
}

// change gives an issue another text, or closes it.
func (f *forge) change(id int, document map[string]any, body, state, closed string) {
	issue := f.issues[id]
	if s := text(document, body); s != "" {
		issue.Body = s
	}
	if text(document, state) == closed {
		issue.Closed = true
	}
	f.issues[id] = issue
}

func startGitLabForge(t *testing.T) *forge {
	t.Helper()
	return startForge(t, func(f *forge, mux *http.ServeMux) {
		const project = "/api/v4/projects/9"
		mux.HandleFunc("GET "+project+"/merge_requests/7/notes", func(w http.ResponseWriter, r *http.Request) { answer(w, f.listed(r)) })
		mux.HandleFunc("POST "+project+"/merge_requests/7/notes", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusCreated)
			answer(w, map[string]any{"id": f.add(f.comments, text(object(r), "body"))})
		})
		mux.HandleFunc("PUT "+project+"/merge_requests/7/notes/{id}", func(_ http.ResponseWriter, r *http.Request) {
			f.comments[number(r, "id")] = text(object(r), "body")
		})
		mux.HandleFunc("GET "+project+"/issues", func(w http.ResponseWriter, r *http.Request) {
			list := []map[string]any{}
			if q := r.URL.Query(); q.Get("labels") == "rollcall-drift" && q.Get("state") == "opened" {
				for _, id := range f.open() {
					list = append(list, map[string]any{"iid": id})
				}
			}
			answer(w, list)
		})
		mux.HandleFunc("POST "+project+"/issues", func(w http.ResponseWriter, r *http.Request) {
			f.issues[f.next] = forgeIssue{Body: text(object(r), "description")}
			f.next++
			w.WriteHeader(http.StatusCreated)
		})
		mux.HandleFunc("PUT "+project+"/issues/{iid}", func(_ http.ResponseWriter, r *http.Request) {
			f.change(number(r, "iid"), object(r), "description", "state_event", "close")
		})
		mux.HandleFunc("GET "+project+"/repository/commits/{sha}/merge_requests", func(w http.ResponseWriter, r *http.Request) {
			list := []map[string]any{}
			if r.PathValue("sha") == f.merge {
				list = append(list, map[string]any{"iid": 7, "state": "merged"})
			}
			answer(w, list)
		})
		mux.HandleFunc("GET "+project+"/merge_requests/7/pipelines", func(w http.ResponseWriter, _ *http.Request) { answer(w, []map[string]any{{"id": 31}, {"id": 30}}) })
		mux.HandleFunc("GET "+project+"/pipelines/31/jobs", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("scope[]") == "success" {
				answer(w, []map[string]any{{"id": 70, "name": "lint"}, {"id": 71, "name": "plan"}})
			}
		})
		mux.HandleFunc("GET "+project+"/jobs/71/artifacts/out/rollcall.plan", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(f.plan) })
	}, func(r *http.Request) bool { return r.Header.Get("PRIVATE-TOKEN") == forgeToken })
}

// ours returns the comments that have rollcall's marker.
func (f *forge) ours() (bodies []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, body := range f.comments {
		if strings.HasPrefix(body, "<!-- rollcall plan -->\n") {
			bodies = append(bodies, body)
		}
	}
	return bodies
}

// openIssues returns the texts of the open issues, and how many there ever were.
func (f *forge) openIssues() (open []string, all int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range f.open() {
		open = append(open, f.issues[id].Body)
	}
	return open, len(f.issues)
}
