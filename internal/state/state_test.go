package state

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

var at = time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)

func member(username string) identity.Member {
	return identity.Member{
		UserID: "id-" + username, User: identity.User{Username: username, Name: "Näme <" + username + ">", Email: username + "@x.example"},
		DN: "uid=" + username, EntryID: "entry-" + username, Since: at, Origin: identity.OriginAdded,
	}
}

// sample is a state with two domains, not yet written.
func sample() *State {
	s := empty()
	s.SetDomainID("vpn", "d1")
	s.SetScope("vpn", map[string]string{"base_dn": "ou=People"})
	missing := member("Zoe")
	missing.MissingSince = &at
	s.Upsert("vpn", missing)
	s.Upsert("vpn", member("anna"))
	s.Upsert("site", member("bob"))
	s.Observe("vpn", Read{"directory.corp", at, Counts{Entries: 3, Users: 2}})
	s.RecordApplied("plan-1", at)
	return s
}

func save(t testing.TB, path string, s *State) {
	t.Helper()
	if err := Save(path, s, "0.1.0"); err != nil {
		t.Fatal(err)
	}
}

func loaded(t testing.TB, path string) *State {
	t.Helper()
	s, err := Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func usernames(s *State, domain string) []string {
	var names []string
	for _, m := range s.Members(domain) {
		names = append(names, m.Username)
	}
	return names
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	none := loaded(t, path)
	if none.Lineage != "" || none.Serial != 0 {
		t.Fatalf("%+v", none)
	}
	s := sample()
	save(t, path, s)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	got := loaded(t, path)
	if got.Lineage == "" || got.Lineage != s.Lineage || got.Serial != 1 || got.Version != "0.1.0" {
		t.Errorf("%q %d %q", got.Lineage, got.Serial, got.Version)
	}
	if diff := cmp.Diff([]string{"anna", "Zoe"}, usernames(got, "vpn")); diff != "" {
		t.Error(diff)
	}
	zoe, ok := got.Member("vpn", "zoe")
	want := member("Zoe")
	want.MissingSince = &at
	if diff := cmp.Diff(want, zoe); !ok || diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"site", "vpn"}, got.DomainNames()); diff != "" {
		t.Error(diff)
	}
	if got.Scope("vpn")["base_dn"] != "ou=People" || got.DomainID("vpn") != "d1" || got.Rosters("vpn")["directory.corp"] != 2 {
		t.Errorf("%+v", got)
	}
	if !got.HasApplied("plan-1") || got.HasApplied("plan-2") {
		t.Error("applied plans")
	}
}

func TestSerialMovesWithContentAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*State)
		moves  uint64
	}{
		"nothing":             {func(*State) {}, 0},
		"the same member":     {func(s *State) { s.Upsert("site", member("bob")) }, 0},
		"the same scope":      {func(s *State) { s.SetScope("vpn", map[string]string{"base_dn": "ou=People"}) }, 0},
		"nobody removed":      {func(s *State) { s.Remove("vpn", "nobody"); s.Remove("nowhere", "nobody") }, 0},
		"an observation":      {func(s *State) { s.Observe("vpn", Read{"directory.corp", at.Add(time.Hour), Counts{3, 2}}) }, 0},
		"a changed member":    {func(s *State) { m := member("bob"); m.Name = "Bob"; s.Upsert("site", m) }, 1},
		"a new member":        {func(s *State) { s.Upsert("site", member("carl")) }, 1},
		"a removed member":    {func(s *State) { s.Remove("site", "bob") }, 1},
		"missing":             {func(s *State) { m := member("bob"); m.MissingSince = &at; s.Upsert("site", m) }, 1},
		"a scope":             {func(s *State) { s.SetScope("vpn", map[string]string{}) }, 1},
		"an applied plan":     {func(s *State) { s.RecordApplied("plan-2", at) }, 1},
		"another LoginTC id":  {func(s *State) { s.SetDomainID("vpn", "d2") }, 1},
		"several at one time": {func(s *State) { s.Remove("site", "bob"); s.Upsert("site", member("carl")) }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "state.json")
			save(t, path, sample())
			s := loaded(t, path)
			c.change(s)
			save(t, path, s)
			if got := loaded(t, path); got.Serial != 1+c.moves {
				t.Errorf("serial %d", got.Serial)
			}
			if _, err := os.Stat(Backup(path, 1)); (err == nil) != (c.moves == 1) {
				t.Errorf("backup: %v", err)
			}
		})
	}
}

