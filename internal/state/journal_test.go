package state

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// journalled is a state that was saved with the member "old", and a journal of four
// operations on it: 0 created a user, 1 let it join, 2 failed, 3 has no end.
func journalled(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "state.json")
	s := empty()
	s.SetDomainID("vpn", "d1")
	s.Upsert("vpn", identity.Member{UserID: "id-old", User: identity.User{Username: "old"}})
	if err := Save(path, s, "v"); err != nil {
		t.Fatal(err)
	}
	j, err := CreateJournal(path, s, "plan-1", map[string]string{"vpn": "d1", "site": "d2"}, &Approval{Plan: "p0", Removals: 2, By: "tester"})
	if err != nil {
		t.Fatal(err)
	}
	joined := identity.Member{UserID: "id-new", User: identity.User{Username: "new"}, TokenDue: true, Origin: identity.OriginAdded}
	for _, err := range []error{
		j.Begin(begun(Begun{0, json.RawMessage(`{"n":0}`)})),
		j.End(0, "id-new", nil),
		j.Begin(begun(Begun{1, json.RawMessage(`{"n":1}`)}, Begun{2, json.RawMessage(`{"n":2}`)})),
		j.Fail(2),
		j.End(1, "", []Change{{Domain: "vpn", Key: "new", Member: &joined}, {Domain: "vpn", Key: "old"}}),
		j.Begin(begun(Begun{3, json.RawMessage(`{"n":3}`)})),
		j.Job(Job{ID: "j", Operations: []int{3}}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// begun are operations as Begin takes them.
func begun(operations ...Begun) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		for _, o := range operations {
			if !yield(o.Number, o.Operation) {
				return
			}
		}
	}
}

func fold(t *testing.T, path string) (*State, *Leftover) {
	t.Helper()
	s, err := Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	l, err := FoldJournal(path, s)
	if err != nil {
		t.Fatal(err)
	}
	return s, l
}

func names(s *State, domain string) string {
	var all []string
	for _, m := range s.Members(domain) {
		all = append(all, m.Username)
	}
	return strings.Join(all, " ")
}

func TestJournalIsTakenIn(t *testing.T) {
	t.Parallel()
	path := journalled(t)
	s, l := fold(t, path)
	want := &Leftover{Plan: "plan-1", Done: 2, Open: []Begun{{3, json.RawMessage(`{"n":3}`)}}, Jobs: []Job{{"j", []int{3}}}}
	if diff := cmp.Diff(want, l); diff != "" {
		t.Error(diff)
	}
	if names(s, "vpn") != "new" || s.DomainID("site") != "d2" {
		t.Errorf("members %q, site %q", names(s, "vpn"), s.DomainID("site"))
	}
	if m, _ := s.Member("vpn", "new"); !m.TokenDue || m.UserID != "id-new" {
		t.Errorf("%+v", m)
	}
	if diff := cmp.Diff(&Progress{Plan: "plan-1", Done: map[int]string{0: "id-new", 1: ""}}, s.Progress("plan-1")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Approval{{Plan: "p0", Removals: 2, By: "tester"}}, s.Approvals()); diff != "" {
		t.Error(diff)
	}
	// Saved, it says the same, and the journal has nothing more to say.
	if err := Save(path, s, "v"); err != nil {
		t.Fatal(err)
	}
	again, l := fold(t, path)
	if l != nil || HasJournal(path) {
		t.Errorf("it is there still: %+v", l)
	}
	if diff := cmp.Diff(s.Progress("plan-1"), again.Progress("plan-1")); diff != "" || again.Progress("plan-2") != nil {
		t.Error(diff)
	}
	if names(again, "vpn") != "new" || len(again.Approvals()) != 1 {
		t.Errorf("%s, %v", names(again, "vpn"), again.Approvals())
	}
}

// However much of its end is missing or spoilt, a journal says what stood before, and
// an operation is open unless its end can be read.
func TestJournalInPieces(t *testing.T) {
	t.Parallel()
	path := journalled(t)
	whole, err := os.ReadFile(JournalPath(path))
	if err != nil {
		t.Fatal(err)
	}
	head := bytes.IndexByte(whole, '\n') + 1
	for cut := head; cut < len(whole); cut++ {
		for name, content := range map[string][]byte{
			"cut":    whole[:cut],
			"zeroed": append(bytes.Clone(whole[:cut]), make([]byte, len(whole)-cut)...),
		} {
			if err := os.WriteFile(JournalPath(path), content, 0o600); err != nil {
				t.Fatal(err)
			}
			s, l := fold(t, path)
			lines := bytes.Count(whole[head:cut], []byte("\n"))
			whole := whole[:cut+1]
			if whole[cut] == '\n' && name == "cut" {
				lines++ // it lacks but its end, and is read
			}
			// Begin 0, end 0, begin 1, begin 2, fail 2, end 1, begin 3, job.
			done := []int{0, 0, 1, 1, 1, 1, 2, 2, 2}[lines]
			open := []int{0, 1, 0, 1, 2, 1, 0, 1, 1}[lines]
			if l.Done != done || len(l.Open) != open || len(s.Progress("plan-1").Done) != done {
				t.Fatalf("%s at %d (%d lines): %+v", name, cut, lines, l)
			}
		}
	}
}

