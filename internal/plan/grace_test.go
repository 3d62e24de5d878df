package plan

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// Of several directories the one that was read first says until when somebody is known to be
// missing: a snapshot of days ago does not know who is back since.
func TestGraceEndsByTheOldestRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		snapshot time.Time
		want     []string
	}{
		"both now":        {readAt, []string{"leave_domain vpn a"}},
		"one of days ago": {readAt.Add(-70 * time.Hour), []string{"withheld remove_after vpn a"}},
	} {
		d := setup{live: "a", state: "a"}.domain("vpn")
		missing := readAt.Add(-73 * time.Hour)
		d.Policy.RemoveAfter, d.Policy.MaxShrink.Value, d.Known.Members[0].MissingSince = 72*time.Hour, 100, &missing
		d.Sources = append(d.Sources, Source{Directory: "directory.old", Evidence: identity.Evidence{Ended: c.snapshot}})
		if diff := cmp.Diff(c.want, brief(Compute(Input{Domains: []DomainInput{d}}))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
