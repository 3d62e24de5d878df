package render

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
)

const vpnID = "9120580e94f134cb7c9f27cd1e43dbc82980e152"

// noon is when the directories of these tests were read.
func noon() time.Time { return time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) }

// person is "username | name | email".
func person(line string) identity.Person {
	fields := strings.Split(line, " | ")
	return identity.Person{
		User:    identity.User{Username: fields[0], Name: fields[1], Email: fields[2]},
		DN:      "uid=" + fields[0] + ",ou=People,dc=example,dc=com",
		EntryID: "entry of " + fields[0],
	}
}

// domain is a domain for the tests: its roster, its live members, and those of
// them that the state knows; all sorted.
func domain(name string, roster, live, known []string) plan.DomainInput {
	in := plan.DomainInput{
		Name: name, ID: vpnID, Title: strings.ToUpper(name), Pages: 1,
		Scope: plan.Scope{"filter": "(memberOf=cn=vpn,ou=Groups,dc=example,dc=com)"},
		Sources: []plan.Source{{Directory: "directory.corp", Users: len(roster), Evidence: identity.Evidence{
			Server: "ldaps://dc1.example.com", BaseDN: "ou=People,dc=example,dc=com", Scope: identity.ScopeSub,
			Filter:  "(&(objectClass=person)(memberOf=cn=vpn,ou=Groups,dc=example,dc=com))",
			Entries: len(roster), Pages: 1, Started: noon(), Ended: noon().Add(240 * time.Millisecond),
		}}},
		Policy: plan.Policy{
			SyncMode: plan.Remove, MaxRemoveLimit: identity.Limit{Value: 10}, TokenMode: plan.TokenWithoutEmail,
			OnLimit: plan.WithholdOnLimit, MaxShrink: identity.Limit{Value: 100, Percent: true},
		},
	}
	for _, line := range roster {
		in.People = append(in.People, person(line))
	}
	for _, line := range live {
		in.Members = append(in.Members, account(line, in.ID))
	}
	for _, line := range known {
		p := person(line)
		in.Known.Members = append(in.Known.Members, identity.Member{
			UserID: account(line).ID, User: p.User, DN: p.DN, EntryID: p.EntryID, Since: noon(), Origin: identity.OriginAdded,
		})
	}
	return in
}

func account(line string, domains ...string) identity.Account {
	p := person(line)
	return identity.Account{ID: fmt.Sprintf("%040x", p.Username), User: p.User, Domains: domains}
}

// compute makes the plan, with the circumstances that a command would add.
func compute(in plan.Input) *plan.Plan { return sealed(plan.Compute(in)) }

func sealed(p *plan.Plan) *plan.Plan {
	p.ID = "5b1f0c9e7a64d2380b1f0c9e7a64d2385b1f0c9e7a64d2380b1f0c9e7a64d238"
	p.RollcallVersion = "0.1.0"
	p.Created, p.Expires = noon(), noon().Add(24*time.Hour)
	return p
}

func lines(s ...string) []string { return s }

const (
	ada  = "ada | Ada Lovelace | ada@example.com"
	jane = "jane.doe | Jane Doe | jane.doe@example.com"
	kim  = "kim.park | 박지민 | kim.park@example.com"
	noor = "noor.haddad | Noor Haddad | noor.haddad@example.com"
	zoe  = "zoë | Zoë Müller | zoe@example.com"
)

// plans are those of the golden files, by file.
func plans() map[string]*plan.Plan {
	return map[string]*plan.Plan{
		"first":    first(),
		"nothing":  compute(plan.Input{Domains: []plan.DomainInput{domain("vpn", lines(ada, jane), lines(ada, jane), lines(ada, jane))}}),
		"changes":  changes(),
		"removals": removals(),
		"withheld": withheld(),
		"scope":    scope(),
		"runlimit": runLimit(),
		"onlimit":  onLimit(),
		"kept":     kept(),
		"hostile":  hostile(),
		"sync":     synced(),
		"drift":    compute(drifting()),
		"refresh":  refreshed(),
		"renamed":  renamed(),
		"groups":   groups(),
		"entries":  entries(),
	}
}

