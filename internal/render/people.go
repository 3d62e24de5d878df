package render

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
)

// people are the operations of one domain that give something, by username.
type people struct {
	joins, updates, tokens map[string]*plan.Operation
	// gifts are phones and groups.
	gifts map[string][]*plan.Operation
	// changed are the users that are shown as changed, added those that are shown as
	// added, tokenOnly those that get but a token; each sorted by username.
	changed, added, tokenOnly []string
}

func newPeople(operations []*plan.Operation) *people {
	p := &people{
		joins: map[string]*plan.Operation{}, updates: map[string]*plan.Operation{},
		tokens: map[string]*plan.Operation{}, gifts: map[string][]*plan.Operation{},
	}
	for _, op := range sortedByUsername(operations, plan.JoinDomain) {
		p.joins[op.Username] = op
		p.added = append(p.added, op.Username)
	}
	for _, op := range sortedByUsername(operations, plan.UpdateUser, plan.AddPhone, plan.JoinGroup) {
		if op.Action == plan.UpdateUser {
			p.updates[op.Username] = op
		} else {
			p.gifts[op.Username] = append(p.gifts[op.Username], op)
		}
		if p.joins[op.Username] == nil || op.Action == plan.UpdateUser {
			p.changed = append(p.changed, op.Username)
		}
	}
	p.changed = slices.Compact(p.changed)
	for _, op := range sortedByUsername(operations, plan.IssueToken, plan.EmailToken) {
		p.tokens[op.Username] = op
		if p.joins[op.Username] == nil {
			p.tokenOnly = append(p.tokenOnly, op.Username)
		}
	}
	return p
}

// changes shows users whose values change or who get a phone or group.
func (w *writer) changes(p *people) {
	if len(p.changed) == 0 {
		return
	}
	w.line("")
	for _, username := range p.changed {
		update := p.updates[username]
		op := update
		if op == nil {
			op = p.gifts[username][0]
		}
		if w.compact {
			w.line("  %s  %s", w.yellow("~ "+value(username)), w.dim(Escape(op.Reason)))
			continue
		}
		w.line("  %s %s", w.yellow("~ "+value(username)), w.dim("("+value(op.DN)+")"))
		if update != nil {
			w.field("name", before(update).Name, after(update).Name)
			w.field("email", before(update).Email, after(update).Email)
			w.aliases(before(update), after(update))
		}
		w.gifts(p.gifts[username])
	}
}

// field shows a value that changes.
func (w *writer) field(name, before, after string) {
	if before == after {
		return
	}
	from, to := difference(w.palette, before, after)
	w.line("      %-6s %s %s", name, w.red("-"), from)
	w.line("             %s %s", w.green("+"), to)
}

// aliases shows those that are set, cleared and, where there is one, left alone
// since the entry says nothing of it.
func (w *writer) aliases(before, after identity.User) {
	was, is := before.Aliases(), after.Aliases()
	for i := range is {
		name := fmt.Sprintf("alias%d", i+1)
		from, had := was[i].Name()
		to, has := is[i].Name()
		switch {
		case is[i] == "" && had:
			w.line("      %s = %s %s", name, value(from), w.dim("(unchanged: the entry says nothing of it)"))
		case is[i] == "" || is[i] == was[i]:
		case has && had:
			w.field(name, from, to)
		case has:
			w.line("      %s %s", name, w.green("+ "+value(to)))
		case had:
			w.line("      %s %s %s", name, w.red("- "+value(from)), w.dim("(cleared)"))
		}
	}
}

func (w *writer) gifts(operations []*plan.Operation) {
	for _, op := range operations {
		name, what := "phone", op.Phone
		if op.Action == plan.JoinGroup {
			name, what = "group", op.Group
		}
		w.line("      %-6s %s", name, w.green("+ "+value(what)))
	}
}

// additions shows everything that is done to add one person in one line, and what
// the person gets beside below it.
func (w *writer) additions(p *people) {
	if len(p.added)+len(p.tokenOnly) > 0 {
		w.line("")
	}
	joins := make([]*plan.Operation, len(p.added))
	for i, username := range p.added {
		joins[i] = p.joins[username]
	}
	t := newTable(joins, after)
	for _, op := range joins {
		what := "existing user"
		if op.UserID == "" {
			what = "new user"
		}
		if token := p.tokens[op.Username]; token != nil {
			what += ", gets a token" + byMail(token)
		}
		if !strings.HasPrefix(op.Reason, "in the directory, not a member") {
			what += "; " + Escape(op.Reason)
		}
		w.line("  %s  %s", w.green("+ "+t.row(op, after(op))), w.dim(what))
		if op.UserID == "" {
			w.aliases(identity.User{}, after(op))
		}
		if p.updates[op.Username] == nil {
			w.gifts(p.gifts[op.Username])
		}
	}
	for _, username := range p.tokenOnly {
		token := p.tokens[username]
		w.line("  %s  %s", w.green("+ "+value(username)), w.dim("gets a token"+byMail(token)+": "+Escape(token.Reason)))
	}
}

func byMail(token *plan.Operation) string {
	if token.Action == plan.EmailToken {
		return " by e-mail"
	}
	return ""
}

// mail says who will be told of new and removed users.
func (w *writer) mail(d *plan.Domain, operations []*plan.Operation) {
	if d.Notify != "" && len(sortedByUsername(operations, plan.JoinDomain, plan.LeaveDomain, plan.DeleteUser)) > 0 {
		w.line("")
		w.line("  %s is told of new and removed users by mail", value(d.Notify))
	}
}
