package ldap

import (
	"bytes"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
)

// canned is a server that answers the first request with octets, so many at a time,
// and is gone then.
type canned struct {
	net.Conn
	answer *bytes.Reader
	chunk  int
	once   sync.Once
	asked  chan struct{}
}

func (c *canned) ask() { c.once.Do(func() { close(c.asked) }) }

func (c *canned) Write(octets []byte) (int, error) {
	c.ask()
	return len(octets), nil
}

func (c *canned) Read(octets []byte) (int, error) {
	<-c.asked
	return c.answer.Read(octets[:min(len(octets), c.chunk)])
}

func (c *canned) Close() error {
	c.ask()
	return nil
}

// searched is what a search found.
type searched struct {
	Entries   []*ldap.Entry
	Referrals []string
	Controls  []ldap.Control
	Err       string
}

// searchCanned searches a server that answers with octets.
func searchCanned(search func(*canned) (*ldap.SearchResult, error), octets []byte, chunk int) searched {
	result, err := search(&canned{answer: bytes.NewReader(octets), chunk: chunk, asked: make(chan struct{})})
	out := searched{Err: fmt.Sprint(err)}
	if result != nil {
		out.Entries, out.Referrals, out.Controls = result.Entries, result.Referrals, result.Controls
	}
	return out
}

func everything() *ldap.SearchRequest {
	return ldap.NewSearchRequest("dc=x", ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, "(uid=*)", nil, []ldap.Control{ldap.NewControlPaging(10)})
}

func withoutSieve(wire *canned) (*ldap.SearchResult, error) {
	c := ldap.NewConn(wire, false)
	c.Start()
	defer func() { _ = c.Close() }()
	return c.Search(everything())
}

func withSieve(wire *canned) (*ldap.SearchResult, error) {
	c := &connection{}
	c.attach(wire, false)
	c.Start()
	defer func() { _ = c.Close() }()
	return c.Search(everything())
}

// sameEntries compares all but the octets of values beside the values.
func sameEntries() cmp.Options {
	return cmp.Options{cmpopts.IgnoreFields(ldap.EntryAttribute{}, "ByteValues"), cmpopts.EquateEmpty()}
}

func tlv(tag byte, content ...[]byte) []byte {
	all := bytes.Join(content, nil)
	header := []byte{tag, byte(len(all))}
	if len(all) > 0x7f {
		header = []byte{tag, 0x83, byte(len(all) >> 16), byte(len(all) >> 8), byte(len(all))}
	}
	return append(header, all...)
}

func octetString(s string) []byte { return tlv(tagOctetString, []byte(s)) }

// answer is a message of the first search.
func answer(operation ...[]byte) []byte {
	return tlv(tagSequence, append([][]byte{tlv(tagInteger, []byte{1})}, operation...)...)
}

func operation(dn string, pairs ...string) []byte {
	var attributes []byte
	for i := 0; i < len(pairs); i += 2 {
		attributes = append(attributes, tlv(tagSequence, octetString(pairs[i]), tlv(tagSet, octetString(pairs[i+1])))...)
	}
	return tlv(tagSearchResultEntry, octetString(dn), tlv(tagSequence, attributes))
}

func done(code byte) []byte {
	return answer(tlv(0x65, tlv(0x0a, []byte{code}), octetString(""), octetString("because")))
}

