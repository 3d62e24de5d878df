package remote

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-cli/rollcall/internal/remote/remotetest"
)

// Keys come back as they went, whatever is in them.
func TestGoogleKeys(t *testing.T) {
	server := remotetest.StartGCS(t)
	for _, key := range []string{"state.json", "a/b/c.json", "with space+plus", "50%/%2F", "q?a=b&c#d", "élan/日本", "a//b/../c", `"quoted"`} {
		t.Run(key, func(t *testing.T) {
			ctx := t.Context()
			at, got, err := openGoogle(ctx, Options{URL: (&url.URL{Scheme: "gs", Host: "states", Path: "/" + key}).String(), StorageEmulator: "http://" + server.Address + "/ignored"})
			if err != nil || got != key {
				t.Fatalf("%q %v", got, err)
			}
			if content, err := at.get(ctx, key); content != nil || err != nil {
				t.Fatalf("%q %v before anything was written", content, err)
			}
			if err := at.copy(ctx, key+".backup", key); err == nil {
				t.Error("nothing was copied")
			}
			if created, err := at.create(ctx, key, []byte("first\r\n--")); !created || err != nil {
				t.Fatal(created, err)
			}
			if created, err := at.create(ctx, key, []byte("second")); created || err != nil {
				t.Error(created, err)
			}
			if err := at.copy(ctx, key+".backup", key); err != nil {
				t.Error(err)
			}
			if err := at.put(ctx, key, nil); err != nil {
				t.Error(err)
			}
			for name, want := range map[string]string{key: "", key + ".backup": "first\r\n--"} {
				if content, err := at.get(ctx, name); content == nil || string(content) != want || err != nil {
					t.Errorf("%s: %q %v", name, content, err)
				}
				for range 2 {
					if err := at.remove(ctx, name); err != nil {
						t.Error(err)
					}
				}
				if content, err := at.get(ctx, name); content != nil || err != nil {
					t.Errorf("%s: %q %v after it was removed", name, content, err)
				}
			}
		})
	}
}

// scripted is a bucket whose server answers each request by the next of the handlers, the
// last of them again and again. It returns the requests as well.
func scripted(t *testing.T, handlers ...http.HandlerFunc) (*googleBucket, func() []string) {
	t.Helper()
	var mu sync.Mutex
	var requests []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		requests = append(requests, r.Method+" "+r.URL.RequestURI())
		answer := handlers[min(len(requests), len(handlers))-1]
		mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	at, _, err := openGoogle(t.Context(), Options{URL: "gs://states/key", StorageEmulator: server.Listener.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	g := at.(*googleBucket)
	g.client.RetryWaitMin, g.client.RetryWaitMax = time.Millisecond, time.Millisecond
	return g, func() []string { mu.Lock(); defer mu.Unlock(); return requests }
}

func says(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

// breaksOff sends half of what it announces.
func breaksOff(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "8")
	_, _ = io.WriteString(w, "half")
}

// corrupt sends something else than the object whose checksum it names.
func corrupt(w http.ResponseWriter, _ *http.Request) {
	w.Header().Add("X-Goog-Hash", "crc32c="+checksum([]byte("whole")))
	w.Header().Add("X-Goog-Hash", "md5=AAAA")
	_, _ = io.WriteString(w, "whale")
}

// What may pass is asked for again.
func TestGoogleAgain(t *testing.T) {
	g, requests := scripted(t, says(http.StatusServiceUnavailable, ""), says(http.StatusTooManyRequests, ""), breaksOff, corrupt, says(http.StatusOK, "whole"))
	if content, err := g.get(t.Context(), "key"); string(content) != "whole" || err != nil {
		t.Errorf("%q %v", content, err)
	}
	if n := len(requests()); n != 5 {
		t.Errorf("%d requests", n)
	}
	g, _ = scripted(t, says(http.StatusServiceUnavailable, ""), func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || int64(len(body)) != r.ContentLength || !bytes.Contains(body, []byte("\r\n\r\ncontent\r\n--")) {
			t.Errorf("%d octets announced, %v\n%s", r.ContentLength, err, body)
		}
	})
	if err := g.put(t.Context(), "key", []byte("content")); err != nil {
		t.Error(err)
	}
	g, requests = scripted(t, says(http.StatusBadGateway, ""), says(http.StatusNotFound, "")) // the first one took
	if err := g.remove(t.Context(), "key"); err != nil || len(requests()) != 2 {
		t.Error(err, requests())
	}
}

// What Google copies in steps is asked for until it is done.
func TestGoogleCopiesInSteps(t *testing.T) {
	g, requests := scripted(t, says(http.StatusOK, `{"done":false,"rewriteToken":"a+b/c="}`), says(http.StatusOK, `{"done":true}`))
	if err := g.copy(t.Context(), "to/1", "from"); err != nil {
		t.Error(err)
	}
	path := "POST /storage/v1/b/states/o/from/rewriteTo/b/states/o/to%2F1"
	if want := []string{path, path + "?rewriteToken=a%2Bb%2Fc%3D"}; !slices.Equal(requests(), want) {
		t.Errorf("%q", requests())
	}
	for _, answer := range []string{`{"done":false}`, `no`} {
		g, _ = scripted(t, says(http.StatusOK, answer))
		if err := g.copy(t.Context(), "to", "from"); err == nil {
			t.Errorf("%s was taken for a copy", answer)
		}
	}
}

// A lock whose first answer was lost is there when it is asked for again, and is ours.
func TestGoogleLockWhoseAnswerWasLost(t *testing.T) {
	for name, lost := range map[string]http.HandlerFunc{
		"503":        says(http.StatusServiceUnavailable, ""),
		"connection": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			var kept []byte
			g, requests := scripted(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				_, rest, _ := bytes.Cut(body[bytes.Index(body, []byte(`"crc32c"`)):], []byte("\r\n\r\n"))
				kept, _, _ = bytes.Cut(rest, []byte("\r\n--"))
				lost(w, r)
			}, says(http.StatusPreconditionFailed, ""), func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(kept) })
			mine := holder("ada")
			mine.ID = "mine"
			o := &objects{g, "key"}
			if other, err := o.lock(t.Context(), mine); other != nil || err != nil {
				t.Errorf("%+v %v", other, err)
			}
			if n := len(requests()); n != 3 {
				t.Errorf("%q", requests())
			}
			theirs := mine
			theirs.ID = "theirs"
			g, _ = scripted(t, says(http.StatusPreconditionFailed, ""), func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(kept) })
			if other, err := (&objects{g, "key"}).lock(t.Context(), theirs); other == nil || other.ID != "mine" || err != nil {
				t.Errorf("%+v %v", other, err)
			}
		})
	}
}

