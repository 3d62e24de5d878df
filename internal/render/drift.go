package render

import (
	"bytes"

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
			w.add("    ")
			w.tint(yellow, "~ ", value(d.Username))
			w.end()
			w.field("name", before.Name, after.Name)
			w.field("email", before.Email, after.Email)
			w.aliases(before, before.Of(after))
		case plan.DriftAdded:
			w.drifted(green, "+ ", d, after, "added by somebody else")
		case plan.DriftRemoved, plan.DriftDeleted:
			w.drifted(red, "- ", d, before, driftText(d.Kind))
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

// drifted shows a member that somebody else added or removed.
func (w *writer) drifted(c colour, sign string, d *plan.Drift, user identity.User, what string) {
	w.add("    ")
	w.start(c)
	w.add(sign)
	w.text = appendPerson(w.text, value(d.Username), user)
	w.stop()
	w.add("  ")
	w.tint(dim, what)
	w.end()
}

// appendPerson appends a person in one line.
func appendPerson(to []byte, who string, user identity.User) []byte {
	size := len(to)
	for _, part := range [...]string{who, "  ", value(user.Name), "  ", value(user.Email)} {
		to = append(to, part...)
	}
	return append(to[:size], bytes.TrimRight(to[size:], " ")...)
}

// refreshSummary is one line on a plan that but takes drift into the state.
func refreshSummary(s plan.Summary) string {
	if s.Drift == 0 {
		return "No drift. LoginTC has what rollcall wrote."
	}
	return "Drift: " + Count(s.Drift, "difference", "differences") + " to take into the state. LoginTC stays as it is."
}
