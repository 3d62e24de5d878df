package render

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
)

// MarkdownMarker is the first line of a plan as Markdown, by which a program finds its
// own comment to write it anew.
const MarkdownMarker = "<!-- rollcall plan -->"

// The least and the usual size of a plan as Markdown, in bytes. GitHub takes comments of
// 65,536 characters.
const (
	MinMarkdown     = 2_000
	DefaultMarkdown = 60_000
)

// Markdown shows a plan for a comment in a review, in at most so many bytes: its
// summary, every removal, and a part for each domain. What does not fit is left out
// from the end, and said with count and digest; removals go last.
//
// Everything that a directory or LoginTC supplied stands in a fence or in a code
// element, where nothing is a mention, a link, an image or HTML.
func Markdown(out io.Writer, p *plan.Plan, maxBytes int) error {
	if maxBytes < MinMarkdown {
		return fmt.Errorf("%d bytes are too few for a plan; %d are the least", maxBytes, MinMarkdown)
	}
	m := &markdown{left: maxBytes, digest: sha256.New()}
	m.text(MarkdownMarker + "\n")
	m.text("### rollcall plan " + code(ShortID(p.ID)) + "\n\n")
	m.text("**" + code(Summary(p)) + "**\n")
	footer := fmt.Sprintf("\n<sub>Plan %s, made by rollcall %s, expires %s. To do exactly this: %s</sub>\n",
		code(p.ID), code(p.RollcallVersion), code(p.Expires.UTC().Format("2006-01-02 15:04 MST")), code("rollcall apply PLAN"))
	m.left -= len(footer) + reserved
	m.part("Stopped", list(escaped(p.Failures)))
	m.part("What decides who is in a domain has changed", list(scopeLines(p)))
	m.part("Removals", removalLines(p))
	m.part("Operations that rollcall does not plan", list(strayLines(p)))
	operations := byDomain(p)
	for i := range p.Domains {
		if !p.RefreshOnly {
			m.domain(p, &p.Domains[i], operations[p.Domains[i].Name])
		}
	}
	m.part("Changed in LoginTC since rollcall last wrote", driftLines(p))
	m.part("Withheld, so not done", withheldLines(p))
	m.part("Warnings", list(escaped(p.Warnings)))
	w := bufio.NewWriter(out)
	_, _ = w.WriteString(m.body.String()) // Flush returns the error
	if m.skipped > 0 {
		_, _ = fmt.Fprintf(w, "\n**Left out here: %s** (digest %s); see the whole plan with %s.\n",
			Count(m.skipped, "line", "lines")+removalsAmong(m.skippedRemovals), code(hex.EncodeToString(m.digest.Sum(nil))[:12]), code("rollcall show PLAN"))
	}
	_, _ = w.WriteString(footer)
	return w.Flush()
}

// reserved is what the line about left-out lines may take.
const reserved = 300

func removalsAmong(n int) string {
	if n == 0 {
		return ", no removal among them"
	}
	return ", among them " + Count(n, "removal", "removals")
}

// markdown is a document that is written until no bytes are left.
type markdown struct {
	body strings.Builder
	left int
	// skipped are lines that did not fit, digest is over them.
	skipped, skippedRemovals int
	digest                   interface {
		io.Writer
		Sum([]byte) []byte
	}
}

func (m *markdown) text(s string) {
	m.body.WriteString(s)
	m.left -= len(s)
}

// listing makes lines one by one, each time that it is called: of all but the first there is
// only the digest, and there may be a million. One may be several lines, that stay together.
type listing func(show func(line string))

func list(all []string) listing {
	return func(show func(string)) {
		for _, line := range all {
			show(line)
		}
	}
}

// measure counts lines, and finds a fence that none of them ends.
func (l listing) measure() (n int, fence string) {
	fence = "```"
	l(func(line string) {
		n++
		for strings.Contains(line, fence) {
			fence += "`"
		}
	})
	return n, fence
}

// part shows lines below a heading, in a fence.
func (m *markdown) part(heading string, all listing) {
	if n, fence := all.measure(); n > 0 {
		m.fenced(fmt.Sprintf("\n#### %s (%d)\n\n", heading, n), fence, all, "", heading == "Removals")
	}
}

// fenced shows as many of the lines as fit, between what comes before and after.
func (m *markdown) fenced(before, fence string, all listing, after string, removals bool) {
	opened := before + fence + "diff\n"
	closed := fence + "\n" + after
	room := m.left - len(opened) - len(closed)
	shown, skipped := 0, m.skipped
	var skip []byte
	all(func(line string) {
		if m.skipped == skipped && room >= len(line)+1 {
			if shown == 0 {
				m.text(opened)
			}
			m.text(line + "\n")
			room -= len(line) + 1
			shown++
			return
		}
		m.skipped++
		skip = append(append(skip[:0], line...), '\n')
		_, _ = m.digest.Write(skip)
		if removals {
			m.skippedRemovals++
		}
	})
	if shown > 0 {
		m.text(closed)
	}
	if m.skipped > skipped {
		m.left = min(m.left, 0) // nothing that is less urgent stands where something is missing
	}
}