// groups is a plan of a domain whose people are the members of groups, in one directory,
// and a table's.
func groups() *plan.Plan {
	d := domain("vpn", lines(ada, jane, kim, zoe), lines(ada, kim), lines(ada, kim))
	e := &d.Sources[0].Evidence
	e.Filter, e.Entries, d.Sources[0].Users = "(objectClass=person)", 3, 3
	e.Groups = &identity.GroupEvidence{
		MembersOf: lines("cn=vpn,ou=Groups,dc=example,dc=com"), Read: 4, Depth: 3, Members: 7, Searches: 6,
		Cycles:    lines("cn=ops,ou=Groups,dc=example,dc=com > cn=web,ou=Groups,dc=example,dc=com > cn=ops,ou=Groups,dc=example,dc=com"),
		Unmatched: 2, Elsewhere: 1, ElsewhereSome: lines("uid=lee,ou=Partners,dc=example,dc=com"), Outside: 3, OutsideSome: lines("cn=S-1-5-21-9,cn=ForeignSecurityPrincipals,dc=example,dc=com", "uid=gone,ou=People,dc=example,dc=com"),
	}
	d.Sources = append(d.Sources, plan.Source{Directory: "directory.contractors", Users: 1, Evidence: identity.Evidence{
		Server: "contractors.csv", Filter: "(site=vpn)", Entries: 2, Pages: 1, Started: noon(), Ended: noon().Add(time.Millisecond),
	}})
	d.Shadowed = []identity.Shadowed{{
		Username: "kim.park", Directory: "directory.contractors", DN: "login=kim.park", By: "directory.corp", ByDN: "uid=kim.park,ou=People,dc=example,dc=com",
	}}
	return compute(plan.Input{Domains: []plan.DomainInput{d}})
}

// entries has an entry that was created again, and one that is excluded.
func entries() *plan.Plan {
	d := domain("vpn", lines(ada, jane), lines(ada, jane, kim), lines(ada, jane, kim))
	d.People[1].EntryID, d.Sources[0].Evidence.Entries = "entry of another jane.doe", 3
	d.Excluded = []identity.Excluded{{Username: "kim.park", DN: "uid=kim.park,ou=People,dc=example,dc=com", EntryID: "entry of kim.park", Source: "disabled(entry) || expired(entry)"}}
	return compute(plan.Input{Domains: []plan.DomainInput{d}})
}

// first is the first plan of an organization that has members already.
func first() *plan.Plan {
	d := domain("vpn", lines(ada, jane, kim, noor, zoe), lines(jane, "root | Emergency | root@example.com"), nil)
	e := &d.Sources[0].Evidence
	e.Entries, e.Pages = 7, 2
	e.Referrals, e.ReferralsIgnored = lines("ldaps://dc2.example.com/ou=Branch,dc=example,dc=com"), 2
	d.Policy.MaxRemoveLimit = identity.Limit{Value: 5, Percent: true}
	d.Unmapped = []identity.Unmapped{
		{Person: identity.Person{DN: "uid=lee,ou=People,dc=example,dc=com", User: identity.User{Username: "lee"}}, Reason: `no email: the entry has no "mail"`},
		{Person: identity.Person{DN: "cn=printer,ou=People,dc=example,dc=com"}, Reason: `no username: the entry has no "uid"`},
	}
	return compute(plan.Input{
		Domains: []plan.DomainInput{d}, Organization: []identity.Account{account(noor)}, RequestsPerSecond: 10,
	})
}

func changes() *plan.Plan {
	return compute(plan.Input{Domains: []plan.DomainInput{domain("vpn",
		lines("ada | Ada King, Countess of Lovelace | ada.king@example.com", "jane.doe | Jane Doe-Smith | jane.doe@example.com",
			"kim.park | 박지훈 | kim.park@example.com", "noor.haddad | Noor Haddad | noor@example.com",
			"zoë | Zoë Mu\u0308ller | zoe@example.com"),
		lines(ada, jane, kim, noor, zoe), lines(ada, jane, kim, noor, zoe))}})
}

// removals are of both kinds, from two domains, with one who is still needed.
func removals() *plan.Plan {
	vpn := domain("vpn", lines(ada), lines(ada, jane, noor), lines(ada, jane, noor))
	site := domain("site", lines(ada, noor), lines(ada, kim, noor, zoe), lines(ada, kim, noor, zoe))
	site.ID = strings.Repeat("5", 40)
	site.Policy.SyncMode, site.Policy.MaxRemoveLimit = plan.Delete, identity.Limit{Value: 50, Percent: true}
	for i := range site.Members {
		site.Members[i].Domains = []string{site.ID}
	}
	site.Members[1].Domains = append(site.Members[1].Domains, strings.Repeat("7", 40))
	limit := identity.Limit{Value: 20}
	return compute(plan.Input{Domains: []plan.DomainInput{vpn, site}, RunLimit: &limit})
}

