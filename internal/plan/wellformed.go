package plan

import (
	"errors"
	"fmt"
)

// wellFormed checks what nobody who computes the digests himself may leave out:
// operations are known, are of domains that the plan lists, and have the values
// that carrying them out needs.
func (p *Plan) wellFormed() error {
	ids := map[string]string{}
	for _, d := range p.Domains {
		ids[d.Name] = d.ID
	}
	for i := range p.Operations {
		if err := p.Operations[i].wellFormed(ids); err != nil {
			return fmt.Errorf("its operation %d %w", i+1, err)
		}
	}
	for i := range p.Withheld {
		op := p.Withheld[i].Operation
		if op == nil {
			continue
		}
		if err := op.wellFormed(ids); err != nil {
			return fmt.Errorf("its withheld operation %d %w", i+1, err)
		}
		if !op.Action.Removes() || op.Domain != p.Withheld[i].Domain {
			return fmt.Errorf("its withheld operation %d is another than what was withheld", i+1)
		}
	}
	return nil
}

// wellFormed checks an operation; ids are those of the plan's domains by their names.
func (o *Operation) wellFormed(ids map[string]string) error {
	needsBefore, needsAfter, lacks := false, false, false
	switch o.Action {
	case CreateUser, JoinDomain, Adopt:
		needsAfter = true
	case UpdateUser, MarkPresent, Record:
		needsBefore, needsAfter = true, true
	case LeaveDomain, DeleteUser, MarkMissing, Forget:
		needsBefore = true
	case IssueToken, EmailToken:
	case AddPhone:
		lacks = o.Phone() == ""
	case JoinGroup:
		lacks = o.Group() == ""
	default:
		return fmt.Errorf("(%q) is not known", o.Action)
	}
	if id, ok := ids[o.Domain]; !ok || id != o.DomainID {
		return errors.New("is of a domain that it does not list")
	}
	if lacks || o.Username == "" || needsBefore && o.Before == nil || needsAfter && o.After == nil {
		return fmt.Errorf("(%s) lacks values", o.Action)
	}
	return nil
}
