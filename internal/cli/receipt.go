package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/rollcall-cli/rollcall/internal/apply"
	"github.com/rollcall-cli/rollcall/internal/plan"
)

// receipt is a file with a line for what became of each operation. Those that are
// sent are written down as they end, so that a run that breaks off has left theirs.
type receipt struct {
	now     func() time.Time
	mu      sync.Mutex
	file    *os.File
	encoder *json.Encoder
	err     error // the first one
}

// receiptHead is the first line, receiptLine each that follows; docs/json-output.md.
type receiptHead struct {
	FormatVersion   int    `json:"format_version"`
	Plan            string `json:"plan"`
	RollcallVersion string `json:"rollcall_version"`
}

type receiptLine struct {
	At       time.Time   `json:"at"`
	Address  string      `json:"address"`
	Action   plan.Action `json:"action"`
	Domain   string      `json:"domain"`
	Username string      `json:"username"`
	UserID   string      `json:"user_id,omitempty"`
	Phone    string      `json:"phone,omitempty"`
	Group    string      `json:"group,omitempty"`
	// Outcome is done, failed, skipped or unknown.
	Outcome string `json:"outcome"`
	Error   string `json:"error,omitempty"`
}

// createReceipt creates the file, which must not exist.
func (a *app) createReceipt(path string, p *plan.Plan) (*receipt, error) {
	file, err := createNew(a.path(path))
	if err != nil {
		return nil, fmt.Errorf("the receipt: %w", err)
	}
	r := &receipt{now: a.Now, file: file, encoder: json.NewEncoder(file)}
	r.err = r.encoder.Encode(receiptHead{1, p.ID, a.Version})
	return r, r.err
}

func (r *receipt) write(op apply.Step, outcome string, failure error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	line := receiptLine{
		At: r.now().UTC(), Address: op.Address(), Action: op.Action, Domain: op.Domain, Username: op.Username, UserID: op.UserID,
		Phone: op.Phone(), Group: op.Group(), Outcome: outcome,
	}
	if failure != nil {
		line.Error = failure.Error()
	}
	r.err = errors.Join(r.err, r.encoder.Encode(line))
}

// end notes an operation that was sent.
func (r *receipt) end(op apply.Step, err error) {
	outcome := "done"
	if err != nil {
		outcome = "failed"
	}
	r.write(op, outcome, err)
}

// close notes what was not sent: what the state alone learns, what was left out, and
// what became of jobs that nobody waited for.
func (r *receipt) close(steps []apply.Step, result apply.Result) error {
	unsettled := map[string]error{}
	for _, job := range result.Unsettled {
		unsettled[job.Domain] = job.Err
	}
	for _, op := range steps {
		failure, unknown := unsettled[op.Domain]
		switch {
		case op.Action.OnState():
			r.write(op, "done", nil)
		case unknown:
			r.write(op, "unknown", failure)
		}
	}
	for _, op := range result.Skipped {
		r.write(op, "skipped", nil)
	}
	return errors.Join(r.err, r.file.Sync(), r.file.Close())
}
