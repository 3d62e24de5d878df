package render

import (
	"bytes"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
)

// domain shows one domain: how its directory was read, who is in it, and what
// will be done, removals first.
func (w *writer) domain(d *plan.Domain, operations *operations) {
	w.line("")
	w.line("%s %s %s", w.bold(domainName(d.Name)), quoted(d.Title), w.dim(Escape(d.ID)))
	if !w.people {
		w.evidence(d)
		w.counts(d)
	}
	w.renames(operations)
	w.recreated(operations)
	w.removals(operations)
	people := newPeople(operations)
	w.changes(people)
	w.additions(people)
	if !w.people {
		w.mail(d, people)
		w.notes(d, operations)
	}
}

func domainName(name string) string { return "domain." + Escape(name) }

func quoted(s string) string { return `"` + Escape(s) + `"` }

func (w *writer) evidence(d *plan.Domain) {
	for i := range d.Sources {
		s := &d.Sources[i]
		e := &s.Evidence
		took := e.Ended.Sub(e.Started).Round(time.Millisecond)
		w.line("  read %s completely: %s %s", Escape(s.Directory), readText(e), w.dim(fmt.Sprintf("(%s, %s)", Escape(e.Server), took)))
		w.line("    %s", w.dim(searchText(e)))
		if e.Groups != nil {
			w.line("    %s", w.dim("members of "+groupText(e.Groups)))
		}
	}
	w.shadowed(d)
}

// maxShadowed is how many entries that do not count are shown one by one.
const maxShadowed = 20

// shadowed shows the entries that do not count, since an earlier directory has the
// person.
func (w *writer) shadowed(d *plan.Domain) {
	if len(d.Shadowed) == 0 {
		return
	}
	w.line("  %s in more than one directory, of which the first counts:", Count(len(d.Shadowed), "user", "users"))
	for _, s := range d.Shadowed[:min(maxShadowed, len(d.Shadowed))] {
		w.line("    %s", w.dim(shadowedText(s)))
	}
	if more := len(d.Shadowed) - maxShadowed; more > 0 {
		w.line("    %s", w.dim(fmt.Sprintf("and %d more (--json has all)", more)))
	}
}

func shadowedText(s identity.Shadowed) string {
	return fmt.Sprintf("%s: %s (%s), not %s (%s)", value(s.Username), Escape(s.By), value(s.ByDN), Escape(s.Directory), value(s.DN))
}

// directories names the directories of the domain, in their order.
func directories(d *plan.Domain) string {
	all := make([]string, len(d.Sources))
	for i := range d.Sources {
		all[i] = Escape(d.Sources[i].Directory)
	}
	return strings.Join(all, ", ")
}

// readText says how much was read.
func readText(e *identity.Evidence) string {
	read := fmt.Sprintf("%s in %s", Count(e.Entries, "entry", "entries"), Count(e.Pages, "page", "pages"))
	if len(e.Referrals) > 0 {
		read += fmt.Sprintf(", %s followed", Count(len(e.Referrals), "referral", "referrals"))
	}
	if e.ReferralsIgnored > 0 {
		read += fmt.Sprintf(", %s ignored", Count(e.ReferralsIgnored, "referral", "referrals"))
	}
	return read
}

// groupText says what groups came to.
func groupText(g *identity.GroupEvidence) string {
	text := fmt.Sprintf("%s: %s", escapeAll(g.MembersOf, " | "), Count(g.Members, "member", "members"))
	if g.Read > len(g.MembersOf) {
		text += fmt.Sprintf(" of %s, nested %d deep", Count(g.Read, "group", "groups"), g.Depth)
	}
	if g.Unmatched > 0 {
		text += fmt.Sprintf(", %d of them left out by base and filter", g.Unmatched)
	}
	if g.Outside > 0 {
		text += fmt.Sprintf(", %d of them not found", g.Outside)
	}
	return text + fmt.Sprintf(" (%s)", Count(g.Searches, "search", "searches"))
}

// escapeAll escapes texts and joins them.
func escapeAll(texts []string, separator string) string {
	all := make([]string, len(texts))
	for i, text := range texts {
		all[i] = value(text)
	}
	return strings.Join(all, separator)
}

// searchText is what was asked. A table has no tree, and so neither base nor scope.
func searchText(e *identity.Evidence) string {
	text := "filter " + Escape(e.Filter)
	if e.BaseDN != "" || e.Scope != "" {
		text = fmt.Sprintf("base %s, scope %s, %s", Escape(e.BaseDN), Escape(string(e.Scope)), text)
	}
	return text
}

// countTexts say how many are in a domain, and how many of them are left alone.
func countTexts(d *plan.Domain) []string {
	parts := []string{Count(d.Roster, "user in the roster", "users in the roster"), Count(d.Members, "member now", "members now")}
	for _, c := range []struct {
		n    int
		what string
	}{
		{d.Unmapped, "withheld for their data"},
		{d.Excluded, "excluded by user.exclude"},
		{d.Unmanaged, "unmanaged and left alone"},
		{d.Protected, "protected"},
		{d.Kept, "gone from the directory and kept (sync_mode = \"add_only\")"},
	} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	return parts
}

