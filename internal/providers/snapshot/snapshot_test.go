package snapshot

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// memory answers each filter with its entries.
type memory map[string][]identity.Entry

func (m memory) Read(_ context.Context, s identity.Search, yield func([]identity.Entry) error) (identity.Evidence, error) {
	for _, e := range m[s.Filter()] {
		if err := yield([]identity.Entry{e}); err != nil {
			return identity.Evidence{}, err
		}
	}
	return identity.Evidence{Server: "ldaps://dc1.example.com", Filter: s.Filter(), Entries: len(m[s.Filter()]), Pages: 3}, nil
}

func taken() time.Time { return time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) }

func search(filter string, attributes ...string) identity.Search {
	return identity.Search{BaseDN: "dc=example,dc=com", Scope: identity.ScopeSub, Filters: []string{filter}, Attributes: attributes}
}

// people are entries with every kind of value.
func people(n int) (entries []identity.Entry) {
	for i := range n {
		entries = append(entries, identity.Entry{
			DN: fmt.Sprintf("uid=u%d,dc=example,dc=com", i), ID: fmt.Sprint(i),
			Attributes: []identity.Attribute{
				{Name: "uid", Values: []string{fmt.Sprintf("u%d", i)}},
				{Name: "cn", Values: []string{"<b>\u2028\x00", "Zoë"}},
				{Name: "jpegPhoto", Values: []string{"", "text", "\xff\xd8"}},
			},
		})
	}
	return entries
}

func take(t *testing.T, path string, many int) {
	t.Helper()
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	from := memory{"(a=1)": people(many), "(b=1)": people(3)}
	n, err := Take(t.Context(), out, "directory.corp", from, []identity.Search{search("(a=1)", "uid", "cn", "jpegPhoto"), search("(b=1)", "uid"), search("(c=1)", "uid")}, taken())
	if err != nil || n != many+3 || out.Close() != nil {
		t.Fatal(n, err)
	}
}

func read(s *Snapshot, asked identity.Search) (got []identity.Entry, evidence identity.Evidence, err error) {
	evidence, err = s.Read(context.Background(), asked, func(page []identity.Entry) error { got = append(got, page...); return nil })
	return got, evidence, err
}

func TestWhatIsTakenIsRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "corp.snapshot")
	take(t, path, 1200)
	s, err := Open(path)
	if err != nil || s.Directory != "directory.corp" || !s.Taken.Equal(taken()) {
		t.Fatal(s, err)
	}
	for filter, want := range map[string][]identity.Entry{"(a=1)": people(1200), "(b=1)": people(3), "(c=1)": nil} {
		got, evidence, err := read(s, search(filter, "UID"))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", filter, err, diff)
		}
		if evidence.Entries != len(want) || evidence.Pages != 3 || evidence.Server != "ldaps://dc1.example.com (snapshot of 2026-03-02 12:00 UTC)" {
			t.Errorf("%+v", evidence)
		}
	}
	other := search("(a=1)", "uid")
	other.BaseDN = "ou=People,dc=example,dc=com"
	for _, asked := range []identity.Search{search("(a=2)", "uid"), search("(b=1)", "uid", "mail"), other} {
		if _, _, err := read(s, asked); err == nil || !strings.Contains(err.Error(), "take a new one") {
			t.Errorf("%+v: %v", asked, err)
		}
	}
}

// One that was cut off or changed anywhere is an error.
func TestCutAndChanged(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "corp.snapshot")
	take(t, path, 20)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	whenRead := func(content []byte) error {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(path)
		if err != nil {
			return err
		}
		_, _, err = read(s, search("(c=1)", "uid"))
		return err
	}
	// What stands after the last line is gzip's: the end of its last block, and its own
	// checksum. The first 10 octets are its header.
	const trailer, header = 16, 10
	for n := range len(whole) - trailer {
		if whenRead(whole[:n]) == nil {
			t.Errorf("cut off after %d of %d octets, and nothing was noticed", n, len(whole))
		}
	}
	for n := header; n < len(whole)-trailer; n++ {
		changed := append([]byte{}, whole...)
		changed[n] ^= 0x10
		if whenRead(changed) == nil {
			t.Errorf("changed at octet %d, and nothing was noticed", n)
		}
	}
	if err := whenRead(whole); err != nil {
		t.Error(err)
	}
}

// A search by groups is another than one without, and a file that has one says that only
// those may read it who know the difference.
func TestSearchesByGroups(t *testing.T) {
	t.Parallel()
	byGroups := search("(a=1)", "uid")
	byGroups.MembersOf = []string{"cn=b", "cn=a"}
	write := func(searches ...identity.Search) *Snapshot {
		path := filepath.Join(t.TempDir(), "corp.snapshot")
		out, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Take(t.Context(), out, "directory.corp", byMembers{}, searches, taken()); err != nil || out.Close() != nil {
			t.Fatal(err)
		}
		s, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := write(search("(a=1)", "uid"), byGroups)
	for name, c := range map[string]struct {
		groups []string
		want   int
	}{"everybody": {nil, 5}, "members": {[]string{"cn=a", "cn=b"}, 2}} {
		asked := search("(a=1)", "uid")
		asked.MembersOf = c.groups
		got, evidence, err := read(s, asked)
		if err != nil || len(got) != c.want || (evidence.Groups != nil) != (c.groups != nil) {
			t.Errorf("%s: %d entries, %+v, %v", name, len(got), evidence, err)
		}
	}
	asked := search("(a=1)", "uid")
	asked.MembersOf = []string{"cn=a"}
	if _, _, err := read(s, asked); err == nil || !strings.Contains(err.Error(), `no search of the members of cn=a below`) {
		t.Errorf("%v", err)
	}
	for want, s := range map[int]*Snapshot{1: write(search("(a=1)", "uid")), 2: write(byGroups)} {
		if err := scan(s.path, func(r *reader) error {
			if r.head.FormatVersion != want {
				t.Errorf("version %d, want %d", r.head.FormatVersion, want)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	}
}

// byMembers has five people, two of whom are members of any groups.
type byMembers struct{}

func (byMembers) Read(_ context.Context, s identity.Search, yield func([]identity.Entry) error) (identity.Evidence, error) {
	if len(s.MembersOf) == 0 {
		return identity.Evidence{Entries: 5}, yield(people(5))
	}
	return identity.Evidence{Entries: 2, Groups: &identity.GroupEvidence{MembersOf: s.MembersOf}}, yield(people(2))
}
