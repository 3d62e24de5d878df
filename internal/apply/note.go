package apply

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
	"github.com/rollcall-cli/rollcall/internal/state"
)

// begun is what the journal has of an operation that begins: enough to find out
// later what became of it, and to note it.
type begun struct {
	plan.Operation
	TokenDue bool `json:"token_due,omitempty"`
}

// appendBegun appends what json.Marshal makes of a begun. There is one for each operation
// that is sent.
func appendBegun(to []byte, step *Step, tokenDue bool) []byte {
	op, start := step.WithUser(), len(to)
	to = op.AppendJSON(to)
	if tokenDue {
		to = append(to[:len(to)-1], `,"token_due":true}`...)
	}
	text := to[start:]
	if bytes.IndexByte(text, '<') < 0 && bytes.IndexByte(text, '>') < 0 && bytes.IndexByte(text, '&') < 0 {
		return to
	}
	var escaped bytes.Buffer
	json.HTMLEscape(&escaped, text)
	return append(to[:start], escaped.Bytes()...)
}

// begin writes down that those operations begin that are sent. After an error none of them may be sent,
// nor any other: what can not be written down can be lost.
func (r *run) begin(steps []Step, tokenDue func(Step) bool) error {
	var text []byte
	err := r.Journal.Begin(func(yield func(int, []byte) bool) {
		for i := range steps {
			if step := &steps[i]; !step.Action.OnState() {
				text = appendBegun(text[:0], step, tokenDue(*step))
				if !yield(step.Number, text) {
					return
				}
			}
		}
	})
	if err != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.written(err)
		return fmt.Errorf("not sent, since the journal can not be written: %w", err)
	}
	return nil
}

// written stops the run where the journal could not be written. The caller holds the
// mutex.
func (r *run) written(err error) {
	if err != nil {
		r.full = true
		r.result.Unwritten = err
	}
}

// note enters in state and journal what an operation left behind. Created is the id
// of the user that it created. What the state alone learns is in no journal: if it is
// lost, the next plan finds it again.
func (r *run) note(op Step, created string, tokenDue bool) {
	changes := r.take(op, created, tokenDue)
	if op.Action.OnState() {
		return
	}
	if err := r.Journal.End(op.Number, created, changes); err != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.written(err)
	}
}

// take enters an operation that is done in state and result, and returns what it changed.
// Writing that down does not need the mutex: the lines of different users may stand in
// any order, and those of one user are written one after the other.
func (r *run) take(op Step, created string, tokenDue bool) []state.Change {
	r.mu.Lock()
	defer r.mu.Unlock()
	changes := changes(r.State, &op, tokenDue, r.now())
	if !op.Action.OnState() {
		r.result.Done = append(r.result.Done, op)
		if op.Action.Removes() {
			r.result.remember(&op, r.State)
		}
	}
	r.State.Apply(changes)
	r.State.RecordDone(op.Number, created)
	return changes
}

// changes returns what an operation that is done changes in the state. TokenDue says
// that a token is to follow.
func changes(s *state.State, op *Step, tokenDue bool, now time.Time) []state.Change {
	key := identity.NewKey(op.Username)
	member, known := s.Member(op.Domain, key)
	put := func(m identity.Member) []state.Change {
		return []state.Change{{Domain: op.Domain, Key: key, Member: &m}}
	}
	switch op.Action {
	case plan.CreateUser, plan.AddPhone, plan.JoinGroup: // the state keeps memberships
	case plan.UpdateUser, plan.DeleteUser:
		return everywhere(s, op, key)
	case plan.JoinDomain:
		return put(identity.Member{
			UserID: op.UserID, User: *op.After, DN: op.DN, EntryID: op.EntryID,
			Since: now, Origin: identity.OriginAdded, TokenDue: tokenDue,
		})
	case plan.Adopt:
		return put(identity.Member{
			UserID: op.UserID, User: *op.After, DN: op.DN, EntryID: op.EntryID,
			Since: now, Origin: identity.OriginAdopted,
		})
	case plan.LeaveDomain, plan.Forget:
		return []state.Change{{Domain: op.Domain, Key: key}}
	case plan.IssueToken, plan.EmailToken:
		if known {
			member.TokenDue = false
			return put(member)
		}
	case plan.MarkMissing:
		if !known { // it is not rollcall's, and is noted as such
			member = identity.Member{UserID: op.UserID, User: *op.Before, Since: now, Origin: identity.OriginUnmanaged}
		}
		member.MissingSince = &now
		return put(member)
	case plan.MarkPresent, plan.Record:
		if known {
			member.User, member.DN, member.EntryID, member.MissingSince = *op.After, op.DN, op.EntryID, nil
			if member.Origin == identity.OriginUnmanaged {
				member.Origin = identity.OriginAdopted
			}
			return put(member)
		}
	}
	return nil
}

// everywhere returns the changes to a user in every domain that it is a member of:
// its new values, or that it is deleted.
func everywhere(s *state.State, op *Step, key identity.Key) []state.Change {
	var changes []state.Change
	for _, domain := range s.DomainNames() {
		m, ok := s.Member(domain, key)
		if !ok || m.UserID != op.UserID {
			continue
		}
		if op.Action == plan.DeleteUser {
			changes = append(changes, state.Change{Domain: domain, Key: key})
			continue
		}
		m.User = op.After.AliasesOr(&m.User)
		changes = append(changes, state.Change{Domain: domain, Key: key, Member: &m})
	}
	return changes
}

func (r *run) now() time.Time { return stamp(r.Now()) }

// stamp is a time as the state has it.
func stamp(at time.Time) time.Time { return at.UTC().Truncate(time.Second) }

// reads are how the directories of a domain were read.
func reads(d *plan.Domain) []state.Read {
	all := make([]state.Read, len(d.Sources))
	for i, source := range d.Sources {
		all[i] = state.Read{Directory: source.Directory, At: source.Evidence.Ended, Counts: state.Counts{Entries: source.Evidence.Entries, Users: source.Users}}
	}
	return all
}

// Conclude enters in the state what came of a run: members that are still or not yet
// there after all, what the plan says of its domains as a whole, and the plan's id if
// all of it was done, which it reports. A scope or size of a roster that led to
// withheld removals is not entered: the next plan shows and withholds again.
func Conclude(s *state.State, p *plan.Plan, result Result, differences []Difference, at time.Time) (complete bool) {
	result.restore(s, differences)
	complete = result.Complete() && len(differences) == 0
	held := map[string]bool{}
	for _, w := range p.Withheld {
		if w.Guard != plan.GuardData && w.Action.Removes() {
			held[w.Domain] = true
		}
	}
	for _, d := range p.Domains {
		s.ObserveOthers(d.Name, d.Others)
		if p.RefreshOnly {
			continue
		}
		if complete && (!held[d.Name] || s.Scope(d.Name) == nil) {
			s.SetScope(d.Name, d.Scope)
		}
		if !d.Shrunk {
			s.Observe(d.Name, reads(&d)...)
		}
	}
	if complete && len(p.Operations) > 0 {
		s.RecordApplied(p.ID, stamp(at))
	}
	return complete
}