func TestAnotherDirectoryIsComparedWithTheLastOne(t *testing.T) {
	t.Parallel()
	s := sample()
	s.Observe("site", Read{"directory.new", at, Counts{5, 5}})
	if got := s.Rosters("vpn"); got["directory.corp"] != 2 || len(got) != 1 {
		t.Errorf("%v", got)
	}
	s.Observe("vpn", Read{"directory.new", at, Counts{1, 1}}, Read{"directory.too", at, Counts{4, 4}})
	s.Observe("vpn", Read{"directory.new", at.Add(1), Counts{1, 1}})
	if got := s.Rosters("vpn"); got["directory.new"] != 1 || len(got) != 1 || len(s.directories["directory.corp"].Rosters) != 0 {
		t.Errorf("%v, %v", got, s.directories)
	}
}

func TestMembersOfAnotherDomainAreForgotten(t *testing.T) {
	t.Parallel()
	s := sample()
	s.SetDomainID("vpn", "d1")
	if len(s.Members("vpn")) != 2 {
		t.Error("forgotten although it is the same domain")
	}
	s.SetDomainID("vpn", "d2")
	if got := usernames(s, "vpn"); got != nil {
		t.Errorf("%v", got)
	}
	if len(s.Members("site")) != 1 {
		t.Error("another domain's members are gone, too")
	}
}

func TestChangesAreMergedInOrder(t *testing.T) {
	t.Parallel()
	s := empty()
	for _, name := range []string{"m", "c", "x"} {
		s.Upsert("d", member(name))
	}
	_ = s.Members("d")
	for _, name := range []string{"z", "a", "n"} {
		s.Upsert("d", member(name))
	}
	s.Remove("d", "c")
	s.Remove("d", "z")
	changed := member("m")
	changed.Username = "M"
	s.Upsert("d", changed)
	if diff := cmp.Diff([]string{"a", "M", "n", "x"}, usernames(s, "d")); diff != "" {
		t.Error(diff)
	}
	if _, ok := s.Member("d", "c"); ok {
		t.Error("c is still there")
	}
}

func TestBackups(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	for i := range Backups + 3 {
		s := loaded(t, path)
		s.Upsert("vpn", member(fmt.Sprintf("user%d", i)))
		save(t, path, s)
	}
	for i := 1; i <= Backups; i++ {
		if b := loaded(t, Backup(path, i)); b.Serial != uint64(Backups+3-i) {
			t.Errorf("backup %d has serial %d", i, b.Serial)
		}
	}
	if _, err := os.Stat(Backup(path, Backups+1)); !os.IsNotExist(err) {
		t.Errorf("too many backups: %v", err)
	}
}

func TestSaveReplacesOnlyWhatWasLoaded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	save(t, path, sample())
	first, second := loaded(t, path), loaded(t, path)
	first.Remove("site", "bob")
	save(t, path, first)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	second.Upsert("site", member("carl"))
	if err := Save(path, second, "0.1.0"); err == nil || !strings.Contains(err.Error(), "was replaced since it was read") {
		t.Errorf("an older serial: %v", err)
	}
	if err := Save(path, sample(), "0.1.0"); err == nil || !strings.Contains(err.Error(), "was replaced since it was read") {
		t.Errorf("another lineage: %v", err)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("the file changed: %v", err)
	}
}

func TestNoBackupNoWrite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	save(t, path, sample())
	// A file can not be renamed to what is a folder.
	if err := errors.Join(os.Mkdir(Backup(path, Backups), 0o700), os.WriteFile(Backup(path, Backups-1), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	s := loaded(t, path)
	s.Upsert("site", member("carl"))
	if err := Save(path, s, "0.1.0"); err == nil || !strings.Contains(err.Error(), "no backup of the last one could be made") {
		t.Errorf("%v", err)
	}
	if got := loaded(t, path); got.Serial != 1 {
		t.Errorf("serial %d", got.Serial)
	}
}
