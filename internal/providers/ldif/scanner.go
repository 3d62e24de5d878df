package ldif

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// maxRecord bounds an entry, in octets: a photograph or two fit in.
const maxRecord = 16 << 20

// scanner takes an LDIF apart into records. It unfolds lines, leaves comments
// out, and knows where it is.
type scanner struct {
	path string
	r    *bufio.Reader
	line int // of the physical line read last
	// start is the line on which the present record begins.
	start int
}

func newScanner(path string, r io.Reader) *scanner {
	return &scanner{path: path, r: bufio.NewReaderSize(r, 1<<16)}
}

// next returns the next entry, or io.EOF.
func (s *scanner) next() (*identity.Entry, error) {
	for {
		record, err := s.record()
		if err != nil {
			return nil, err
		}
		entry, err := parse(record)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", s.path, s.start, err)
		}
		if entry != nil {
			return entry, nil
		}
	}
}

// record returns the lines up to the next empty one, unfolded; io.EOF where there
// are no more.
func (s *scanner) record() (string, error) {
	var record bytes.Buffer
	comment := false
	for {
		line, err := s.physical(maxRecord - record.Len())
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		switch {
		case len(line) == 0:
			if record.Len() > 0 {
				record.WriteByte('\n')
				return record.String(), nil
			}
			comment = false
		case line[0] == ' ' && comment:
		case line[0] == ' ' && record.Len() == 0:
			return "", fmt.Errorf("%s:%d: a line that continues another (it begins with a space) stands where none went before", s.path, s.line)
		case line[0] == ' ':
			record.Write(line[1:])
		case line[0] == '#':
			comment = true
		default:
			comment = false
			if record.Len() > 0 {
				record.WriteByte('\n')
			} else {
				s.start = s.line
			}
			record.Write(line)
		}
		if err != nil && len(line) > 0 {
			return "", fmt.Errorf("%s:%d: the last line has no end: was the export cut off?", s.path, s.line)
		}
		if err != nil && record.Len() == 0 {
			return "", io.EOF
		}
	}
}

// physical reads a line without its end, of at most the given octets. At the end
// of the file it returns io.EOF, with the last line if that has no end.
func (s *scanner) physical(most int) ([]byte, error) {
	s.line++
	var line []byte
	for {
		part, err := s.r.ReadSlice('\n')
		if len(line)+len(part) > most {
			return nil, fmt.Errorf("%s:%d: the entry is larger than %d octets", s.path, s.line, maxRecord)
		}
		line = append(line, part...)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s: %w", s.path, err)
		}
		return bytes.TrimRight(line, "\r\n"), err
	}
}
