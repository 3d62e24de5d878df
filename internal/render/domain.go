package render

import (
	"fmt"
	"strings"
	"time"

	"github.com/rivo/uniseg"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
)

// maxColumn bounds the columns of usernames and names: a longer one makes its own
// line ragged, not all.
const maxColumn = 32

// domain shows one domain: how its directory was read, who is in it, and what
// will be done, removals first.
func (w *writer) domain(d *plan.Domain, operations []plan.Operation) {
	w.line("")
	w.line("%s %s %s", w.bold("domain."+d.Name), quoted(d.Title), w.dim(d.ID))
	w.evidence(d)
	w.counts(d)
	w.removals(sortedByUsername(operations, plan.LeaveDomain, plan.DeleteUser))
	w.changes(sortedByUsername(operations, plan.UpdateUser))
	w.additions(operations)
	w.notes(operations)
}

func quoted(s string) string { return `"` + Escape(s) + `"` }

func (w *writer) evidence(d *plan.Domain) {
	e := d.Evidence
	read := fmt.Sprintf("%s in %s", Count(e.Entries, "entry", "entries"), Count(e.Pages, "page", "pages"))
	if len(e.Referrals) > 0 {
		read += fmt.Sprintf(", %s followed", Count(len(e.Referrals), "referral", "referrals"))
	}
	if e.ReferralsIgnored > 0 {
		read += fmt.Sprintf(", %s ignored", Count(e.ReferralsIgnored, "referral", "referrals"))
	}
	took := e.Ended.Sub(e.Started).Round(time.Millisecond)
	w.line("  read %s completely: %s %s", d.Directory, read, w.dim(fmt.Sprintf("(%s, %s)", Escape(e.Server), took)))
	w.line("    %s", w.dim(fmt.Sprintf("base %s, scope %s, filter %s", Escape(e.BaseDN), e.Scope, Escape(e.Filter))))
}

func (w *writer) counts(d *plan.Domain) {
	parts := []string{Count(d.Roster, "user in the roster", "users in the roster"), Count(d.Members, "member now", "members now")}
	for _, c := range []struct {
		n    int
		what string
	}{
		{d.Unmapped, "withheld for their data"},
		{d.Unmanaged, "unmanaged and left alone"},
		{d.Protected, "protected"},
		{d.Kept, "gone from the directory and kept (sync_mode = \"add_only\")"},
	} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	w.line("  %s", strings.Join(parts, ", "))
	if d.SyncMode == plan.AddOnly {
		return
	}
	of := ""
	if d.Limit.Limit.Percent {
		of = fmt.Sprintf(" of %s", Count(d.Members, "member", "members"))
	}
	use := fmt.Sprintf("removals: %d of %d allowed (max_remove_limit = %s%s)", d.Limit.Used, d.Limit.Allowed, quotedLimit(d.Limit), of)
	if d.Limit.Wanted > d.Limit.Allowed {
		use = w.alarm(use + fmt.Sprintf(", %d due: none is made", d.Limit.Wanted))
	}
	w.line("  %s", use)
}

// table is rows of people whose columns are aligned.
type table struct{ username, name int }

func newTable(operations []plan.Operation, user func(plan.Operation) *identity.User) table {
	var t table
	for _, op := range operations {
		t.username = max(t.username, widest(maxColumn, value(op.Username)))
		if u := user(op); u != nil {
			t.name = max(t.name, widest(maxColumn, value(u.Name)))
		}
	}
	return t
}

func (t table) row(op plan.Operation, u *identity.User) string {
	if u == nil {
		return pad(value(op.Username), t.username)
	}
	return pad(value(op.Username), t.username) + "  " + pad(value(u.Name), t.name) + "  " + value(u.Email)
}

func before(op plan.Operation) *identity.User { return op.Before }
func after(op plan.Operation) *identity.User  { return op.After }

func (w *writer) removals(operations []plan.Operation) {
	if len(operations) == 0 {
		return
	}
	w.line("")
	t := newTable(operations, before)
	for _, op := range operations {
		what := "leaves the domain, its token is revoked"
		if op.Action == plan.DeleteUser {
			what = "deleted from the organization, with its memberships and tokens"
		}
		w.line("  %s", w.red("- "+t.row(op, op.Before)))
		w.line("      %s: %s", what, w.dim(why(op)))
	}
}

// why is the reason of an operation and the entry that it is about.
func why(op plan.Operation) string {
	reason := Escape(op.Reason)
	if op.DN != "" {
		reason += " (was " + value(op.DN) + ")"
	}
	return reason
}