func TestJournalOfAnotherState(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(path string) error
		want  string
	}{
		"state is gone": {os.Remove, "which is not there"},
		"older state": {func(path string) error {
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(path, bytes.Replace(content, []byte(`"serial": 1`), []byte(`"serial": 0`), 1), 0o600)
		}, "serial 0"},
		"another state": {func(path string) error {
			s := empty()
			s.SetDomainID("x", "y")
			return errors.Join(os.Remove(path), Save(path, s, "v"))
		}, "the state has lineage"},
		"no head":        {func(path string) error { return os.WriteFile(JournalPath(path), nil, 0o600) }, "its first line can not be read"},
		"another format": {func(path string) error { return os.WriteFile(JournalPath(path), []byte(`{"format_version":2}`), 0o600) }, "format version 2"},
		"a link": {func(path string) error {
			return errors.Join(os.Rename(JournalPath(path), path+".x"), os.Symlink(path+".x", JournalPath(path)))
		}, "no regular file"},
	} {
		path := journalled(t)
		if err := c.spoil(path); err != nil {
			t.Fatal(err)
		}
		s, err := Load(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := FoldJournal(path, s); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if !HasJournal(path) {
			t.Errorf("%s: the journal is gone", name)
		}
	}
}

// The first run has no state to continue; its journal brings the lineage.
func TestFirstJournal(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	s := empty()
	j, err := CreateJournal(path, s, "p", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.End(0, "", []Change{{Domain: "vpn", Key: "a", Member: &identity.Member{UserID: "i", User: identity.User{Username: "a"}}}}); err != nil {
		t.Fatal(err)
	}
	folded, l := fold(t, path)
	if l == nil || folded.Lineage != s.Lineage || folded.Lineage == "" {
		t.Fatalf("%+v, lineage %q and %q", l, folded.Lineage, s.Lineage)
	}
	if err := Save(path, folded, "v"); err != nil {
		t.Fatal(err)
	}
	if again, err := Load(path, nil); err != nil || again.Lineage != s.Lineage || names(again, "vpn") != "a" {
		t.Errorf("%v", err)
	}
}

// What another plan left undone can not be gone on with once anything else changed.
func TestProgressEndsWithAnotherChange(t *testing.T) {
	t.Parallel()
	path := journalled(t)
	s, _ := fold(t, path)
	if err := Save(path, s, "v"); err != nil {
		t.Fatal(err)
	}
	s, err := Load(path, nil)
	if err != nil || s.Progress("plan-1") == nil {
		t.Fatal(err)
	}
	s.Observe("vpn", Read{"directory.x", at, Counts{Entries: 1}})
	if err := Save(path, s, "v"); err != nil || s.Progress("plan-1") == nil {
		t.Errorf("an observation: %v", err)
	}
	s.SetScope("vpn", map[string]string{"filter": "x"})
	if err := Save(path, s, "v"); err != nil || s.Progress("plan-1") != nil {
		t.Errorf("a change: %v", err)
	}
}

func TestJournalFromManyAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	j, err := CreateJournal(path, empty(), "p", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := range 50 {
				n := worker*100 + i
				if err := errors.Join(j.Begin(begun(Begun{n, json.RawMessage(fmt.Sprint(n))})), j.End(n, "", nil)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if _, l := fold(t, path); l.Done != 400 || len(l.Open) != 0 || l.Unread != 0 {
		t.Errorf("%+v", l)
	}
	if err := j.Remove(); err != nil || HasJournal(path) {
		t.Errorf("%v", err)
	}
	// A disk that is full or gone is an error, and what began is not sent.
	if err := j.Begin(begun(Begun{1, json.RawMessage(`1`)})); err == nil {
		t.Error("written to a closed file")
	}
}

// FuzzJournal reads whatever stands in the place of a journal: it is an error, or a
// state that can be written and read.
func FuzzJournal(f *testing.F) {
	f.Add(`{"format_version":1,"state_lineage":"4fa5a0b4-9d3c-4d7c-9a3e-0d8a2f5f7f11","state_serial":0,"plan":"p","domains":{"vpn":"d1"}}
{"begin":0,"operation":{"action":"join_domain"}}
{"end":0,"user_id":"i","changes":[{"domain":"vpn","key":"a","member":{"user_id":"i","username":"a","name":"","email":"","dn":"","since":"2026-11-24T03:00:00Z","origin":"added"}}]}
{"begin":1}
{"job":{"id":"j","operations":[1]}}
`)
	f.Fuzz(func(t *testing.T, journal string) {
		s := empty()
		if left, reason := s.foldFrom(strings.NewReader(journal)); left == nil || reason != "" {
			return
		}
		var out bytes.Buffer
		if err := s.Encode(&out); err != nil {
			t.Fatalf("what was folded can not be written: %v", err)
		}
		if _, err := Decode("state.json", &out, nil); err != nil {
			t.Fatalf("what was folded can not be read: %v", err)
		}
	})
}
