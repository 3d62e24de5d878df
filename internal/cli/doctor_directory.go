package cli

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-cli/rollcall/internal/config"
	"github.com/rollcall-cli/rollcall/internal/doctor"
	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/providers/ldap"
	"github.com/rollcall-cli/rollcall/internal/render"
	"github.com/rollcall-cli/rollcall/internal/roster"
)

// checkDirectory checks a directory and what each of the searches finds in it.
func (e *examination) checkDirectory(ctx context.Context, d *config.Directory, searches []*search) doctor.Section {
	s := doctor.Section{Name: d.Address()}
	if len(searches) == 0 {
		s.Add("use", doctor.Warning, "no domain uses it, so that it is not searched").Remedy = "name it in a domain, or take it out"
	}
	from, err := e.open(d)
	if err != nil {
		s.Add("settings", doctor.Failed, "%s", strings.TrimPrefix(err.Error(), d.Address()+": ")).Remedy = "correct the block of the directory"
		e.skipSearches(&s, searches, "the directory can not be opened")
		return s
	}
	var reachable bool
	if server, ok := from.(*ldap.Directory); ok {
		reachable = e.checkServers(&s, d, server.Probe(ctx))
	} else {
		reachable = e.checkExport(&s, d)
	}
	if !reachable {
		e.skipSearches(&s, searches, "the directory can not be read")
		return s
	}
	if len(searches) > 0 {
		e.checkSearches(ctx, &s, from, d, searches)
		e.checkDirectoryCanaries(&s, d, searches)
	}
	return s
}

func (e *examination) skipSearches(s *doctor.Section, searches []*search, why string) {
	for _, search := range searches {
		s.Skip(search.subject(), why, "entries", "duplicates", "missing data")
	}
	if len(searches) > 0 {
		s.Skip("", why, "attributes")
	}
}

// subject names the domains that a search is for.
func (s *search) subject() string {
	var names []string
	for _, p := range s.parts {
		names = append(names, p.domain.Address())
	}
	return "for " + strings.Join(names, ", ")
}

// checkExport looks at a file that is read in the place of a server.
func (e *examination) checkExport(s *doctor.Section, d *config.Directory) (readable bool) {
	file, err := os.Open(d.Path)
	if err == nil {
		defer func() { _ = file.Close() }()
	}
	var info os.FileInfo
	if err == nil {
		info, err = file.Stat()
	}
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file", d.Path)
	}
	if err != nil {
		s.Add("file", doctor.Failed, "%s", err).Remedy = "check path, and that the account that runs rollcall may read it"
		return false
	}
	age := e.Now().Sub(info.ModTime())
	check := s.Add("file", doctor.OK, "%s: %s, written %s ago", d.Path, render.Count(int(info.Size()), "octet", "octets"), inWords(age))
	switch {
	case info.Size() == 0:
		check.Result, check.Remedy = doctor.Failed, "write the export anew: it is empty"
		return false
	case d.Kind == config.KindLDIF && age > d.MaxAge:
		check.Result = doctor.Warning
		check.Detail += fmt.Sprintf(", and max_age is %s", inWords(d.MaxAge))
		check.Remedy = "export it anew, and look at whatever does that every day"
	}
	last := make([]byte, 1)
	if _, err := file.ReadAt(last, info.Size()-1); err != nil {
		s.Add("ending", doctor.Failed, "%s", err).Remedy = "copy the file anew"
		return false
	}
	if last[0] != '\n' {
		// A table is refused for it when it is read.
		s.Add("ending", doctor.Warning, "the last line has no end, so the file may have been cut off").Remedy = "write it anew, whole: to another name first, then rename it"
		return true
	}
	s.Add("ending", doctor.OK, "the last line is whole")
	return true
}

// found is what one search found.
type found struct {
	*search
	evidence identity.Evidence
	err      error
	mapped   []*mapping
}

// checkSearches reads what the searches find, all of it as a plan would, and looks at the
// attributes and at who can be mapped. An attribute that never comes is one cause, however
// many searches there are.
func (e *examination) checkSearches(ctx context.Context, s *doctor.Section, from directory, d *config.Directory, searches []*search) {
	survey := doctor.NewSurvey(usesOf(d))
	results := make([]*found, len(searches))
	nobody := true
	for i, search := range searches {
		results[i] = e.read(ctx, from, search, survey)
		for _, m := range results[i].mapped {
			nobody = nobody && len(m.roster.People) == 0
		}
	}
	attributes := survey.Checks(nobody)
	lacking := slices.ContainsFunc(attributes, func(c doctor.Check) bool { return c.Result == doctor.Failed })
	for _, f := range results {
		checkFound(s, f, lacking)
	}
	if survey.Entries == 0 {
		s.Skip("", "no entries were read", "attributes")
	}
	for _, c := range attributes {
		s.Put(c)
	}
}

