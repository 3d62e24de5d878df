package render

import (
	"strings"
	"testing"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
)

func TestStrays(t *testing.T) {
	t.Parallel()
	p := changes()
	mallory := identity.User{Username: "mallory", Name: "Mallory", Email: "mallory@example.net"}
	p.Operations = append(p.Operations,
		plan.Operation{Action: plan.JoinDomain, Domain: "hidden", Username: "mallory", After: &mallory},
		plan.Operation{Action: plan.LeaveDomain, Domain: "hidden", Username: "jane.doe"},
		plan.Operation{Action: plan.CreateUser, Domain: "vpn", Username: "eve"},
		plan.Operation{Action: "wipe\x1b[2J", Domain: "vpn", Username: "root"},
	)
	want := `
Operations that rollcall does not plan:
  ! join_domain domain.hidden["mallory"]  Mallory  mallory@example.net
  ! leave_domain domain.hidden["jane.doe"]
  ! create_user domain.vpn["eve"]
  ! wipe\u001b[2J domain.vpn["root"]
`
	if got := textOf(t, p, TextOptions{}); !strings.Contains(got, want) {
		t.Errorf("these lines are missing:\n%s\nin\n%s", want, got)
	}
	for name, p := range plans() {
		if strings.Contains(textOf(t, p, TextOptions{}), "does not plan") {
			t.Errorf("%s has operations that no domain shows", name)
		}
	}
}