// domain shows one domain folded: who is changed and added.
func (m *markdown) domain(p *plan.Plan, d *plan.Domain, operations []*plan.Operation) {
	s := p.Summarize(d.Name)
	people := newPeople(operations)
	reads := make([]string, len(d.Sources))
	for i, source := range d.Sources {
		reads[i] = fmt.Sprintf("%s read completely: %s in %s", Escape(source.Directory),
			Count(source.Evidence.Entries, "entry", "entries"), Count(source.Evidence.Pages, "page", "pages"))
	}
	excluded := ""
	if d.Excluded > 0 {
		excluded = fmt.Sprintf(", %d excluded by user.exclude", d.Excluded)
	}
	evidence := fmt.Sprintf("# %s; %d in the roster%s, %d members now; removals: %d of %d allowed",
		strings.Join(reads, ", "), d.Roster, excluded, d.Members, d.Limit.Used, d.Limit.Allowed)
	if len(d.Shadowed) > 0 {
		evidence += fmt.Sprintf("; %s in more than one directory", Count(len(d.Shadowed), "user", "users"))
	}
	summary := fmt.Sprintf("\n<details><summary>%s %s: %d to add, %d to change, %d to remove, %d withheld</summary>\n\n",
		code("domain."+d.Name), code(d.Title), s.Add, s.Change, s.Remove, s.Withheld+s.WithheldData)
	var all listing = func(show func(string)) {
		show(evidence)
		for _, line := range recreatedLines(operations) {
			show(line)
		}
		changeLines(people, show)
		additionLines(people, show)
	}
	_, fence := all.measure()
	m.fenced(summary, fence, all, "\n</details>\n", false)
}

func scopeLines(p *plan.Plan) (lines []string) {
	for i := range p.Domains {
		for _, c := range p.Domains[i].ScopeChanges {
			lines = append(lines, fmt.Sprintf("! %s %s\n- %s\n+ %s", domainName(p.Domains[i].Name), Escape(c.Setting), Escape(c.Before), Escape(c.After)))
		}
	}
	return lines
}

func removalLines(p *plan.Plan) listing {
	return func(show func(string)) {
		for i := range p.Operations {
			op := &p.Operations[i]
			if !op.Action.Removes() {
				continue
			}
			what := "leaves"
			if op.Action == plan.DeleteUser {
				what = "deleted from the organization"
			}
			show("- " + personLine(Escape(op.Address()), before(op)) + "  " + what + ": " + why(op))
		}
	}
}

// personLine is a person in one line.
func personLine(who string, user identity.User) string {
	return strings.TrimRight(who+"  "+value(user.Name)+"  "+value(user.Email), " ")
}

func changeLines(people *people, show func(string)) {
	for _, one := range people.changed {
		op := one.change()
		line := "! " + value(op.Username) + " (" + value(op.DN) + ")"
		if one.update != nil {
			line += changedUser(before(op), after(op))
		}
		show(line + giftText(one.gifts))
	}
}

// changedUser is the values that change, each with the one before.
func changedUser(from, to identity.User) string {
	var b strings.Builder
	b.WriteString(changedField("name", from.Name, to.Name))
	b.WriteString(changedField("email", from.Email, to.Email))
	was, is := from.Aliases(), to.Aliases()
	for i := range is {
		if is[i] != "" {
			b.WriteString(changedField(fmt.Sprintf("alias%d", i+1), aliasName(was[i]), aliasName(is[i])))
		}
	}
	return b.String()
}

func aliasName(a identity.Alias) string {
	name, ok := a.Name()
	if !ok {
		return "(none)"
	}
	return name
}

func changedField(name, from, to string) string {
	if from == to {
		return ""
	}
	return "\n-   " + name + ": " + value(from) + "\n+   " + name + ": " + value(to)
}

func giftText(gifts []*plan.Operation) (text string) {
	for _, op := range gifts {
		if op.Action == plan.JoinGroup {
			text += "\n+   group: " + value(op.Group)
		} else {
			text += "\n+   phone: " + value(op.Phone)
		}
	}
	return text
}

func additionLines(people *people, show func(string)) {
	for _, one := range people.added {
		op := one.join
		what := "existing user"
		if op.UserID == "" {
			what = "new user"
		}
		if one.token != nil {
			what += ", gets a token" + byMail(one.token)
		}
		if op.Renamed != "" {
			what += ", was " + value(op.Renamed)
		}
		line := "+ " + personLine(value(op.Username), after(op)) + "  " + what
		if one.update == nil {
			line += giftText(one.gifts)
		}
		show(line)
	}
	for _, one := range people.tokenOnly {
		show("+ " + value(one.token.Username) + "  gets a token" + byMail(one.token))
	}
}

func driftLines(p *plan.Plan) listing {
	return func(show func(string)) {
		for i := range p.Drift {
			d := &p.Drift[i]
			address, from, to := Escape(d.Address()), orZero(d.Before), orZero(d.After)
			switch d.Kind {
			case plan.DriftChanged:
				show("! " + address + changedUser(from, from.Of(to)))
			case plan.DriftAdded:
				show("+ " + personLine(address, to) + "  added by somebody else")
			case plan.DriftRemoved, plan.DriftDeleted:
				show("- " + personLine(address, from) + "  " + driftText(d.Kind))
			default:
				show("! " + address + " " + value(string(d.Kind)))
			}
		}
	}
}

func withheldLines(p *plan.Plan) listing {
	return func(show func(string)) {
		for i := range p.Withheld {
			w := &p.Withheld[i]
			who := value(w.Username)
			if w.Username == "" {
				who = "(no username) " + value(w.DN)
			}
			show("! " + domainName(w.Domain) + " " + who + ": " + Escape(w.Reason))
		}
	}
}

func escaped(texts []string) []string {
	lines := make([]string, len(texts))
	for i := range texts {
		lines[i] = "! " + Escape(texts[i])
	}
	return lines
}

// code is text in a code element, with every sign that means something to Markdown or
// HTML as a character reference: those are text and nothing else (CommonMark 0.31, 2.5).
func code(s string) string {
	var b strings.Builder
	b.WriteString("<code>")
	for _, r := range Escape(s) {
		switch {
		case r >= 0x80, r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == ' ':
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "&#%d;", r)
		}
	}
	b.WriteString("</code>")
	return b.String()
}
