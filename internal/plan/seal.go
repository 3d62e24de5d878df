package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// Seal computes the id and the checksum. Nothing may be changed afterwards.
func (p *Plan) Seal() error {
	p.Checksum = ""
	id, err := p.digest()
	if err != nil {
		return err
	}
	p.ID = id
	p.Checksum, err = sum(p)
	return err
}

// digest is over what the plan says: all but when and where the sources were read.
func (p *Plan) digest() (string, error) {
	content := *p
	content.ID, content.Checksum = "", ""
	content.Created, content.Expires = time.Time{}, time.Time{}
	content.Domains = timeless(p.Domains)
	return sum(&content)
}

// timeless returns the domains without the circumstances of their reads.
func timeless(domains []Domain) []Domain {
	out := make([]Domain, len(domains))
	for i, d := range domains {
		d.Sources = slices.Clone(d.Sources)
		for j := range d.Sources {
			e := &d.Sources[j].Evidence
			*e = identity.Evidence{BaseDN: e.BaseDN, Scope: e.Scope, Filter: e.Filter, Entries: e.Entries, Groups: e.Groups.Timeless()}
		}
		out[i] = d
	}
	return out
}

func sum(p *Plan) (string, error) {
	h := sha256.New()
	if err := encode(h, p); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
