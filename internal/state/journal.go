package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strconv"
	"sync"

	"github.com/google/uuid"

	"github.com/rollcall-cli/rollcall/internal/atomicfile"
	"github.com/rollcall-cli/rollcall/internal/canonical"
	"github.com/rollcall-cli/rollcall/internal/identity"
)

// JournalVersion is the version of the journal's format. FoldJournal refuses others.
const JournalVersion = 1

// Change is what an operation did to one member of the state.
type Change struct {
	Domain string       `json:"domain"`
	Key    identity.Key `json:"key"`
	// Member is what the state has from now on; nil where it is taken out.
	Member *identity.Member `json:"member"`
}

// Apply enters changes in their order, and keeps their members, which are not to be changed
// afterwards.
func (s *State) Apply(changes []Change) {
	for _, c := range changes {
		if c.Member == nil {
			s.Remove(c.Domain, c.Key)
		} else {
			s.upsert(c.Domain, c.Member)
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
	// syncing is held by the one that syncs; who has written meanwhile waits for the
	// next batch, whose first waits for it.
	syncing sync.Mutex
	// spare is where the next beginnings are put together.
	spare []byte
	// ends are lines that Together keeps back, and together says that it does.
	ends     []byte
	together bool
}

// batch is beginnings that are synced together, by the one that came first.
type batch struct {
	taken bool          // somebody came first
	done  chan struct{} // closed when they are on the disk, or err says why not
	err   error
}

func newBatch() *batch { return &batch{done: make(chan struct{})} }

// pieceSize is how many octets of lines are written together.
const pieceSize = 64 << 10

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

// Begun is an operation that began.
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

// Begin writes down that operations begin, each given by its number and, as JSON, by all
// that must be known to find out later what became of it. They are on the disk when it
// returns: only then they may be sent. It is safe for concurrent use, and calls that come
// together are synced together.
func (j *Journal) Begin(operations iter.Seq2[int, []byte]) error {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	lines := j.spare[:0]
	j.spare = nil
	j.mu.Unlock()
	n := 0
	for number, operation := range operations {
		n++
		if lines = appendBegin(lines, number, operation); len(lines) >= pieceSize {
			if _, err := j.file.Write(lines); err != nil {
				return err
			}
			lines = lines[:0]
		}
	}
	if n == 0 {
		return nil
	}
	if _, err := j.file.Write(lines); err != nil {
		return err
	}
	return j.sync(lines)
}

// sync returns once all is on the disk that was written before. What it was written from is
// free for others.
func (j *Journal) sync(spare []byte) error {
	j.mu.Lock()
	j.spare = spare
	mine := j.next
	first := !mine.taken
	mine.taken = true
	j.mu.Unlock()
	if first {
		j.flush(mine)
	}
	<-mine.done
	return mine.err
}

func (j *Journal) flush(b *batch) {
	j.syncing.Lock()
	defer j.syncing.Unlock()
	j.mu.Lock()
	j.next = newBatch() // who comes from here on may have written too late for this one
	j.mu.Unlock()
	b.err = j.file.Sync()
	close(b.done)
}

// End writes down that an operation was done, with the id of the user that it created
// or nothing, and what it changed. The line is handed to the operating system: it
// survives the process, and with the next Begin it is on the disk.
func (j *Journal) End(number int, created string, changes []Change) error {
	return j.end(number, false, created, changes)
}

// Fail writes down that an operation failed and did nothing.
func (j *Journal) Fail(number int) error { return j.end(number, true, "", nil) }

func (j *Journal) end(number int, failed bool, created string, changes []Change) error {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	var err error
	if j.ends, err = appendEnd(j.ends, number, failed, created, changes); err != nil {
		return err
	}
	if j.together && len(j.ends) < pieceSize {
		return nil
	}
	return j.writeEnds()
}

// writeEnds hands the lines of ends to the operating system. The caller holds the mutex.
func (j *Journal) writeEnds() error {
	if len(j.ends) == 0 {
		return nil
	}
	_, err := j.file.Write(j.ends)
	j.ends = j.ends[:0]
	return err
}

// Together lets the lines of operations that end while all runs be written in large
// pieces, the last of them before it returns. It is for operations whose outcomes can be
// learned again, as those of a job: of those whose end is not written yet, a run that breaks
// off leaves no more than that they began.
func (j *Journal) Together(all func()) error {
	if j == nil {
		all()
		return nil
	}
	j.mu.Lock()
	j.together = true
	j.mu.Unlock()
	all()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.together = false
	return j.writeEnds()
}

// Job writes down that a job performs operations that began.
func (j *Journal) Job(job Job) error {
	if j == nil {
		return nil
	}
	line, err := json.Marshal(record{Job: &job})
	if err != nil {
		return err
	}
	_, err = j.file.Write(append(line, '\n'))
	return errors.Join(err, j.file.Sync())
}

// appendBegin appends the line of an operation that begins.
func appendBegin(to []byte, number int, operation []byte) []byte {
	to = strconv.AppendInt(append(to, `{"begin":`...), int64(number), 10)
	return append(append(append(to, `,"operation":`...), operation...), "}\n"...)
}

// appendEnd appends the line of an operation that ended, as encoding/json has it without
// escapes for HTML. What is appended to is returned with an error too.
func appendEnd(to []byte, number int, failed bool, userID string, changes []Change) ([]byte, error) {
	line := strconv.AppendInt(append(to, `{"end":`...), int64(number), 10)
	if failed {
		line = append(line, `,"failed":true`...)
	}
	if userID != "" {
		line = canonical.AppendString(append(line, `,"user_id":`...), userID, false)
	}
	for i := range changes {
		c, before := &changes[i], `,"changes":[`
		if i > 0 {
			before = ","
		}
		line = canonical.AppendString(append(append(line, before...), `{"domain":`...), c.Domain, false)
		line = canonical.AppendString(append(line, `,"key":`...), string(c.Key), false)
		line = append(line, `,"member":`...)
		if c.Member == nil {
			line = append(line, "null}"...)
			continue
		}
		var err error
		if line, err = encodeMember(line, c.Member, false); err != nil {
			return to, err
		}
		line = append(line, '}')
	}
	if len(changes) > 0 {
		line = append(line, ']')
	}
	return append(line, "}\n"...), nil
}

// Remove takes the journal away, once the state has all that it says.
func (j *Journal) Remove() error {
	if j == nil {
		return nil
	}
	return errors.Join(j.file.Close(), os.Remove(j.path))
}
