package state

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/google/uuid"

	"github.com/rollcall-cli/rollcall/internal/atomicfile"
	"github.com/rollcall-cli/rollcall/internal/identity"
)

// maxLine bounds a line of the journal, in octets.
const maxLine = 16 << 20

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
