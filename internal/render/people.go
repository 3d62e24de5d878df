package render

import (
	"fmt"
	"strings"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
)

// recipient is what a plan gives to one user of a domain; nil where there is none.
type recipient struct {
	join, update, token *plan.Operation
	// gifts are phones and groups.
	gifts []*plan.Operation
}

// change is the operation that says who is changed, for one of people.changed.
func (p *recipient) change() *plan.Operation {
	if p.update != nil {
		return p.update
	}
	return p.gifts[0]
}

// people are the users of one domain that get something: those that are shown as changed,
// those that are shown as added, and those that get but a token; each sorted by username.
type people struct{ changed, added, tokenOnly []*recipient }

func newPeople(operations []*plan.Operation) *people {
	p := &people{}
	giving := sortedByUsername(operations, plan.JoinDomain, plan.UpdateUser, plan.AddPhone, plan.JoinGroup, plan.IssueToken, plan.EmailToken)
	users := 0
	for i := range giving {
		if i == 0 || giving[i].Username != giving[i-1].Username {
			users++
		}
	}
	all := make([]recipient, users)
	for len(giving) > 0 {
		n := 1
		for n < len(giving) && giving[n].Username == giving[0].Username {
			n++
		}
		p.add(&all[0], giving[:n])
		all, giving = all[1:], giving[n:]
	}
	return p
}

// add adds a user, who may be named twice in a plan that somebody else wrote.
func (p *people) add(one *recipient, operations []*plan.Operation) {
	joins, tokens := 0, 0
	for _, op := range operations {
		switch {
		case op.Action == plan.JoinDomain:
			one.join = op
			joins++
		case op.Action == plan.UpdateUser:
			one.update = op
		case op.Action.IssuesToken():
			one.token = op
			tokens++
		default:
			one.gifts = append(one.gifts, op)
		}
	}
	if one.update != nil || one.join == nil && one.gifts != nil {
		p.changed = append(p.changed, one)
	}
	for range joins {
		p.added = append(p.added, one)
	}
	for range tokens {
		if one.join == nil {
			p.tokenOnly = append(p.tokenOnly, one)
		}
	}
}

// changes shows users whose values change or who get a phone or group.
func (w *writer) changes(p *people) {
	if len(p.changed) == 0 {
		return
	}
	w.put()
	for _, one := range p.changed {
		op := one.change()
		if w.compact {
			w.put("  ", w.yellow("~ "+value(op.Username)), "  ", w.dim(Escape(op.Reason)))
			continue
		}
		w.put("  ", w.yellow("~ "+value(op.Username)), " ", w.dim("("+value(op.DN)+")"))
		if one.update != nil {
			w.field("name", before(op).Name, after(op).Name)
			w.field("email", before(op).Email, after(op).Email)
			w.aliases(before(op), after(op))
		}
		w.gifts(one.gifts)
	}
}

// field shows a value that changes.
func (w *writer) field(name, before, after string) {
	if before == after {
		return
	}
	from, to := difference(w.palette, before, after)
	w.put("      ", pad(name, 6), " ", w.red("-"), " ", from)
	w.put("             ", w.green("+"), " ", to)
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
	var t table
	for _, one := range p.added {
		t.fit(one.join, after(one.join))
	}
	for _, one := range p.added {
		op := one.join
		what := "existing user"
		if op.UserID == "" {
			what = "new user"
		}
		if one.token != nil {
			what += ", gets a token" + byMail(one.token)
		}
		if !strings.HasPrefix(op.Reason, "in the directory, not a member") {
			what += "; " + Escape(op.Reason)
		}
		w.put("  ", w.green("+ "+t.row(op, after(op))), "  ", w.dim(what))
		if op.UserID == "" {
			w.aliases(identity.User{}, after(op))
		}
		if one.update == nil {
			w.gifts(one.gifts)
		}
	}
	for _, one := range p.tokenOnly {
		w.put("  ", w.green("+ "+value(one.token.Username)), "  ", w.dim("gets a token"+byMail(one.token)+": "+Escape(one.token.Reason)))
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
