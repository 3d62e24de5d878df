package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/rollcall-cli/rollcall/internal/config"
	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
	"github.com/rollcall-cli/rollcall/internal/providers/csv"
	"github.com/rollcall-cli/rollcall/internal/providers/ldap"
	"github.com/rollcall-cli/rollcall/internal/providers/ldif"
	"github.com/rollcall-cli/rollcall/internal/providers/logintc"
	"github.com/rollcall-cli/rollcall/internal/roster"
	"github.com/rollcall-cli/rollcall/internal/state"
)

// searchesAtOnce bounds how many searches of directories are under way together.
const searchesAtOnce = 4

// directory answers a search completely, or with an error.
type directory interface {
	Read(ctx context.Context, s identity.Search, yield func([]identity.Entry) error) (identity.Evidence, error)
}

// open returns the directory of a block.
func (a *app) open(d *config.Directory) (directory, error) {
	switch d.Kind {
	case config.KindLDIF:
		return ldif.New(d.Path, a.Now), nil
	case config.KindCSV:
		return csv.New(d.Path, d.Separator, a.Now), nil
	}
	o := ldap.Options{
		URLs: d.URLs, Encryption: d.Encryption, BindMethod: d.BindMethod, BindDN: d.BindDN, BindPassword: d.BindPassword,
		CAFile: d.CAFile, ClientCertFile: d.ClientCertFile, ClientKeyFile: d.ClientKeyFile, InsecureSkipVerify: d.InsecureSkipVerify,
		FollowReferrals: d.Referrals != "ignore", PageSize: uint32(d.PageSize),
		ConnectTimeout: d.ConnectTimeout, BindTimeout: d.BindTimeout, SearchTimeout: d.SearchTimeout, Now: a.Now, Logger: a.log,
	}
	if d.Kerberos != nil {
		o.Kerberos = ldap.Kerberos(*d.Kerberos)
	}
	r, err := ldap.New(o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.Address(), err)
	}
	return r, nil
}

// reading is the roster of one domain and how it was had.
type reading struct {
	domain *config.Domain
	// parts are what each of its directories gave, in their order.
	parts    []*part
	roster   *roster.Roster
	sources  []plan.Source
	shadowed []identity.Shadowed
}

// part is what one directory gave one domain.
type part struct {
	domain    *config.Domain
	directory *config.Directory
	// known is what the state has of the domain, nil where no state is read.
	known    identity.Known
	roster   *roster.Roster
	evidence identity.Evidence
}

// search is one search of a directory, for every domain that asks just it.
type search struct {
	directory *config.Directory
	filter    string
	membersOf []string
	parts     []*part
}