func (w *writer) changes(operations []plan.Operation) {
	if len(operations) == 0 {
		return
	}
	w.line("")
	for _, op := range operations {
		w.line("  %s %s", w.yellow("~ "+value(op.Username)), w.dim("("+value(op.DN)+")"))
		for _, field := range []struct{ name, before, after string }{
			{"name ", op.Before.Name, op.After.Name}, {"email", op.Before.Email, op.After.Email},
		} {
			if field.before == field.after {
				continue
			}
			from, to := difference(w.palette, field.before, field.after)
			w.line("      %s %s %s", field.name, w.red("-"), from)
			w.line("            %s %s", w.green("+"), to)
		}
	}
}

// additions shows everything that is done to add one person in one line.
func (w *writer) additions(operations []plan.Operation) {
	tokens := map[string]bool{}
	for _, op := range operations {
		if op.Action == plan.IssueToken {
			tokens[op.Username] = true
		}
	}
	joins := sortedByUsername(operations, plan.JoinDomain)
	if len(joins) > 0 {
		w.line("")
	}
	t := newTable(joins, after)
	for _, op := range joins {
		what := "existing user"
		if op.UserID == "" {
			what = "new user"
		}
		if tokens[op.Username] {
			what += ", gets a token"
			delete(tokens, op.Username)
		}
		if !strings.HasPrefix(op.Reason, "in the directory, not a member") {
			what += "; " + Escape(op.Reason)
		}
		w.line("  %s  %s", w.green("+ "+t.row(op, op.After)), w.dim(what))
	}
	for _, op := range sortedByUsername(operations, plan.IssueToken) {
		if tokens[op.Username] {
			w.line("  %s  %s", w.green("+ "+value(op.Username)), w.dim("gets a token: "+Escape(op.Reason)))
		}
	}
}

// notes shows what only the state learns.
func (w *writer) notes(operations []plan.Operation) {
	for _, note := range []struct {
		action plan.Action
		what   string
	}{
		{plan.Adopt, "adopted (members that match an entry become managed)"},
		{plan.MarkMissing, "noted as missing from the directory"},
		{plan.MarkPresent, "noted as back in the directory"},
		{plan.Record, "noted with another DN, unique id or values"},
		{plan.Forget, "forgotten (neither entry nor member is left)"},
	} {
		if noted := sortedByUsername(operations, note.action); len(noted) > 0 {
			w.line("")
			w.line("  = %d %s:", len(noted), note.what)
			var names []string
			for _, op := range noted {
				names = append(names, value(op.Username))
			}
			w.wrapped("      ", names)
		}
	}
}

// wrapped lists names, as many on a line as fit.
func (w *writer) wrapped(indent string, names []string) {
	line := indent
	for i, name := range names {
		if i < len(names)-1 {
			name += ","
		}
		if line != indent && uniseg.StringWidth(line)+uniseg.StringWidth(name) > w.width {
			w.line("%s", line)
			line = indent
		}
		line += name + " "
	}
	w.line("%s", line)
}

// withheld shows what was kept out of the plan: grouped by reason, nobody left out.
func (w *writer) withheld(p *plan.Plan) {
	if len(p.Withheld) == 0 {
		return
	}
	w.line("")
	w.line("%s", w.bold("Withheld, so not done:"))
	type group struct{ domain, reason string }
	var order []group
	names := map[group][]string{}
	for _, x := range p.Withheld {
		if x.Guard == plan.GuardData {
			continue
		}
		g := group{x.Domain, x.Reason}
		if names[g] == nil {
			order = append(order, g)
		}
		names[g] = append(names[g], value(x.Username))
	}
	for _, g := range order {
		w.line("")
		w.line("  %s %s: %s", w.yellow("!"), Count(len(names[g]), "removal in domain."+g.domain, "removals in domain."+g.domain), Escape(g.reason))
		w.wrapped("      ", names[g])
	}
	data := false
	for _, x := range p.Withheld {
		if x.Guard != plan.GuardData {
			continue
		}
		if !data {
			w.line("")
			data = true
		}
		who := value(x.Username)
		if x.Username == "" {
			who = "(no username)"
		}
		w.line("  %s domain.%s: %s %s", w.yellow("!"), x.Domain, who, w.dim("("+value(x.DN)+")"))
		w.line("      %s", value(x.Reason))
	}
}