// read reads what a search finds.
func (e *examination) read(ctx context.Context, from directory, search *search, survey *doctor.Survey) *found {
	f := &found{search: search}
	mapped := newMappings(search)
	f.evidence, f.err = from.Read(ctx, search.ask(), func(page []identity.Entry) error {
		for i := range page {
			survey.Add(&page[i])
			for _, m := range mapped {
				m.builder.Add(&page[i])
			}
		}
		e.progress(search.directory.Address(), len(page))
		return nil
	})
	if f.err != nil {
		return f
	}
	f.mapped = mapped
	for _, m := range mapped {
		m.roster = m.builder.Roster()
		for _, d := range m.domains {
			if f.evidence.Entries > 0 || d.MayBeEmpty(search.directory) {
				e.noteRoster(d, search.directory, m.roster)
			}
		}
	}
	return f
}

// checkFound says what a search came to. Lacking says that everybody is withheld, since an
// attribute never came.
func checkFound(s *doctor.Section, f *found, lacking bool) {
	d, subject := f.directory, f.subject()
	if f.err != nil {
		s.Put(doctor.Check{Subject: subject, Name: "entries", Result: doctor.Failed, Detail: f.err.Error(), Remedy: readRemedy(f.search)})
		s.Skip(subject, "the entries could not be read", "duplicates", "missing data")
		return
	}
	entries := s.Put(entriesCheck(&f.evidence, subject))
	groupless := false
	if g := f.evidence.Groups; g != nil {
		alone := slices.ContainsFunc(f.parts, func(p *part) bool { return len(withGroups(p.domain.Directories)) == 1 })
		groupless = s.Put(groupsCheck(g, subject, alone)).Result == doctor.Failed && g.Read == 0
	}
	if f.evidence.Entries == 0 {
		if groupless { // which the check of the groups says
			entries.Result, entries.Detail = doctor.Skipped, "no group of members_of is there"
		} else if slices.ContainsFunc(f.parts, func(p *part) bool { return !p.domain.MayBeEmpty(d) }) {
			entries.Result = doctor.Failed
			entries.Remedy = emptyRemedy(f.evidence.Groups)
		}
		s.Skip(subject, "there are no entries", "duplicates", "missing data")
		return
	}
	for _, m := range f.mapped {
		excludedCheck(s, f, m)
		for _, c := range doctor.People(f.evidence.Entries, m.roster.Unmapped) {
			if c.Subject = subject; len(f.mapped) > 1 {
				c.Subject = m.subject()
			}
			if c.Result == doctor.Failed && lacking {
				c = doctor.Check{Subject: c.Subject, Name: c.Name, Result: doctor.Skipped, Detail: "everybody is withheld, since an attribute never came"}
			}
			s.Put(c)
		}
	}
}

// emptyRemedy is what to do where a search found nobody.
func emptyRemedy(g *identity.GroupEvidence) string {
	check := "base_dn, filter and the bind account"
	switch {
	case g != nil && g.Read == 0:
		return "no group of members_of is there, so that nobody is a member: correct members_of, or let the bind account read the groups"
	case g != nil:
		check = "members_of, " + check
	}
	return "check " + check + ": one that may read nothing is answered just so; or set allow_empty = true if it is right"
}

// excludedCheck says whom user.exclude excludes. A plan is refused where that is everybody.
func excludedCheck(s *doctor.Section, f *found, m *mapping) {
	n := len(m.roster.Excluded)
	if n == 0 {
		return
	}
	c := s.Put(doctor.Check{Subject: f.subject(), Name: "excluded", Result: doctor.OK, Detail: fmt.Sprintf("%d by %s", n, m.roster.Excluded[0].Source)})
	if n == f.evidence.Entries && slices.ContainsFunc(m.domains, func(d *config.Domain) bool { return !d.MayBeEmpty(f.directory) }) {
		c.Result, c.Detail = doctor.Failed, "everybody: "+c.Detail
		c.Remedy = "correct exclude in the user block; or set allow_empty = true if it is right"
	}
}

// mapping is the roster by the rules of one policy, and the domains that have it.
type mapping struct {
	rules   roster.Rules
	builder *roster.Builder
	roster  *roster.Roster // once all was read
	domains []*config.Domain
}

