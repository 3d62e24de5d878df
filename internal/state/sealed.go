package state

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// sealedError says that a state could not be decrypted.
type sealedError struct{ err error }

func (e *sealedError) Error() string { return e.err.Error() }

// readEncrypted reads the whole state again from what is encrypted, while it is decrypted.
// Its head must be the one outside, which anybody can change.
func (s *State) readEncrypted(d *source, cipher Cipher) error {
	if cipher == nil {
		return &sealedError{errors.New("it is encrypted: give its encryption block in the rollcall block, and an identity")}
	}
	content, err := d.octets()
	if err != nil {
		return err
	}
	var inner *State
	plain, err := cipher.Decrypt(content)
	if err == nil {
		inner, err = Decode("inside", plain, nil)
	}
	if _, wrong := io.Copy(io.Discard, content); wrong != nil {
		return wrong // the cause of any other error
	}
	if err != nil {
		return &sealedError{err}
	}
	if inner.base != s.base {
		return errors.New("its lineage or serial is another inside of what is encrypted: somebody changed it")
	}
	*s = *inner
	if err := d.resume(`"":""`, 2); err != nil {
		return err
	}
	return expect(d, json.Delim('}'))
}

// octets returns the value that comes next as encoding/json has octets: Base64 in a text.
// The text is read as the octets are, and then resume goes on behind it.
func (s *source) octets() (io.Reader, error) {
	in := bufio.NewReaderSize(io.MultiReader(s.Buffered(), s.lines), 1<<16)
	s.lines = &lines{in: in}
	t := &text{in: in, passed: &s.passed}
	if err := t.begin(); err != nil {
		return nil, err
	}
	return &lasting{Reader: base64.NewDecoder(base64.StdEncoding, t)}, nil
}

// resume begins to decode anew inside of an object, of which the decoder is shown another
// beginning of so many tokens.
func (s *source) resume(beginning string, tokens int) error {
	s.lines.back = []byte("{" + beginning)
	s.passed = s.Offset() - int64(len(s.lines.back))
	s.Decoder = json.NewDecoder(s.lines)
	s.DisallowUnknownFields()
	for range tokens + 1 {
		if _, err := s.Token(); err != nil {
			return err
		}
	}
	return nil
}

// text reads what a text of JSON says.
type text struct {
	in *bufio.Reader
	// passed counts what was read.
	passed *int64
	// rest is what an escape stands for.
	rest  []byte
	ended bool
}

// begin reads what is between the name of a field and its text.
func (t *text) begin() error {
	for _, want := range `:"` {
		c, err := t.in.ReadByte()
		for ; err == nil && strings.IndexByte(" \t\r\n", c) >= 0; c, err = t.in.ReadByte() {
			*t.passed++
		}
		if err != nil {
			return io.ErrUnexpectedEOF
		}
		if rune(c) != want {
			return fmt.Errorf("%q stands where %q should", c, want)
		}
		*t.passed++
	}
	return nil
}

// Read implements io.Reader.
func (t *text) Read(p []byte) (int, error) {
	if len(t.rest) > 0 {
		n := copy(p, t.rest)
		t.rest = t.rest[n:]
		return n, nil
	}
	if t.ended {
		return 0, io.EOF
	}
	if _, err := t.in.Peek(1); err != nil {
		return 0, io.ErrUnexpectedEOF
	}
	chunk, _ := t.in.Peek(min(len(p), t.in.Buffered())) // it is there
	n := bytes.IndexAny(chunk, "\"\\\r\n")
	switch {
	case n < 0:
		n = len(chunk)
	case n > 0:
	case chunk[0] == '"':
		t.ended = true
		return 0, t.pass(1)
	case chunk[0] == '\\':
		return 0, t.escape()
	default:
		return 0, fmt.Errorf("invalid character %q in string literal", chunk[0])
	}
	copy(p, chunk[:n])
	return n, t.pass(n)
}

func (t *text) pass(n int) error {
	*t.passed += int64(n)
	_, err := t.in.Discard(n)
	return err
}

// escape reads what is escaped. Nothing need be in Base64, but may.
func (t *text) escape() error {
	for _, size := range []int{2, 6} {
		escaped, err := t.in.Peek(size)
		if err != nil {
			return io.ErrUnexpectedEOF
		}
		var text string
		if json.Unmarshal([]byte(`"`+string(escaped)+`"`), &text) == nil {
			t.rest = []byte(text)
			return t.pass(size)
		}
	}
	return errors.New("invalid escape in string literal")
}

// lasting returns the first error again and again.
type lasting struct {
	io.Reader
	err error
}

func (l *lasting) Read(p []byte) (n int, err error) {
	if l.err == nil {
		n, l.err = l.Reader.Read(p)
	}
	return n, l.err
}