// Who lets go of a lock takes away no other, if the first answer was lost and somebody
// else came before it is asked for again.
func TestGoogleUnlocksItsOwn(t *testing.T) {
	g, requests := scripted(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Goog-Generation", "17")
		_, _ = io.WriteString(w, `{"id":"mine"}`)
	}, says(http.StatusServiceUnavailable, ""), says(http.StatusPreconditionFailed, ""))
	if err := (&objects{g, "key"}).unlock(t.Context(), "mine"); err != nil {
		t.Error(err)
	}
	for _, request := range requests()[1:] {
		if request != "DELETE /storage/v1/b/states/o/key.lock?ifGenerationMatch=17" {
			t.Error(request)
		}
	}
}

// What is no answer is an error, and never a state that is not there.
func TestGoogleRefuses(t *testing.T) {
	const denied = `{"error":{"code":403,"message":"runner@acme does not have storage.objects.get access, or it may not exist.","errors":[]}}`
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") }))
	t.Cleanup(elsewhere.Close)
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		wants  []string
	}{
		"denied":     {says(http.StatusForbidden, denied), []string{"/storage/v1/b/states/o/a%2Fkey", "403 Forbidden", `"runner@acme does not have`, "roles/storage.objectUser"}},
		"no account": {says(http.StatusUnauthorized, "Invalid Credentials"), []string{"401 Unauthorized", "Invalid Credentials", "roles/storage.objectUser"}},
		"down":       {says(http.StatusServiceUnavailable, "later"), []string{"503 Service Unavailable", "later"}},
		"elsewhere":  {http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect).ServeHTTP, []string{"307 Temporary Redirect"}},
		"corrupt":    {corrupt, []string{"5 octets came that do not have the checksum"}},
		"broken":     {breaksOff, []string{"unexpected EOF"}},
	} {
		t.Run(name, func(t *testing.T) {
			g, _ := scripted(t, c.answer)
			content, err := g.get(t.Context(), "a/key")
			if content != nil || err == nil {
				t.Fatalf("%q %v", content, err)
			}
			for _, want := range c.wants {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("no %q in %v", want, err)
				}
			}
			if name == "corrupt" || name == "broken" { // of what is read
				return
			}
			_, created := g.create(t.Context(), "key", nil)
			for call, err := range map[string]error{"put": g.put(t.Context(), "key", nil), "create": created, "copy": g.copy(t.Context(), "to", "key"), "remove": g.remove(t.Context(), "key")} {
				if err == nil {
					t.Errorf("%s was no error", call)
				}
			}
		})
	}
}

