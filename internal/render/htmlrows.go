package render

import (
	"strings"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
)

// pageRow is one person in one domain, and what becomes of them there.
type pageRow struct {
	Kind, Domain, Who, DN string
	// Values are as they are, Changes those that become others.
	Values  []string
	Changes []pageChange
	What    []string // parts of one text
	Why     string
}

// pageChange is a value that becomes another; From or To is empty where there is none.
type pageChange struct {
	Label    string
	From, To []segment
}

// Kinds of rows beside the Parts: who gets a token, phone or group and is neither added
// nor changed, and what only the state learns of. So every kind counts what the
// summary counts.
const (
	kindGift = "gets"
	kindNote = "state"
)

// pageKinds are all filters, in the order of the rows.
func pageKinds() []pageKind {
	return []pageKind{
		{Kind: string(PartRemove), Label: "Removals"},
		{Kind: string(PartChange), Label: "Changes"},
		{Kind: string(PartAdd), Label: "Additions"},
		{Kind: kindGift, Label: "Tokens, phones, groups"},
		{Kind: string(PartWithheld), Label: "Withheld"},
		{Kind: string(PartDrift), Label: "Drift"},
		{Kind: kindNote, Label: "State alone"},
	}
}

// pageTable makes the rows of a page, of those who are touched in each domain.
type pageTable struct {
	*plan.Plan
	domains []*people
}

func newPageTable(p *plan.Plan) *pageTable {
	rows := &pageTable{p, make([]*people, len(p.Domains))}
	operations := byDomain(p)
	for i := range rows.domains {
		rows.domains[i] = newPeople(operations[p.Domains[i].Name])
	}
	return rows
}

