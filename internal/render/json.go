package render

import (
	"io"

	"github.com/rollcall-cli/rollcall/internal/canonical"
	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
)

type domainDocument struct {
	plan.Domain
	// Directory and Evidence are those of the first of the sources: nearly always there is
	// one alone.
	Directory string             `json:"directory"`
	Evidence  *identity.Evidence `json:"evidence"`
}

func newDomain(d *plan.Domain) domainDocument {
	out := domainDocument{Domain: *d}
	if len(d.Sources) > 0 { // a plan file that somebody else wrote may have none
		out.Directory, out.Evidence = d.Sources[0].Directory, &d.Sources[0].Evidence
	}
	return out
}

// appendOperation appends an operation, with its address and the names of those of its
// fields that are about a person: what a log that others read should leave out.
func appendOperation(to []byte, op *plan.Operation) []byte {
	to = canonical.AppendString(append(to, `{"address":`...), op.Address(), false)
	brace := len(to)
	to = op.AppendJSON(to)
	to[brace] = ','
	to = append(to[:len(to)-1], `,"sensitive":["address","username"`...)
	for _, field := range [...]struct {
		name    string
		present bool
	}{
		{`,"user_id"`, op.UserID != ""},
		{`,"dn"`, op.DN != ""},
		{`,"entry_id"`, op.EntryID != ""},
		{`,"before"`, op.Before != nil},
		{`,"after"`, op.After != nil},
		{`,"phone"`, op.Phone() != ""},
		{`,"renamed"`, op.Renamed() != ""},
		{`,"recreated"`, op.Recreated() != ""},
		{`,"reason"`, op.Renamed() != "" || op.Recreated() != ""}, // it names the other username or unique id
	} {
		if field.present {
			to = append(to, field.name...)
		}
	}
	return append(to, "]}"...)
}

type drift struct {
	Address string `json:"address"`
	plan.Drift
}

// JSON shows a plan to programs. Its fields are a public interface: docs/json-output.md.
// Characters that act on a terminal or can not be seen are escaped, as JSON allows: the
// document says what the plan says, and may be printed.
func JSON(out io.Writer, p *plan.Plan) error {
	w := canonical.NewWriter(&indenter{out: out}, false)
	s := p.Summarize("")
	w.Field(`{"format_version":`, 1)
	w.Field(`,"id":`, p.ID)
	w.Field(`,"rollcall_version":`, p.RollcallVersion)
	w.Field(`,"created":`, p.Created)
	w.Field(`,"expires":`, p.Expires)
	// Applyable says that apply would do something, errored that a limit with
	// on_limit = "fail" stops it, complete that no limit or guard withheld anything.
	w.Field(`,"applyable":`, len(p.Failures) == 0 && len(p.Operations) > 0)
	w.Field(`,"errored":`, len(p.Failures) > 0)
	w.Field(`,"complete":`, s.Withheld == 0)
	w.Field(`,"summary":`, s)
	w.Raw(`,"domains":`)
	canonical.WriteList(w, orEmpty(p.Domains), func(d *plan.Domain) { w.Value(newDomain(d)) })
	w.Raw(`,"operations":`)
	canonical.WriteList(w, orEmpty(p.Operations), func(op *plan.Operation) { w.Append(appendOperation(w.Pending(), op)) })
	w.Raw(`,"withheld":`)
	canonical.WriteList(w, orEmpty(p.Withheld), func(withheld *plan.Withheld) { w.Value(withheld) })
	w.Raw(`,"drift":`)
	canonical.WriteList(w, orEmpty(p.Drift), func(d *plan.Drift) { w.Value(drift{d.Address(), *d}) })
	// Refresh_only says that the plan but takes drift into the state.
	w.Field(`,"refresh_only":`, p.RefreshOnly)
	w.Field(`,"run_limit":`, p.RunLimit)
	w.Field(`,"failures":`, orEmpty(p.Failures))
	w.Field(`,"warnings":`, orEmpty(p.Warnings))
	w.Field(`,"api_calls":`, p.APICalls)
	w.Field(`,"api_seconds":`, p.APISeconds)
	w.Raw("}\n")
	return w.Flush()
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
