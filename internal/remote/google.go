package remote

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
)

// storageScope lets a token read, write and delete objects, and no more.
const storageScope = "https://www.googleapis.com/auth/devstorage.read_write"

// tokenPatience bounds how long a token may take.
const tokenPatience = time.Minute

// googleBucket is a bucket of Google Cloud Storage, asked by its JSON API
// (https://cloud.google.com/storage/docs/json_api/v1/objects). The driver of gocloud.dev
// is not used: Google's own client below it brings gRPC, Envoy and OpenTelemetry, a third
// of the program.
type googleBucket struct {
	client *retryablehttp.Client
	// tokens is nil where requests carry none.
	tokens oauth2.TokenSource
	// base is scheme and host, such as https://storage.googleapis.com.
	base string
	// bucket is the name as it stands in a path.
	bucket string
	// generations says which one of an object was read last, by its key.
	generations map[string]string
}

// openGoogle opens the bucket of an object, and returns the object's key. The URL may say
// anonymous=true and universe_domain=DOMAIN.
func openGoogle(ctx context.Context, o Options) (place, string, error) {
	u, key, err := splitKey(o.URL)
	if err != nil {
		return nil, "", err
	}
	query := u.Query()
	for name := range query {
		if name != "anonymous" && name != "universe_domain" {
			return nil, "", fmt.Errorf("there is no parameter %q; there are anonymous and universe_domain", name)
		}
	}
	anonymous := false
	if query.Has("anonymous") {
		if anonymous, err = strconv.ParseBool(query.Get("anonymous")); err != nil {
			return nil, "", fmt.Errorf("anonymous=%s is neither true nor false", query.Get("anonymous"))
		}
	}
	g := &googleBucket{client: newGoogleClient(o), bucket: url.PathEscape(u.Host), generations: map[string]string{}}
	switch {
	case o.StorageEmulator != "":
		g.base, err = emulatorBase(o.StorageEmulator)
	case anonymous:
		g.setUniverse(query.Get("universe_domain"))
	default:
		err = g.authorize(ctx, query.Get("universe_domain"))
	}
	return g, key, err
}

