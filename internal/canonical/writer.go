package canonical

import (
	"encoding/json"
	"io"
)

// pieceSize is how many octets are written together.
const pieceSize = 32 << 10

// Writer writes JSON in large pieces and keeps the first error.
type Writer struct {
	out     io.Writer
	pending []byte
	values  *json.Encoder
	err     error
}

// NewWriter returns a writer; with html it escapes <, > and & too.
func NewWriter(out io.Writer, html bool) *Writer {
	w := &Writer{out: out}
	w.values = json.NewEncoder((*pending)(w))
	w.values.SetEscapeHTML(html)
	return w
}

// pending is a Writer to which something is appended.
type pending Writer

func (p *pending) Write(text []byte) (int, error) {
	p.pending = append(p.pending, text...)
	return len(text), nil
}

// Raw writes what is JSON already.
func (w *Writer) Raw(text string) { w.Append(append(w.Pending(), text...)) }

// Pending is what is not written yet; whoever appends to it hands it to Append.
func (w *Writer) Pending() []byte { return w.pending }

// Append takes what Pending returned, with what was appended.
func (w *Writer) Append(pending []byte) {
	w.pending = pending
	if len(w.pending) >= pieceSize {
		_ = w.Flush() // kept
	}
}

// Value writes a value with encoding/json.
func (w *Writer) Value(v any) {
	if err := w.values.Encode(v); err != nil {
		w.Fail(err)
		return
	}
	w.Append(w.pending[:len(w.pending)-1]) // without the line feed
}

// Field writes what stands before a value, and the value.
func (w *Writer) Field(label string, v any) {
	w.Raw(label)
	w.Value(v)
}

// Fail lets the writer fail, if it has not.
func (w *Writer) Fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// Flush writes what is pending, and returns the first error.
func (w *Writer) Flush() error {
	if w.err == nil {
		_, w.err = w.out.Write(w.pending)
	}
	w.pending = w.pending[:0]
	return w.err
}

// WriteList writes a list, each of its elements by a function; null where it is nil.
func WriteList[T any](w *Writer, list []T, element func(*T)) {
	if list == nil {
		w.Raw("null")
		return
	}
	w.Raw("[")
	for i := range list {
		if i > 0 {
			w.Raw(",")
		}
		element(&list[i])
	}
	w.Raw("]")
}
