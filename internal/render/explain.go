package render

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
)

// Explanation is everything that decides about one username in one domain.
type Explanation struct {
	Domain plan.DomainInput
	// Sources are the expressions, by field, of the user block of the person's directory.
	Sources map[string]string
	// Person is who the roster has, Unmapped an entry that could not become a user,
	// Excluded one that is treated as not there, Known what the state has, Account what LoginTC has, Member whether that is a member; nil
	// where there is none.
	Person   *identity.Person
	Unmapped *identity.Unmapped
	Excluded *identity.Excluded
	Known    *identity.Member
	Account  *identity.Account
	Member   bool
	// Operations and Withheld are what comes of it.
	Operations []plan.Operation
	Withheld   []plan.Withheld
}

// Explain shows why a username is treated as it is.
func Explain(out io.Writer, username string, explanations []Explanation, color bool) error {
	w := &writer{Writer: bufio.NewWriter(out), palette: palette(color), width: 100}
	w.line("%s", w.bold(value(username)))
	for i := range explanations {
		w.explain(&explanations[i])
	}
	return w.Flush()
}

func (w *writer) explain(e *Explanation) {
	d := &e.Domain
	w.line("")
	w.line("%s %s", w.bold(domainName(d.Name)), quoted(d.Title))
	for i := range d.Sources {
		s := &d.Sources[i]
		w.line("  directory  %s: %s", Escape(s.Directory), Count(s.Evidence.Entries, "entry", "entries"))
		w.line("             %s", searchText(&s.Evidence))
		if g := s.Evidence.Groups; g != nil {
			w.line("             members of %s", groupText(g))
		}
	}
	w.entries(e)
	w.policy(&d.Policy, e)
	w.known(e.Known)
	w.account(e)
	w.outcome(e)
}

// entries shows the entries that have the username.
func (w *writer) entries(e *Explanation) {
	switch {
	case e.Person != nil:
		w.entry("  entry      ", e.Person.DN, e.Person.EntryID)
		w.from(&e.Domain, e.Person.Source)
		w.values(e)
	case e.Unmapped != nil:
		w.entry("  entry      ", e.Unmapped.DN, e.Unmapped.EntryID)
		w.from(&e.Domain, e.Unmapped.Source)
		w.line("             %s: %s", w.yellow("no user can be made of it"), Escape(e.Unmapped.Reason))
	case e.Excluded == nil:
		w.line("  entry      none that was read has this username")
	}
	if e.Excluded != nil {
		w.entry("  entry      ", e.Excluded.DN, e.Excluded.EntryID)
		w.from(&e.Domain, e.Excluded.From)
		w.line("             %s: %s", w.yellow("treated as not there"), Escape(e.Excluded.Reason()))
	}
}

// from says which of several directories an entry is of.
func (w *writer) from(d *plan.DomainInput, source int) {
	if len(d.Sources) > 1 {
		w.line("             from %s", Escape(d.Sources[source].Directory))
	}
}

// entry shows an entry behind a heading of 13 columns or more.
func (w *writer) entry(heading, dn, id string) {
	line := heading + value(dn)
	if id != "" {
		line += " (unique id " + value(id) + ")"
	}
	w.line("%s", line)
}

// values shows each value with the expression that gave it.
func (w *writer) values(e *Explanation) {
	p := e.Person
	aliases := p.Aliases()
	values := map[string]string{"username": p.Username, "name": p.Name, "email": p.Email}
	for i, alias := range aliases {
		if alias != "" {
			values[fmt.Sprintf("alias%d", i+1)] = aliasName(alias)
		}
	}
	if phones := p.Phones(); len(phones) > 0 {
		values["phones"] = strings.Join(phones, ", ")
	}
	word := "values"
	for _, field := range []string{"username", "name", "email", "alias1", "alias2", "alias3", "phones"} {
		v, has := values[field]
		if !has {
			continue
		}
		source := e.Sources[field]
		if source == "" && field == "phones" {
			source = e.Sources["phone"]
		}
		if source == "" {
			source = "a default of the policy"
		}
		w.line("  %-9s  %-8s = %s  %s", word, field, value(v), w.dim("from "+Escape(source)))
		word = ""
	}
}

