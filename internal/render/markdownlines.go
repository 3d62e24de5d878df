package render

import (
	"strings"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
)

// listed is a line of a listing, that is made in the memory of the one before.
type listed []byte

// begin makes the line one of these parts.
func (l *listed) begin(parts ...string) {
	*l = (*l)[:0]
	l.add(parts...)
}

func (l *listed) add(parts ...string) {
	for _, part := range parts {
		*l = append(*l, part...)
	}
}

// membership makes the line one about a membership, with a sign and the escaped address.
func (l *listed) membership(sign, domain, username string) {
	l.begin(sign)
	if plain(domain) && plain(username) && !strings.ContainsAny(username, `"\`) {
		l.add("domain.", domain, `["`, username, `"]`) // what plan.Address gives, and it makes a text of its own
		return
	}
	l.add(Escape(plan.Address(domain, username)))
}

// person adds a person, or to an address the values of one.
func (l *listed) person(who string, user identity.User) { *l = appendPerson(*l, who, user) }

func removalLines(p *plan.Plan) listing {
	return func(show func([]byte)) {
		var l listed
		for i := range p.Operations {
			op := &p.Operations[i]
			if !op.Action.Removes() {
				continue
			}
			what := "  leaves: "
			if op.Action == plan.DeleteUser {
				what = "  deleted from the organization: "
			}
			l.membership("- ", op.Domain, op.Username)
			l.person("", before(op))
			reason, was, dn, end := why(op)
			l.add(what, reason, was, dn, end)
			show(l)
		}
	}
}

func recreatedLines(operations *operations, show func([]byte)) {
	var l listed
	for op := range operations.recreated() {
		l.begin("! ", value(op.Username), " (", value(op.DN), ")  ", Escape(op.Reason))
		show(l)
	}
}

func changeLines(people *people, show func([]byte)) {
	var l listed
	for one := range people.changing() {
		op := one.change()
		l.begin("! ", value(op.Username), " (", value(op.DN), ")")
		if one.update != nil {
			l.changes(before(op), after(op))
		}
		l.gifts(one.gifts)
		show(l)
	}
}

// changes adds the values that change, each with the one before.
func (l *listed) changes(from, to identity.User) {
	l.change("name", from.Name, to.Name)
	l.change("email", from.Email, to.Email)
	was, is := from.Aliases(), to.Aliases()
	for i, name := range aliasNames() {
		if is[i] != "" {
			l.change(name, aliasName(was[i]), aliasName(is[i]))
		}
	}
}

func aliasName(a identity.Alias) string {
	name, ok := a.Name()
	if !ok {
		return "(none)"
	}
	return name
}

func (l *listed) change(name, from, to string) {
	if from != to {
		l.add("\n-   ", name, ": ", value(from), "\n+   ", name, ": ", value(to))
	}
}

func (l *listed) gifts(gifts []*plan.Operation) {
	for _, op := range gifts {
		name, what := gift(op)
		l.add("\n+   ", name, ": ", what)
	}
}

func additionLines(people *people, show func([]byte)) {
	var l listed
	for one := range people.joining() {
		op := one.join
		l.begin("+ ")
		l.person(value(op.Username), after(op))
		if op.UserID == "" {
			l.add("  new user")
		} else {
			l.add("  existing user")
		}
		if one.token != nil {
			l.add(", gets a token", byMail(one.token))
		}
		if op.Renamed() != "" {
			l.add(", was ", value(op.Renamed()))
		}
		if one.update == nil {
			l.gifts(one.gifts)
		}
		show(l)
	}
	for one := range people.awaiting() {
		l.begin("+ ", value(one.token.Username), "  gets a token", byMail(one.token))
		show(l)
	}
}

func driftLines(p *plan.Plan) listing {
	return func(show func([]byte)) {
		var l listed
		for i := range p.Drift {
			d := &p.Drift[i]
			from, to := orZero(d.Before), orZero(d.After)
			switch d.Kind {
			case plan.DriftChanged:
				l.membership("! ", d.Domain, d.Username)
				l.changes(from, from.Of(to))
			case plan.DriftAdded:
				l.membership("+ ", d.Domain, d.Username)
				l.person("", to)
				l.add("  added by somebody else")
			case plan.DriftRemoved, plan.DriftDeleted:
				l.membership("- ", d.Domain, d.Username)
				l.person("", from)
				l.add("  ", driftText(d.Kind))
			default:
				l.membership("! ", d.Domain, d.Username)
				l.add(" ", value(string(d.Kind)))
			}
			show(l)
		}
	}
}

func withheldLines(p *plan.Plan) listing {
	return func(show func([]byte)) {
		var l listed
		for i := range p.Withheld {
			w := &p.Withheld[i]
			l.begin("! domain.", Escape(w.Domain), " ")
			if w.Username == "" {
				l.add("(no username) ", value(w.DN))
			} else {
				l.add(value(w.Username))
			}
			l.add(": ", Escape(w.Reason))
			show(l)
		}
	}
}
