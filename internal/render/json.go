package render

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
)

// document is a plan for programs. Its fields are a public interface:
// docs/json-output.md.
type document struct {
	FormatVersion   int       `json:"format_version"`
	ID              string    `json:"id"`
	RollcallVersion string    `json:"rollcall_version"`
	Created         time.Time `json:"created"`
	Expires         time.Time `json:"expires"`
	// Applyable says that apply would do something, Errored that a limit with
	// on_limit = "fail" stops it, Complete that no limit or guard withheld anything.
	Applyable  bool             `json:"applyable"`
	Errored    bool             `json:"errored"`
	Complete   bool             `json:"complete"`
	Summary    plan.Summary     `json:"summary"`
	Domains    []domainDocument `json:"domains"`
	Operations []operation      `json:"operations"`
	Withheld   []plan.Withheld  `json:"withheld"`
	Drift      []drift          `json:"drift"`
	// RefreshOnly says that the plan but takes drift into the state.
	RefreshOnly bool           `json:"refresh_only"`
	RunLimit    *plan.LimitUse `json:"run_limit"`
	Failures    []string       `json:"failures"`
	Warnings    []string       `json:"warnings"`
	APICalls    int            `json:"api_calls"`
	APISeconds  float64        `json:"api_seconds"`
}

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

type operation struct {
	Address string `json:"address"`
	plan.Operation
	// Sensitive names those of the fields above that are about a person: what a log that
	// others read should leave out.
	Sensitive []string `json:"sensitive"`
}

func newOperation(op *plan.Operation) operation {
	out := operation{op.Address(), *op, []string{"address", "username"}}
	for _, field := range []struct {
		name    string
		present bool
	}{
		{"user_id", op.UserID != ""},
		{"dn", op.DN != ""},
		{"entry_id", op.EntryID != ""},
		{"before", op.Before != nil},
		{"after", op.After != nil},
		{"phone", op.Phone != ""},
		{"renamed", op.Renamed != ""},
		{"recreated", op.Recreated != ""},
		{"reason", op.Renamed+op.Recreated != ""}, // it names the other username or unique id
	} {
		if field.present {
			out.Sensitive = append(out.Sensitive, field.name)
		}
	}
	return out
}

type drift struct {
	Address string `json:"address"`
	plan.Drift
}

func newDocument(p *plan.Plan) document {
	s := p.Summarize("")
	d := document{
		FormatVersion: 1, ID: p.ID, RollcallVersion: p.RollcallVersion, Created: p.Created, Expires: p.Expires,
		Applyable: len(p.Failures) == 0 && len(p.Operations) > 0, Errored: len(p.Failures) > 0, Complete: s.Withheld == 0,
		Summary: s, Domains: make([]domainDocument, len(p.Domains)), Operations: make([]operation, len(p.Operations)), Withheld: orEmpty(p.Withheld),
		Drift: make([]drift, len(p.Drift)), RefreshOnly: p.RefreshOnly,
		RunLimit: p.RunLimit, Failures: orEmpty(p.Failures), Warnings: orEmpty(p.Warnings), APICalls: p.APICalls, APISeconds: p.APISeconds,
	}
	for i := range p.Domains {
		d.Domains[i] = newDomain(&p.Domains[i])
	}
	for i := range p.Operations {
		d.Operations[i] = newOperation(&p.Operations[i])
	}
	for i, one := range p.Drift {
		d.Drift[i] = drift{one.Address(), one}
	}
	return d
}

// JSON shows a plan to programs. Characters that act on a terminal or can not be
// seen are escaped, as JSON allows: the document says what the plan says, and may
// be printed.
func JSON(out io.Writer, p *plan.Plan) error {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(newDocument(p)); err != nil {
		return err
	}
	w := bufio.NewWriter(out)
	escapeJSON(w, text.Bytes())
	return w.Flush()
}

// EscapeJSON returns a document in which characters that act on a terminal or can not
// be seen are escaped, as JSON does.
func EscapeJSON(document []byte) []byte {
	var escaped bytes.Buffer
	w := bufio.NewWriter(&escaped)
	escapeJSON(w, document)
	_ = w.Flush() // a buffer takes everything
	return escaped.Bytes()
}

// escapeJSON writes a document with what hides escaped (RFC 8259, 7). Outside of
// strings JSON has only ASCII, and the encoder has escaped what is below it.
func escapeJSON(w *bufio.Writer, text []byte) {
	for len(text) > 0 {
		ascii := bytes.IndexFunc(text, func(r rune) bool { return r >= 0x7f })
		if ascii < 0 {
			ascii = len(text)
		}
		_, _ = w.Write(text[:ascii]) // Flush returns the error
		text = text[ascii:]
		if len(text) == 0 {
			return
		}
		r, size := utf8.DecodeRune(text)
		if hides(r) {
			for _, unit := range utf16.Encode([]rune{r}) {
				_, _ = fmt.Fprintf(w, `\u%04x`, unit)
			}
		} else {
			_, _ = w.Write(text[:size])
		}
		text = text[size:]
	}
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
