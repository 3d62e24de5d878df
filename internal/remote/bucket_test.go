package remote

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rollcall-cli/rollcall/internal/remote/remotetest"
)

// Only a store that says of the object itself that it is not there has no state yet. A
// bucket with a typing error, a host that can not be found or a page of somebody else's are
// errors: with an empty state everybody would be somebody else's, and who left would stay.
func TestNoStateYetOrNoAnswer(t *testing.T) {
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": remotetest.AccessKey, "AWS_SECRET_ACCESS_KEY": remotetest.SecretKey, "AWS_EC2_METADATA_DISABLED": "true",
		"AZURE_STORAGE_ACCOUNT": "acme", "AZURE_STORAGE_KEY": "c2VjcmV0",
	} {
		t.Setenv(name, value)
	}
	aws := func(code string) string {
		return "<Error><Code>" + code + "</Code><Message>of " + code + "</Message></Error>"
	}
	page := "<html>Not the page that you are looking for</html>"
	for name, c := range map[string]struct {
		store, code, body string
		status            int
		none              bool
	}{
		"S3 without the object":        {"s3", "", aws("NoSuchKey"), http.StatusNotFound, true},
		"S3 without the bucket":        {"s3", "", aws("NoSuchBucket"), http.StatusNotFound, false},
		"S3 in another region":         {"s3", "", aws("PermanentRedirect"), http.StatusMovedPermanently, false},
		"no S3":                        {"s3", "", page, http.StatusNotFound, false},
		"Azure without the object":     {"azblob", "BlobNotFound", "", http.StatusNotFound, true},
		"Azure without the container":  {"azblob", "ContainerNotFound", "", http.StatusNotFound, false},
		"no Azure":                     {"azblob", "", page, http.StatusNotFound, false},
		"Google without the object":    {"gs", "", "No such object: states/key", http.StatusNotFound, true},
		"Google without the bucket":    {"gs", "", "The specified bucket does not exist.", http.StatusNotFound, false},
		"Google as JSON, no bucket":    {"gs", "", `{"error":{"code":404,"message":"The specified bucket does not exist."}}`, http.StatusNotFound, false},
		"no Google":                    {"gs", "", page, http.StatusNotFound, false},
		"GitLab without the state":     {"gitlab", "", `{"message":"404 Not Found"}`, http.StatusNotFound, true},
		"GitLab without a version":     {"gitlab", "", "", http.StatusNoContent, true},
		"GitLab without the project":   {"gitlab", "", `{"message":"404 Project Not Found"}`, http.StatusNotFound, false},
		"Google without its own words": {"gs", "", "", http.StatusNotFound, false},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if c.code != "" {
					w.Header().Set("X-Ms-Error-Code", c.code)
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			}))
			defer server.Close()
			address := server.Listener.Addr().String()
			o := Options{URL: map[string]string{
				"s3":     "s3://states/key?region=us-east-1&use_path_style=true&endpoint=http://" + address,
				"azblob": "azblob://states/key?localemu=true&protocol=http&domain=" + address,
				"gs":     "gs://states/key",
				"gitlab": "http://" + address + "/api/v4/projects/7/terraform/state/acme",
			}[c.store], StorageEmulator: address}
			s, err := Open(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			st, err := s.Load(t.Context())
			switch {
			case c.none && (err != nil || st == nil):
				t.Errorf("there is no state yet, and it is an error: %v", err)
			case !c.none && (err == nil || !strings.Contains(err.Error(), "can not be read")):
				t.Errorf("taken for no state yet, %v", err)
			}
		})
	}
}

// A name that can not be looked up says nothing of the state.
func TestNoSuchHost(t *testing.T) {
	t.Setenv("AZURE_STORAGE_ACCOUNT", "acme")
	t.Setenv("AZURE_STORAGE_KEY", "c2VjcmV0")
	b, key, err := openBucket(t.Context(), "azblob://states/key?domain=blob.nowhere.invalid")
	if err != nil {
		t.Fatal(err)
	}
	if content, err := b.get(t.Context(), key); err == nil {
		t.Errorf("%q was read from a host that is none", content)
	}
}