// withheld has what each guard withholds.
func withheld() *plan.Plan {
	many := lines(ada)
	for i := range 30 {
		many = append(many, fmt.Sprintf("leaver.%02d | Leaver %d | leaver%d@example.com", i, i, i))
	}
	many = append(many, "smith, john | John Smith | john@example.com")
	vpn := domain("vpn", lines(ada, noor), many, many)
	site := domain("site", lines(ada), lines(ada, jane, kim), lines(ada, jane, kim))
	since := noon().Add(-time.Hour)
	site.Known.Members[1].MissingSince = &since
	site.Policy.RemoveAfter = 72 * time.Hour
	lab := domain("lab", lines(ada), lines(ada, jane), lines(ada, jane))
	lab.Known.Rosters, lab.Policy.MaxShrink = map[string]int{"directory.corp": 200}, identity.Limit{Value: 30, Percent: true}
	return compute(plan.Input{Domains: []plan.DomainInput{vpn, site, lab}})
}

func scope() *plan.Plan {
	d := domain("vpn", lines(ada), lines(ada, jane), lines(ada, jane))
	d.Known.Scope = plan.Scope{"filter": "(memberOf=cn=remote-vpn,ou=Groups,dc=example,dc=com)", "path": "people.ldif"}
	return compute(plan.Input{Domains: []plan.DomainInput{d}})
}

func runLimit() *plan.Plan {
	limit := identity.Limit{Value: 1}
	site := domain("site", lines(ada), lines(ada, kim), lines(ada, kim))
	site.ID = strings.Repeat("5", 40)
	return compute(plan.Input{RunLimit: &limit, Domains: []plan.DomainInput{
		domain("vpn", lines(ada), lines(ada, jane), lines(ada, jane)), site,
	}})
}

func onLimit() *plan.Plan {
	d := domain("vpn", lines(ada, noor), lines(ada, jane, kim), lines(ada, jane, kim))
	d.Policy.MaxRemoveLimit, d.Policy.OnLimit = identity.Limit{Value: 1}, plan.FailOnLimit
	return compute(plan.Input{Domains: []plan.DomainInput{d}})
}

// kept has members who left and stay, one token that is due, and nothing else.
func kept() *plan.Plan {
	d := domain("vpn", lines(ada), lines(ada, jane, kim), lines(ada, jane, kim))
	d.Policy.SyncMode = plan.AddOnly
	d.Policy.Protect = lines("k*")
	d.Known.Members[0].TokenDue = true
	return compute(plan.Input{Domains: []plan.DomainInput{d}})
}

// synced has what only api = "sync" makes possible: aliases in every way, phones,
// groups, tokens by e-mail and a notification.
func synced() *plan.Plan {
	d := domain("vpn", lines(ada, jane, kim, noor, zoe), lines(ada, jane, kim), lines(ada, jane, kim))
	d.Group, d.Policy.Notify, d.Policy.TokenMode = "Sales", "admin@example.com", plan.TokenWithEmail
	d.Warnings = lines(`jane.doe (uid=jane.doe,ou=People,dc=example,dc=com): the phone number "x" is not sent: it has no digit`)
	none := [3]identity.Alias{identity.NoAlias, identity.NoAlias, identity.NoAlias}
	for i := range d.Members {
		d.Members[i].SetAliases(none)
	}
	d.Members[0].SetAliases([3]identity.Alias{"lovelace", "countess", "ada.b"})
	d.People[0].SetAliases([3]identity.Alias{"", identity.NoAlias, "ada.k"})
	d.People[1].SetAliases([3]identity.Alias{"jd", identity.NoAlias, ""})
	d.People[1].Holdings = &identity.Holdings{PhoneNumbers: lines("+49301234567", "+49301234568")}
	d.Members[1].Holdings, d.Members[2].Holdings = &identity.Holdings{GroupNames: lines("Sales")}, &identity.Holdings{GroupNames: lines("Sales")}
	d.People[2].Holdings = &identity.Holdings{PhoneNumbers: lines("+8225551234")}
	d.People[3].SetAliases([3]identity.Alias{"noor", "JD", ""})
	d.People[3].Holdings = &identity.Holdings{PhoneNumbers: lines("+4915112345678")}
	d.Known.Members[2].TokenDue = true
	return compute(plan.Input{Domains: []plan.DomainInput{d}, Organization: []identity.Account{account(zoe)}})
}

// drifting is a domain in which somebody did everything by hand.
func drifting() plan.Input {
	d := domain("vpn", lines(ada, jane, noor, zoe), lines("jane.doe | Jane By Hand | jane.doe@example.com", kim, "eve | Eve | eve@example.com", zoe), lines(ada, jane, noor, zoe))
	d.Known.Others = lines(plan.OtherID(account(kim).ID))
	return plan.Input{Domains: []plan.DomainInput{d}, Organization: []identity.Account{account(ada), account(jane), account(kim), account(zoe)}}
}

