package plan

import "iter"

// Summary counts a plan. Text, JSON and exit code are made from it.
type Summary struct {
	// Add counts memberships that begin, Change users whose name, email or aliases
	// change, Remove memberships that end.
	Add    int `json:"add"`
	Change int `json:"change"`
	Remove int `json:"remove"`
	// Create and Delete are parts of the above: users created in and deleted from
	// the organization. Tokens counts tokens issued, Phones numbers associated,
	// Groups users added to a group.
	Create int `json:"create"`
	Delete int `json:"delete"`
	Tokens int `json:"tokens"`
	Phones int `json:"phones"`
	Groups int `json:"groups"`
	// Adopt counts members that become managed, StateOnly the other operations
	// on the state alone.
	Adopt     int `json:"adopt"`
	StateOnly int `json:"state_only"`
	// Withheld counts what limits and guards withheld, WithheldData the people
	// withheld for their data.
	Withheld     int `json:"withheld"`
	WithheldData int `json:"withheld_data"`
	// Drift counts what changed in LoginTC since rollcall last wrote.
	Drift int `json:"drift"`
}

// Summarize counts the operations of the named domain, or of all where domain
// is empty.
func (p *Plan) Summarize(domain string) Summary {
	var s Summary
	for i := range p.Operations {
		if op := &p.Operations[i]; domain == "" || op.Domain == domain {
			s.count(op.Action)
		}
	}
	for i := range p.Withheld {
		if w := &p.Withheld[i]; domain == "" || w.Domain == domain {
			if w.Guard == GuardData {
				s.WithheldData++
			} else {
				s.Withheld++
			}
		}
	}
	for i := range p.Drift {
		if domain == "" || p.Drift[i].Domain == domain {
			s.Drift++
		}
	}
	return s
}

// Count counts operations by their actions; nothing is withheld among them.
func Count(actions iter.Seq[Action]) Summary {
	var s Summary
	for action := range actions {
		s.count(action)
	}
	return s
}

func (s *Summary) count(action Action) {
	switch action {
	case CreateUser:
		s.Create++
	case UpdateUser:
		s.Change++
	case JoinDomain:
		s.Add++
	case IssueToken, EmailToken:
		s.Tokens++
	case AddPhone:
		s.Phones++
	case JoinGroup:
		s.Groups++
	case LeaveDomain:
		s.Remove++
	case DeleteUser:
		s.Remove++
		s.Delete++
	case Adopt:
		s.Adopt++
	case MarkMissing, MarkPresent, Record, Forget:
		s.StateOnly++
	}
}

// HasChanges reports whether applying the plan would change LoginTC or what
// rollcall manages. Notes about members that are withheld or moved are none,
// unless the time of remove_after starts to run with them.
func (p *Plan) HasChanges() bool {
	graced := map[string]bool{}
	for i := range p.Withheld {
		if w := &p.Withheld[i]; w.Guard == GuardGrace {
			graced[w.Domain+"\x00"+w.Username] = true
		}
	}
	for i := range p.Operations {
		op := &p.Operations[i]
		if !op.Action.OnState() || op.Action == Adopt || op.Action == MarkMissing && graced[op.Domain+"\x00"+op.Username] {
			return true
		}
	}
	return false
}
