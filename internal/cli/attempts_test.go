package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/providers/ldap"
)

// brittle is a directory that may be read several times.
type brittle struct{ attempts int }

func (b brittle) Attempts() int { return b.attempts }

func (b brittle) Read(context.Context, identity.Search, func([]identity.Entry) error) (identity.Evidence, error) {
	return identity.Evidence{}, nil
}

// once is one that is not.
type once struct{ directory }

func TestAttempts(t *testing.T) {
	t.Parallel()
	broken := fmt.Errorf("directory.corp: %w", &ldap.IncompleteError{Server: "ldaps://dc1.example.com", Reason: "it failed", Passing: true})
	limit := &ldap.IncompleteError{Server: "ldaps://dc1.example.com", Reason: "a limit"}
	for name, c := range map[string]struct {
		from    directory
		answers []error // of one attempt after the other
		made    int
		want    error
	}{
		"at once":        {brittle{3}, []error{nil}, 1, nil},
		"at the second":  {brittle{3}, []error{broken, nil}, 2, nil},
		"never":          {brittle{3}, []error{broken, broken, broken, nil}, 3, broken},
		"a limit":        {brittle{3}, []error{limit, nil}, 1, limit},
		"then a limit":   {brittle{3}, []error{broken, limit, nil}, 2, limit},
		"not a server":   {once{brittle{3}}, []error{broken, nil}, 1, broken},
		"another's word": {brittle{3}, []error{errors.ErrUnsupported, nil}, 1, errors.ErrUnsupported},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log strings.Builder
				a := &app{log: slog.New(slog.NewTextHandler(&log, nil))}
				made := 0
				err := a.attempts(t.Context(), "directory.corp", c.from, func() error { made++; return c.answers[made-1] })
				if made != c.made || !errors.Is(err, c.want) {
					t.Errorf("%d attempts, %v", made, err)
				}
				if n := strings.Count(log.String(), "level=WARN"); n != made-1 {
					t.Errorf("%d warnings: %s", n, log.String())
				}
			})
		})
	}
}

func TestAttemptsEndWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		a := &app{log: slog.New(slog.DiscardHandler)}
		err := a.attempts(ctx, "directory.corp", brittle{3}, func() error {
			cancel()
			return &ldap.IncompleteError{Passing: true}
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}
