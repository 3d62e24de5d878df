package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"slices"
	"time"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// Seal computes the id and the checksum. Nothing may be changed afterwards.
func (p *Plan) Seal() error {
	p.Checksum = ""
	id, err := sum(p.content())
	if err != nil {
		return err
	}
	p.ID = id
	p.Checksum, err = sum(p)
	return err
}

// content is what the plan says: all but when and where the sources were read.
func (p *Plan) content() *Plan {
	content := *p
	content.ID, content.Checksum = "", ""
	content.Created, content.Expires = time.Time{}, time.Time{}
	content.Domains = timeless(p.Domains)
	return &content
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

// sums are the digests of the plan's document, of that without the checksum, and of its
// content: what Seal makes the checksum and the id of. The documents differ in their heads
// alone, so that what is long is encoded once.
func (p *Plan) sums() (document, checksum, id [sha256.Size]byte, err error) {
	unsealed := *p
	unsealed.Checksum = ""
	var hashes [3]hash.Hash
	for i, form := range [...]*Plan{p, &unsealed, p.content()} {
		hashes[i] = sha256.New()
		if err := encodeHead(hashes[i], form); err != nil {
			return document, checksum, id, err
		}
	}
	err = encodeRest(io.MultiWriter(hashes[0], hashes[1], hashes[2]), p)
	for i, sum := range []*[sha256.Size]byte{&document, &checksum, &id} {
		*sum = [sha256.Size]byte(hashes[i].Sum(nil))
	}
	return document, checksum, id, err
}

func sum(p *Plan) (string, error) {
	h := sha256.New()
	if err := encode(h, p); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
