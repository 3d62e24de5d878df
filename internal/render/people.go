package render

import (
	"iter"
	"strings"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
)

// recipient is what a plan gives to one user of a domain; nil where there is none.
type recipient struct {
	join, update, token *plan.Operation
	// gifts are phones and groups.
	gifts []*plan.Operation
	// joins and tokens count: a user may be named twice in a plan that somebody else wrote.
	joins, tokens int
}

// add adds an operation of the user.
func (r *recipient) add(op *plan.Operation) {
	switch {
	case op.Action == plan.JoinDomain:
		r.join = op
		r.joins++
	case op.Action == plan.UpdateUser:
		r.update = op
	case op.Action.IssuesToken():
		r.token = op
		r.tokens++
	default:
		r.gifts = append(r.gifts, op)
	}
}

// change is the operation that says who is changed; nil for somebody who is not shown
// as changed.
func (r *recipient) change() *plan.Operation {
	if r.update == nil && r.join == nil && len(r.gifts) > 0 {
		return r.gifts[0]
	}
	return r.update
}

// changes, additions and bareTokens are how often the user is shown as changed, as added, and
// as one who gets but a token.
func (r *recipient) changes() int {
	if r.change() == nil {
		return 0
	}
	return 1
}

func (r *recipient) additions() int { return r.joins }

func (r *recipient) bareTokens() int {
	if r.join != nil {
		return 0
	}
	return r.tokens
}

// people are the users of one domain that get something. They are put together from their
// operations each time that they are looked at.
type people struct {
	*operations
	// updated counts those whose values change, gifted those who are shown as changed for a phone
	// or group alone, added and bareTokens what the methods of recipient say.
	updated, gifted, added, bareTokens int
}

func newPeople(o *operations) *people {
	p := &people{operations: o}
	for one := range p.all() {
		p.added += one.additions()
		p.bareTokens += one.bareTokens()
		if one.update != nil {
			p.updated++
		} else {
			p.gifted += one.changes()
		}
	}
	return p
}

// all are the users by username. Each is valid until the next.
func (p *people) all() iter.Seq[*recipient] {
	return func(yield func(*recipient) bool) {
		var one recipient
		var last *plan.Operation
		for op := range p.of(giving) {
			if last != nil && op.Username != last.Username {
				if !yield(&one) {
					return
				}
				one = recipient{gifts: one.gifts[:0]}
			}
			one.add(op)
			last = op
		}
		if last != nil {
			yield(&one)
		}
	}
}

// changing, joining and awaiting are those that are shown as changed, as added, and as ones
// who get but a token.
func (p *people) changing() iter.Seq[*recipient] {
	return p.repeated((*recipient).changes, p.updated+p.gifted)
}

func (p *people) joining() iter.Seq[*recipient] {
	return p.repeated((*recipient).additions, p.added)
}

func (p *people) awaiting() iter.Seq[*recipient] {
	return p.repeated((*recipient).bareTokens, p.bareTokens)
}

// repeated are the users, each so many times, as often in all as total says.
func (p *people) repeated(times func(*recipient) int, total int) iter.Seq[*recipient] {
	return func(yield func(*recipient) bool) {
		if total == 0 {
			return // no need to look
		}
		for one := range p.all() {
			for range times(one) {
				if !yield(one) {
					return
				}
			}
		}
	}
}

// changes shows users whose values change or who get a phone or group.
func (w *writer) changes(p *people) {
	if p.updated+p.gifted == 0 {
		return
	}
	w.put()
	for one := range p.changing() {
		op := one.change()
		w.add("  ")
		w.tint(yellow, "~ ", value(op.Username))
		if w.compact {
			w.add("  ")
			w.tint(dim, Escape(op.Reason))
			w.end()
			continue
		}
		w.add(" ")
		w.tint(dim, "(", value(op.DN), ")")
		w.end()
		if one.update != nil {
			from, to := before(op), after(op)
			w.field("name", from.Name, to.Name)
			w.field("email", from.Email, to.Email)
			w.aliases(from, to)
		}
		w.gifts(one.gifts)
	}
}

