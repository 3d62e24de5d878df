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
	"hash"
	"io"

	"github.com/rollcall-cli/rollcall/internal/canonical"
)

// MaxBytes bounds the document of a plan when it is read: about ten million operations,
// of which a person who joins needs three or more. What is larger is no plan of ours, nor
// is what is larger than smallBytes and was compressed to less than a part in maxRatio.
const (
	MaxBytes   = 4 << 30
	smallBytes = 16 << 20
	maxRatio   = 200
)

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

// Decode reads a plan and checks that it is exactly what Encode wrote. It holds no more
// than an element of the document beside the plan. Errors are ErrNotPlan, a *DamagedError,
// a *VersionError, or the reader's own.
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
	document := &document{in: z, compressed: compressed, digest: sha256.New()}
	p, err := decode(document)
	if _, wrong := io.Copy(io.Discard, document); wrong != nil {
		return nil, wrong // the cause of any other error
	}
	if err == nil {
		err = p.authentic(document.digest.Sum(nil))
	}
	if err == nil {
		if wrong := p.wellFormed(); wrong != nil {
			err = &DamagedError{wrong.Error()}
		}
	}
	if err != nil {
		return nil, err
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

// document is what a file was made of: bounded, and digested while it is read.
type document struct {
	in         io.Reader
	compressed *counter
	size       int64
	digest     hash.Hash
}

func (d *document) Read(p []byte) (int, error) {
	n, err := d.in.Read(p)
	d.size += int64(n)
	_, _ = d.digest.Write(p[:n]) // never fails
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return n, &DamagedError{"its compressed data can not be read: " + err.Error()}
	case d.size > MaxBytes, d.size > smallBytes && d.size > maxRatio*d.compressed.n:
		return n, &DamagedError{fmt.Sprintf("%d bytes of it hold more than %d", d.compressed.n, d.size)}
	}
	return n, err
}

// decode reads the document, without asking whether it is in its canonical form.
func decode(in io.Reader) (*Plan, error) {
	r := canonical.NewReader(in)
	if !r.Take(`{"format_version":`) {
		return nil, foreign(r.Rest())
	}
	p := &Plan{}
	err := decodeValue(r, &p.FormatVersion)
	if err == nil && p.FormatVersion != FormatVersion {
		return nil, &VersionError{p.FormatVersion}
	}
	for err == nil && r.Take(",") {
		err = p.decodeField(r)
	}
	if err == nil {
		err = canonical.ErrForm
		if r.Take("}\n") && r.Ended() {
			return p, nil
		}
	}
	return nil, &DamagedError{err.Error()}
}

// foreign says what a document is that does not begin as one of this version.
func foreign(document io.Reader) error {
	var head struct {
		FormatVersion *int `json:"format_version"`
	}
	switch err := json.NewDecoder(document).Decode(&head); {
	case err != nil:
		return &DamagedError{"its document is not JSON: " + err.Error()}
	case head.FormatVersion == nil:
		return ErrNotPlan
	case *head.FormatVersion != FormatVersion:
		return &VersionError{*head.FormatVersion}
	}
	return &DamagedError{canonical.ErrForm.Error()}
}

// decodeField reads a field after the first, with its name.
func (p *Plan) decodeField(r *canonical.Reader) error {
	value, err := r.Value()
	if err != nil {
		return err
	}
	name := string(value)
	if !r.Take(":") {
		return canonical.ErrForm
	}
	switch name {
	case `"domains"`:
		p.Domains, err = canonical.ReadList(r, strictly[Domain])
	case `"operations"`:
		p.Operations, err = canonical.ReadList(r, new(operationReader).read)
	case `"withheld"`:
		p.Withheld, err = canonical.ReadList(r, strictly[Withheld])
	case `"drift"`:
		p.Drift, err = canonical.ReadList(r, strictly[Drift])
	default:
		into := p.scalar(name)
		if into == nil {
			return fmt.Errorf("json: unknown field %s", name)
		}
		err = decodeValue(r, into)
	}
	return err
}

// scalar is where the value of a field belongs that is no long list.
func (p *Plan) scalar(name string) any {
	return map[string]any{
		`"id"`: &p.ID, `"checksum"`: &p.Checksum, `"rollcall_version"`: &p.RollcallVersion, `"config_digest"`: &p.ConfigDigest,
		`"state_lineage"`: &p.Lineage, `"state_serial"`: &p.Serial, `"created"`: &p.Created, `"expires"`: &p.Expires,
		`"refresh_only"`: &p.RefreshOnly, `"run_limit"`: &p.RunLimit, `"failures"`: &p.Failures, `"warnings"`: &p.Warnings,
		`"api_calls"`: &p.APICalls, `"api_seconds"`: &p.APISeconds,
	}[name]
}

func decodeValue(r *canonical.Reader, into any) error {
	value, err := r.Value()
	if err != nil {
		return err
	}
	return json.Unmarshal(value, into)
}

// strictly decodes an element that has no fields but its own.
func strictly[T any](value []byte) (element T, err error) {
	d := json.NewDecoder(bytes.NewReader(value))
	d.DisallowUnknownFields()
	return element, d.Decode(&element)
}

// authentic checks that a document of this digest is the canonical form of the plan, and
// that checksum and id are its own.
func (p *Plan) authentic(document []byte) error {
	canonicalForm, checksum, id, err := p.sums()
	if err != nil {
		return err
	}
	if !bytes.Equal(canonicalForm[:], document) {
		return &DamagedError{canonical.ErrForm.Error()}
	}
	if hex.EncodeToString(checksum[:]) != p.Checksum || hex.EncodeToString(id[:]) != p.ID {
		return &DamagedError{"its content does not match its checksum"}
	}
	return nil
}