// newMappings returns one for all domains of the search whose policies have the same rules.
func newMappings(s *search) []*mapping {
	var all []*mapping
	for _, p := range s.parts {
		own := rules(p.domain.Policy)
		at := slices.IndexFunc(all, func(m *mapping) bool { return m.rules == own })
		if at < 0 {
			at = len(all)
			all = append(all, &mapping{rules: own, builder: roster.NewBuilder(own, s.directory.User.Map, nil)})
		}
		all[at].domains = append(all[at].domains, p.domain)
	}
	return all
}

// subject names the domains of the policy.
func (m *mapping) subject() string {
	var names []string
	for _, d := range m.domains {
		names = append(names, d.Address())
	}
	return "for " + strings.Join(names, ", ")
}

// checkDirectoryCanaries looks for the directory's own canaries in all that was found.
func (e *examination) checkDirectoryCanaries(s *doctor.Section, d *config.Directory, searches []*search) {
	var all []usernames
	for _, search := range searches {
		for _, p := range search.parts {
			names, read := e.rosterOf(p.domain, d)
			if !read {
				checkCanaries(s, d.Canaries, nil, "not everybody was read")
				return
			}
			all = append(all, names)
		}
	}
	checkCanaries(s, d.Canaries, all, "")
}

func usesOf(d *config.Directory) []doctor.Use {
	var uses []doctor.Use
	for _, u := range d.User.Uses() {
		uses = append(uses, doctor.Use(u))
	}
	return uses
}

func entriesCheck(e *identity.Evidence, subject string) doctor.Check {
	where := "filter " + e.Filter
	if e.BaseDN != "" || e.Scope != "" { // a table has neither
		where = fmt.Sprintf("base %s, scope %s, filter %s", e.BaseDN, e.Scope, e.Filter)
	}
	c := doctor.Check{Subject: subject, Name: "entries", Result: doctor.OK, Detail: fmt.Sprintf(
		"%d in %s, %s (%s)", e.Entries, inShort(e.Ended.Sub(e.Started)), render.Count(e.Pages, "page", "pages"), where)}
	if len(e.Referrals) > 0 {
		c.Detail += ", following " + render.Count(len(e.Referrals), "referral", "referrals")
	}
	if e.ReferralsIgnored > 0 {
		c.Detail += ", ignoring " + render.Count(e.ReferralsIgnored, "referral", "referrals")
	}
	return c
}

// groupsCheck says what groups came to. Alone says that no other directory may have those
// that are missing.
func groupsCheck(g *identity.GroupEvidence, subject string, alone bool) doctor.Check {
	c := doctor.Check{Subject: subject, Name: "groups", Result: doctor.OK, Detail: fmt.Sprintf("%s, %s deep, with %s",
		render.Count(g.Read, "group", "groups"), render.Count(g.Depth, "level", "levels"), render.Count(g.Members, "member", "members"))}
	for _, dn := range g.Missing {
		c.Items = append(c.Items, "not there, or the bind account may not see it: "+dn)
	}
	for _, cycle := range g.Cycles {
		c.Items = append(c.Items, "a cycle: "+cycle)
	}
	switch {
	case len(g.Missing) > 0 && alone:
		c.Result, c.Remedy = doctor.Failed, "correct members_of, or let the bind account read the groups"
	case len(c.Items) > 0:
		c.Result, c.Remedy = doctor.Warning, "correct members_of, or the groups"
	}
	if g.Unmatched > 0 {
		c.Detail += fmt.Sprintf("; %d of them left out by base, scope and filter", g.Unmatched)
	}
	if g.Outside > 0 {
		c.Detail += fmt.Sprintf("; %d of them not there, or not shown to the bind account", g.Outside)
	}
	return c
}

// readRemedy is what to do where a search failed: what exactly was wrong the error says.
func readRemedy(s *search) string {
	d := s.directory
	if d.Kind != config.KindLDAP {
		return "correct the file where it says, or write it anew"
	}
	server := d.URLs[0]
	if strings.Contains(server, "+srv://") {
		server = "ldaps://SERVER"
	}
	ask := s.ask()
	return fmt.Sprintf("by hand: ldapsearch -H %s%s -E pr=%d/noprompt -b %s -s %s %s %s",
		server, bindFlags(d), d.PageSize, quoted(ask.BaseDN), ask.Scope, quoted(ask.Filter()), strings.Join(ask.Attributes, " "))
}

// quoted is a word for a shell.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// inShort is a duration as people read it.
func inShort(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "under 1 ms"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// inWords is an age as people say it.
func inWords(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d >= 2*day:
		return fmt.Sprintf("%d days", int(d/day))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", int(d/time.Hour))
	case d >= 2*time.Minute:
		return fmt.Sprintf("%d minutes", int(d/time.Minute))
	}
	return fmt.Sprintf("%d seconds", max(0, int(d/time.Second)))
}
