package cli

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/rollcall-cli/rollcall/internal/config"
	"github.com/rollcall-cli/rollcall/internal/providers/logintc"
	"github.com/rollcall-cli/rollcall/internal/state"
)

// reader returns a client that has no method that writes.
func (a *app) reader(cfg *config.Config) (*logintc.Reader, error) {
	options, err := a.clientOptions(cfg)
	if err != nil {
		return nil, err
	}
	return logintc.NewReader(options)
}

// writer returns a client that writes; apply alone asks for one.
func (a *app) writer(cfg *config.Config) (*logintc.Writer, error) {
	options, err := a.clientOptions(cfg)
	if err != nil {
		return nil, err
	}
	return logintc.NewWriter(options)
}

func (a *app) clientOptions(cfg *config.Config) (logintc.Options, error) {
	c := cfg.LoginTC
	options := logintc.Options{
		BaseURL: c.BaseURL, APIKey: c.APIKey, RequestsPerSecond: c.RequestsPerSecond,
		Concurrency: c.Concurrency, Timeout: c.Timeout, UserAgent: "rollcall/" + a.Version,
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

// lock takes the lock on the state, or says who holds it.
func (a *app) lock(ctx context.Context, cfg *config.Config, operation string) (*state.Lock, error) {
	return state.AcquireLock(ctx, cfg.Settings.StatePath, a.lockTimeout, state.Holder{
		PID: a.PID, Host: a.Host, User: a.User, Since: a.Now().UTC(), Operation: operation,
	})
}
