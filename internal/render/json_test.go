package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-cli/rollcall/internal/plan"
)

// document is a plan for programs, as encoding/json would write it.
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

type operation struct {
	Address string `json:"address"`
	plan.Operation
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
		{"phone", op.Phone() != ""},
		{"renamed", op.Renamed() != ""},
		{"recreated", op.Recreated() != ""},
		{"reason", op.Renamed()+op.Recreated() != ""}, // it names the other username or unique id
	} {
		if field.present {
			out.Sensitive = append(out.Sensitive, field.name)
		}
	}
	return out
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

// byReflection is the document as encoding/json writes it.
func byReflection(t interface{ Fatal(args ...any) }, p *plan.Plan) string {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(newDocument(p)); err != nil {
		t.Fatal(err)
	}
	return string(EscapeJSON(text.Bytes()))
}

// TestJSONSaysThePlan says so of arbitrary plans.
func TestJSONIsAsEncodingJSONHasIt(t *testing.T) {
	t.Parallel()
	same := func(p *plan.Plan) {
		var got strings.Builder
		if err := JSON(&got, p); err != nil {
			t.Fatal(err)
		}
		if want := byReflection(t, p); got.String() != want {
			t.Error(got.String(), "\nis not\n", want)
		}
	}
	for _, p := range plans() {
		same(p)
	}
	same(large(2000))
	same(&plan.Plan{})
}

func TestJSONFails(t *testing.T) {
	t.Parallel()
	full := errors.New("no space left")
	reader, writer := io.Pipe()
	_ = reader.CloseWithError(full)
	if err := JSON(writer, changes()); !errors.Is(err, full) {
		t.Error(err)
	}
	p := changes()
	p.APISeconds = math.NaN()
	if err := JSON(io.Discard, p); err == nil {
		t.Error("a number that JSON does not have is written")
	}
}