// credentials are files of the kinds that are found by default, for a server of tokens.
func credentials(t *testing.T, server string) map[string]any {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	subject := filepath.Join(t.TempDir(), "subject")
	if err := os.WriteFile(subject, []byte("secret-subject"), 0o600); err != nil {
		t.Fatal(err)
	}
	return map[string]any{
		"service account": map[string]any{
			"type": "service_account", "client_email": "runner@acme.iam.gserviceaccount.com", "private_key_id": "1",
			"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": server + "/token",
		},
		"workload identity federation": map[string]any{
			"type": "external_account", "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
			"subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_url": server + "/token",
			"credential_source": map[string]any{"file": subject},
		},
	}
}

// Default credentials are found, their token is sent to the bucket alone, and no error
// has it.
func TestGoogleCredentials(t *testing.T) {
	for _, name := range []string{"service account", "workload identity federation"} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/token" {
					if asked++; asked == 1 {
						w.WriteHeader(http.StatusServiceUnavailable)
						return
					}
					w.Header().Set("Content-Type", "application/json")
					_, _ = io.WriteString(w, `{"access_token":"secret-token","token_type":"Bearer","issued_token_type":"urn:ietf:params:oauth:token-type:access_token","expires_in":3600}`)
					return
				}
				if r.Header.Get("Authorization") != "Bearer secret-token" {
					t.Errorf("%s %s has no token", r.Method, r.URL)
				}
				w.WriteHeader(http.StatusForbidden)
			}))
			t.Cleanup(server.Close)
			file := filepath.Join(t.TempDir(), "credentials.json")
			content, err := json.Marshal(credentials(t, server.URL)[name])
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, content, 0o600); err != nil {
				t.Fatal(err)
			}
			t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", file)
			interrupted, interrupt := context.WithCancel(t.Context())
			at, _, err := openGoogle(interrupted, Options{URL: "gs://states/key"})
			if err != nil {
				t.Fatal(err)
			}
			interrupt() // the lock is let go of nevertheless
			g := at.(*googleBucket)
			if g.base != "https://storage.googleapis.com" {
				t.Errorf("the token would go to %s", g.base)
			}
			g.base, g.client.RetryWaitMin = server.URL, time.Millisecond
			for range 2 {
				if _, err := g.get(t.Context(), "key"); err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "403") {
					t.Error(err)
				}
			}
			if asked != 2 {
				t.Errorf("a token was asked for %d times", asked)
			}
		})
	}
}

func TestOpenGoogle(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", filepath.Join(folder, "none.json"))
	for address, want := range map[string]string{
		"gs://states/key?anonymous=true":                             "https://storage.googleapis.com",
		"gs://states/key?anonymous=true&universe_domain=example.com": "https://storage.example.com",
		"gs://states/key":                 "using GOOGLE_APPLICATION_CREDENTIALS environment variable",
		"gs://states/key?anonymous=false": "using GOOGLE_APPLICATION_CREDENTIALS environment variable",
		"gs://states/key?anonymous=maybe": "anonymous=maybe is neither true nor false",
		"gs://states/key?region=eu":       `there is no parameter "region"`,
		"gs://states":                     "it must look like gs://bucket/folder/rollcall.state.json",
		"gs:///key":                       "it must look like gs://",
	} {
		at, _, err := openGoogle(t.Context(), Options{URL: address})
		got := fmt.Sprint(err)
		if err == nil {
			got = at.(*googleBucket).base
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: %s", address, got)
		}
	}
	for host, want := range map[string]string{
		"localhost:9000": "http://localhost:9000", "http://localhost:9000": "http://localhost:9000",
		"https://gcs.example.com/storage/v1/": "https://gcs.example.com", "127.0.0.1:4443": "http://127.0.0.1:4443",
	} {
		if got, err := emulatorBase(host); got != want || err != nil {
			t.Errorf("%s: %s %v", host, got, err)
		}
	}
	if _, err := emulatorBase("::"); err == nil {
		t.Error(":: was taken for a host")
	}
}
