package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-cli/rollcall/internal/providers/ldap"
)

// pauseBetween lets a server that is restarted, or busy, come to itself.
const pauseBetween = time.Second

// attempts reads a directory, and again from the beginning where it broke off and another
// attempt may come to the end: of the same server or the next one. What a failed attempt
// read does not count, so read must begin with nothing each time.
func (a *app) attempts(ctx context.Context, address string, from directory, read func() error) error {
	several, ok := from.(interface{ Attempts() int })
	var failed attemptsError
	for n := 1; ; n++ {
		err := read()
		if err == nil {
			return nil
		}
		failed = append(failed, err)
		if !ok || !ldap.Retryable(err) || n >= several.Attempts() {
			return failed
		}
		a.log.WarnContext(ctx, "the directory was not read to its end, beginning again", "directory", address, "attempt", n, "error", err)
		select {
		case <-time.After(pauseBetween):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// attemptsError is why each of several attempts failed, in their order: what the first one
// met is the cause more often than what was left for the last.
type attemptsError []error

func (e attemptsError) Error() string {
	var texts []string
	for _, err := range e {
		if text := err.Error(); !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, "; begun again: ")
}

func (e attemptsError) Unwrap() []error { return e }
