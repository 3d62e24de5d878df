package state

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"sync"

	"github.com/google/uuid"

	"github.com/rollcall-cli/rollcall/internal/atomicfile"
	"github.com/rollcall-cli/rollcall/internal/identity"
)

// JournalVersion is the version of the journal's format. FoldJournal refuses others.
const JournalVersion = 1

// maxLine bounds a line of the journal, in octets.
const maxLine = 16 << 20

// Change is what an operation did to one member of the state.
type Change struct {
	Domain string       `json:"domain"`
	Key    identity.Key `json:"key"`
	// Member is what the state has from now on; nil where it is taken out.
	Member *identity.Member `json:"member"`
}

// Apply enters changes in their order.
func (s *State) Apply(changes []Change) {
	for _, c := range changes {
		if c.Member == nil {
			s.Remove(c.Domain, c.Key)
		} else {
			s.Upsert(c.Domain, *c.Member)
		}
	}
}

// Journal is what a run writes down while it runs, beside the state: a line when an
// operation begins and one when it ends. A run that comes to its end saves the state
// and takes the journal away; what another leaves behind FoldJournal takes in. A nil
// Journal writes nothing down.
type Journal struct {
	path string
	file *os.File

	mu   sync.Mutex
	next *batch
	// flushing is held by the one that writes a batch; who comes meanwhile goes into the
	// next, whose first waits for it.
	flushing sync.Mutex
}

// batch is lines that are written and synced together, by the one that came first.
type batch struct {
	lines bytes.Buffer
	done  chan struct{} // closed when they are on the disk, or err says why not
	err   error
}

func newBatch() *batch { return &batch{done: make(chan struct{})} }

// journalHead is the first line of a journal.
type journalHead struct {
	FormatVersion int `json:"format_version"`
	// Lineage and Serial name the state that the journal continues. The lineage is
	// new where the serial is 0: there was no state yet.
	Lineage string `json:"state_lineage"`
	Serial  uint64 `json:"state_serial"`
	Plan    string `json:"plan"`
	// Domains are LoginTC's ids of the plan's domains by their names.
	Domains map[string]string `json:"domains"`
	// Approval is what was approved for the run, or nil.
	Approval *Approval `json:"approval,omitempty"`
}

// record is each other line.
type record struct {
	// Begin and End are the number of an operation.
	Begin     *int            `json:"begin,omitempty"`
	Operation json.RawMessage `json:"operation,omitempty"`
	End       *int            `json:"end,omitempty"`
	Failed    bool            `json:"failed,omitempty"`
	UserID    string          `json:"user_id,omitempty"`
	Changes   []Change        `json:"changes,omitempty"`
	Job       *Job            `json:"job,omitempty"`
}

// Job is a job of LoginTC's that performs operations which began.
type Job struct {
	ID string `json:"id"`
	// Operations are their numbers, in the order of the job's outcomes.
	Operations []int `json:"operations"`
}

// Begun is an operation that begins.
type Begun struct {
	Number int
	// Operation is all that must be known to find out later what became of it.
	Operation json.RawMessage
}

// JournalPath names the journal of the state at path.
func JournalPath(path string) string { return path + ".journal" }

// HasJournal reports whether there is a journal beside the state.
func HasJournal(path string) bool {
	_, err := os.Lstat(JournalPath(path))
	return !errors.Is(err, os.ErrNotExist)
}

