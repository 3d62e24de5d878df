package state

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"

	"github.com/rollcall-cli/rollcall/internal/canonical"
	"github.com/rollcall-cli/rollcall/internal/identity"
)

// source reads a state: tokens and values with encoding/json, and lines of members, if
// they are as rollcall writes them, without it. For that it hands its decoder no more
// than a line at a time.
type source struct {
	*json.Decoder
	lines *lines
	// passed counts the octets that the decoder has not seen, less those that were never
	// in the file.
	passed int64
}

func newSource(r io.Reader) *source {
	l := &lines{in: bufio.NewReaderSize(r, 1<<16)}
	d := json.NewDecoder(l)
	d.DisallowUnknownFields()
	return &source{Decoder: d, lines: l}
}

// Offset is how much was read, in octets.
func (s *source) Offset() int64 { return s.InputOffset() + s.passed }

// members reads, behind the beginning of a list of members, those that are as rollcall
// writes them. The rest of the list is left to the decoder.
func (s *source) members(to *canonical.List[identity.Member], reader *memberReader) error {
	if rest, err := io.ReadAll(s.Buffered()); err != nil || string(rest) != "\n" {
		return err
	}
	ended := "" // how the line before did
	for {
		line := s.lines.next()
		text, end := bytes.CutSuffix(line, []byte("\n"))
		text, more := bytes.CutSuffix(text, []byte(","))
		text, indented := bytes.CutPrefix(text, []byte("        "))
		var m identity.Member
		if ended == "\n" || !end || !indented || !reader.read(text, &m) {
			return s.giveBack(line, ended)
		}
		to.Add(m)
		s.passed += int64(len(line))
		ended = "\n"
		if more {
			ended = ",\n"
		}
	}
}

// giveBack gives the decoder a line that was read for nothing, and how the line before
// ended. It believes that the list has but begun: where there was a member before, it
// is told of an element, so that it knows what may come.
func (s *source) giveBack(line []byte, ended string) error {
	if ended == "" {
		s.lines.back = bytes.Clone(line)
		return nil
	}
	before := "0" + ended
	s.lines.back = append([]byte(before), line...)
	s.passed -= int64(len(before))
	_, err := s.Token()
	return err
}

// lines reads a line at a time, or a part of one.
type lines struct {
	in *bufio.Reader
	// back is what comes first.
	back []byte
}

// next returns the next line, with its end. One that is very long, or is cut off, comes in
// part.
func (l *lines) next() []byte {
	line, _ := l.in.ReadSlice('\n') // whoever reads on finds the same error
	return line
}

// Read implements io.Reader.
func (l *lines) Read(p []byte) (int, error) {
	if len(l.back) == 0 {
		line, err := l.in.ReadSlice('\n')
		if len(line) == 0 {
			return 0, err
		}
		l.back = line
	}
	n := copy(p, l.back)
	l.back = l.back[n:]
	return n, nil
}
