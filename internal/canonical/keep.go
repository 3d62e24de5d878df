package canonical

import "strings"

const (
	// blockSize is how many octets of texts share a piece of memory.
	blockSize = 16 << 10
	// maxCommon is how many texts are remembered as common.
	maxCommon = 256
	// listBlock is how many elements of a List share a piece of memory.
	listBlock = 1024
)

// Strings keeps texts that are read, many in one piece of memory. The zero value is ready.
type Strings struct {
	block  strings.Builder
	common map[string]string
}

// Keep returns the octets as a text of its own.
func (s *Strings) Keep(text []byte) string {
	if s.block.Cap()-s.block.Len() < len(text) {
		s.block.Reset()
		s.block.Grow(max(blockSize, len(text)))
	}
	begin := s.block.Len()
	_, _ = s.block.Write(text) // never fails
	return s.block.String()[begin:]
}

// Within returns the text as a beginning of one of the others where it is one, else kept.
func (s *Strings) Within(text []byte, others ...string) string {
	for _, other := range others {
		if len(text) <= len(other) && other[:len(text)] == string(text) {
			return other[:len(text)]
		}
	}
	return s.Keep(text)
}

// Common returns a text that many have, kept once.
func (s *Strings) Common(text []byte) string {
	kept, known := s.common[string(text)]
	if known {
		return kept
	}
	kept = s.Keep(text)
	if len(s.common) < maxCommon {
		if s.common == nil {
			s.common = map[string]string{}
		}
		s.common[kept] = kept
	}
	return kept
}

// List collects elements, without moving them about while it grows.
type List[T any] struct {
	blocks [][]T
	n      int
}

// Add adds an element.
func (l *List[T]) Add(element T) {
	if l.n%listBlock == 0 {
		l.blocks = append(l.blocks, make([]T, 0, listBlock))
	}
	last := &l.blocks[len(l.blocks)-1]
	*last = append(*last, element)
	l.n++
}

// Slice returns all elements, and forgets them.
func (l *List[T]) Slice() []T {
	all := make([]T, 0, l.n)
	for i := range l.blocks {
		all = append(all, l.blocks[i]...)
		l.blocks[i] = nil
	}
	*l = List[T]{}
	return all
}
