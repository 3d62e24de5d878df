// Package snapshot keeps what searches of a directory answered, so that a plan can be
// made where the directory can not be reached.
//
// A snapshot is gzipped JSON, a line each: a head, then for each search a line that says
// what was asked and how it was answered, its entries, and at the end a line with the
// number of all lines and the digest of what stands before it. One that was cut off or
// changed is an error; entries of it are never believed.
package snapshot

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// FormatVersion is the version of the file. Open refuses later ones. Version 1 has no searches
// by groups; a file without them still says so, and may be read by those who know no other.
const FormatVersion = 2

const (
	// pageSize is how many entries are handed on at once.
	pageSize = 500
	// maxLine bounds a line, in octets.
	maxLine = 64 << 20
)

// head is the first line.
type head struct {
	FormatVersion int `json:"rollcall_snapshot"`
	// Directory is the reference of the directory, such as "directory.corp".
	Directory string `json:"directory"`
	// Taken is when its first search began.
	Taken time.Time `json:"taken"`
}

// line is each other line: a search that begins, an entry, a search that ends, or the
// end of the file.
type line struct {
	Search   *searchLine        `json:"search,omitempty"`
	DN       *string            `json:"dn,omitempty"`
	ID       string             `json:"id,omitempty"`
	Values   []attribute        `json:"attributes,omitempty"`
	Evidence *identity.Evidence `json:"evidence,omitempty"`
	End      *end               `json:"end,omitempty"`
}

type searchLine struct {
	BaseDN     string         `json:"base_dn"`
	Scope      identity.Scope `json:"scope"`
	Filter     string         `json:"filter"`
	MembersOf  []string       `json:"members_of,omitempty"`
	Attributes []string       `json:"attributes"`
}

// attribute has octets as base64 where they are no UTF-8.
type attribute struct {
	Name   string   `json:"name"`
	Values []string `json:"values,omitempty"`
	Octets [][]byte `json:"octets,omitempty"`
}

type end struct {
	Entries int    `json:"entries"`
	SHA256  string `json:"sha256"`
}

// Directory answers searches, completely or with an error.
type Directory interface {
	Read(ctx context.Context, s identity.Search, yield func([]identity.Entry) error) (identity.Evidence, error)
}

// Take writes a snapshot of what the directory answers to the searches, and returns how
// many entries that are. What was written is worth nothing where it returns an error.
func Take(ctx context.Context, out io.Writer, address string, from Directory, searches []identity.Search, now time.Time) (entries int, err error) {
	zipped := gzip.NewWriter(out)
	digest := sha256.New()
	e := json.NewEncoder(io.MultiWriter(zipped, digest))
	e.SetEscapeHTML(false)
	if err := e.Encode(head{versionOf(searches), address, now.UTC()}); err != nil {
		return 0, err
	}
	for _, s := range searches {
		if err := e.Encode(line{Search: newSearchLine(s)}); err != nil {
			return 0, err
		}
		evidence, err := from.Read(ctx, s, func(page []identity.Entry) error {
			for i := range page {
				if err := e.Encode(entryLine(&page[i])); err != nil {
					return err
				}
			}
			entries += len(page)
			return nil
		})
		if err != nil {
			return 0, err
		}
		if err := e.Encode(line{Evidence: &evidence}); err != nil {
			return 0, err
		}
	}
	if err := e.Encode(line{End: &end{entries, hex.EncodeToString(digest.Sum(nil))}}); err != nil {
		return 0, err
	}
	return entries, zipped.Close()
}

// versionOf is the least version that has the searches.
func versionOf(searches []identity.Search) int {
	if slices.ContainsFunc(searches, func(s identity.Search) bool { return len(s.MembersOf) > 0 }) {
		return FormatVersion
	}
	return 1
}

func newSearchLine(s identity.Search) *searchLine {
	attributes, membersOf := slices.Clone(s.Attributes), slices.Clone(s.MembersOf)
	slices.Sort(attributes)
	slices.Sort(membersOf)
	return &searchLine{s.BaseDN, s.Scope, s.Filter(), membersOf, attributes}
}

// answers reports whether what this search returned has what the other asks for.
func (l *searchLine) answers(s *searchLine) bool {
	missing := func(name string) bool {
		return !slices.ContainsFunc(l.Attributes, func(had string) bool { return identity.SameAttribute(had, name) })
	}
	return l.BaseDN == s.BaseDN && l.Scope == s.Scope && l.Filter == s.Filter && slices.Equal(l.MembersOf, s.MembersOf) && !slices.ContainsFunc(s.Attributes, missing)
}

func entryLine(e *identity.Entry) line {
	l := line{DN: &e.DN, ID: e.ID}
	for _, a := range e.Attributes {
		out := attribute{Name: a.Name}
		if slices.ContainsFunc(a.Values, func(v string) bool { return !utf8.ValidString(v) }) {
			for _, v := range a.Values {
				out.Octets = append(out.Octets, []byte(v))
			}
		} else {
			out.Values = a.Values
		}
		l.Values = append(l.Values, out)
	}
	return l
}