func refreshed() *plan.Plan { return sealed(plan.Refresh(drifting())) }

// renamed has two people with another username than the state knows, one of them in a
// domain that holds that back.
func renamed() *plan.Plan {
	vpn, site := domain("vpn", lines(ada, noor), lines(ada, jane), lines(ada, jane)), domain("site", lines(kim), lines(zoe), lines(zoe))
	vpn.People[1].EntryID = vpn.Known.Members[1].EntryID
	site.People[0].EntryID, site.ID, site.Policy.OnRename = site.Known.Members[0].EntryID, strings.Repeat("5", 40), plan.WithholdOnRename
	return compute(plan.Input{Domains: []plan.DomainInput{vpn, site}, Organization: []identity.Account{account(noor)}})
}

// nasty is what a directory should not be able to do to a terminal.
func nasty() []string {
	return lines(
		"\x1b[2J\x1b]0;owned\a", "line\nPlan: 0 to add, 0 to change, 0 to remove.", "\u202egnp.exe\u2066", "nul\x00\x7f\u0085",
		"latin\xe9\xff", "zero\u200b\u00ad\ufeff\u3164width", "sep\u2028\u2029\u00a0", strings.Repeat("x", 100_100), "\U000e0041\U00100000",
	)
}

func hostile() *plan.Plan {
	var before, after []string
	for i, s := range nasty() {
		before = append(before, fmt.Sprintf("u%d | %s | %s", i, s, s))
		after = append(after, fmt.Sprintf("u%d | %s | %s", i, "new"+s, s+"new"))
	}
	d := domain("vpn", after, before, before)
	for i, s := range nasty()[:3] {
		d.Known.Members[i].EntryID = s
	}
	gone := domain("gone", lines(ada), before, before)
	for i, s := range nasty() {
		gone.Known.Members[i].DN = "cn=" + s
		gone.Unmapped = append(gone.Unmapped, identity.Unmapped{Person: identity.Person{DN: "uid=" + s, User: identity.User{Username: "w" + s}}, Reason: "name " + s})
	}
	e := &gone.Sources[0].Evidence
	e.Server, e.BaseDN, e.Filter, gone.Title = nasty()[0], nasty()[1], nasty()[2], nasty()[3]
	e.Groups = &identity.GroupEvidence{MembersOf: nasty()[:2], Read: 3, Depth: 2, Members: 4, Searches: 5, Cycles: nasty()[2:3], Elsewhere: 1, ElsewhereSome: nasty()[5:6], Outside: 2, OutsideSome: nasty()[3:5]}
	gone.Shadowed = []identity.Shadowed{{Username: nasty()[0], Directory: nasty()[1], DN: nasty()[2], By: nasty()[3], ByDN: nasty()[4]}}
	gone.Known.Scope = plan.Scope{"filter": nasty()[0]}
	p := compute(plan.Input{Domains: []plan.DomainInput{d, gone}})
	p.Warnings, p.Failures = nasty()[:4], nasty()[2:3]
	for i, s := range nasty() {
		user := &identity.User{Username: s, Name: s, Email: s}
		p.Drift = append(p.Drift, plan.Drift{Domain: "vpn", Username: s, Kind: []plan.DriftKind{plan.DriftAdded, plan.DriftChanged, plan.DriftRemoved}[i%3], Before: user, After: user})
	}
	return p
}

// large is a plan that changes n people, a tenth of them leavers.
func large(n int) *plan.Plan {
	var before, after []string
	for i := range n {
		line := fmt.Sprintf("user.%06d | Jane Doe %d | user.%d@example.com", i, i, i)
		switch {
		case i%10 == 0:
			before = append(before, line)
		case i%10 < 4:
			before = append(before, line)
			after = append(after, strings.Replace(line, "Doe", "Smith", 1))
		default:
			after = append(after, line)
		}
	}
	vpn := domain("vpn", after, before, before)
	site := domain("site", lines(ada), lines(ada, jane, kim), lines(ada, jane, kim))
	site.ID = strings.Repeat("5", 40)
	vpn.Policy.MaxRemoveLimit = identity.Limit{Value: 50, Percent: true}
	return compute(plan.Input{Domains: []plan.DomainInput{vpn, site}, RequestsPerSecond: 10})
}

// textOf renders a plan that can not fail to be written.
func textOf(tb testing.TB, p *plan.Plan, o TextOptions) string {
	tb.Helper()
	var b strings.Builder
	if err := Text(&b, p, o); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}
