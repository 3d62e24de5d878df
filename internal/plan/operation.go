package plan

import (
	"cmp"

	"github.com/rollcall-cli/rollcall/internal/canonical"
	"github.com/rollcall-cli/rollcall/internal/identity"
)

// usersBlock is how many users share a piece of memory.
const usersBlock = 256

// operationReader reads operations as AppendJSON writes them. Those of one person stand
// together, and share their texts.
type operationReader struct {
	keep  canonical.Strings
	users []identity.User
	last  Operation
}

// read decodes an operation: in its canonical form by itself, else with encoding/json.
func (r *operationReader) read(text []byte) (op Operation, err error) {
	if r.canonical(text, &op) {
		r.last = op
		return op, nil
	}
	return strictly[Operation](text)
}

// canonical returns false for what is not exactly in the canonical form.
func (r *operationReader) canonical(text []byte, op *Operation) bool {
	o := canonical.NewObject(text)
	field := func(label string) []byte {
		o.Want(label)
		return o.Text()
	}
	optional := func(label string) []byte {
		if !o.Take(label) {
			return nil
		}
		return o.Text()
	}
	op.Action = Action(r.keep.Common(field(`{"action":`)))
	op.Domain = r.keep.Common(field(`,"domain":`))
	op.DomainID = r.keep.Common(field(`,"domain_id":`))
	username := field(`,"username":`)
	userID, dn, entryID := optional(`,"user_id":`), optional(`,"dn":`), optional(`,"entry_id":`)
	if o.Take(`,"domains":[`) {
		for more := true; more; more = o.Take(",") {
			op.Domains = append(op.Domains, r.keep.Common(o.Text()))
		}
		o.Want("]")
	}
	op.Before = r.user(&o, `,"before":{`, cmp.Or(r.last.Before, r.last.After))
	op.After = r.user(&o, `,"after":{`, cmp.Or(op.Before, r.last.After))
	phone, group := optional(`,"phone":`), optional(`,"group":`)
	renamed, recreated := optional(`,"renamed":`), optional(`,"recreated":`)
	reason := field(`,"reason":`)
	o.Want("}")
	if !o.Done() {
		*op = Operation{}
		return false
	}
	values := cmp.Or(op.After, op.Before, &identity.User{})
	op.Username = r.keep.Within(username, r.last.Username, values.Username)
	op.UserID, op.DN, op.EntryID = r.keep.Within(userID, r.last.UserID), r.keep.Within(dn, r.last.DN), r.keep.Within(entryID, r.last.EntryID)
	if phone != nil || group != nil || renamed != nil || recreated != nil {
		op.Details = &Details{r.keep.Keep(phone), r.keep.Common(group), r.keep.Keep(renamed), r.keep.Keep(recreated)}
	}
	op.Reason = r.keep.Common(reason)
	return true
}

// user reads a user if one is there, who may be like another.
func (r *operationReader) user(o *canonical.Object, label string, like *identity.User) *identity.User {
	if !o.Take(label) {
		return nil
	}
	if len(r.users) == 0 {
		r.users = make([]identity.User, usersBlock)
	}
	u := &r.users[0]
	r.users = r.users[1:]
	o.User(u, &r.keep, like)
	o.Want("}")
	return u
}
