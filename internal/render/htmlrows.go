package render

import (
	"fmt"
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
	What    string
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
	domains []domainRows
}

type domainRows struct {
	*people
	removals, notes []*plan.Operation
}

func newPageTable(p *plan.Plan) *pageTable {
	rows := &pageTable{p, make([]domainRows, len(p.Domains))}
	operations := byDomain(p)
	for i := range rows.domains {
		of := operations[p.Domains[i].Name]
		rows.domains[i] = domainRows{
			newPeople(of), sortedByUsername(of, plan.LeaveDomain, plan.DeleteUser),
			sortedByUsername(of, plan.Adopt, plan.MarkMissing, plan.MarkPresent, plan.Record, plan.Forget),
		}
	}
	return rows
}

// kinds counts the rows of each kind, where there are any.
func (p *pageTable) kinds() []pageKind {
	count := map[string]int{string(PartWithheld): len(p.Withheld), string(PartDrift): len(p.Drift)}
	for _, d := range p.domains {
		count[string(PartRemove)] += len(d.removals)
		count[string(PartAdd)] += len(d.added)
		count[kindGift] += len(d.tokenOnly)
		for _, one := range d.changed {
			if one.update != nil {
				count[string(PartChange)]++
			} else {
				count[kindGift]++
			}
		}
		count[kindNote] += len(d.notes)
	}
	var kinds []pageKind
	for _, kind := range pageKinds() {
		if kind.Count = count[kind.Kind]; kind.Count > 0 {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// each makes the rows one by one: the removals of all domains, then what else is done in
// each, what is not, and what was done by others.
func (p *pageTable) each(show func(pageRow)) {
	for _, d := range p.domains {
		for _, op := range d.removals {
			show(removalRow(op))
		}
	}
	for _, d := range p.domains {
		for _, one := range d.changed {
			show(changeRow(one))
		}
		for _, one := range d.added {
			show(additionRow(one))
		}
		for _, one := range d.tokenOnly {
			show(operationRow(kindGift, one.token, "gets a token"+byMail(one.token)))
		}
	}
	for i := range p.Withheld {
		show(withheldRow(&p.Withheld[i]))
	}
	for i := range p.Drift {
		show(driftRow(&p.Drift[i]))
	}
	for _, d := range p.domains {
		for _, op := range d.notes {
			show(operationRow(kindNote, op, strings.ReplaceAll(string(op.Action), "_", " ")))
		}
	}
}

func operationRow(kind string, op *plan.Operation, what string) pageRow {
	return pageRow{Kind: kind, Domain: Escape(op.Domain), Who: value(op.Username), DN: value(op.DN), What: what, Why: Escape(op.Reason)}
}

// valuesOf are a user's values, those that there are.
func valuesOf(u identity.User) (values []string) {
	for _, v := range []string{u.Name, u.Email} {
		if v != "" {
			values = append(values, value(v))
		}
	}
	return values
}

func removalRow(op *plan.Operation) pageRow {
	what := "leaves the domain, its token is revoked"
	if op.Action == plan.DeleteUser {
		what = "deleted from the organization, with its memberships and tokens"
	}
	if op.Renamed != "" {
		what += "; is now " + value(op.Renamed)
	}
	row := operationRow(string(PartRemove), op, what)
	row.Values = valuesOf(before(op))
	return row
}

func changeRow(one *recipient) pageRow {
	op := one.change()
	if one.update == nil {
		row := operationRow(kindGift, op, "")
		row.Changes = giftChanges(one.gifts)
		return row
	}
	row := operationRow(string(PartChange), op, "")
	row.Changes = append(userChanges(before(op), after(op)), giftChanges(one.gifts)...)
	return row
}

func additionRow(one *recipient) pageRow {
	op := one.join
	what := "existing user joins"
	if op.UserID == "" {
		what = "new user joins"
	}
	if one.token != nil {
		what += ", gets a token" + byMail(one.token)
	}
	if op.Renamed != "" {
		what += "; was " + value(op.Renamed)
	}
	row := operationRow(string(PartAdd), op, what)
	row.Values = valuesOf(after(op))
	if op.UserID == "" {
		row.Changes = aliasChanges(identity.User{}, after(op))
	}
	if one.update == nil {
		row.Changes = append(row.Changes, giftChanges(one.gifts)...)
	}
	return row
}

func withheldRow(w *plan.Withheld) pageRow {
	row := pageRow{Kind: string(PartWithheld), Domain: Escape(w.Domain), Who: value(w.Username), DN: value(w.DN), What: "nothing is done", Why: Escape(w.Reason)}
	if w.Username == "" {
		row.Who = "(no username)"
	}
	if w.Guard != plan.GuardData {
		row.What = fmt.Sprintf("not removed (%s)", Escape(string(w.Guard)))
	}
	return row
}

func driftRow(d *plan.Drift) pageRow {
	row := pageRow{Kind: string(PartDrift), Domain: Escape(d.Domain), Who: value(d.Username)}
	from, to := orZero(d.Before), orZero(d.After)
	switch d.Kind {
	case plan.DriftChanged:
		row.What, row.Changes = "changed by somebody else", userChanges(from, from.Of(to))
	case plan.DriftAdded:
		row.What, row.Values = "added by somebody else", valuesOf(to)
	case plan.DriftRemoved, plan.DriftDeleted:
		row.What, row.Values = driftText(d.Kind), valuesOf(from)
	default:
		row.What = value(string(d.Kind))
	}
	return row
}

func userChanges(from, to identity.User) (changes []pageChange) {
	for _, field := range [][3]string{{"name", from.Name, to.Name}, {"email", from.Email, to.Email}} {
		if field[1] != field[2] {
			before, after := segments(field[1], field[2])
			changes = append(changes, pageChange{field[0], before, after})
		}
	}
	return append(changes, aliasChanges(from, to)...)
}

// aliasChanges are those that are set or cleared.
func aliasChanges(from, to identity.User) (changes []pageChange) {
	was, is := from.Aliases(), to.Aliases()
	for i := range is {
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
			changes = append(changes, pageChange{fmt.Sprintf("alias%d", i+1), a, b})
		}
	}
	return changes
}

func giftChanges(gifts []*plan.Operation) (changes []pageChange) {
	for _, op := range gifts {
		label, what := "phone", op.Phone
		if op.Action == plan.JoinGroup {
			label, what = "group", op.Group
		}
		changes = append(changes, pageChange{label, nil, []segment{{value(what), true}}})
	}
	return changes
}