// field shows a value that changes.
func (w *writer) field(name, before, after string) {
	if before == after {
		return
	}
	from, to := segments(before, after)
	w.add("      ")
	w.pad(name, 6)
	w.add(" ")
	w.tint(red, "-")
	w.add(" ")
	w.text = markGone(w.text, w.palette, from)
	w.end()
	w.add("             ")
	w.tint(green, "+")
	w.add(" ")
	w.text = markCome(w.text, w.palette, to)
	w.end()
}

// aliases shows those that are set, cleared and, where there is one, left alone
// since the entry says nothing of it.
func (w *writer) aliases(before, after identity.User) {
	was, is := before.Aliases(), after.Aliases()
	for i, name := range aliasNames() {
		from, had := was[i].Name()
		to, has := is[i].Name()
		switch {
		case is[i] == "" && had:
			w.add("      ", name, " = ", value(from), " ")
			w.tint(dim, "(unchanged: the entry says nothing of it)")
			w.end()
		case is[i] == "" || is[i] == was[i]:
		case has && had:
			w.field(name, from, to)
		case has:
			w.add("      ", name, " ")
			w.tint(green, "+ ", value(to))
			w.end()
		case had:
			w.add("      ", name, " ")
			w.tint(red, "- ", value(from))
			w.add(" ")
			w.tint(dim, "(cleared)")
			w.end()
		}
	}
}

// aliasNames are the names of the aliases.
func aliasNames() [3]string { return [3]string{"alias1", "alias2", "alias3"} }

func (w *writer) gifts(operations []*plan.Operation) {
	for _, op := range operations {
		name, what := gift(op)
		w.add("      ", name, "  ")
		w.tint(green, "+ ", what)
		w.end()
	}
}

// gift is what an operation gives to a user beside a membership and a token.
func gift(op *plan.Operation) (name, what string) {
	if op.Action == plan.JoinGroup {
		return "group", value(op.Group())
	}
	return "phone", value(op.Phone())
}

// additions shows everything that is done to add one person in one line, and what
// the person gets beside below it.
func (w *writer) additions(p *people) {
	if p.added+p.bareTokens > 0 {
		w.put()
	}
	var t table
	for one := range p.joining() {
		t.fit(one.join, after(one.join))
	}
	for one := range p.joining() {
		w.addition(&t, one)
	}
	for one := range p.awaiting() {
		w.add("  ")
		w.tint(green, "+ ", value(one.token.Username))
		w.add("  ")
		w.tint(dim, "gets a token", byMail(one.token), ": ", Escape(one.token.Reason))
		w.end()
	}
}

// addition shows one person who is added.
func (w *writer) addition(t *table, one *recipient) {
	op := one.join
	what, token, mail, between, reason := "existing user", "", "", "", ""
	if op.UserID == "" {
		what = "new user"
	}
	if one.token != nil {
		token, mail = ", gets a token", byMail(one.token)
	}
	if !strings.HasPrefix(op.Reason, "in the directory, not a member") {
		between, reason = "; ", Escape(op.Reason)
	}
	w.add("  ")
	w.start(green)
	w.add("+ ")
	w.row(t, op, after(op))
	w.stop()
	w.add("  ")
	w.tint(dim, what, token, mail, between, reason)
	w.end()
	if op.UserID == "" {
		w.aliases(identity.User{}, after(op))
	}
	if one.update == nil {
		w.gifts(one.gifts)
	}
}

func byMail(token *plan.Operation) string {
	if token.Action == plan.EmailToken {
		return " by e-mail"
	}
	return ""
}

// mail says who will be told of new and removed users.
func (w *writer) mail(d *plan.Domain, p *people) {
	if d.Notify != "" && p.added+len(p.places[removing]) > 0 {
		w.line("")
		w.line("  %s is told of new and removed users by mail", value(d.Notify))
	}
}