// newGoogleClient repeats what may pass: 429, 5xx and connections that broke. Every call
// may be repeated: what is written is the same each time, what is removed is what was
// read, and who creates an object and is told that there is one looks whose it is.
func newGoogleClient(o Options) *retryablehttp.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone() // timeouts, HTTP/2
	transport.Proxy = o.Proxy
	transport.ResponseHeaderTimeout = time.Minute
	return &retryablehttp.Client{
		HTTPClient: &http.Client{
			Transport: transport,
			// The token must not be sent wherever an answer points.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		RetryMax: 5, RetryWaitMin: 500 * time.Millisecond, RetryWaitMax: 10 * time.Second,
		CheckRetry: retryablehttp.DefaultRetryPolicy, Backoff: retryablehttp.DefaultBackoff, ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
}

// authorize finds application default credentials. They outlive ctx: the lock is let go
// of when a run was interrupted as well.
func (g *googleBucket) authorize(ctx context.Context, universe string) error {
	client := g.client.StandardClient()
	client.Timeout = tokenPatience
	ctx = context.WithValue(context.WithoutCancel(ctx), oauth2.HTTPClient, client)
	found, err := google.FindDefaultCredentialsWithParams(ctx, google.CredentialsParams{Scopes: []string{storageScope}, UniverseDomain: universe})
	if err != nil {
		return err
	}
	if universe, err = found.GetUniverseDomain(); err != nil {
		return err
	}
	g.setUniverse(universe)
	g.tokens = found.TokenSource
	return nil
}

// setUniverse says whose cloud it is; that of Google itself is the default.
func (g *googleBucket) setUniverse(domain string) {
	if domain == "" {
		domain = "googleapis.com"
	}
	g.base = "https://storage." + domain
}

// emulatorBase reads STORAGE_EMULATOR_HOST as Google's client does: with or without a
// scheme, and whatever path it has does not count.
func emulatorBase(host string) (string, error) {
	if !strings.Contains(host, "://") {
		host = "http://" + host
	}
	u, err := url.Parse(host)
	if err != nil {
		return "", fmt.Errorf("STORAGE_EMULATOR_HOST is no host: %w", err)
	}
	return u.Scheme + "://" + u.Host, nil
}

// object is the address of an object.
func (g *googleBucket) object(key string) string {
	return g.base + "/storage/v1/b/" + g.bucket + "/o/" + url.PathEscape(key)
}

func (g *googleBucket) get(ctx context.Context, key string) ([]byte, error) {
	got, err := g.send(ctx, http.MethodGet, g.object(key)+"?alt=media")
	switch {
	case err != nil:
		return nil, err
	case got.code == http.StatusNotFound && isNoGoogleObject(got.content):
		delete(g.generations, key)
		return nil, nil
	case got.code == http.StatusOK:
		g.generations[key] = got.header.Get("X-Goog-Generation")
		return got.content, nil
	}
	return nil, refusedByGoogle(got)
}

// isNoGoogleObject reports whether a 404 is about the object, and not about its bucket or
// of something between here and Google. fake-gcs-server says "Not Found".
func isNoGoogleObject(content []byte) bool {
	text := strings.TrimSpace(string(content))
	return strings.HasPrefix(text, "No such object") || text == "Not Found"
}

func (g *googleBucket) put(ctx context.Context, key string, content []byte) error {
	got, err := g.upload(ctx, key, content, "")
	if err == nil && got.code != http.StatusOK {
		err = refusedByGoogle(got)
	}
	return err
}

func (g *googleBucket) create(ctx context.Context, key string, content []byte) (created bool, err error) {
	got, err := g.upload(ctx, key, content, "&ifGenerationMatch=0")
	switch {
	case err != nil:
		return false, err
	case got.code == http.StatusPreconditionFailed:
		return false, nil
	case got.code == http.StatusOK:
		return true, nil
	}
	return false, refusedByGoogle(got)
}

// copy asks again until all is copied: what takes long is done in steps.
func (g *googleBucket) copy(ctx context.Context, to, from string) error {
	address := g.object(from) + "/rewriteTo/b/" + g.bucket + "/o/" + url.PathEscape(to)
	for query := ""; ; {
		got, err := g.send(ctx, http.MethodPost, address+query)
		if err != nil {
			return err
		}
		if got.code != http.StatusOK {
			return refusedByGoogle(got)
		}
		var step struct {
			Done         bool   `json:"done"`
			RewriteToken string `json:"rewriteToken"`
		}
		if err := json.Unmarshal(got.content, &step); err != nil {
			return fmt.Errorf("%s: the answer can not be understood: %w", got.request, err)
		}
		switch {
		case step.Done:
			return nil
		case step.RewriteToken == "":
			return fmt.Errorf("%s: the answer says neither that it is done nor how to go on", got.request)
		}
		query = "?rewriteToken=" + url.QueryEscape(step.RewriteToken)
	}
}

// remove takes away what was read last, and leaves what somebody wrote since: repeated, it
// would otherwise take away the lock of whoever came after the first time.
func (g *googleBucket) remove(ctx context.Context, key string) error {
	address, read := g.object(key), g.generations[key]
	if read != "" {
		address += "?ifGenerationMatch=" + url.QueryEscape(read)
	}
	got, err := g.send(ctx, http.MethodDelete, address)
	if err != nil {
		return err
	}
	gone := got.code == http.StatusNotFound || got.code == http.StatusPreconditionFailed && read != ""
	if got.code/100 != 2 && !gone {
		return refusedByGoogle(got)
	}
	return nil
}

// upload sends an object with its checksum, so that one which changed on its way is
// refused and not kept.
func (g *googleBucket) upload(ctx context.Context, key string, content []byte, query string) (*answer, error) {
	delete(g.generations, key)
	about, err := json.Marshal(map[string]string{"name": key, "crc32c": checksum(content)})
	if err != nil {
		return nil, err
	}
	var around bytes.Buffer // what stands before and after the content
	parts := multipart.NewWriter(&around)
	kind := textproto.MIMEHeader{"Content-Type": {"application/json"}}
	first, err := parts.CreatePart(kind)
	if err != nil {
		return nil, err
	}
	_, wrote := first.Write(about)
	_, second := parts.CreatePart(kind)
	before := around.Len()
	if err := errors.Join(wrote, second, parts.Close()); err != nil {
		return nil, err
	}
	head, tail := around.Bytes()[:before], around.Bytes()[before:]
	body := retryablehttp.ReaderFunc(func() (io.Reader, error) {
		return io.MultiReader(bytes.NewReader(head), bytes.NewReader(content), bytes.NewReader(tail)), nil
	})
	address := g.base + "/upload/storage/v1/b/" + g.bucket + "/o?uploadType=multipart" + query
	request, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, address, body)
	if err != nil {
		return nil, err
	}
	request.ContentLength = int64(around.Len() + len(content))
	request.Header.Set("Content-Type", "multipart/related; boundary="+parts.Boundary())
	return g.do(request)
}

