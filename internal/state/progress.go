package state

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// Progress is how far a plan was carried out that has not come to its end.
type Progress struct {
	// Plan is the plan's id.
	Plan string
	// Done are the numbers of the operations that are done, from 0 in the plan's
	// order, each with the id of the user that it created or nothing.
	Done map[int]string
	// Open are operations of which it is not known whether they were done, by their
	// numbers: all that must be known to find out.
	Open map[int]json.RawMessage
	// Jobs are the jobs of LoginTC's that perform such operations.
	Jobs []Job
}

// progressDocument is Progress in the file.
type progressDocument struct {
	Plan    string         `json:"plan"`
	Done    []int          `json:"done"`
	Created map[int]string `json:"created,omitempty"`

	Open map[int]json.RawMessage `json:"open,omitempty"`
	Jobs []Job                   `json:"jobs,omitempty"`
}

// MarshalJSON writes the numbers sorted, and ids for those alone that have one.
func (p *Progress) MarshalJSON() ([]byte, error) {
	document := progressDocument{Plan: p.Plan, Done: slices.Sorted(maps.Keys(p.Done)), Created: map[int]string{}, Open: p.Open, Jobs: p.Jobs}
	for n, id := range p.Done {
		if id != "" {
			document.Created[n] = id
		}
	}
	return json.Marshal(document)
}

// UnmarshalJSON implements json.Unmarshaler.
func (p *Progress) UnmarshalJSON(text []byte) error {
	var document progressDocument
	if err := json.Unmarshal(text, &document); err != nil {
		return err
	}
	*p = Progress{Plan: document.Plan, Done: make(map[int]string, len(document.Done)), Open: document.Open, Jobs: document.Jobs}
	for _, n := range document.Done {
		p.Done[n] = document.Created[n]
	}
	return nil
}

// Progress returns how far the plan is if it was carried out in part and nothing
// else was since, or nil. It is not to be changed.
func (s *State) Progress(plan string) *Progress {
	if s.progress == nil || s.progress.Plan != plan {
		return nil
	}
	return s.progress
}

// maxApprovals is how many approvals are kept.
const maxApprovals = 100

// Approval is what somebody let a run remove beyond the limits.
type Approval struct {
	// Plan is the id of the plan that was looked at.
	Plan     string    `json:"plan"`
	Removals int       `json:"removals"`
	At       time.Time `json:"at"`
	By       string    `json:"by"`
}

// Approvals returns the last approvals, the newest at the end.
func (s *State) Approvals() []Approval { return slices.Clone(s.approvals) }

// RecordApproval records an approval, once for a plan.
func (s *State) RecordApproval(a Approval) {
	if slices.ContainsFunc(s.approvals, func(b Approval) bool { return b.Plan == a.Plan }) {
		return
	}
	s.approvals = append(s.approvals, a)
	s.approvals = s.approvals[max(0, len(s.approvals)-maxApprovals):]
	s.changed = true
}

// Start says that the plan is carried out from now on, or on. What another one left
// undone can not be gone on with after that.
func (s *State) Start(plan string) {
	if s.Progress(plan) == nil {
		s.progress = &Progress{Plan: plan, Done: map[int]string{}}
	}
	s.started = true
}

// RecordDone records that an operation of the plan that was started is done, and the
// id of the user that it created or nothing.
func (s *State) RecordDone(number int, created string) {
	s.progress.Done[number] = created
	s.changed = true
}

// RecordUndone takes that back.
func (s *State) RecordUndone(number int) {
	delete(s.progress.Done, number)
	s.changed = true
}

// RecordOpen records that it is not known whether an operation was done.
func (s *State) RecordOpen(number int, operation json.RawMessage) {
	if s.progress.Open == nil {
		s.progress.Open = map[int]json.RawMessage{}
	}
	s.progress.Open[number] = operation
	s.changed = true
}

// RecordJob records the job that performs open operations.
func (s *State) RecordJob(job Job) {
	s.progress.Jobs = append(s.progress.Jobs, job)
	s.changed = true
}

// Unsettled returns the operations of which it is not known whether they were done,
// or nil where there are none.
func (s *State) Unsettled() *Leftover {
	if s.progress == nil || len(s.progress.Open) == 0 {
		return nil
	}
	l := &Leftover{Plan: s.progress.Plan, Done: len(s.progress.Done), Jobs: s.progress.Jobs}
	for _, n := range slices.Sorted(maps.Keys(s.progress.Open)) {
		l.Open = append(l.Open, Begun{n, s.progress.Open[n]})
	}
	return l
}

// Withdraw forgets operations that were recorded as open before they were sent: from
// now on the run itself knows what becomes of them.
func (s *State) Withdraw() { s.progress.Open = nil }

// Settle says that it was found out what became of every open operation.
func (s *State) Settle() {
	if s.progress.Open != nil {
		s.progress.Open, s.progress.Jobs = nil, nil
		s.changed = true
	}
}
