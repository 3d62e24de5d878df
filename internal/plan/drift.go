package plan

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// Drift is one thing that changed in LoginTC since rollcall last wrote.
type Drift struct {
	Domain   string    `json:"domain"`
	Username string    `json:"username"`
	UserID   string    `json:"user_id"`
	Kind     DriftKind `json:"kind"`
	// Before is what the state has, After what LoginTC has; nil where there is nothing.
	Before *identity.User `json:"before,omitempty"`
	After  *identity.User `json:"after,omitempty"`
}

// Address names the membership.
func (d Drift) Address() string { return Address(d.Domain, d.Username) }

// DriftKind says what changed.
type DriftKind string

// A member of rollcall's has other values; is no member any more; is no user of the
// organization any more, as far as that was looked at; or somebody is a member who was
// none.
const (
	DriftChanged DriftKind = "changed"
	DriftRemoved DriftKind = "removed"
	DriftDeleted DriftKind = "deleted"
	DriftAdded   DriftKind = "added"
)

// OtherID is a short digest of a user's id, of 10 hexadecimal characters: enough to tell
// whether somebody was a member before.
func OtherID(userID string) string { return digestOf(userID).String() }

// digest is the beginning of a digest of a user's id. Digests are sorted as their texts are.
type digest uint64

func digestOf(userID string) digest {
	var text [64]byte // for the 40 characters of an id nothing is allocated
	sum := sha256.Sum256(append(text[:0], userID...))
	return digest(binary.BigEndian.Uint64(sum[:]) >> 24)
}

func (d digest) String() string { return fmt.Sprintf("%010x", uint64(d)) }

// drift notes how the live members of one username differ from what the state has, and
// who of them is not rollcall's. Known is nil where the state has nobody of the name.
func (d *comparison) drift(c *computer, live []keyedAccount, known *identity.Member) {
	if known != nil && known.Origin == identity.OriginUnmanaged {
		known = nil
	}
	for _, m := range live {
		if known != nil && known.UserID == m.ID {
			if !known.IsMetBy(&m.User) {
				d.noteDrift(c, DriftChanged, m.ID, &known.User, &m.User)
			}
			continue
		}
		other := digestOf(m.ID)
		d.strangers = append(d.strangers, other)
		if d.Known.Others == nil {
			continue
		}
		if _, before := slices.BinarySearch(d.Known.Others, other.String()); !before {
			d.noteDrift(c, DriftAdded, m.ID, nil, &m.User)
		}
	}
	if known != nil && !d.isLive(live, known) {
		kind := DriftRemoved
		if c.deleted(known.UserID) {
			kind = DriftDeleted
		}
		d.noteDrift(c, kind, known.UserID, &known.User, nil)
	}
}

func (d *comparison) noteDrift(c *computer, kind DriftKind, userID string, before, after *identity.User) {
	drift := Drift{Domain: d.Name, UserID: userID, Kind: kind, Before: before, After: after}
	if before != nil {
		drift.Username = before.Username
	} else {
		drift.Username = after.Username
	}
	c.plan.Drift = append(c.plan.Drift, drift)
}

// deleted reports whether the organization was listed and has no such user.
func (c *computer) deleted(userID string) bool {
	if len(c.in.Organization) == 0 {
		return false
	}
	if c.organization == nil {
		c.organization = make(map[string]bool, len(c.in.Organization))
		for i := range c.in.Organization {
			c.organization[c.in.Organization[i].ID] = true
		}
	}
	return !c.organization[userID]
}

// others are the members who will not be rollcall's once the operations are done, as in
// Domain.
func (d *comparison) others(operations []Operation) []string {
	var adopted []digest
	for i := range operations {
		if op := &operations[i]; op.Action == Adopt && op.Domain == d.Name {
			adopted = append(adopted, digestOf(op.UserID))
		}
	}
	slices.Sort(adopted)
	slices.Sort(d.strangers)
	var others []string
	for _, stranger := range d.strangers {
		if _, is := slices.BinarySearch(adopted, stranger); !is {
			others = append(others, stranger.String())
		}
	}
	return others
}

// Refresh returns the plan that takes what changed in LoginTC since rollcall last wrote
// into the state, and does nothing else. Of the input it uses what LoginTC and the
// state have. The caller adds what names its circumstances, and seals it.
func Refresh(in Input) *Plan {
	for i := range in.Domains {
		d := &in.Domains[i]
		d.People, d.Unmapped, d.Warnings, d.Scope, d.Known.Scope, d.Known.Rosters = nil, nil, nil, nil, nil, nil
	}
	c := newComputer(in)
	c.plan.RefreshOnly = true
	for _, d := range c.domains {
		first := len(c.plan.Drift)
		d.walk(func(_ identity.Key, _ *identity.Person, live []keyedAccount, known *identity.Member) {
			d.drift(c, live, known)
		})
		for _, drift := range c.plan.Drift[first:] {
			d.accept(c, drift)
		}
	}
	c.finish()
	return c.plan
}

// accept takes one difference into the state. Who was added is but noted, with the
// others of the domain.
func (d *comparison) accept(c *computer, drift Drift) {
	op := Operation{
		Domain: d.Name, DomainID: d.ID, Username: drift.Username, UserID: drift.UserID, Before: drift.Before,
		Action: Forget, Reason: "it is no member any more",
	}
	if at, found := slices.BinarySearch(d.known, identity.NewKey(drift.Username)); found {
		op.DN, op.EntryID = d.Known.Members[at].DN, d.Known.Members[at].EntryID
	}
	switch drift.Kind {
	case DriftAdded:
		return
	case DriftChanged:
		after := drift.Before.Of(*drift.After)
		op.Action, op.After, op.Reason = Record, &after, "LoginTC has other values than rollcall wrote"
	case DriftDeleted:
		op.Reason = "it is no user of the organization any more"
	case DriftRemoved:
	}
	c.operations = append(c.operations, op)
}

func sortDrift(drift []Drift) {
	slices.SortFunc(drift, func(a, b Drift) int {
		return cmp.Or(cmp.Compare(a.Domain, b.Domain), cmp.Compare(a.Username, b.Username), cmp.Compare(a.UserID, b.UserID))
	})
}
