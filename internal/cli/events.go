package cli

import (
	"encoding/json"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/rollcall-cli/rollcall/internal/apply"
	"github.com/rollcall-cli/rollcall/internal/config"
	"github.com/rollcall-cli/rollcall/internal/plan"
	"github.com/rollcall-cli/rollcall/internal/render"
)

// events are what apply --json prints in the place of text: a line for each.
type events struct {
	now   func() time.Time
	mu    sync.Mutex
	out   io.Writer
	began map[string]time.Time
}

// event is one line; docs/json-output.md.
type event struct {
	Timestamp time.Time          `json:"@timestamp"`
	Level     string             `json:"@level"`
	Message   string             `json:"@message"`
	Type      string             `json:"type"`
	Version   *eventVersion      `json:"version,omitempty"`
	Plan      string             `json:"plan,omitempty"`
	Operation *eventOperation    `json:"operation,omitempty"`
	Elapsed   *float64           `json:"elapsed_seconds,omitempty"`
	Error     string             `json:"error,omitempty"`
	Changes   *plan.Summary      `json:"changes,omitempty"`
	Problem   *config.Diagnostic `json:"diagnostic,omitempty"`
}

type eventVersion struct {
	Rollcall      string `json:"rollcall"`
	FormatVersion int    `json:"format_version"`
}

type eventOperation struct {
	Address  string      `json:"address"`
	Action   plan.Action `json:"action"`
	Domain   string      `json:"domain"`
	Username string      `json:"username"`
	UserID   string      `json:"user_id,omitempty"`
	DN       string      `json:"dn,omitempty"`
	Reason   string      `json:"reason"`
}

// startEvents makes the command print events, and nothing else, to its output.
func (a *app) startEvents() {
	e := &events{now: a.Now, out: a.Out, began: map[string]time.Time{}}
	a.events, a.Out = e, io.Discard
	e.write(event{Level: "info", Message: "rollcall " + a.Version, Type: "version", Version: &eventVersion{a.Version, 1}})
}

func (e *events) write(one event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	one.Timestamp = e.now().UTC()
	if line, err := json.Marshal(one); err == nil { // it can be
		_, _ = e.out.Write(append(render.EscapeJSON(line), '\n')) // there is nowhere else to complain
	}
}

func operationEvent(op *apply.Step) *eventOperation {
	return &eventOperation{op.Address(), op.Action, op.Domain, op.Username, op.UserID, op.DN, op.Reason}
}

// planned says what is going to be done.
func (e *events) planned(operations []apply.Step) {
	if e == nil {
		return
	}
	for i := range operations {
		op := &operations[i]
		e.write(event{Level: "info", Message: op.Address() + ": " + string(op.Action), Type: "planned_change", Operation: operationEvent(op)})
	}
}

func (e *events) key(op *apply.Step) string {
	return op.Address() + "\x00" + string(op.Action) + "\x00" + op.Phone() + op.Group()
}

// start says that an operation is sent.
func (e *events) start(op apply.Step) {
	if e == nil {
		return
	}
	e.mu.Lock()
	e.began[e.key(&op)] = e.now()
	e.mu.Unlock()
	e.write(event{Level: "info", Message: op.Address() + ": " + string(op.Action) + " begins", Type: "apply_start", Operation: operationEvent(&op)})
}

// end says what became of it.
func (e *events) end(op apply.Step, err error) {
	if e == nil {
		return
	}
	one := event{Level: "info", Message: op.Address() + ": " + string(op.Action) + " is done", Type: "apply_complete", Operation: operationEvent(&op)}
	e.mu.Lock()
	if began, ok := e.began[e.key(&op)]; ok {
		elapsed := e.now().Sub(began).Seconds()
		one.Elapsed = &elapsed
	}
	e.mu.Unlock()
	if err != nil {
		one.Level, one.Type, one.Error = "error", "apply_errored", err.Error()
		one.Message = op.Address() + ": " + string(op.Action) + " failed"
	}
	e.write(one)
}

// summary says what was done of the plan.
func (e *events) summary(p *plan.Plan, done plan.Summary, text string) {
	if e != nil {
		e.write(event{Level: "info", Message: text, Type: "change_summary", Plan: p.ID, Changes: &done})
	}
}

func (e *events) diagnose(d config.Diagnostic) {
	e.write(event{Level: string(d.Severity), Message: d.Summary, Type: "diagnostic", Problem: &d})
}

// fail says why the command failed; each problem of a configuration by itself.
func (e *events) fail(err error) {
	diags, ok := errors.AsType[config.Diagnostics](err)
	if !ok {
		e.diagnose(config.Diagnostic{Severity: config.Error, Summary: err.Error()})
	}
	for _, d := range diags {
		e.diagnose(d)
	}
}