// send sends a request without a body.
func (g *googleBucket) send(ctx context.Context, method, address string) (*answer, error) {
	request, err := retryablehttp.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, err
	}
	return g.do(request)
}

func (g *googleBucket) do(request *retryablehttp.Request) (*answer, error) {
	if g.tokens != nil {
		token, err := g.tokens.Token()
		if err != nil {
			return nil, fmt.Errorf("there is no token for Google: %w", err)
		}
		token.SetAuthHeader(request.Request)
	}
	var got *answer
	read := func(response *http.Response) (err error) {
		got, err = readGoogle(response)
		return err
	}
	request.SetResponseHandler(read) // an answer that breaks off is asked for again
	response, err := g.client.Do(request)
	if response != nil {
		defer func() { _ = response.Body.Close() }()
	}
	if err == nil && got == nil { // one that is not read, since no repetition is left
		err = read(response)
	}
	if err != nil {
		return nil, err
	}
	return got, nil
}

// readGoogle reads an answer, and holds the content of an object against its checksum.
func readGoogle(response *http.Response) (*answer, error) {
	request := response.Request
	got := &answer{request: request.Method + " " + request.URL.Scheme + "://" + request.URL.Host + request.URL.EscapedPath(), status: response.Status, code: response.StatusCode, header: response.Header}
	var err error
	if got.content, err = readAll(response.Body); err != nil {
		return nil, fmt.Errorf("%s: %w", got.request, err)
	}
	// That of a compressed object is of what it was before net/http unpacked it.
	if request.Method != http.MethodGet || got.code != http.StatusOK || response.Uncompressed {
		return got, nil
	}
	for hash := range strings.SplitSeq(strings.Join(response.Header.Values("X-Goog-Hash"), ","), ",") {
		if sum, ok := strings.CutPrefix(strings.TrimSpace(hash), "crc32c="); ok && sum != checksum(got.content) {
			return nil, fmt.Errorf("%s: %d octets came that do not have the checksum of the object", got.request, len(got.content))
		}
	}
	return got, nil
}

// checksum is a CRC32C as Google writes it.
func checksum(content []byte) string {
	sum := crc32.Checksum(content, crc32.MakeTable(crc32.Castagnoli))
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))
}

// refusedByGoogle says what Google answered, in its own words where it has some.
func refusedByGoogle(got *answer) error {
	var document struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if json.Unmarshal(got.content, &document) == nil && document.Error.Message != "" {
		got.content = []byte(document.Error.Message)
	}
	remedy := ""
	if got.code == http.StatusUnauthorized || got.code == http.StatusForbidden {
		remedy = "give the account the role Storage Object User on the bucket (roles/storage.objectUser)"
	}
	return got.unexpected(remedy)
}