// answers are those of servers good and bad.
func answers() map[string][]byte {
	jane, bob := answer(operation("uid=jane", "uid", "jane", "mail", "j@x.example")), answer(operation("uid=bob", "uid", "bob"))
	controls := tlv(0xa0, tlv(tagSequence, octetString("1.2.3")))
	cookie := tlv(tagSequence, tlv(tagInteger, []byte{0}), octetString("cookie"))
	paging := tlv(0xa0, tlv(tagSequence, octetString(ldap.ControlTypePaging), tlv(tagOctetString, cookie)))
	success := tlv(0x65, tlv(0x0a, []byte{0}), octetString(""), octetString(""))
	values := tlv(tagSequence, octetString("a"), tlv(tagSet))
	return map[string][]byte{
		"nobody":              done(0),
		"two":                 slices.Concat(jane, bob, done(0)),
		"more pages":          slices.Concat(jane, answer(success, paging)),
		"size limit":          slices.Concat(jane, bob, done(4)),
		"cut off":             slices.Concat(jane, bob),
		"cut off within":      slices.Concat(jane, bob[:len(bob)-3]),
		"cut off in a header": slices.Concat(jane, bob[:1]),
		"after the end":       slices.Concat(jane, done(0), bob),
		"reference":           slices.Concat(jane, answer(tlv(0x73, octetString("ldap://x.example"))), bob, done(0)),
		"controls":            slices.Concat(jane, answer(operation("uid=kim"), controls), bob, done(0)),
		"long":                slices.Concat(jane, answer(operation("uid=kim", "photo", strings.Repeat("x", sieveSize))), bob, done(0)),
		"other message":       slices.Concat(jane, tlv(tagSequence, tlv(tagInteger, []byte{2}), operation("uid=kim")), bob, done(0)),
		"no attributes":       slices.Concat(answer(operation("uid=kim")), done(0)),
		"no values":           slices.Concat(answer(tlv(tagSearchResultEntry, octetString("uid=kim"), tlv(tagSequence, values))), done(0)),
		"no list":             slices.Concat(jane, answer(tlv(tagSearchResultEntry, octetString("uid=kim"))), bob, done(0)),
		"a number for a name": slices.Concat(jane, answer(tlv(tagSearchResultEntry, tlv(tagInteger, []byte{7}), tlv(tagSequence))), bob, done(0)),
		"indefinite length":   slices.Concat(jane, []byte{0x30, 0x80}, tlv(tagInteger, []byte{1}), operation("uid=kim"), []byte{0, 0}, bob, done(0)),
		"endless length":      slices.Concat(jane, []byte{0x30, 0xfe, 1, 1}),
		"no LDAP":             []byte("HTTP/1.1 400 Bad Request\r\n\r\n"),
	}
}

// Whatever a server sends, what is found is what go-ldap alone would find.
func TestSieveFindsTheSame(t *testing.T) {
	t.Parallel()
	for name, octets := range answers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, chunk := range []int{1, 5, 1 << 20} {
				want, got := searchCanned(withoutSieve, octets, chunk), searchCanned(withSieve, octets, chunk)
				if diff := cmp.Diff(want, got, sameEntries()); diff != "" {
					t.Errorf("%d octets at a time: %s", chunk, diff)
				}
			}
		})
	}
	two := searchCanned(withSieve, answers()["two"], 100)
	if len(two.Entries) != 2 || two.Entries[0].Attributes[1].Values[0] != "j@x.example" {
		t.Errorf("%+v", two)
	}
}

func FuzzSieve(f *testing.F) {
	for _, octets := range answers() {
		if len(octets) < 1000 {
			f.Add(octets, uint16(7))
		}
	}
	f.Fuzz(func(t *testing.T, octets []byte, chunk uint16) {
		want, got := searchCanned(withoutSieve, octets, int(chunk)+1), searchCanned(withSieve, octets, int(chunk)+1)
		if diff := cmp.Diff(want, got, sameEntries()); diff != "" {
			t.Error(diff)
		}
	})
}

// A real server's entries go the short way, over every kind of connection.
func TestSieveTakesEntries(t *testing.T) {
	t.Parallel()
	s := ldaptest.StartSlapd(t, ldaptest.SlapdOptions{LDIF: ldaptest.People(300)})
	for encryption, address := range map[string]string{EncryptionNone: s.URL, EncryptionSSL: s.LDAPSURL, EncryptionStartTLS: s.URL} {
		t.Run(encryption, func(t *testing.T) {
			t.Parallel()
			o := options(s)
			o.URLs, o.Encryption = []string{address}, encryption
			d, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			server, err := url.Parse(address)
			if err != nil {
				t.Fatal(err)
			}
			c, err := d.dial(t.Context(), server, encryption)
			if err != nil {
				t.Fatal(err)
			}
			defer c.close()
			request := ldap.NewSearchRequest(people, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, "(uid=*)", []string{"*", "entryUUID"}, nil)
			want, err := c.Conn.Search(request)
			if err != nil || len(want.Entries) != 300 {
				t.Fatal(err, len(want.Entries))
			}
			got, err := c.Search(request)
			if diff := cmp.Diff(want.Entries, got.Entries, sameEntries()); err != nil || diff != "" {
				t.Fatal(err, diff)
			}
			for _, e := range got.Entries {
				for _, a := range e.Attributes {
					if a.ByteValues != nil {
						t.Fatalf("go-ldap decoded %s", e.DN)
					}
				}
			}
		})
	}
}
