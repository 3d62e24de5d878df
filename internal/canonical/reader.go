package canonical

import (
	"bytes"
	"errors"
	"io"
)

// ErrForm says that a document is not as encoding/json writes it.
var ErrForm = errors.New("its document is not in the form that rollcall writes")

// Reader takes a document apart into values, of which it holds one at a time.
type Reader struct {
	in io.Reader
	// buffer[at:] was read and not taken yet.
	buffer []byte
	at     int
	err    error
}

// NewReader returns a reader of a document.
func NewReader(in io.Reader) *Reader {
	return &Reader{in: in, buffer: make([]byte, 0, pieceSize)}
}

// more reads on, and reports whether anything came.
func (r *Reader) more() bool {
	if r.at > 0 && len(r.buffer) == cap(r.buffer) {
		r.buffer = r.buffer[:copy(r.buffer, r.buffer[r.at:])]
		r.at = 0
	}
	if len(r.buffer) == cap(r.buffer) {
		grown := make([]byte, len(r.buffer), 2*cap(r.buffer))
		copy(grown, r.buffer)
		r.buffer = grown
	}
	for r.err == nil {
		var n int
		n, r.err = r.in.Read(r.buffer[len(r.buffer):cap(r.buffer)])
		if n > 0 {
			r.buffer = r.buffer[:len(r.buffer)+n]
			return true
		}
	}
	return false
}

// Take takes the literal if it comes next.
func (r *Reader) Take(literal string) bool {
	for len(r.buffer)-r.at < len(literal) {
		if !r.more() {
			return false
		}
	}
	if !bytes.HasPrefix(r.buffer[r.at:], []byte(literal)) {
		return false
	}
	r.at += len(literal)
	return true
}

// Ended reports whether the document was read to its end.
func (r *Reader) Ended() bool {
	return r.at == len(r.buffer) && !r.more() && errors.Is(r.err, io.EOF)
}

// Rest returns what was not taken.
func (r *Reader) Rest() io.Reader { return io.MultiReader(bytes.NewReader(r.buffer[r.at:]), r.in) }

// Value takes the value that comes next. It is there until the next call, and said to be
// JSON by nobody: but if it is, then it is the whole value.
func (r *Reader) Value() ([]byte, error) {
	var end ending
	for {
		if n, ok := end.find(r.buffer[r.at:]); ok {
			value := r.buffer[r.at : r.at+n]
			r.at += n
			return value, nil
		}
		if !r.more() {
			if errors.Is(r.err, io.EOF) {
				return nil, io.ErrUnexpectedEOF
			}
			return nil, r.err
		}
	}
}

// ending looks for the end of a value, of which more and more is there.
type ending struct {
	// seen octets were looked at.
	seen, depth int
	text        bool
}

// find returns the length of the value once its end is there.
func (e *ending) find(value []byte) (int, bool) {
	for e.seen < len(value) {
		c := value[e.seen]
		switch {
		case e.text && c == '\\':
			if e.seen+1 == len(value) {
				return 0, false
			}
			e.seen++
		case c == '"':
			e.text = !e.text
			if !e.text && e.depth == 0 {
				return e.seen + 1, true
			}
		case e.text:
			if skip := plain(value[e.seen:], false); skip > 0 {
				e.seen += skip - 1
			}
		case c == '{' || c == '[':
			e.depth++
		case c == '}' || c == ']':
			if e.depth--; e.depth < 0 {
				return e.seen, true // of what the value is in
			} else if e.depth == 0 {
				return e.seen + 1, true
			}
		case e.depth == 0 && (c == ',' || c == ':' || c == '\n'):
			return e.seen, true
		}
		e.seen++
	}
	return 0, false
}

// ReadList takes a list apart. The elements are handed to a function one by one; nil is
// returned for null.
func ReadList[T any](r *Reader, element func(value []byte) (T, error)) ([]T, error) {
	if r.Take("null") {
		return nil, nil
	}
	if !r.Take("[") {
		return nil, ErrForm
	}
	var list List[T]
	for more := !r.Take("]"); more; more = !r.Take("]") {
		if list.n > 0 && !r.Take(",") {
			return nil, ErrForm
		}
		value, err := r.Value()
		if err != nil {
			return nil, err
		}
		one, err := element(value)
		if err != nil {
			return nil, err
		}
		list.Add(one)
	}
	return list.Slice(), nil
}