// CreateJournal begins the journal of a run of the plan, whose domains are given as
// ids by their names; the approval is nil where there was none. The caller holds the lock, and has folded any earlier journal.
// A state that was never written gets its lineage.
func CreateJournal(path string, s *State, plan string, domains map[string]string, approval *Approval) (*Journal, error) {
	if s.Lineage == "" {
		lineage, err := uuid.NewRandom()
		if err != nil {
			return nil, err
		}
		s.Lineage = lineage.String()
	}
	path = JournalPath(path)
	head := journalHead{JournalVersion, s.Lineage, s.Serial, plan, domains, approval}
	if err := atomicfile.Write(path, func(w io.Writer) error { return json.NewEncoder(w).Encode(head) }); err != nil {
		return nil, fmt.Errorf("the journal: %w", err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return nil, fmt.Errorf("the journal: %w", err)
	}
	return &Journal{path: path, file: file, next: newBatch()}, nil
}

// Begin writes down that operations begin. They are on the disk when it returns:
// only then they may be sent. It is safe for concurrent use, and calls that come
// together are synced together.
func (j *Journal) Begin(operations ...Begun) error {
	if j == nil || len(operations) == 0 {
		return nil
	}
	lines, err := encodeLines(len(operations), func(i int) record {
		return record{Begin: &operations[i].Number, Operation: operations[i].Operation}
	})
	if err != nil {
		return err
	}
	j.mu.Lock()
	mine := j.next
	first := mine.lines.Len() == 0
	mine.lines.Write(lines)
	j.mu.Unlock()
	if first {
		j.flush(mine)
	}
	<-mine.done
	return mine.err
}

func (j *Journal) flush(b *batch) {
	j.flushing.Lock()
	defer j.flushing.Unlock()
	j.mu.Lock()
	j.next = newBatch()
	j.mu.Unlock()
	if _, b.err = j.file.Write(b.lines.Bytes()); b.err == nil {
		b.err = j.file.Sync()
	}
	close(b.done)
}

// End writes down that an operation was done, with the id of the user that it created
// or nothing, and what it changed. The line is handed to the operating system: it
// survives the process, and with the next Begin it is on the disk.
func (j *Journal) End(number int, created string, changes []Change) error {
	return j.write(record{End: &number, UserID: created, Changes: changes})
}

// Fail writes down that an operation failed and did nothing.
func (j *Journal) Fail(number int) error { return j.write(record{End: &number, Failed: true}) }

// Job writes down that a job performs operations that began.
func (j *Journal) Job(job Job) error {
	if j == nil {
		return nil
	}
	return errors.Join(j.write(record{Job: &job}), j.file.Sync())
}

func (j *Journal) write(r record) error {
	if j == nil {
		return nil
	}
	line, err := encodeLines(1, func(int) record { return r })
	if err != nil {
		return err
	}
	_, err = j.file.Write(line)
	return err
}

func encodeLines(n int, at func(int) record) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	for i := range n {
		if err := e.Encode(at(i)); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

// Remove takes the journal away, once the state has all that it says.
func (j *Journal) Remove() error {
	if j == nil {
		return nil
	}
	return errors.Join(j.file.Close(), os.Remove(j.path))
}

// Leftover is what a journal says of a run that did not come to its end.
type Leftover struct {
	// Plan is the id of the plan that was carried out.
	Plan string
	// Done counts the operations that were done, as far as the journal says.
	Done int
	// Open are the operations that began and whose end is missing, in their order.
	Open []Begun
	// Jobs are the jobs that were submitted.
	Jobs []Job
	// Unread is the first line that could not be read, 0 where all could; the lines
	// from there on are passed over.
	Unread int
}

// JournalError says that a journal can not be taken into the state beside it.
type JournalError struct{ Path, Reason string }

func (e *JournalError) Error() string {
	return fmt.Sprintf("the journal %s, which a run left that broke off, can not be taken into the state: %s; nothing was changed", e.Path, e.Reason)
}

// FoldJournal enters in the state at path what the journal beside it says, and
// starts its plan. It returns nil where there is none, or one that the state has
// already. The caller holds the lock, settles what is open, saves the state and then
// calls RemoveJournal.
func FoldJournal(path string, s *State) (*Leftover, error) {
	if !HasJournal(path) {
		return nil, nil
	}
	name := JournalPath(path)
	if err := atomicfile.CheckRegular(name); err != nil {
		return nil, fmt.Errorf("the journal: %w", err)
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("the journal: %w", err)
	}
	defer func() { _ = file.Close() }()
	left, reason := s.foldFrom(file)
	if reason != "" {
		return nil, &JournalError{name, reason}
	}
	if left == nil {
		return nil, RemoveJournal(path)
	}
	return left, nil
}

// foldFrom takes in a journal. It returns nil for one that the state has already, and
// the reason for one that is none of this state.
func (s *State) foldFrom(journal io.Reader) (left *Leftover, reason string) {
	lines := bufio.NewScanner(journal)
	lines.Buffer(make([]byte, 0, 1<<16), maxLine)
	head, reason := readJournalHead(lines)
	if reason == "" {
		reason = s.continues(&head)
	}
	if reason != "" || s.Lineage == head.Lineage && s.Serial > head.Serial {
		return nil, reason
	}
	s.Lineage = head.Lineage
	for _, domain := range slices.Sorted(maps.Keys(head.Domains)) {
		s.SetDomainID(domain, head.Domains[domain])
	}
	if head.Approval != nil {
		s.RecordApproval(*head.Approval)
	}
	s.Start(head.Plan)
	return s.fold(head.Plan, lines), ""
}

// sound reports whether the members of a line can stand in a state.
func (r *record) sound() bool {
	return !slices.ContainsFunc(r.Changes, func(c Change) bool {
		return c.Member != nil && (c.Member.Username == "" || c.Member.UserID == "" || c.Key != identity.NewKey(c.Member.Username))
	})
}

func readJournalHead(lines *bufio.Scanner) (head journalHead, reason string) {
	lines.Scan() // an empty line is none of ours
	if err := json.Unmarshal(lines.Bytes(), &head); err != nil {
		return head, "its first line can not be read; take it away, and the next plan finds what was done by comparing"
	}
	if head.FormatVersion != JournalVersion {
		return head, fmt.Sprintf("it has format version %d and this rollcall reads version %d; use the version that wrote it or a newer one", head.FormatVersion, JournalVersion)
	}
	if _, err := uuid.Parse(head.Lineage); err != nil {
		return head, "its lineage is no UUID; take it away, and the next plan finds what was done by comparing"
	}
	return head, ""
}

// continues says why the journal is none of this state, or nothing.
func (s *State) continues(head *journalHead) string {
	is := fmt.Sprintf("it belongs to the state of lineage %s at serial %d", head.Lineage, head.Serial)
	const remedy = "put that state back, or take the journal away, and the next plan finds what was done by comparing"
	switch {
	case s.Lineage == "" && head.Serial > 0:
		return is + ", which is not there; " + remedy
	case s.Lineage != "" && (s.Lineage != head.Lineage || s.Serial < head.Serial):
		return fmt.Sprintf("%s, and the state has lineage %s and serial %d; %s", is, s.Lineage, s.Serial, remedy)
	}
	return ""
}

// fold takes in the lines after the first. The last of them may be in pieces, and so
// may, after a power failure, those before it that were not synced: ends, whose
// beginnings then stay open.
func (s *State) fold(plan string, lines *bufio.Scanner) *Leftover {
	l := &Leftover{Plan: plan}
	open := map[int]json.RawMessage{}
	var order []int
	number := 1
	for lines.Scan() {
		number++
		var r record
		if json.Unmarshal(lines.Bytes(), &r) != nil || !r.sound() {
			l.Unread = number
			break
		}
		switch {
		case r.Begin != nil:
			open[*r.Begin] = r.Operation
			order = append(order, *r.Begin)
		case r.End != nil:
			delete(open, *r.End)
			if !r.Failed {
				s.Apply(r.Changes)
				s.RecordDone(*r.End, r.UserID)
				l.Done++
			}
		case r.Job != nil:
			l.Jobs = append(l.Jobs, *r.Job)
		}
	}
	if lines.Err() != nil && l.Unread == 0 {
		l.Unread = number + 1
	}
	for _, n := range order {
		if operation, ok := open[n]; ok {
			l.Open = append(l.Open, Begun{n, operation})
			delete(open, n)
		}
	}
	return l
}

// RemoveJournal takes the journal of the state at path away.
func RemoveJournal(path string) error {
	if err := os.Remove(JournalPath(path)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("the journal: %w", err)
	}
	return nil
}