// readRosters reads the directories for the chosen domains, once per distinct
// search, and checks what was read: a roster comes back only if it may be
// compared. The state may be nil. The readings are in the order of chosen.
func (a *app) readRosters(ctx context.Context, cfg *config.Config, st *state.State, chosen []*config.Domain, progress func(what string, n int)) ([]*reading, error) {
	searches, readings := arrange(cfg, chosen)
	if st != nil {
		for _, s := range searches {
			for _, p := range s.parts {
				p.known = st.Members(p.domain.Name)
			}
		}
	}
	snapshots, err := a.openSnapshots(cfg)
	if err != nil {
		return nil, err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(searchesAtOnce)
	for _, s := range searches {
		group.Go(func() error {
			if taken := snapshots[s.directory]; taken != nil {
				return s.run(ctx, taken, progress)
			}
			from, err := a.open(s.directory)
			if err != nil {
				return err
			}
			return a.attempts(ctx, s.directory.Address(), from, func() error { return s.run(ctx, from, progress) })
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for _, r := range readings {
		r.merge()
	}
	if err := checkRosters(cfg, readings); err != nil {
		return nil, err
	}
	return readings[:len(chosen)], nil
}

// arrange returns the readings of the chosen domains, followed by those of other
// domains that share a directory whose canaries may be among them, and the distinct
// searches that they take.
func arrange(cfg *config.Config, chosen []*config.Domain) ([]*search, []*reading) {
	domains := slices.Clone(chosen)
	for _, d := range cfg.Domains {
		shares := func(directory *config.Directory) bool {
			uses := func(c *config.Domain) bool { return slices.Contains(c.Directories, directory) }
			return len(directory.Canaries) > 0 && slices.ContainsFunc(chosen, uses)
		}
		if !slices.Contains(chosen, d) && slices.ContainsFunc(d.Directories, shares) {
			domains = append(domains, d)
		}
	}
	var searches []*search
	var readings []*reading
	for _, d := range domains {
		r := &reading{domain: d}
		readings = append(readings, r)
		for _, directory := range d.Directories {
			p := &part{domain: d, directory: directory}
			r.parts = append(r.parts, p)
			same := func(s *search) bool {
				return s.directory == directory && s.filter == d.Filter && slices.Equal(s.membersOf, d.MembersOf)
			}
			if at := slices.IndexFunc(searches, same); at >= 0 {
				searches[at].parts = append(searches[at].parts, p)
			} else {
				searches = append(searches, &search{directory, d.Filter, d.MembersOf, []*part{p}})
			}
		}
	}
	return searches, readings
}

// ask is what the directory is asked.
func (s *search) ask() identity.Search {
	return identity.Search{
		BaseDN: s.directory.BaseDN, Scope: s.directory.Scope, MembersOf: s.membersOf,
		Filters: []string{s.directory.Filter, s.filter}, Attributes: s.directory.User.Attributes(),
	}
}

// run searches and maps the entries for each domain as they come.
func (s *search) run(ctx context.Context, from directory, progress func(string, int)) error {
	builders := make([]*roster.Builder, len(s.parts))
	for i, p := range s.parts {
		builders[i] = roster.NewBuilder(rules(p.domain.Policy), s.directory.User.Map, p.known)
	}
	evidence, err := from.Read(ctx, s.ask(), func(page []identity.Entry) error {
		for i := range page {
			if s.directory.Kind == config.KindCSV {
				page[i].ID = s.directory.Name + ":" + page[i].ID // two tables may number their rows alike
			}
			for _, b := range builders {
				b.Add(&page[i])
			}
		}
		progress(s.directory.Address(), len(page))
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", s.directory.Address(), err)
	}
	for i, p := range s.parts {
		p.roster, p.evidence = builders[i].Roster(), evidence
	}
	return nil
}

// merge makes the roster of what the directories gave.
func (r *reading) merge() {
	parts := make([]roster.Part, len(r.parts))
	for i, p := range r.parts {
		parts[i] = roster.Part{Directory: p.directory.Address(), Roster: p.roster}
	}
	r.roster, r.shadowed = roster.Merge(parts)
	for i, p := range r.parts {
		r.sources = append(r.sources, plan.Source{Directory: p.directory.Address(), Evidence: p.evidence, Users: parts[i].Users})
	}
}

func rules(p *config.Policy) roster.Rules {
	return roster.Rules{DefaultName: p.DefaultName, DefaultEmail: p.DefaultEmail, PhoneRegion: p.PhoneRegion}
}

// checkRosters holds what was read against the guards: groups that are nowhere, nobody
// there, canaries, local validation. All that fails comes out together.
func checkRosters(cfg *config.Config, readings []*reading) error {
	var errs []error
	byDirectory := map[*config.Directory][]*roster.Roster{}
	for _, r := range readings {
		d := r.domain
		for _, p := range r.parts {
			byDirectory[p.directory] = append(byDirectory[p.directory], p.roster)
		}
		errs = append(errs, r.checkHeld(), roster.CheckCanaries(d.Address(), d.Canaries, r.roster))
		if d.Policy.LocalValidation {
			errs = append(errs, r.roster.CheckValid(d.Address()))
		}
	}
	for _, d := range cfg.Directories {
		if rosters := byDirectory[d]; rosters != nil {
			errs = append(errs, roster.CheckCanaries(d.Address(), d.Canaries, rosters...))
		}
	}
	return errors.Join(errs...)
}

// checkHeld returns an error if a group is in none of the domain's directories, or if one
// of these has nobody for the domain. A group that is nowhere is the likelier reason
// that nobody is there, so that it alone is named then.
func (r *reading) checkHeld() error {
	var errs []error
	for _, group := range r.domain.MembersOf {
		held := func(p *part) bool {
			g := p.evidence.Groups
			return g != nil && !slices.Contains(g.Missing, group)
		}
		if !slices.ContainsFunc(r.parts, held) {
			errs = append(errs, fmt.Errorf("%s: the group %q of members_of does not exist in %s, or the bind account may not see it: nothing was compared; correct its DN, or let the account read it",
				r.domain.Address(), group, addresses(withGroups(r.domain.Directories))))
		}
	}
	if errs != nil {
		return errors.Join(errs...)
	}
	for _, p := range r.parts {
		if !r.domain.MayBeEmpty(p.directory) {
			errs = append(errs, p.roster.CheckEmpty(r.domain.Address(), p.directory.Address(), p.evidence))
		}
	}
	return errors.Join(errs...)
}

// withGroups leaves out tables, which have no groups.
func withGroups(directories []*config.Directory) []*config.Directory {
	return slices.DeleteFunc(slices.Clone(directories), func(d *config.Directory) bool { return d.Kind == config.KindCSV })
}

// addresses names directories, in their order.
func addresses(directories []*config.Directory) string {
	all := make([]string, len(directories))
	for i, d := range directories {
		all[i] = d.Address()
	}
	return strings.Join(all, ", ")
}

// live is what LoginTC has of one domain.
type live struct {
	title   string
	listing logintc.Listing
}

// readLive lists the members of the domains, in their order. Members who are known have
// their texts in common with the state.
func (a *app) readLive(ctx context.Context, r *logintc.Reader, st *state.State, domains []*config.Domain, progress func(what string, n int)) ([]live, error) {
	out := make([]live, len(domains))
	group, ctx := errgroup.WithContext(ctx)
	for i, d := range domains {
		known := identity.Known(st.Members(d.Name))
		group.Go(func() error {
			found, err := r.Domain(ctx, d.ID)
			if err == nil {
				out[i].title = found.Name
				out[i].listing, err = r.DomainUsers(ctx, d.ID, func(page []identity.Account) {
					known.UnifyAccounts(page)
					progress(d.Address(), len(page))
				})
			}
			var api *logintc.APIError
			if errors.As(err, &api) && api.Status == http.StatusNotFound {
				return fmt.Errorf("%s: LoginTC has no domain with the id %s, or the API key is another organization's: %w", d.Address(), d.ID, err)
			} else if err != nil {
				return fmt.Errorf("%s: %w", d.Address(), err)
			}
			return nil
		})
	}
	return out, group.Wait()
}

// choose returns the domains of the names, or all where there are none. The name of
// a block with for_each stands for all that it makes.
func choose(cfg *config.Config, names []string) ([]*config.Domain, error) {
	if len(names) == 0 {
		if len(cfg.Domains) == 0 {
			return nil, errors.New("the configuration has no domain; declare one with: domain \"NAME\" { … }")
		}
		return cfg.Domains, nil
	}
	var chosen []*config.Domain
	for _, name := range names {
		name = strings.TrimPrefix(name, "domain.")
		found := false
		for _, d := range cfg.Domains {
			if d.Name == name || d.Block == name {
				found = true
				if !slices.Contains(chosen, d) {
					chosen = append(chosen, d)
				}
			}
		}
		if !found {
			var all []string
			for _, d := range cfg.Domains {
				all = append(all, d.Name)
			}
			return nil, fmt.Errorf("the configuration has no domain %q; it has: %s", name, strings.Join(all, ", "))
		}
	}
	slices.SortFunc(chosen, func(a, b *config.Domain) int { return cmp.Compare(a.Name, b.Name) })
	return chosen, nil
}
