package plan

import (
	"compress/gzip"
	"errors"
	"io"

	"github.com/rollcall-cli/rollcall/internal/canonical"
	"github.com/rollcall-cli/rollcall/internal/identity"
)

// encode writes the canonical form, which is that of encoding/json: fields in the order of
// the type, keys of maps sorted, nothing escaped that need not be.
func encode(out io.Writer, p *Plan) error {
	if err := encodeHead(out, p); err != nil {
		return err
	}
	return encodeRest(out, p)
}

// encodeHead writes the beginning of the canonical form: all in which the documents differ
// that a plan's digests are of.
func encodeHead(out io.Writer, p *Plan) error {
	w := canonical.NewWriter(out, false)
	w.Field(`{"format_version":`, p.FormatVersion)
	w.Field(`,"id":`, p.ID)
	if p.Checksum != "" {
		w.Field(`,"checksum":`, p.Checksum)
	}
	w.Field(`,"rollcall_version":`, p.RollcallVersion)
	w.Field(`,"config_digest":`, p.ConfigDigest)
	w.Field(`,"state_lineage":`, p.Lineage)
	w.Field(`,"state_serial":`, p.Serial)
	w.Field(`,"created":`, p.Created)
	w.Field(`,"expires":`, p.Expires)
	w.Raw(`,"domains":`)
	canonical.WriteList(w, p.Domains, func(d *Domain) { w.Value(d) })
	return w.Flush()
}

// encodeRest writes what comes after encodeHead.
func encodeRest(out io.Writer, p *Plan) error {
	w := canonical.NewWriter(out, false)
	w.Raw(`,"operations":`)
	canonical.WriteList(w, p.Operations, func(o *Operation) { w.Append(o.AppendJSON(w.Pending())) })
	encodeOptional(w, `,"withheld":`, p.Withheld)
	encodeOptional(w, `,"drift":`, p.Drift)
	if p.RefreshOnly {
		w.Raw(`,"refresh_only":true`)
	}
	if p.RunLimit != nil {
		w.Field(`,"run_limit":`, p.RunLimit)
	}
	encodeOptional(w, `,"failures":`, p.Failures)
	encodeOptional(w, `,"warnings":`, p.Warnings)
	w.Field(`,"api_calls":`, p.APICalls)
	w.Field(`,"api_seconds":`, p.APISeconds)
	w.Raw("}\n")
	return w.Flush()
}

// encodeOptional writes a list unless it is empty.
func encodeOptional[T any](w *canonical.Writer, label string, list []T) {
	if len(list) > 0 {
		w.Raw(label)
		canonical.WriteList(w, list, func(element *T) { w.Value(element) })
	}
}

// AppendJSON appends the operation in its canonical form.
func (o *Operation) AppendJSON(to []byte) []byte {
	field := func(label, value string) {
		to = canonical.AppendString(append(to, label...), value, false)
	}
	optional := func(label, value string) {
		if value != "" {
			field(label, value)
		}
	}
	user := func(label string, u *identity.User) {
		if u != nil {
			to = append(canonical.AppendUser(append(to, label...), u, false), '}')
		}
	}
	field(`{"action":`, string(o.Action))
	field(`,"domain":`, o.Domain)
	field(`,"domain_id":`, o.DomainID)
	field(`,"username":`, o.Username)
	optional(`,"user_id":`, o.UserID)
	optional(`,"dn":`, o.DN)
	optional(`,"entry_id":`, o.EntryID)
	for i, id := range o.Domains {
		if i == 0 {
			field(`,"domains":[`, id)
		} else {
			field(",", id)
		}
	}
	if len(o.Domains) > 0 {
		to = append(to, ']')
	}
	user(`,"before":{`, o.Before)
	user(`,"after":{`, o.After)
	if o.Details != nil {
		optional(`,"phone":`, o.PhoneNumber)
		optional(`,"group":`, o.GroupName)
		optional(`,"renamed":`, o.OtherUsername)
		optional(`,"recreated":`, o.FormerEntryID)
	}
	field(`,"reason":`, o.Reason)
	return append(to, '}')
}

// level is that of the compression: the file is 8% larger than at the usual one, 6, and
// written in a third of the time (docs/performance.md).
const level = 3

// Encode writes a sealed plan as a gzipped document.
func (p *Plan) Encode(w io.Writer) error {
	if p.Checksum == "" {
		return errors.New("the plan is not sealed")
	}
	z, err := gzip.NewWriterLevel(w, level)
	if err != nil {
		return err
	}
	if err := encode(z, p); err != nil {
		return err
	}
	return z.Close()
}
