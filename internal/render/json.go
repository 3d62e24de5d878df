package render

import (
	"encoding/json"
	"io"
	"time"

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
	Applyable  bool            `json:"applyable"`
	Errored    bool            `json:"errored"`
	Complete   bool            `json:"complete"`
	Summary    plan.Summary    `json:"summary"`
	Domains    []plan.Domain   `json:"domains"`
	Operations []operation     `json:"operations"`
	Withheld   []plan.Withheld `json:"withheld"`
	RunLimit   *plan.LimitUse  `json:"run_limit"`
	Failures   []string        `json:"failures"`
	Warnings   []string        `json:"warnings"`
	APICalls   int             `json:"api_calls"`
	APISeconds float64         `json:"api_seconds"`
}

type operation struct {
	Address string `json:"address"`
	plan.Operation
}

// JSON shows a plan to programs.
func JSON(out io.Writer, p *plan.Plan) error {
	s := p.Summarize("")
	d := document{
		FormatVersion: 1, ID: p.ID, RollcallVersion: p.RollcallVersion, Created: p.Created, Expires: p.Expires,
		Applyable: len(p.Failures) == 0 && len(p.Operations) > 0, Errored: len(p.Failures) > 0, Complete: s.Withheld == 0,
		Summary: s, Domains: p.Domains, Operations: make([]operation, len(p.Operations)), Withheld: orEmpty(p.Withheld),
		RunLimit: p.RunLimit, Failures: orEmpty(p.Failures), Warnings: orEmpty(p.Warnings), APICalls: p.APICalls, APISeconds: p.APISeconds,
	}
	for i, op := range p.Operations {
		d.Operations[i] = operation{op.Address(), op}
	}
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(d)
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
