// Package csv reads a table of people, such as contractors who are in no directory, as
// if it were one: each row is an entry, each column an attribute.
package csv

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/providers/ldif"
)

const (
	// pageSize is how many entries are handed on at once.
	pageSize = 500
	// maxRow bounds a row, in octets.
	maxRow = 1 << 20
)

// Directory is a table.
type Directory struct {
	path      string
	separator rune
	now       func() time.Time
}

// New returns the table at path, whose columns the separator divides. It does not open it
// yet.
func New(path string, separator rune, now func() time.Time) *Directory {
	return &Directory{path, separator, now}
}

// Read finds every row that the filters match, and hands them to yield page by page. Only
// if it returns no error was everything read. A table has no groups: MembersOf leaves nobody
// out. The first row names the columns. The first
// column tells rows apart: what stands there is the row's unique id and, with the name of
// the column, what stands in the place of a DN, so that another order of rows is no
// change.
func (d *Directory) Read(ctx context.Context, s identity.Search, yield func([]identity.Entry) error) (identity.Evidence, error) {
	evidence := identity.Evidence{Server: strings.ToValidUTF8(d.path, "\uFFFD"), Filter: s.Filter(), Started: d.now().UTC()}
	file, err := os.Open(d.path)
	if err != nil {
		return identity.Evidence{}, fmt.Errorf("the table can not be read: %w", err)
	}
	defer func() { _ = file.Close() }()
	if err := d.read(ctx, file, s, &evidence, yield); err != nil {
		return identity.Evidence{}, fmt.Errorf("%s: %w", d.path, err)
	}
	evidence.Ended = d.now().UTC()
	return evidence, nil
}

func (d *Directory) read(ctx context.Context, in io.Reader, s identity.Search, evidence *identity.Evidence, yield func([]identity.Entry) error) error {
	filter, err := ldif.CompileFilter(s.Filter())
	if err != nil {
		return err
	}
	whole := &ending{Reader: in}
	buffered := bufio.NewReader(whole)
	if begin, _ := buffered.Peek(3); bytes.Equal(begin, []byte("\ufeff")) { // what is shorter has none
		_, _ = buffered.Discard(3)
	}
	rows := csv.NewReader(buffered)
	rows.Comma, rows.ReuseRecord = d.separator, true
	columns, err := header(rows)
	if err != nil {
		return err
	}
	for _, name := range s.Attributes {
		if !slices.ContainsFunc(columns, func(column string) bool { return strings.EqualFold(column, name) }) {
			return fmt.Errorf("line 1: there is no column %q, which the user block asks for; there are: %s", name, strings.Join(columns, ", "))
		}
	}
	seen := map[string]int{}
	var page []identity.Entry
	flush := func() error {
		if len(page) == 0 {
			return ctx.Err()
		}
		evidence.Entries += len(page)
		evidence.Pages++
		full := page
		page = nil
		return errors.Join(ctx.Err(), yield(full))
	}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return rowError(err)
		}
		line, _ := rows.FieldPos(0)
		entry, err := newEntry(columns, row, line, seen)
		if err != nil {
			return err
		}
		if !filter.Match(&identity.Entry{Attributes: append(class(), entry.Attributes...)}) {
			continue
		}
		if page = append(page, *entry); len(page) == pageSize {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if whole.last != '\n' {
		return errors.New("its last line has no end, so it may have been cut off")
	}
	return flush()
}

// class is what every row has for a filter: the one that asks for everything asks for an
// object class, and people are asked for by theirs.
func class() []identity.Attribute {
	return []identity.Attribute{{Name: "objectClass", Values: []string{"person"}}}
}

// header reads the names of the columns.
func header(rows *csv.Reader) ([]string, error) {
	row, err := rows.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("it is empty: its first row names the columns")
	} else if err != nil {
		return nil, rowError(err)
	}
	columns := make([]string, len(row))
	for i, name := range row {
		name = strings.TrimSpace(name)
		if name == "" || !utf8.ValidString(name) {
			return nil, fmt.Errorf("line 1: column %d has no name", i+1)
		}
		for _, other := range columns[:i] {
			if strings.EqualFold(other, name) {
				return nil, fmt.Errorf("line 1: there are two columns %q", name)
			}
		}
		columns[i] = strings.Clone(name)
	}
	return columns, nil
}

// newEntry makes the entry of a row; seen are the rows before it, by their first column.
func newEntry(columns, row []string, line int, seen map[string]int) (*identity.Entry, error) {
	id := strings.TrimSpace(row[0])
	if id == "" {
		return nil, fmt.Errorf("line %d: the first column, %q, is empty: it tells rows apart", line, columns[0])
	}
	if other, twice := seen[id]; twice {
		return nil, fmt.Errorf("line %d: the first column, %q, has %q as line %d has: it tells rows apart", line, columns[0], id, other)
	}
	id = strings.Clone(id)
	seen[id] = line
	entry := &identity.Entry{DN: columns[0] + "=" + id, ID: id}
	size := 0
	for i, value := range row {
		size += len(value)
		if !utf8.ValidString(value) {
			return nil, fmt.Errorf("line %d: column %q is not UTF-8: save the table as UTF-8", line, columns[i])
		}
		if value = strings.TrimSpace(value); value != "" {
			entry.Attributes = append(entry.Attributes, identity.Attribute{Name: columns[i], Values: []string{strings.Clone(value)}})
		}
	}
	if size > maxRow {
		return nil, fmt.Errorf("line %d: the row has %d octets, more than %d", line, size, maxRow)
	}
	return entry, nil
}

// rowError says where a row is wrong, in words of ours where the library's mislead.
func rowError(err error) error {
	parse, ok := errors.AsType[*csv.ParseError](err)
	if !ok {
		return err
	}
	if errors.Is(parse.Err, csv.ErrFieldCount) {
		return fmt.Errorf("line %d: it has another number of columns than the first row", parse.Line)
	}
	return fmt.Errorf("line %d: %w", parse.Line, parse.Err)
}

// ending remembers the last octet that was read.
type ending struct {
	io.Reader
	last byte
}

func (e *ending) Read(p []byte) (n int, err error) {
	n, err = e.Reader.Read(p)
	if n > 0 {
		e.last = p[n-1]
	}
	return n, err
}
