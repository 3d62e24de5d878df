package apply

import (
	"time"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
	"github.com/rollcall-cli/rollcall/internal/state"
)

// note enters in the state what an operation left behind.
func (r *run) note(op plan.Operation, tokenDue bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !op.Action.OnState() {
		r.result.Done = append(r.result.Done, op)
	}
	key := identity.NewKey(op.Username)
	member, known := r.State.Member(op.Domain, key)
	switch op.Action {
	case plan.CreateUser, plan.AddPhone, plan.JoinGroup: // the state keeps memberships
	case plan.UpdateUser:
		r.noteValues(op, key)
	case plan.DeleteUser:
		r.result.remember(op, member, known)
		for _, domain := range r.State.DomainNames() {
			if m, ok := r.State.Member(domain, key); ok && m.UserID == op.UserID {
				r.State.Remove(domain, key)
			}
		}
	case plan.JoinDomain:
		r.State.Upsert(op.Domain, identity.Member{
			UserID: op.UserID, User: *op.After, DN: op.DN, EntryID: op.EntryID,
			Since: r.now(), Origin: identity.OriginAdded, TokenDue: tokenDue,
		})
	case plan.Adopt:
		r.State.Upsert(op.Domain, identity.Member{
			UserID: op.UserID, User: *op.After, DN: op.DN, EntryID: op.EntryID,
			Since: r.now(), Origin: identity.OriginAdopted,
		})
	case plan.LeaveDomain:
		r.result.remember(op, member, known)
		r.State.Remove(op.Domain, key)
	case plan.Forget:
		r.State.Remove(op.Domain, key)
	case plan.IssueToken, plan.EmailToken:
		if known {
			member.TokenDue = false
			r.State.Upsert(op.Domain, member)
		}
	case plan.MarkMissing:
		r.noteMissing(op, member, known)
	case plan.MarkPresent, plan.Record:
		if known {
			member.User, member.DN, member.EntryID, member.MissingSince = *op.After, op.DN, op.EntryID, nil
			if member.Origin == identity.OriginUnmanaged {
				member.Origin = identity.OriginAdopted
			}
			r.State.Upsert(op.Domain, member)
		}
	}
}

// noteValues enters new values of a user in every domain that it is a member of.
func (r *run) noteValues(op plan.Operation, key identity.Key) {
	for _, domain := range r.State.DomainNames() {
		if m, ok := r.State.Member(domain, key); ok && m.UserID == op.UserID {
			m.User = op.After.AliasesOr(&m.User)
			r.State.Upsert(domain, m)
		}
	}
}

// noteMissing starts the time of a member whose entry is gone. One that the state
// does not have yet is not rollcall's, and is noted as such.
func (r *run) noteMissing(op plan.Operation, member identity.Member, known bool) {
	now := r.now()
	if !known {
		member = identity.Member{UserID: op.UserID, User: *op.Before, Since: now, Origin: identity.OriginUnmanaged}
	}
	member.MissingSince = &now
	r.State.Upsert(op.Domain, member)
}

func (r *run) now() time.Time { return r.Now().UTC().Truncate(time.Second) }

// Conclude enters in the state what the plan says of its domains as a whole, and
// the plan's id if all of it was done. A scope or size of a roster that led to
// withheld removals is not entered: the next plan shows and withholds again.
func Conclude(s *state.State, p *plan.Plan, complete bool, at time.Time) {
	held := map[string]bool{}
	for _, w := range p.Withheld {
		if w.Guard != plan.GuardData && w.Action.Removes() {
			held[w.Domain] = true
		}
	}
	for _, d := range p.Domains {
		if complete && (!held[d.Name] || s.Scope(d.Name) == nil) {
			s.SetScope(d.Name, d.Scope)
		}
		if !d.Shrunk {
			s.Observe(d.Directory, d.Name, d.Evidence.Ended, state.Counts{Entries: d.Evidence.Entries, Users: d.Roster + d.Unmapped})
		}
	}
	if complete && len(p.Operations) > 0 {
		s.RecordApplied(p.ID, at.UTC().Truncate(time.Second))
	}
}
