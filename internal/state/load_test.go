package state

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDamagedStates(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	good := filepath.Join(folder, "good.json")
	save(t, good, sample())
	raw, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	start, _, _ := strings.Cut(text, `"uid=Zoe"`)
	for name, c := range map[string]struct{ content, want string }{
		"empty":         {"", "ends too early"},
		"cut":           {start, "ends too early"},
		"cut at a line": {text[:strings.LastIndex(text, "\n    }")], "ends too early"},
		"two documents": {text + text, "something stands after its end"},
		"not JSON":      {"state", "invalid character"},
		"a list":        {"[]", "[ stands where { should"},
		"no lineage":    {strings.Replace(text, `"lineage": "`, `"lineage": "x`, 1), "its lineage is no UUID"},
		"a new field":   {strings.Replace(text, `"user_id"`, `"x": 1, "user_id"`, 1), `unknown field "x"`},
		"two of one":    {strings.Replace(text, `"username":"anna"`, `"username":"ZOE"`, 1), `domain "vpn" has the member "Z`},
		"two domains":   {strings.Replace(text, `"vpn": {`, `"site": {`, 1), `"site" stands there twice`},
		"nobody":        {strings.Replace(text, `"username":"anna"`, `"username":""`, 1), "has no username"},
		"wrong type":    {strings.Replace(text, `"serial": 1`, `"serial": "1"`, 1), "serial: json: cannot unmarshal"},
	} {
		path := filepath.Join(folder, strings.ReplaceAll(name, " ", "-"))
		if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(path, nil)
		var damaged *DamagedError
		if !errors.As(err, &damaged) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNewerFormat(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	if err := os.WriteFile(path, []byte(`{"format_version": 2, "anything": true}`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Load(path, nil)
	if err == nil || !strings.Contains(err.Error(), "format version 2 and this rollcall reads version 1") {
		t.Errorf("%v", err)
	}
}

func TestDamageNamesTheBackup(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	for range 3 {
		s := loaded(t, path)
		s.RecordApplied("p", at)
		save(t, path, s)
	}
	for _, name := range []string{path, Backup(path, 1)} {
		if err := os.Truncate(name, 50); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Load(path, nil); err == nil || !strings.Contains(err.Error(), "the newest backup that can be read is "+Backup(path, 2)) {
		t.Errorf("%v", err)
	}
}

func TestSymlinkIsNoState(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	target, link := filepath.Join(folder, "target"), filepath.Join(folder, "link")
	save(t, target, sample())
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(link, nil); err == nil || !strings.Contains(err.Error(), "is no regular file") {
		t.Errorf("%v", err)
	}
}

func FuzzLoad(f *testing.F) {
	var b bytes.Buffer
	s := sample()
	s.Lineage = "6fa459ea-ee8a-4ca4-894e-db77e160355e"
	if err := s.Encode(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte(`{"format_version":1}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		s, err := Decode("fuzz", bytes.NewReader(content), nil)
		if err != nil {
			return
		}
		var first, second bytes.Buffer
		if err := s.Encode(&first); err != nil {
			t.Fatal(err)
		}
		again, err := Decode("again", bytes.NewReader(first.Bytes()), nil)
		if err != nil {
			t.Fatalf("what was written can not be read: %v\n%s", err, first.Bytes())
		}
		if err := again.Encode(&second); err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Fatalf("%v\n%s\n%s", err, first.Bytes(), second.Bytes())
		}
	})
}
