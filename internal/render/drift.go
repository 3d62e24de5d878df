package render

import (
	"fmt"
	"strings"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
)

// drift shows what changed in LoginTC since rollcall last wrote.
func (w *writer) drift(p *plan.Plan) {
	if len(p.Drift) == 0 {
		return
	}
	w.line("")
	w.line("%s", w.bold("Changed in LoginTC since rollcall last wrote (drift):"))
	domain := ""
	for i := range p.Drift {
		d := &p.Drift[i]
		if i == 0 || d.Domain != domain {
			domain = d.Domain
			w.line("")
			w.line("  %s", domainName(domain))
		}
		before, after := orZero(d.Before), orZero(d.After)
		switch d.Kind {
		case plan.DriftChanged:
			w.line("    %s", w.yellow("~ "+value(d.Username)))
			w.field("name", before.Name, after.Name)
			w.field("email", before.Email, after.Email)
			w.aliases(before, before.Of(after))
		case plan.DriftAdded:
			w.line("    %s  %s", w.green("+ "+drifted(d, after)), w.dim("added by somebody else"))
		case plan.DriftRemoved, plan.DriftDeleted:
			w.line("    %s  %s", w.red("- "+drifted(d, before)), w.dim(driftText(d.Kind)))
		default:
			w.line("    %s", w.alarm("! "+value(d.Username)+" "+value(string(d.Kind))))
		}
	}
}

func driftText(kind plan.DriftKind) string {
	if kind == plan.DriftDeleted {
		return "deleted from the organization"
	}
	return "no member any more"
}

func drifted(d *plan.Drift, user identity.User) string {
	return strings.TrimRight(fmt.Sprintf("%s  %s  %s", value(d.Username), value(user.Name), value(user.Email)), " ")
}

// refreshSummary is one line on a plan that but takes drift into the state.
func refreshSummary(s plan.Summary) string {
	if s.Drift == 0 {
		return "No drift. LoginTC has what rollcall wrote."
	}
	return "Drift: " + Count(s.Drift, "difference", "differences") + " to take into the state. LoginTC stays as it is."
}
