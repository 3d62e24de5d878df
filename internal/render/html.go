package render

import (
	"bufio"
	"crypto/sha256"
	_ "embed" // the page
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/rollcall-cli/rollcall/internal/plan"
)

var (
	//go:embed page/page.html
	pageHTML string
	//go:embed page/page.css
	pageCSS string
	//go:embed page/page.js
	pageJS string
)

// rowsInChunk is how many people a table has: a browser lays out only the tables that
// are seen.
const rowsInChunk = 250

// page is what page.html shows but for the rows. Its strings are escaped for the eye; html/template
// escapes them for HTML.
type page struct {
	// Policy is the page's Content-Security-Policy: its own style and script, by their
	// digests, and nothing else. No value of a plan can make it load or run anything.
	Policy string
	CSS    template.CSS
	JS     template.JS

	ID, Short, Version, Created, Expires, Summary, Calls, State string

	Notes    []pageNote
	Domains  []pageDomain
	RunLimit *pageLimit
	// Kinds are those that there are rows of.
	Kinds []pageKind
}

// pageNote is what must not be missed, above everything else.
type pageNote struct {
	Heading string
	Alarm   bool
	Lines   []pageLine
}

// pageLine is a text, with the two values of a change where it has these.
type pageLine struct {
	Text     string
	From, To []segment
}

type pageDomain struct {
	Name, Title, Directory, Mode string
	Roster, Members, Withheld    int
	Sum                          plan.Summary
	Limit                        pageLimit
	Evidence                     [][2]string
}

// pageLimit is the use of a limit: a text and a bar of 100 units.
type pageLimit struct {
	Text         string
	Shown, Over  bool
	Filled, Mark int
}

// pageKind is a filter: how many rows there are of a kind.
type pageKind struct {
	Kind, Label string
	Count       int
}

// HTML shows a plan as one page that needs no network: totals, the use of the limits,
// and a table of everybody who is touched, which can be searched and filtered. Without
// scripts, or printed, it shows everything.
func HTML(out io.Writer, p *plan.Plan) error {
	tmpl, err := template.New("page").Parse(pageHTML)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(out, 1<<16)
	rows := newPageTable(p)
	page := newPage(p, rows.kinds())
	if err := tmpl.ExecuteTemplate(w, "top", page); err != nil {
		return err
	}
	if err := rows.write(w, tmpl); err != nil {
		return err
	}
	if err := tmpl.ExecuteTemplate(w, "bottom", page); err != nil {
		return err
	}
	return w.Flush()
}

func newPage(p *plan.Plan, kinds []pageKind) *page {
	minute := func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }
	out := &page{
		Policy: "default-src 'none'; style-src '" + digestOf(pageCSS) + "'; script-src '" + digestOf(pageJS) + "'; base-uri 'none'; form-action 'none'",
		CSS:    template.CSS(pageCSS), JS: template.JS(pageJS),
		ID: Escape(p.ID), Short: ShortID(p.ID), Version: Escape(p.RollcallVersion), Created: minute(p.Created), Expires: minute(p.Expires),
		Summary: Summary(p), Calls: Count(p.APICalls, "API call", "API calls"), State: "none yet",
		Notes: pageNotes(p), Kinds: kinds,
	}
	if p.APISeconds > 0 {
		out.Calls += fmt.Sprintf(", at least %s at the configured rate", time.Duration(p.APISeconds*float64(time.Second)).Round(100*time.Millisecond))
	}
	if p.Lineage != "" {
		out.State = fmt.Sprintf("%s, serial %d", Escape(p.Lineage), p.Serial)
	}
	for i := range p.Domains {
		out.Domains = append(out.Domains, newPageDomain(p, &p.Domains[i]))
	}
	if p.RunLimit != nil {
		limit := newPageLimit(*p.RunLimit)
		out.RunLimit = &limit
	}
	return out
}

