package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/rollcall-cli/rollcall/internal/config"
	"github.com/rollcall-cli/rollcall/internal/doctor"
	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
	"github.com/rollcall-cli/rollcall/internal/providers/logintc"
	"github.com/rollcall-cli/rollcall/internal/render"
)

// domainFindings is what LoginTC says of one domain.
type domainFindings struct {
	// skipped is why LoginTC was not asked; empty where it was.
	skipped string
	title   string
	listing logintc.Listing
	// domainErr and membersErr are why the two could not be had.
	domainErr, membersErr error
}

// checkLoginTC checks the organization, and asks for the domains, in their order.
func (e *examination) checkLoginTC(ctx context.Context) (doctor.Section, []domainFindings) {
	s := doctor.Section{Name: "LoginTC"}
	domains := make([]domainFindings, len(e.cfg.Domains))
	client, usable := e.greet(ctx, &s)
	for i, d := range e.cfg.Domains {
		found := &domains[i]
		if !usable {
			found.skipped = "LoginTC can not be asked"
			continue
		}
		var domain logintc.Domain
		if domain, found.domainErr = client.Domain(ctx, d.ID); found.domainErr == nil {
			found.title = domain.Name
			found.listing, found.membersErr = client.DomainUsers(ctx, d.ID, func(page []identity.Account) { e.progress(d.Address(), len(page)) })
		}
	}
	return s, domains
}

// greet checks that LoginTC answers and takes the key.
func (e *examination) greet(ctx context.Context, s *doctor.Section) (client *logintc.Reader, usable bool) {
	options, err := e.clientOptions(e.cfg)
	if err == nil {
		options.Retries = 1 // whoever waits for an answer sees that there is none
		client, err = logintc.NewReader(options)
	}
	if err != nil {
		s.Add("connection", doctor.Failed, "%s", err).Remedy = "correct the logintc block"
		s.Skip("", "there is no connection", "key", "organization")
		return nil, false
	}
	began := e.Now()
	date, err := client.PingDate(ctx)
	took := e.Now().Sub(began)
	api, answered := errors.AsType[*logintc.APIError](err)
	refused := answered && (api.Status == http.StatusUnauthorized || api.Status == http.StatusForbidden)
	if err != nil && !refused {
		s.Add("connection", doctor.Failed, "%s", err).Remedy = fmt.Sprintf("check host (%s), the proxy, and firewalls on the way", e.cfg.LoginTC.Host)
		s.Skip("", "there is no connection", "key", "organization")
		return nil, false
	}
	s.Add("connection", doctor.OK, "%s in %s", e.cfg.LoginTC.BaseURL, inShort(took))
	e.noteClock("LoginTC", date, began.Add(took))
	if refused {
		s.Add("key", doctor.Failed, "%s", err).Remedy = "api_key must be a key of this organization, and not revoked"
		s.Skip("", "the key is refused", "organization")
		return nil, false
	}
	s.Add("key", doctor.OK, "LoginTC takes it")
	name, err := client.Organization(ctx)
	if err != nil {
		s.Add("organization", doctor.Warning, "%s", err).Remedy = "the key may not see its own organization; check its permissions"
	} else {
		s.Add("organization", doctor.OK, "%q", name)
	}
	return client, true
}

// checkDomain puts the two sides of a domain together.
func (e *examination) checkDomain(d *config.Domain, found *domainFindings) doctor.Section {
	s := doctor.Section{Name: d.Address()}
	rosters, unread := e.rostersOf(d)
	checkMembers(&s, d, found, rosters, unread)
	checkCanaries(&s, d.Canaries, rosters, unread)
	return s
}

