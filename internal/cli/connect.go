package cli

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"golang.org/x/net/http/httpproxy"

	"github.com/rollcall-cli/rollcall/internal/config"
	"github.com/rollcall-cli/rollcall/internal/providers/logintc"
)

// reader returns the client of the command, which has no method that writes. It is one
// for all that the command does: what it learned of the server while planning holds
// for the apply that follows.
func (a *app) reader(cfg *config.Config) (*logintc.Reader, error) {
	if a.client != nil {
		return a.client, nil
	}
	options, err := a.clientOptions(cfg)
	if err != nil {
		return nil, err
	}
	a.client, err = logintc.NewReader(options)
	return a.client, err
}

// writer returns the same as a client that writes; apply alone asks for it.
func (a *app) writer(cfg *config.Config) (*logintc.Writer, error) {
	r, err := a.reader(cfg)
	if err != nil {
		return nil, err
	}
	return &logintc.Writer{Reader: r}, nil
}

func (a *app) clientOptions(cfg *config.Config) (logintc.Options, error) {
	c := cfg.LoginTC
	options := logintc.Options{
		BaseURL: c.BaseURL, APIKey: c.APIKey, RequestsPerSecond: c.RequestsPerSecond,
		Concurrency: c.Concurrency, Timeout: c.Timeout, UserAgent: "rollcall/" + a.Version,
		Assumed: c.API == config.APISync, Logger: a.log, Dial: a.Dial,
	}
	var err error
	if options.Proxy, err = a.proxy(c.Proxy); err != nil {
		return options, err
	}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return options, fmt.Errorf("logintc.%s: ca_file: %w", c.Name, err)
		}
		options.RootCAs = x509.NewCertPool()
		if !options.RootCAs.AppendCertsFromPEM(pem) {
			return options, fmt.Errorf("logintc.%s: ca_file: %s has no certificate in PEM form", c.Name, c.CAFile)
		}
	}
	return options, nil
}

// proxy says which proxy a request takes: that of the configuration or, where it
// has none, what HTTPS_PROXY, HTTP_PROXY and NO_PROXY say.
func (a *app) proxy(p *config.Proxy) (func(*http.Request) (*url.URL, error), error) {
	if p != nil {
		address, err := url.Parse(p.URL)
		if err != nil {
			return nil, err
		}
		if p.Username != "" {
			address.User = url.UserPassword(p.Username, p.Password.Reveal())
		}
		return http.ProxyURL(address), nil
	}
	variable := func(name string) string {
		value, _ := a.lookup(name)
		lower, _ := a.lookup(strings.ToLower(name))
		return cmp.Or(value, lower)
	}
	environment := httpproxy.Config{HTTPProxy: variable("HTTP_PROXY"), HTTPSProxy: variable("HTTPS_PROXY"), NoProxy: variable("NO_PROXY")}
	choose := environment.ProxyFunc()
	return func(r *http.Request) (*url.URL, error) { return choose(r.URL) }, nil
}