// digestOf is the digest of a style or script as CSP level 3 wants it.
func digestOf(source string) string {
	sum := sha256.Sum256([]byte(source))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

func pageNotes(p *plan.Plan) (notes []pageNote) {
	add := func(heading string, alarm bool, lines []pageLine) {
		if len(lines) > 0 {
			notes = append(notes, pageNote{heading, alarm, lines})
		}
	}
	plain := func(texts []string) (lines []pageLine) {
		for _, text := range texts {
			lines = append(lines, pageLine{Text: strings.TrimPrefix(text, "! ")})
		}
		return lines
	}
	add("Stopped: nothing of this can be applied", true, plain(escaped(p.Failures)))
	var scopes []pageLine
	for i := range p.Domains {
		for _, c := range p.Domains[i].ScopeChanges {
			from, to := segments(c.Before, c.After)
			scopes = append(scopes, pageLine{domainName(p.Domains[i].Name) + ", " + Escape(c.Setting), from, to})
		}
	}
	add("What decides who is in a domain has changed; whom that removes, nobody left behind", true, scopes)
	add("Operations that rollcall does not plan", true, plain(strayLines(p)))
	if n := p.Approvable(); n > 0 {
		add("Withheld by limits", false, []pageLine{{Text: fmt.Sprintf("If %s right after all: rollcall apply --approve-removals %s:%d",
			Count(n, "removal that a limit withheld is", "removals that limits withheld are"), ShortID(p.ID), n)}})
	}
	add("Warnings", false, plain(escaped(p.Warnings)))
	return notes
}

func newPageDomain(p *plan.Plan, d *plan.Domain) pageDomain {
	s := p.Summarize(d.Name)
	out := pageDomain{
		Name: Escape(d.Name), Title: Escape(d.Title), Directory: directories(d), Mode: Escape(string(d.SyncMode)),
		Roster: d.Roster, Members: d.Members, Withheld: s.Withheld + s.WithheldData, Sum: s, Limit: newPageLimit(d.Limit),
		Evidence: [][2]string{{"domain", Escape(d.ID)}},
	}
	if d.SyncMode == plan.AddOnly {
		out.Limit = pageLimit{Text: "none, since sync_mode is add_only"}
	}
	if !p.RefreshOnly {
		for i := range d.Sources {
			out.Evidence = append(out.Evidence, sourceRows(d, &d.Sources[i])...)
		}
	}
	for _, shadowed := range d.Shadowed {
		out.Evidence = append(out.Evidence, [2]string{"in two directories", shadowedText(shadowed)})
	}
	out.Evidence = append(out.Evidence, [2]string{"in all", strings.Join(countTexts(d), ", ")})
	if d.Notify != "" {
		out.Evidence = append(out.Evidence, [2]string{"told by mail", value(d.Notify)})
	}
	return out
}

// sourceRows say how one of the domain's directories was read.
func sourceRows(d *plan.Domain, s *plan.Source) [][2]string {
	var rows [][2]string
	if len(d.Sources) > 1 {
		rows = append(rows, [2]string{"directory", fmt.Sprintf("%s: %s", Escape(s.Directory), Count(s.Users, "user", "users"))})
	}
	e := &s.Evidence
	took := e.Ended.Sub(e.Started).Round(time.Millisecond)
	rows = append(rows, [2]string{"server", Escape(e.Server)}, [2]string{"search", searchText(e)}, [2]string{"read completely", fmt.Sprintf("%s, in %s", readText(e), took)})
	if e.Groups != nil {
		rows = append(rows, [2]string{"members of", groupText(e.Groups)})
	}
	for _, referral := range e.Referrals {
		rows = append(rows, [2]string{"referral followed", Escape(referral)})
	}
	return rows
}

func newPageLimit(use plan.LimitUse) pageLimit {
	out := pageLimit{Text: fmt.Sprintf("%d of %d (max_remove_limit = %s)", use.Used, use.Allowed, quotedLimit(use)), Shown: use.Allowed+use.Wanted > 0}
	if use.Wanted > use.Allowed {
		out.Over, out.Filled = true, 100
		out.Text += fmt.Sprintf(", %d due: none is made", use.Wanted)
		out.Mark = min(99, 100*use.Allowed/use.Wanted)
	} else if use.Allowed > 0 {
		out.Filled = 100 * use.Used / use.Allowed
	}
	return out
}
