package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/rollcall-cli/rollcall/internal/config"
	"github.com/rollcall-cli/rollcall/internal/doctor"
	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/render"
	"github.com/rollcall-cli/rollcall/internal/roster"
)

func newDoctor(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check everything that a run needs",
		Long: `Checks the configuration, every server of every directory, what the bind accounts may
read, LoginTC, its domains, the state and the clocks, and says what to do where
something is wrong. It goes on after a failure with what can still be checked. It
writes nothing, and takes no lock.

The exit code is 1 if a check failed. Warnings do not change it.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runDoctor(cmd.Context(), asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the checks as JSON")
	return cmd
}

func (a *app) runDoctor(ctx context.Context, asJSON bool) error {
	cfg, diags := config.Load(a.configOptions())
	report := &doctor.Report{Sections: []doctor.Section{checkConfiguration(cfg, diags)}}
	if cfg != nil {
		progress := a.startProgress()
		e := &examination{app: a, cfg: cfg, progress: progress.add}
		report.Sections = append(report.Sections, e.sections(ctx)...)
		progress.stop()
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var err error
	if asJSON {
		err = render.DoctorJSON(a.Out, report, a.Version)
	} else {
		err = render.Doctor(a.Out, report, render.DoctorOptions{Color: a.color(a.OutTerminal), Width: a.Width})
	}
	if err == nil && report.Count(doctor.Failed) > 0 {
		err = outcome(exitError)
	}
	return err
}

// checkConfiguration says what loading the configuration came to.
func checkConfiguration(cfg *config.Config, diags config.Diagnostics) doctor.Section {
	s := doctor.Section{Name: "Configuration"}
	if cfg != nil {
		s.Add("files", doctor.OK, "%s: %s, %s, %s", strings.Join(cfg.Files, ", "), render.Count(len(cfg.Directories), "directory", "directories"),
			render.Count(len(cfg.Policies), "policy", "policies"), render.Count(len(cfg.Domains), "domain", "domains"))
	}
	for _, d := range diags {
		result := doctor.Warning
		if d.Severity == config.Error {
			result = doctor.Failed
		}
		text := d.Summary
		if d.Address != "" {
			text = d.Address + ": " + text
		}
		if d.Range != nil {
			text += fmt.Sprintf(" (%s line %d)", d.Range.Filename, d.Range.Start.Line)
		}
		s.Add("files", result, "%s", text).Remedy = strings.Join(strings.Fields(d.Detail), " ")
	}
	if cfg == nil {
		s.Skip("", "the configuration has errors", "directories", "LoginTC", "domains", "state", "clock")
	} else if len(cfg.Domains) == 0 {
		s.Add("files", doctor.Warning, "there is no domain, so nothing would be done").Remedy = "declare one with: domain \"NAME\" { … }"
	}
	return s
}

// examination is one run of the checks of a configuration that has no errors.
type examination struct {
	*app
	cfg      *config.Config
	progress func(what string, n int)

	mu     sync.Mutex
	clocks map[string]doctor.Clock // by whose they are
	// rosters are by domain and directory; one that could not be read is missing.
	rosters map[*config.Domain]map[*config.Directory]usernames
}

// usernames are those that a directory has for a domain: of people who can be mapped,
// of those who are withheld, and of those whom user.exclude excludes.
type usernames struct{ people, withheld, excluded []identity.Key }

// sections makes all checks, those of directories, of LoginTC and of the state side by
// side, and returns them in the order in which they are shown.
func (e *examination) sections(ctx context.Context) []doctor.Section {
	e.clocks, e.rosters = map[string]doctor.Clock{}, map[*config.Domain]map[*config.Directory]usernames{}
	directories := make([]doctor.Section, len(e.cfg.Directories))
	searches, _ := arrange(e.cfg, e.cfg.Domains)
	var (
		organization doctor.Section
		domains      []domainFindings
		side         sync.WaitGroup
	)
	side.Go(func() { organization, domains = e.checkLoginTC(ctx) })
	group := &errgroup.Group{}
	group.SetLimit(searchesAtOnce)
	for i, d := range e.cfg.Directories {
		own := slices.DeleteFunc(slices.Clone(searches), func(s *search) bool { return s.directory != d })
		group.Go(func() error {
			directories[i] = e.checkDirectory(ctx, d, own)
			return nil
		})
	}
	state := e.checkState(ctx)
	_ = group.Wait() // each has its errors in its section
	side.Wait()
	all := append(directories, organization)
	for i, d := range e.cfg.Domains {
		all = append(all, e.checkDomain(d, &domains[i]))
	}
	all = append(all, state)
	if clocks := doctor.Clocks(e.sortedClocks()); clocks != nil {
		all = append(all, doctor.Section{Name: "Clock", Checks: clocks})
	}
	return all
}

// noteClock remembers what the clock of a server said, and this machine's then.
func (e *examination) noteClock(whose string, there, here time.Time) {
	if there.IsZero() {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.clocks[whose] = doctor.Clock{Whose: whose, There: there, Here: here}
}

func (e *examination) sortedClocks() []doctor.Clock {
	var clocks []doctor.Clock
	for _, clock := range e.clocks {
		clocks = append(clocks, clock)
	}
	slices.SortFunc(clocks, func(a, b doctor.Clock) int { return strings.Compare(a.Whose, b.Whose) })
	return clocks
}

// noteRoster remembers who a directory has for a domain.
func (e *examination) noteRoster(domain *config.Domain, directory *config.Directory, found *roster.Roster) {
	var names usernames
	for i := range found.People {
		names.people = append(names.people, identity.NewKey(found.People[i].Username))
	}
	for i := range found.Excluded {
		if name := found.Excluded[i].Username; name != "" {
			names.excluded = append(names.excluded, identity.NewKey(name))
		}
	}
	for i := range found.Unmapped {
		if name := found.Unmapped[i].Username; name != "" {
			names.withheld = append(names.withheld, identity.NewKey(name))
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.rosters[domain] == nil {
		e.rosters[domain] = map[*config.Directory]usernames{}
	}
	e.rosters[domain][directory] = names
}