func (w *writer) policy(p *plan.Policy, e *Explanation) {
	w.line("  policy     %s: sync_mode = %q, max_remove_limit = %s, token_mode = %q", Escape(p.Name), p.SyncMode, p.MaxRemoveLimit, p.TokenMode)
	username := e.username()
	if pattern := slices.IndexFunc(p.Protect, func(pattern string) bool {
		one := plan.Policy{Protect: []string{pattern}}
		return one.Protects(username)
	}); pattern >= 0 {
		w.line("             protected by %s: never removed, deleted or changed", quoted(p.Protect[pattern]))
	}
	if p.RemoveAfter > 0 {
		w.line("             removed when missing for %s", p.RemoveAfter)
	}
}

func (e *Explanation) username() string {
	switch {
	case e.Account != nil:
		return e.Account.Username
	case e.Person != nil:
		return e.Person.Username
	case e.Known != nil:
		return e.Known.Username
	}
	return ""
}

func (w *writer) known(m *identity.Member) {
	if m == nil {
		w.line("  state      rollcall does not know this member")
		return
	}
	w.line("  state      %s %s; name %s, email %s", Escape(string(m.Origin)), m.Since.UTC().Format(time.RFC3339), quoted(m.Name), quoted(m.Email))
	w.entry("             entry ", m.DN, m.EntryID)
	if m.MissingSince != nil {
		w.line("             missing from the directory since %s", m.MissingSince.UTC().Format(time.RFC3339))
	}
	if m.TokenDue {
		w.line("             its token could not be issued yet")
	}
}

func (w *writer) account(e *Explanation) {
	a := e.Account
	switch {
	case a == nil && e.Person == nil:
		w.line("  LoginTC    no member has this username")
	case a == nil:
		w.line("  LoginTC    no user has this username")
	default:
		is := "a user of the organization, no member"
		if e.Member {
			is = "a member"
		}
		w.line("  LoginTC    %s: %s, name %s, email %s; in %s", is, value(a.ID), quoted(a.Name), quoted(a.Email), Count(len(a.Domains), "domain", "domains"))
	}
}

func (w *writer) outcome(e *Explanation) {
	word := "so"
	for i := range e.Operations {
		op := &e.Operations[i]
		w.line("  %-9s  %s: %s", word, w.bold(Escape(string(op.Action))), Escape(op.Reason))
		word = ""
	}
	for i := range e.Withheld {
		h := &e.Withheld[i]
		action := string(h.Action)
		if action == "" {
			action = "everything"
		}
		w.line("  %-9s  %s by %s: %s", word, w.yellow(Escape(action)+" is withheld"), Escape(string(h.Guard)), Escape(h.Reason))
		word = ""
	}
	if word != "" {
		w.line("  %-9s  nothing is done: %s", word, e.idle())
	}
}

// idle says why nothing comes of it.
func (e *Explanation) idle() string {
	p := &e.Domain.Policy
	switch {
	case e.Person != nil:
		return "LoginTC has what the directory says"
	case !e.Member && e.Excluded != nil:
		return "the entry is excluded, and no member has this username"
	case !e.Member:
		return "neither an entry nor a member has this username"
	case p.Protects(e.username()):
		return "the policy protects it"
	case e.Known == nil && !p.RemoveUnmanaged:
		return "the member is not rollcall's, and unmanaged is \"ignore\""
	case p.SyncMode == plan.AddOnly && e.Excluded != nil:
		return "the entry is excluded, and sync_mode is \"add_only\""
	case p.SyncMode == plan.AddOnly:
		return "the entry is gone, and sync_mode is \"add_only\""
	}
	return "see the plan"
}
