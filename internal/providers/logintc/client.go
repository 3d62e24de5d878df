// Package logintc is a client of the LoginTC Admin API 1.3. A Reader has no method
// that writes; a Writer is a Reader that does. What LoginTC does not document, and
// is only assumed, stands in assumed.go and is sent with Options.Assumed alone.
//
// It decides nothing about users. It knows what may be repeated: a call whose
// answer was lost is sent again only where that is harmless, and is settled by
// reading where it is not.
package logintc

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// mediaType is what the API speaks (REST API 1.3, overview).
const mediaType = "application/vnd.logintc.v1+json"

// Options say where the API is and how to call it.
type Options struct {
	// BaseURL ends in /api: "https://cloud.logintc.com/api".
	BaseURL string
	APIKey  identity.Secret
	// RequestsPerSecond bounds all attempts of all calls; 0 for no bound.
	RequestsPerSecond float64
	// Concurrency bounds the calls under way at once, and how many pages of a
	// listing are fetched ahead; 0 stands for 32. There are fewer in the beginning, and
	// after the server could not keep up.
	Concurrency int
	// Dial connects to LoginTC or the proxy; nil stands for the network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Timeout bounds one attempt of one call; 0 stands for 30 s.
	Timeout time.Duration
	// RootCAs verify the server; nil stands for the system's.
	RootCAs   *x509.CertPool
	UserAgent string
	// Assumed says that calls may be used that LoginTC does not document.
	Assumed bool
	// Proxy returns the proxy for a request, or nil for none, as http.Transport takes
	// it; nil stands for no proxy.
	Proxy func(*http.Request) (*url.URL, error)
	// Retries is how often a call is repeated at most, refusals (429) not counted, which
	// are repeated while other calls get through; 0 stands for 6.
	Retries int
	// RetryWaitMin and RetryWaitMax bound the pause before a repetition where the
	// server names none; 0 stands for 500 ms and 30 s.
	RetryWaitMin, RetryWaitMax time.Duration
	// Logger is told of every attempt, without headers and bodies; nil for none.
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Concurrency == 0 {
		o.Concurrency = 32
	}
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	if o.Retries == 0 {
		o.Retries = 6
	}
	if o.RetryWaitMin == 0 {
		o.RetryWaitMin = 500 * time.Millisecond
	}
	if o.RetryWaitMax == 0 {
		o.RetryWaitMax = 30 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// client sends calls.
type client struct {
	base    string
	key     identity.Secret
	options Options
	nothing nothing
	http    *retryablehttp.Client
}

func newClient(o Options) (*client, error) {
	o = o.withDefaults()
	base, err := url.Parse(o.BaseURL)
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" {
		return nil, fmt.Errorf("the address of LoginTC is no URL: %q", o.BaseURL)
	}
	if o.APIKey.IsZero() {
		return nil, errors.New("there is no API key for LoginTC")
	}
	if strings.ContainsFunc(o.APIKey.Reveal(), func(r rune) bool { return r <= ' ' || r == '"' || r >= 0x7f }) {
		return nil, errors.New("the API key for LoginTC has a character that no key has; was it read with a line break or a space?")
	}
	c := &client{base: strings.TrimSuffix(o.BaseURL, "/"), key: o.APIKey, options: o, nothing: newNothing()}
	c.http = &retryablehttp.Client{
		HTTPClient: &http.Client{
			Transport: newTransport(o),
			// The key must not be sent wherever an answer points.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		RetryMax: o.Retries, RetryWaitMin: o.RetryWaitMin, RetryWaitMax: o.RetryWaitMax,
		CheckRetry: checkRetry, Backoff: backoff, ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	return c, nil
}

// call is one call of the API.
type call struct {
	method string
	// path stands below the base, with its query.
	path string
	// body is encoded as JSON, encoded is JSON already; nil for none.
	body    any
	encoded []byte
	// into is what the answer is decoded into; nil where it does not matter.
	into any
	// once says that repeating it may do something twice: only 429, which says that
	// nothing was done, is followed by another attempt of the transport.
	once bool
	// header is where the header of the answer is put; nil where it does not matter.
	header *http.Header
}

// do sends a call and decodes its answer. Where a call that writes may have been
// acted upon though it failed, the error is an *UncertainError.
func (c *client) do(ctx context.Context, call call) error {
	tried := &attempts{once: call.once}
	err := c.send(context.WithValue(ctx, attemptsKey{}, tried), call)
	if err != nil && call.method != http.MethodGet && (tried.lost || tried.sent > 0 && uncertain(err)) {
		return &UncertainError{err}
	}
	return err
}

func (c *client) send(ctx context.Context, call call) error {
	request, err := c.request(ctx, call)
	if err != nil {
		return call.fail(err)
	}
	response, err := c.http.Do(request)
	if err != nil {
		if response != nil {
			_ = response.Body.Close()
		}
		return call.fail(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := octets(response.Body)
	if err != nil {
		return call.fail(err)
	}
	if call.header != nil {
		*call.header = response.Header
	}
	contentType := response.Header.Get("Content-Type")
	switch response.StatusCode {
	case http.StatusOK, http.StatusCreated, http.StatusAccepted:
	default:
		return c.newAPIError(call, response.StatusCode, contentType, body)
	}
	if err := call.decode(contentType, body); err != nil {
		return call.fail(err)
	}
	return nil
}

// decode reads the answer of a success. One that is not needed may be empty or
// of any form but HTML, which a proxy sends in the place of the API.
func (call call) decode(contentType string, body []byte) error {
	kind := contentType
	if kind != mediaType { // else it has no parameters
		kind, _, _ = mime.ParseMediaType(contentType)
	}
	switch {
	case call.into == nil && kind != "text/html":
		return nil
	case !isJSON(kind):
		return fmt.Errorf("answered with %q and not with JSON: a proxy or another server than LoginTC may have answered; check host", printable(kind))
	case string(bytes.TrimSpace(body)) == "null": // which decodes into anything
		return errors.New("the answer is null")
	}
	if err := json.Unmarshal(body, call.into); err != nil {
		return fmt.Errorf("the answer can not be understood: %w", err)
	}
	return nil
}

func isJSON(mediaType string) bool {
	return mediaType == "application/json" || strings.HasSuffix(mediaType, "+json")
}

func (c *client) request(ctx context.Context, call call) (*retryablehttp.Request, error) {
	encoded := call.encoded
	if call.body != nil {
		var err error
		if encoded, err = json.Marshal(call.body); err != nil {
			return nil, err
		}
	}
	var body any
	if encoded != nil {
		body = bytes.NewReader(encoded)
	}
	request, err := retryablehttp.NewRequestWithContext(ctx, call.method, c.base+call.path, body)
	if err != nil {
		return nil, err
	}
	request.Header = c.headers(body != nil)
	return request, nil
}

// headers are those of a call. The lists of one value are cut from one, which nobody changes.
func (c *client) headers(body bool) http.Header {
	values := []string{`LoginTC key="` + c.key.Reveal() + `"`, mediaType, c.options.UserAgent}
	header := http.Header{"Authorization": values[0:1:1], "Accept": values[1:2:2]}
	if body {
		header["Content-Type"] = values[1:2:2]
	}
	if c.options.UserAgent != "" {
		header["User-Agent"] = values[2:3:3]
	}
	return header
}

// fail names the call in an error. What the HTTP client wraps around its errors
// names the host and path once more and is taken off.
func (call call) fail(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	return fmt.Errorf("LoginTC: %s %s: %w", call.method, call.path, err)
}