// kinds counts the rows of each kind, where there are any.
func (p *pageTable) kinds() []pageKind {
	count := map[string]int{string(PartWithheld): len(p.Withheld), string(PartDrift): len(p.Drift)}
	for _, d := range p.domains {
		count[string(PartRemove)] += len(d.places[removing])
		count[string(PartAdd)] += d.added
		count[string(PartChange)] += d.updated
		count[kindGift] += d.gifted + d.bareTokens
		count[kindNote] += len(d.places[noting])
	}
	var kinds []pageKind
	for _, kind := range pageKinds() {
		if kind.Count = count[kind.Kind]; kind.Count > 0 {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// each makes the rows one by one, each in the memory of the one before: the removals of all
// domains, then what else is done in each, what is not, and what was done by others.
func (p *pageTable) each(show func(*pageRow)) {
	var row pageRow
	for _, d := range p.domains {
		for op := range d.of(removing) {
			row.removal(op)
			show(&row)
		}
	}
	for _, d := range p.domains {
		for one := range d.changing() {
			row.change(one)
			show(&row)
		}
		for one := range d.joining() {
			row.addition(one)
			show(&row)
		}
		for one := range d.awaiting() {
			row.operation(kindGift, one.token, "gets a token", byMail(one.token))
			show(&row)
		}
	}
	for i := range p.Withheld {
		row.withheld(&p.Withheld[i])
		show(&row)
	}
	for i := range p.Drift {
		row.drift(&p.Drift[i])
		show(&row)
	}
	for _, d := range p.domains {
		for op := range d.of(noting) {
			before, after, two := strings.Cut(string(op.Action), "_")
			row.operation(kindNote, op, before)
			if two {
				row.What = append(row.What, " ", after)
			}
			show(&row)
		}
	}
}

// begin makes the row one of that kind, without values.
func (r *pageRow) begin(kind, domain, username string, what ...string) {
	r.Kind, r.Domain, r.Who, r.DN, r.Why = kind, Escape(domain), value(username), "", ""
	r.Values, r.Changes, r.What = r.Values[:0], r.Changes[:0], append(r.What[:0], what...)
}

func (r *pageRow) operation(kind string, op *plan.Operation, what ...string) {
	r.begin(kind, op.Domain, op.Username, what...)
	r.DN, r.Why = value(op.DN), Escape(op.Reason)
}

// values adds a user's values, those that there are.
func (r *pageRow) values(u identity.User) {
	for _, v := range [...]string{u.Name, u.Email} {
		if v != "" {
			r.Values = append(r.Values, value(v))
		}
	}
}

func (r *pageRow) removal(op *plan.Operation) {
	what := "leaves the domain, its token is revoked"
	if op.Action == plan.DeleteUser {
		what = "deleted from the organization, with its memberships and tokens"
	}
	r.operation(string(PartRemove), op, what)
	if op.Renamed() != "" {
		r.What = append(r.What, "; is now ", value(op.Renamed()))
	}
	r.values(before(op))
}

func (r *pageRow) change(one *recipient) {
	op := one.change()
	if one.update == nil {
		r.operation(kindGift, op)
	} else {
		r.operation(string(PartChange), op)
		r.userChanges(before(op), after(op))
	}
	r.gifts(one.gifts)
}

func (r *pageRow) addition(one *recipient) {
	op := one.join
	what := "existing user joins"
	if op.UserID == "" {
		what = "new user joins"
	}
	r.operation(string(PartAdd), op, what)
	if one.token != nil {
		r.What = append(r.What, ", gets a token", byMail(one.token))
	}
	if op.Renamed() != "" {
		r.What = append(r.What, "; was ", value(op.Renamed()))
	}
	r.values(after(op))
	if op.UserID == "" {
		r.aliases(identity.User{}, after(op))
	}
	if one.update == nil {
		r.gifts(one.gifts)
	}
}

func (r *pageRow) withheld(w *plan.Withheld) {
	r.begin(string(PartWithheld), w.Domain, w.Username)
	r.DN, r.Why = value(w.DN), Escape(w.Reason)
	if w.Username == "" {
		r.Who = "(no username)"
	}
	if w.Guard == plan.GuardData {
		r.What = append(r.What, "nothing is done")
	} else {
		r.What = append(r.What, "not removed (", Escape(string(w.Guard)), ")")
	}
}

func (r *pageRow) drift(d *plan.Drift) {
	r.begin(string(PartDrift), d.Domain, d.Username)
	from, to := orZero(d.Before), orZero(d.After)
	what := ""
	switch d.Kind {
	case plan.DriftChanged:
		what = "changed by somebody else"
		r.userChanges(from, from.Of(to))
	case plan.DriftAdded:
		what = "added by somebody else"
		r.values(to)
	case plan.DriftRemoved, plan.DriftDeleted:
		what = driftText(d.Kind)
		r.values(from)
	default:
		what = value(string(d.Kind))
	}
	r.What = append(r.What, what)
}

func (r *pageRow) userChanges(from, to identity.User) {
	for _, field := range [...][3]string{{"name", from.Name, to.Name}, {"email", from.Email, to.Email}} {
		if field[1] != field[2] {
			before, after := segments(field[1], field[2])
			r.Changes = append(r.Changes, pageChange{field[0], before, after})
		}
	}
	r.aliases(from, to)
}

// aliases adds those that are set or cleared.
func (r *pageRow) aliases(from, to identity.User) {
	was, is := from.Aliases(), to.Aliases()
	for i, name := range aliasNames() {
		if is[i] == "" || is[i] == was[i] {
			continue
		}
		before, had := was[i].Name()
		after, has := is[i].Name()
		if !had {
			before = ""
		}
		if !has {
			after = ""
		}
		if before != after {
			a, b := segments(before, after)
			r.Changes = append(r.Changes, pageChange{name, a, b})
		}
	}
}

func (r *pageRow) gifts(gifts []*plan.Operation) {
	for _, op := range gifts {
		label, what := gift(op)
		r.Changes = append(r.Changes, pageChange{label, nil, []segment{{what, true}}})
	}
}
