package render

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
)

// MinRedactKey is the least length of a key for Redact, in bytes.
const MinRedactKey = 16

// Redact returns a plan to be shown in which people have pseudonyms. One person has
// the same in every plan that is redacted with the key, and nobody without the key can
// tell whose it is, nor try names. Counts, actions, domains, limits and evidence stay;
// what a text says of a person is left out of it. The result can not be applied.
func Redact(p *plan.Plan, key []byte) *plan.Plan {
	r := redactor{key}
	out := *p
	out.Domains = slices.Clone(p.Domains)
	for i := range out.Domains {
		d := &out.Domains[i]
		d.Others, d.Notify = nil, r.name("admin", d.Notify)
		d.Sources, d.Shadowed = r.sources(d.Sources), r.shadowed(d.Shadowed)
	}
	out.Operations = slices.Clone(p.Operations)
	for i := range out.Operations {
		r.operation(&out.Operations[i])
	}
	out.Withheld = slices.Clone(p.Withheld)
	for i := range out.Withheld {
		w := &out.Withheld[i]
		w.Username, w.DN, w.Reason = r.user(w.Username), r.name("dn", w.DN), withheldReason(w)
		if w.Operation != nil {
			op := *w.Operation
			r.operation(&op)
			w.Operation = &op
		}
	}
	out.Drift = slices.Clone(p.Drift)
	for i := range out.Drift {
		d := &out.Drift[i]
		d.Username, d.UserID, d.Before, d.After = r.user(d.Username), r.name("id", d.UserID), r.values(d.Before), r.values(d.After)
	}
	out.Warnings = redactedWarnings(p)
	return &out
}

type redactor struct{ key []byte }

// name is the pseudonym of a value of a kind; nothing stays nothing.
func (r redactor) name(kind, value string) string {
	if value == "" {
		return ""
	}
	mac := hmac.New(sha256.New, r.key)
	_, _ = mac.Write([]byte(kind + "\x00" + value))
	return kind + "-" + hex.EncodeToString(mac.Sum(nil)[:6])
}

// user is the pseudonym of a username, however it is spelled.
func (r redactor) user(username string) string {
	return r.name("user", string(identity.NewKey(username)))
}

func (r redactor) values(u *identity.User) *identity.User {
	if u == nil {
		return nil
	}
	out := identity.User{Username: r.user(u.Username), Name: r.name("name", u.Name), Email: r.name("email", u.Email)}
	aliases := u.Aliases()
	for i := range aliases {
		if name, ok := aliases[i].Name(); ok {
			aliases[i] = identity.Alias(r.name("alias", name))
		}
	}
	out.SetAliases(aliases)
	return &out
}

func (r redactor) operation(op *plan.Operation) {
	if op.Renamed() != "" {
		op.Reason = "the person has another username in the directory, and LoginTC can not rename a user"
	}
	if op.Recreated() != "" {
		op.Reason = "re-created in the directory: another unique id; the token of the earlier person stays"
	}
	if d := op.Details; d != nil {
		op.Details = &plan.Details{PhoneNumber: r.name("phone", d.PhoneNumber), GroupName: d.GroupName, OtherUsername: r.user(d.OtherUsername), FormerEntryID: r.name("entry", d.FormerEntryID)}
	}
	op.Username = r.user(op.Username)
	op.UserID, op.EntryID, op.DN = r.name("id", op.UserID), r.name("entry", op.EntryID), r.name("dn", op.DN)
	op.Before, op.After = r.values(op.Before), r.values(op.After)
}

// sources leaves out the members of groups that are nowhere: they may be people.
func (redactor) sources(sources []plan.Source) []plan.Source {
	out := slices.Clone(sources)
	for i := range out {
		if g := out[i].Evidence.Groups; g != nil {
			redacted := *g
			redacted.OutsideSome, redacted.ElsewhereSome = nil, nil
			out[i].Evidence.Groups = &redacted
		}
	}
	return out
}

func (r redactor) shadowed(shadowed []identity.Shadowed) []identity.Shadowed {
	out := slices.Clone(shadowed)
	for i := range out {
		s := &out[i]
		s.Username, s.DN, s.ByDN = r.user(s.Username), r.name("dn", s.DN), r.name("dn", s.ByDN)
	}
	return out
}

// withheldReason says why without saying who.
func withheldReason(w *plan.Withheld) string {
	switch w.Guard {
	case plan.GuardData:
		return "the person's data (redacted)"
	case plan.GuardRename:
		return "the person has another username in the directory, and on_rename is \"withhold\""
	case plan.GuardNameless:
		return "an entry without a username may be this person"
	case plan.GuardLimit, plan.GuardRunLimit, plan.GuardShrink, plan.GuardGrace:
		return w.Reason // counts and dates
	}
	return "redacted"
}

// redactedWarnings keeps those that are about a domain as a whole.
func redactedWarnings(p *plan.Plan) []string {
	var kept []string
	for _, warning := range p.Warnings {
		whole := slices.ContainsFunc(p.Domains, func(d plan.Domain) bool {
			about, of := strings.CutPrefix(warning, "domain."+d.Name+": the ")
			return d.Shrunk && of && (strings.HasPrefix(about, "roster shrank from ") || strings.HasPrefix(about, "part of the roster from "))
		})
		if whole {
			kept = append(kept, warning)
		}
	}
	if left := len(p.Warnings) - len(kept); left > 0 {
		kept = append(kept, fmt.Sprintf("%s not shown, since people may be named (redacted)", Count(left, "warning is", "warnings are")))
	}
	return kept
}