func (w *writer) counts(d *plan.Domain) {
	w.line("  %s", strings.Join(countTexts(d), ", "))
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
type table struct{ username, name, email int }

// fit makes the columns as wide as a row needs.
func (t *table) fit(op *plan.Operation, u identity.User) {
	t.username = max(t.username, widest(value(op.Username)))
	t.name = max(t.name, widest(value(u.Name)))
	t.email = max(t.email, widest(value(u.Email)))
}

// row adds a row of the table to the line.
func (w *writer) row(t *table, op *plan.Operation, u identity.User) {
	w.pad(value(op.Username), t.username)
	w.add("  ")
	w.pad(value(u.Name), t.name)
	w.add("  ")
	w.pad(value(u.Email), t.email)
}

func before(op *plan.Operation) identity.User { return orZero(op.Before) }
func after(op *plan.Operation) identity.User  { return orZero(op.After) }

// orZero keeps a plan file that somebody else wrote from ending the program.
func orZero(u *identity.User) identity.User {
	if u == nil {
		return identity.User{}
	}
	return *u
}

// renames shows who has another username by now. What that comes to stands among the
// removals and additions as well.
func (w *writer) renames(operations *operations) {
	places := operations.renamed()
	if len(places) == 0 {
		return
	}
	w.line("")
	w.line("  %s", w.yellow("renamed in the directory; LoginTC can not rename, so a new user joins, the old one leaves, and the token is enrolled again:"))
	for op := range at(operations.plan, places) {
		from, to := rename(op)
		w.put("      ", value(from), " -> ", value(to))
	}
}

func (w *writer) removals(operations *operations) {
	if len(operations.places[removing]) == 0 {
		return
	}
	w.line("")
	var t table
	for op := range operations.of(removing) {
		t.fit(op, before(op))
	}
	for op := range operations.of(removing) {
		what := "leaves the domain, its token is revoked"
		if op.Action == plan.DeleteUser {
			what = "deleted from the organization, with its memberships and tokens"
		}
		w.removal(&t, op)
		if w.compact && op.Action == plan.LeaveDomain {
			continue
		}
		w.add("      ", what, ": ")
		reason, was, dn, end := why(op)
		w.tint(dim, reason, was, dn, end)
		w.end()
	}
}

// removal shows one person who is removed.
func (w *writer) removal(t *table, op *plan.Operation) {
	w.add("  ")
	w.start(red)
	w.add("- ")
	row := len(w.text)
	w.row(t, op, before(op))
	w.text = append(w.text[:row], bytes.TrimRight(w.text[row:], " ")...)
	w.stop()
	w.end()
}

// why is the reason of an operation and the entry that it is about, in parts.
func why(op *plan.Operation) (reason, was, dn, end string) {
	if op.DN == "" {
		return Escape(op.Reason), "", "", ""
	}
	return Escape(op.Reason), " (was ", value(op.DN), ")"
}

// notes shows what only the state learns. Who is noted as missing is listed
// among the withheld already, unless the mode lets everybody stay.
func (w *writer) notes(d *plan.Domain, operations *operations) {
	for _, note := range []struct {
		action plan.Action
		what   string
		listed bool
	}{
		{plan.Adopt, "adopted (members that match an entry become managed)", true},
		{plan.MarkMissing, "noted as missing from the directory", d.SyncMode == plan.AddOnly},
		{plan.MarkPresent, "noted as back in the directory", true},
		{plan.Record, "noted with another DN, unique id or values", true},
		{plan.Forget, "forgotten (neither entry nor member is left)", true},
	} {
		noted := func(yield func(string) bool) {
			for op := range operations.of(noting) {
				if op.Action == note.action && !yield(op.Username) {
					return
				}
			}
		}
		n := 0
		for range noted {
			n++
		}
		if n == 0 {
			continue
		}
		w.line("")
		if !note.listed {
			w.line("  = %d %s (withheld, below)", n, note.what)
			continue
		}
		w.line("  = %d %s:", n, note.what)
		w.wrapped("      ", n, noted)
	}
}

// wrapped lists n usernames, as many on a line as fit. One that could be read as
// two is quoted.
func (w *writer) wrapped(indent string, n int, names iter.Seq[string]) {
	w.add(indent)
	columns := 0
	for name := range names {
		n--
		name = value(name)
		if strings.ContainsAny(name, ` ,"`) {
			name = `"` + strings.ReplaceAll(name, `"`, `\"`) + `"`
		}
		comma := ","
		if n == 0 {
			comma = ""
		}
		width := len(name) + len(comma)
		if !plain(name) {
			width = columnsOf(name + comma)
		}
		if columns > 0 && len(indent)+columns+width > w.width {
			w.end()
			w.add(indent)
			columns = 0
		}
		w.add(name, comma, " ")
		columns += width + 1
	}
	w.end()
}