// checkMembers checks what LoginTC says of the domain, and holds it against the rosters.
func checkMembers(s *doctor.Section, d *config.Domain, found *domainFindings, rosters []usernames, unread string) {
	const because = "the domain can not be read"
	switch {
	case found.skipped != "":
		s.Skip("", found.skipped, "domain", "members", "match")
		return
	case found.domainErr != nil:
		check := s.Add("domain", doctor.Failed, "%s", found.domainErr)
		check.Remedy = "try again; if it stays, ask LoginTC's support with what is said here"
		if api, ok := errors.AsType[*logintc.APIError](found.domainErr); ok && api.Status == http.StatusNotFound {
			check.Detail = fmt.Sprintf("LoginTC has no domain with the id %s", d.ID)
			check.Remedy = "check id; or the API key is another organization's"
		}
		s.Skip("", because, "members", "match")
		return
	}
	s.Add("domain", doctor.OK, "%q, id %s", found.title, d.ID)
	if found.membersErr != nil {
		s.Add("members", doctor.Failed, "%s", found.membersErr).Remedy = "try again; if it stays, ask LoginTC's support with what is said here"
		s.Skip("", because, "match")
		return
	}
	s.Add("members", doctor.OK, "%s", listed(found.listing))
	if unread != "" {
		s.Skip("", unread, "match")
		return
	}
	checkMatch(s, d, rosters, found.listing.Accounts)
}

func listed(l logintc.Listing) string {
	if len(l.Accounts) == 0 {
		return "none"
	}
	return fmt.Sprintf("%d in %s", len(l.Accounts), render.Count(l.Pages, "page", "pages"))
}

// rosterOf returns who a directory has for a domain, if it was read.
func (e *examination) rosterOf(domain *config.Domain, directory *config.Directory) (names usernames, read bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	names, read = e.rosters[domain][directory]
	return names, read
}

// rostersOf returns who should be in the domain, by directory, or why that is not known.
func (e *examination) rostersOf(d *config.Domain) (all []usernames, unread string) {
	for _, directory := range d.Directories {
		names, read := e.rosterOf(d, directory)
		if !read {
			return nil, "nobody was read of " + directory.Address()
		}
		all = append(all, names)
	}
	return all, ""
}

// checkMatch compares usernames alone: what a plan makes of them, the policy decides.
func checkMatch(s *doctor.Section, d *config.Domain, rosters []usernames, members []identity.Account) {
	var wanted []identity.Key
	for _, r := range rosters {
		wanted = append(wanted, r.people...)
	}
	slices.Sort(wanted)
	if wanted = slices.Compact(wanted); len(wanted) == 0 {
		s.Skip("", "the directory has nobody for the domain", "match")
		return
	}
	matched := 0
	policy := plan.Policy{Protect: d.Policy.Protect}
	var strangers, unprotected []string
	for i := range members {
		name := members[i].Username
		if _, found := slices.BinarySearch(wanted, identity.NewKey(name)); found {
			matched++
			continue
		}
		strangers = append(strangers, name)
		if !policy.Protects(name) {
			unprotected = append(unprotected, name)
		}
	}
	check := s.Add("match", doctor.OK, "%s the roster, %d would join, %s nobody", render.Count(matched, "member matches", "members match"),
		len(wanted)-matched, render.Count(len(strangers), "member matches", "members match"))
	const shown = 5
	if len(strangers) > 0 && len(strangers) <= shown {
		check.Detail += " (" + strings.Join(strangers, ", ") + ")"
	}
	switch {
	case len(unprotected) > 0 && matched == 0:
		check.Result = doctor.Warning
		check.Items = []string{fmt.Sprintf("the directory's usernames are such as %s, LoginTC's such as %s", wanted[0], unprotected[0])}
		check.Remedy = "if these are the same people, let username in the user block give the form that LoginTC has"
	case d.Policy.RemoveUnmanaged && len(unprotected) > matched:
		check.Result = doctor.Warning
		check.Remedy = "look at who would be removed, and at base_dn and filter, before the first apply: rollcall plan"
	}
}

// checkCanaries looks for usernames that must be there, be they withheld or not.
func checkCanaries(s *doctor.Section, canaries []string, rosters []usernames, unread string) {
	if len(canaries) == 0 {
		return
	}
	if unread != "" {
		s.Skip("", unread, "canaries")
		return
	}
	missing := slices.DeleteFunc(slices.Clone(canaries), func(name string) bool {
		key := identity.NewKey(name)
		return slices.ContainsFunc(rosters, func(r usernames) bool { return slices.Contains(slices.Concat(r.people, r.withheld, r.excluded), key) })
	})
	if len(missing) == 0 {
		s.Add("canaries", doctor.OK, "%s", strings.Join(canaries, ", "))
		return
	}
	s.Add("canaries", doctor.Failed, "not found: %s", strings.Join(missing, ", ")).Remedy = "check the bind account, base_dn and filter, or take the name out of canaries if the person left"
}