func (l *line) entry() identity.Entry {
	e := identity.Entry{DN: *l.DN, ID: l.ID}
	for _, a := range l.Values {
		values := a.Values
		for _, v := range a.Octets {
			values = append(values, string(v))
		}
		e.Attributes = append(e.Attributes, identity.NewAttribute(a.Name, values))
	}
	return e
}

// Snapshot is one that was taken.
type Snapshot struct {
	path string
	// Directory is the reference of the directory, such as "directory.corp".
	Directory string
	// Taken is when its first search began.
	Taken time.Time
}

// Open reads the head of a snapshot.
func Open(path string) (*Snapshot, error) {
	var s *Snapshot
	err := scan(path, func(r *reader) error {
		s = &Snapshot{path: path, Directory: r.head.Directory, Taken: r.head.Taken}
		return nil
	})
	return s, err
}

// Read answers a search that the snapshot has: the entries, page by page, and how the
// directory answered it. Only if it returns no error was everything read, as of the
// directory itself.
func (s *Snapshot) Read(ctx context.Context, search identity.Search, yield func([]identity.Entry) error) (evidence identity.Evidence, err error) {
	wanted := newSearchLine(search)
	err = scan(s.path, func(r *reader) error {
		found, err := r.search(ctx, wanted, yield)
		if err != nil {
			return err
		}
		if found == nil {
			of := ""
			if len(wanted.MembersOf) > 0 {
				of = " of the members of " + strings.Join(wanted.MembersOf, " and ")
			}
			return fmt.Errorf("it has no search%s below %q, scope %s, for %s with the attributes %s: the configuration is another than that of the snapshot; take a new one",
				of, wanted.BaseDN, wanted.Scope, wanted.Filter, strings.Join(wanted.Attributes, ", "))
		}
		evidence = *found
		return nil
	})
	if err != nil {
		return identity.Evidence{}, err
	}
	evidence.Server += " (snapshot of " + s.Taken.Format("2006-01-02 15:04 MST") + ")"
	return evidence, nil
}

// reader reads the lines after the head.
type reader struct {
	head   head
	lines  *bufio.Scanner
	digest hash.Hash
}

// scan opens a snapshot, reads its head, and lets read go on.
func scan(path string, read func(*reader) error) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("the snapshot can not be read: %w", err)
	}
	defer func() { _ = file.Close() }()
	zipped, err := gzip.NewReader(bufio.NewReader(file))
	if err != nil {
		return fmt.Errorf("%s is no snapshot: %w", path, err)
	}
	r := &reader{lines: bufio.NewScanner(zipped), digest: sha256.New()}
	r.lines.Buffer(make([]byte, 0, 1<<16), maxLine)
	if !r.lines.Scan() || json.Unmarshal(r.lines.Bytes(), &r.head) != nil || r.head.Directory == "" {
		return fmt.Errorf("%s is no snapshot: its first line can not be read", path)
	}
	if r.head.FormatVersion < 1 || r.head.FormatVersion > FormatVersion {
		return fmt.Errorf("%s has format version %d and this rollcall reads up to version %d; take a new snapshot", path, r.head.FormatVersion, FormatVersion)
	}
	r.add()
	if err := read(r); err != nil {
		return fmt.Errorf("the snapshot %s: %w", path, err)
	}
	return nil
}

// add enters the present line in the digest.
func (r *reader) add() {
	_, _ = r.digest.Write(r.lines.Bytes()) // a digest takes everything
	_, _ = r.digest.Write([]byte{'\n'})
}

// errCut says that the snapshot does not come to its end.
var errCut = errors.New("it was cut off; take a new one")

// search reads to the end and yields the entries of the search that answers the wanted
// one. It returns nil where none does.
func (r *reader) search(ctx context.Context, wanted *searchLine, yield func([]identity.Entry) error) (found *identity.Evidence, err error) {
	inside, entries := false, 0
	page := make([]identity.Entry, 0, pageSize)
	flush := func() error {
		if len(page) == 0 {
			return ctx.Err()
		}
		full := page
		page = make([]identity.Entry, 0, pageSize)
		return errors.Join(ctx.Err(), yield(full))
	}
	for r.lines.Scan() {
		var l line
		if err := json.Unmarshal(r.lines.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("a line can not be read: %w", err)
		}
		switch {
		case l.End != nil:
			if l.End.Entries != entries || l.End.SHA256 != hex.EncodeToString(r.digest.Sum(nil)) {
				return nil, errors.New("it was changed since it was taken; take a new one")
			}
			return found, nil
		case l.Search != nil:
			inside = found == nil && l.Search.answers(wanted)
		case l.DN != nil:
			entries++
			if inside {
				page = append(page, l.entry())
			}
			if len(page) == pageSize {
				if err := flush(); err != nil {
					return nil, err
				}
			}
		case l.Evidence != nil && inside:
			found, inside = l.Evidence, false
			if err := flush(); err != nil {
				return nil, err
			}
		}
		r.add()
	}
	if err := r.lines.Err(); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	return nil, errCut
}
