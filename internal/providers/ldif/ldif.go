// Package ldif reads the entries of an LDIF export (RFC 2849) and applies base,
// scope and filter to them as a server would.
//
// It parses the file itself, an entry at a time and within bounds:
// github.com/go-ldap/ldif takes empty values, which RFC 2849 has, for errors, reads
// the files that a value of the form "attribute:< URL" names, and takes time in the
// square of a folded line's length.
package ldif

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// pageSize is how many entries are handed on at once.
const pageSize = 500

// Directory is an LDIF export.
type Directory struct {
	path string
	now  func() time.Time
}

// New returns the directory of the export at path. It does not open it yet.
func New(path string, now func() time.Time) *Directory {
	return &Directory{path: path, now: now}
}

// Read finds every entry and hands them to yield page by page. Only if it returns
// no error was everything read. That an export was cut off between two entries
// can not be seen.
func (d *Directory) Read(ctx context.Context, s identity.Search, yield func([]identity.Entry) error) (identity.Evidence, error) {
	evidence := identity.Evidence{Server: strings.ToValidUTF8(d.path, "\uFFFD"), BaseDN: s.BaseDN, Scope: s.Scope, Filter: s.Filter(), Started: d.now().UTC()}
	file, err := os.Open(d.path)
	if err != nil {
		return identity.Evidence{}, fmt.Errorf("the export can not be read: %w", err)
	}
	defer func() { _ = file.Close() }()
	before, err := file.Stat()
	if err != nil {
		return identity.Evidence{}, fmt.Errorf("the export can not be read: %w", err)
	}
	if err := d.read(ctx, file, s, &evidence, yield); err != nil {
		return identity.Evidence{}, err
	}
	if after, err := file.Stat(); err != nil || len(s.MembersOf) > 0 && (after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime())) {
		return identity.Evidence{}, fmt.Errorf("the export %s was written to while it was read: write it to another name, and rename it when it is whole", d.path)
	}
	evidence.Ended = d.now().UTC()
	return evidence, nil
}

func (d *Directory) read(ctx context.Context, r io.Reader, s identity.Search, evidence *identity.Evidence, yield func([]identity.Entry) error) error {
	w, err := newWithin(s.BaseDN, s.Scope)
	if err != nil {
		return err
	}
	filter, err := CompileFilter(s.Filter())
	if err != nil {
		return err
	}
	members, err := d.members(ctx, r, s)
	if err != nil {
		return err
	}
	records := newScanner(d.path, r)
	page := make([]identity.Entry, 0, pageSize)
	flush := func() error {
		evidence.Entries += len(page)
		if len(page) > 0 {
			evidence.Pages++
			if err := yield(page); err != nil {
				return err
			}
			page = make([]identity.Entry, 0, pageSize)
		}
		return ctx.Err()
	}
	for {
		entry, err := records.next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		in, err := w.has(entry.DN)
		if err != nil {
			return fmt.Errorf("%s:%d: %w", d.path, records.start, err)
		}
		matches := in && filter.Match(entry)
		if matches, err = members.take(entry, matches); err != nil {
			return fmt.Errorf("%s:%d: %w", d.path, records.start, err)
		}
		if !matches {
			continue
		}
		if page = append(page, selected(entry, s.Attributes)); len(page) == pageSize {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := w.exists(); err != nil {
		return fmt.Errorf("%s: %w", d.path, err)
	}
	evidence.Groups = members.evidence()
	return flush()
}

// selected keeps the attributes that were asked for, and the unique id.
func selected(e *identity.Entry, asked []string) identity.Entry {
	out := identity.Entry{DN: e.DN, ID: identity.EntryID(e.First)}
	for _, a := range e.Attributes {
		if slices.ContainsFunc(asked, func(name string) bool { return identity.SameAttribute(name, a.Name) }) {
			out.Attributes = append(out.Attributes, identity.NewAttribute(a.Name, a.Values))
		}
	}
	return out
}

// parse parses the unfolded lines of one record; nil stands for one that is only
// the version.
func parse(lines string) (*identity.Entry, error) {
	var e *identity.Entry
	for line := range strings.Lines(lines) {
		name, value, err := parseLine(strings.TrimSuffix(line, "\n"))
		switch {
		case err != nil:
			return nil, err
		case e != nil:
			e.Attributes = add(e.Attributes, name, value)
		case strings.EqualFold(name, "version"):
			if value != "1" {
				return nil, fmt.Errorf("version %q of LDIF is not known", value)
			}
		case !strings.EqualFold(name, "dn"):
			return nil, fmt.Errorf("an entry begins with dn, not with %q", name)
		default:
			if value == "" {
				return nil, errors.New("its dn is empty")
			}
			e = &identity.Entry{DN: value}
		}
	}
	if e != nil && len(e.Attributes) == 0 {
		return nil, errors.New("the entry has a dn and nothing else; was the export cut off?")
	}
	return e, nil
}

// parseLine takes a line apart (RFC 2849, attrval-spec).
func parseLine(line string) (name, value string, err error) {
	name, value, found := strings.Cut(line, ":")
	switch encoded, isEncoded := strings.CutPrefix(value, ":"); {
	case !found || name == "":
		return "", "", fmt.Errorf("%q is no line of the form attribute: value", line)
	case strings.HasPrefix(value, "<"):
		return "", "", fmt.Errorf("the value of %s is to be read from a URL, which is not done", name)
	case strings.EqualFold(name, "changetype"):
		return "", "", errors.New("it is a change record; an export of entries is needed")
	case isEncoded:
		decoded, err := base64.StdEncoding.DecodeString(strings.Trim(encoded, " "))
		if err != nil {
			return "", "", fmt.Errorf("the value of %s is not base64: %w", name, err)
		}
		return name, string(decoded), nil
	}
	return name, strings.TrimLeft(value, " "), nil
}

// add adds a value to the attribute of the name.
func add(attributes []identity.Attribute, name, value string) []identity.Attribute {
	for i := range attributes {
		if identity.SameAttribute(attributes[i].Name, name) {
			attributes[i].Values = append(attributes[i].Values, value)
			return attributes
		}
	}
	return append(attributes, identity.Attribute{Name: name, Values: []string{value}})
}
