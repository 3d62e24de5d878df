package ldap

import (
	"bufio"
	"math"
	"net"
	"sync"

	"github.com/go-ldap/ldap/v3"
)

// sieveSize is the longest message that a sieve decodes, in octets. Longer ones, as of
// groups with thousands of members, go-ldap decodes as they come.
const sieveSize = 64 << 10

// sieve is a connection to a server from which the entries of a search are taken before
// go-ldap decodes them, which takes it ten times as long and a hundred allocations
// an entry: nearly all of the cost of a read. All else passes as it is: go-ldap still
// says whether a search was answered to its end.
//
// From the first message of an answer that it does not know to the last octet as an
// entry of the search, what follows is go-ldap's as well. So the entries taken, and
// after them those that go-ldap found, are what go-ldap alone would have found.
type sieve struct {
	net.Conn // for all but reading
	in       *bufio.Reader
	pass     int // octets to pass on before the next message begins
	decoder  decoder

	one     sync.Mutex // one search at a time
	mu      sync.Mutex // for what follows
	armed   bool       // the next search request that is written is the one
	search  uint32     // its message id; 0 for none
	entries []*ldap.Entry
}

func newSieve(wire net.Conn) *sieve {
	return &sieve{Conn: wire, in: bufio.NewReaderSize(wire, sieveSize), decoder: decoder{names: map[string]string{}}}
}

// attach begins LDAP on what is connected.
func (c *connection) attach(wire net.Conn, secure bool) {
	c.sieve = newSieve(wire)
	c.Conn = ldap.NewConn(c.sieve, secure)
}

// Search is that of go-ldap, with what came before an error. The attributes have no
// ByteValues: Values are the octets as they are. Nothing else may search on the
// connection meanwhile.
func (c *connection) Search(request *ldap.SearchRequest) (*ldap.SearchResult, error) {
	c.sieve.begin()
	result, err := c.Conn.Search(request)
	entries := c.sieve.end()
	if result != nil {
		result.Entries = append(entries, result.Entries...)
	}
	return result, err
}

func (s *sieve) begin() {
	s.one.Lock()
	s.mu.Lock()
	s.armed, s.search, s.entries = true, 0, nil
	s.mu.Unlock()
}

func (s *sieve) end() []*ldap.Entry {
	s.mu.Lock()
	entries := s.entries
	s.armed, s.search, s.entries = false, 0, nil
	s.mu.Unlock()
	s.one.Unlock()
	return entries
}

// Write learns the message id of the search. Go-ldap writes a message at once.
func (s *sieve) Write(octets []byte) (int, error) {
	s.mu.Lock()
	if s.armed {
		if m, ok := parseMessage(octets); ok && m.operation == tagSearchRequest {
			s.armed, s.search = false, m.id
		}
	}
	s.mu.Unlock()
	return s.Conn.Write(octets)
}

// Read gives what is left when the entries are taken.
func (s *sieve) Read(octets []byte) (int, error) {
	for s.pass == 0 {
		s.next()
	}
	n, err := s.in.Read(octets[:min(len(octets), s.pass)])
	s.pass -= n
	return n, err
}

// next takes the next message, or has it pass. What is no message passes with all
// that follows.
func (s *sieve) next() {
	size, ok := s.size()
	if !ok {
		s.pass = math.MaxInt
		return
	}
	if size > sieveSize {
		s.stop()
		s.pass = size
		return
	}
	octets, err := s.in.Peek(size)
	if err != nil { // which Read finds again behind what came before it
		s.pass = math.MaxInt
		return
	}
	if !s.take(octets) {
		s.pass = size
		return
	}
	_, _ = s.in.Discard(size) // they are there
}

// size is that of the next message with its header.
func (s *sieve) size() (int, bool) {
	header := 2
	octets, err := s.in.Peek(header)
	if err != nil || octets[0] != tagSequence {
		return 0, false
	}
	if octets[1] > 0x80 { // long form
		if header += int(octets[1] & 0x7f); header > maxHeader {
			return 0, false
		}
		if octets, err = s.in.Peek(header); err != nil {
			return 0, false
		}
	}
	length, _, ok := parseLength(octets[1:])
	return header + length, ok
}

// take takes an entry of the search.
func (s *sieve) take(octets []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.search == 0 {
		return false
	}
	m, ok := parseMessage(octets)
	if ok && m.id == s.search && m.operation == tagSearchResultEntry && !m.more {
		if e := s.decoder.entry(m.content); e != nil {
			s.entries = append(s.entries, e)
			return true
		}
	}
	s.search = 0
	return false
}

// stop takes no more entries of this search.
func (s *sieve) stop() {
	s.mu.Lock()
	s.search = 0
	s.mu.Unlock()
}
