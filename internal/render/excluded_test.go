package render

import (
	"strings"
	"testing"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

func TestExcludedByExpression(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := Excluded(&b, []identity.Excluded{
		{Username: "lee", Source: `entry.left == "yes"`}, {Username: "ann", Source: "disabled(entry)"}, {DN: "uid=x", Source: "disabled(entry)"},
	}); err != nil {
		t.Fatal(err)
	}
	const want = `
Excluded 1 user(s) by user.exclude: entry.left == "yes"
  lee

Excluded 2 user(s) by user.exclude: disabled(entry)
  ann, uid=x
`
	if b.String() != want {
		t.Error(b.String())
	}
}
