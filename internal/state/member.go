package state

import (
	"bytes"
	"time"

	"github.com/rollcall-cli/rollcall/internal/canonical"
	"github.com/rollcall-cli/rollcall/internal/identity"
)

// encodeMember appends a member as encoding/json does; with html it escapes <, > and & too.
// What is appended to is returned with an error too.
func encodeMember(to []byte, m *identity.Member, html bool) ([]byte, error) {
	line := canonical.AppendString(append(to, `{"user_id":`...), m.UserID, html)
	line = canonical.AppendUser(append(line, ','), &m.User, html)
	line = canonical.AppendString(append(line, `,"dn":`...), m.DN, html)
	if m.EntryID != "" {
		line = canonical.AppendString(append(line, `,"entry_id":`...), m.EntryID, html)
	}
	line, err := m.Since.AppendText(append(line, `,"since":"`...))
	if err != nil {
		return to, err
	}
	line = canonical.AppendString(append(line, `","origin":`...), string(m.Origin), html)
	if m.MissingSince != nil {
		if line, err = m.MissingSince.AppendText(append(line, `,"missing_since":"`...)); err != nil {
			return to, err
		}
		line = append(line, '"')
	}
	if m.TokenDue {
		line = append(line, `,"token_due":true`...)
	}
	return append(line, '}'), nil
}

// memberReader reads members as encodeMember writes them.
type memberReader struct {
	keep canonical.Strings
	// text and time are the last that was read, nil before and where it was none: those of
	// one apply have the same.
	text []byte
	time time.Time
}

// read reads a member. It returns false for one that is not exactly in that form, which
// may be one all the same.
func (r *memberReader) read(text []byte, m *identity.Member) bool {
	o := canonical.NewObject(text)
	o.Want(`{"user_id":`)
	userID := o.Text()
	o.Want(",")
	o.User(&m.User, &r.keep, nil)
	o.Want(`,"dn":`)
	dn := o.Text()
	var entryID []byte
	if o.Take(`,"entry_id":`) {
		entryID = o.Text()
	}
	o.Want(`,"since":`)
	since := o.Raw()
	o.Want(`,"origin":`)
	origin := o.Text()
	var missing []byte
	if o.Take(`,"missing_since":`) {
		missing = o.Raw()
	}
	m.TokenDue = o.Take(`,"token_due":true`)
	o.Want("}")
	if !o.Done() || len(userID) == 0 || m.Username == "" || !r.at(since, &m.Since) {
		return false
	}
	if missing != nil {
		m.MissingSince = new(time.Time)
		if !r.at(missing, m.MissingSince) {
			return false
		}
	}
	m.UserID, m.DN, m.EntryID = r.keep.Keep(userID), r.keep.Keep(dn), r.keep.Keep(entryID)
	m.Origin = identity.Origin(r.keep.Common(origin))
	return true
}

func (r *memberReader) at(text []byte, t *time.Time) bool {
	if r.text == nil || !bytes.Equal(text, r.text) {
		if r.time.UnmarshalText(text) != nil {
			r.text = nil
			return false
		}
		r.text = append(r.text[:0], text...)
	}
	*t = r.time
	return true
}
