package render

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

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
// only the digest, and there may be a million. One may be several lines, that stay together,
// and is valid until the next.
type listing func(show func(line []byte))

func list(all []string) listing {
	return func(show func([]byte)) {
		for _, line := range all {
			show([]byte(line))
		}
	}
}

// measure counts lines, and finds a fence that none of them ends.
func (l listing) measure() (n int, fence string) {
	end := []byte("```")
	l(func(line []byte) {
		n++
		for bytes.Contains(line, end) {
			end = append(end, '`')
		}
	})
	return n, string(end)
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
	all(func(line []byte) {
		line = append(line, '\n')
		if m.skipped == skipped && room >= len(line) {
			if shown == 0 {
				m.text(opened)
			}
			m.text(string(line))
			room -= len(line)
			shown++
			return
		}
		m.skipped++
		_, _ = m.digest.Write(line)
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
func (m *markdown) domain(p *plan.Plan, d *plan.Domain, operations *operations) {
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
	var all listing = func(show func([]byte)) {
		show([]byte(evidence))
		recreatedLines(operations, show)
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
