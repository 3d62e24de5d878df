package plan

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// MaxBytes bounds the document of a plan when it is read: about a million
// operations. What is larger is no plan of ours, nor is what is larger than
// smallBytes and was compressed to less than a part in maxRatio.
const (
	MaxBytes   = 1 << 30
	smallBytes = 16 << 20
	maxRatio   = 200
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

// encode writes the canonical form: fields in the order of the type, keys of
// maps sorted, nothing escaped that need not be.
func encode(w io.Writer, p *Plan) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(p)
}

// Encode writes a sealed plan as a gzipped document.
func (p *Plan) Encode(w io.Writer) error {
	if p.Checksum == "" {
		return errors.New("the plan is not sealed")
	}
	z := gzip.NewWriter(w)
	if err := encode(z, p); err != nil {
		return err
	}
	return z.Close()
}

// ErrNotPlan says that a file is something else than a plan.
var ErrNotPlan = errors.New("not a rollcall plan file; make one with: rollcall plan --out FILE")

// DamagedError says that a plan file is not as rollcall wrote it.
type DamagedError struct{ Reason string }

func (e *DamagedError) Error() string {
	return "the plan file was changed or damaged after it was written (" + e.Reason + "); make a new one with: rollcall plan --out FILE"
}

// VersionError says that a plan was written in a format that this version does not read.
type VersionError struct{ Version int }

func (e *VersionError) Error() string {
	return fmt.Sprintf("the plan file has format version %d and this rollcall reads version %d; apply it with the version that wrote it, or plan again", e.Version, FormatVersion)
}

// Decode reads a plan and checks that it is exactly what Encode wrote. Errors are
// ErrNotPlan, a *DamagedError, a *VersionError, or the reader's own.
func Decode(r io.Reader) (*Plan, error) {
	compressed := &counter{Reader: r}
	file := bufio.NewReader(compressed)
	if first, err := file.Peek(1); err == nil && first[0] == '{' {
		return nil, &DamagedError{"it is not compressed"}
	}
	z, err := gzip.NewReader(file)
	if errors.Is(err, gzip.ErrHeader) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, ErrNotPlan
	} else if err != nil {
		return nil, err
	}
	var document bytes.Buffer
	for {
		n, err := io.CopyN(&document, z, 1<<20)
		size := int64(document.Len())
		switch {
		case err != nil && !errors.Is(err, io.EOF):
			return nil, &DamagedError{"its compressed data can not be read: " + err.Error()}
		case size > MaxBytes, size > smallBytes && size > maxRatio*compressed.n:
			return nil, &DamagedError{fmt.Sprintf("%d bytes of it hold more than %d", compressed.n, size)}
		}
		if n < 1<<20 {
			break
		}
	}
	var head struct {
		FormatVersion *int `json:"format_version"`
	}
	if err := json.Unmarshal(document.Bytes(), &head); err != nil {
		return nil, &DamagedError{"its document is not JSON: " + err.Error()}
	}
	if head.FormatVersion == nil {
		return nil, ErrNotPlan
	}
	if *head.FormatVersion != FormatVersion {
		return nil, &VersionError{*head.FormatVersion}
	}
	p := &Plan{}
	d := json.NewDecoder(bytes.NewReader(document.Bytes()))
	d.DisallowUnknownFields()
	if err := d.Decode(p); err != nil {
		return nil, &DamagedError{err.Error()}
	}
	if err := p.authentic(document.Bytes()); err != nil {
		return nil, err
	}
	if err := p.wellFormed(); err != nil {
		return nil, &DamagedError{err.Error()}
	}
	return p, nil
}

// counter counts what is read.
type counter struct {
	io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}

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
		lacks = o.Phone == ""
	case JoinGroup:
		lacks = o.Group == ""
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

// authentic checks that the document is the canonical form of the plan, and that
// checksum and id are its own.
func (p *Plan) authentic(document []byte) error {
	var canonical bytes.Buffer
	if err := encode(&canonical, p); err != nil {
		return err
	}
	if !bytes.Equal(canonical.Bytes(), document) {
		return &DamagedError{"its document is not in the form that rollcall writes"}
	}
	sealed := *p
	if err := sealed.Seal(); err != nil {
		return err
	}
	if sealed.Checksum != p.Checksum || sealed.ID != p.ID {
		return &DamagedError{"its content does not match its checksum"}
	}
	return nil
}
