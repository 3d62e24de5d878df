package csv

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

func readTable(tb testing.TB, table string, separator rune, filter string) (got []identity.Entry, evidence identity.Evidence, err error) {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "people.csv")
	if err := os.WriteFile(path, []byte(table), 0o600); err != nil {
		tb.Fatal(err)
	}
	now := func() time.Time { return time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) }
	evidence, err = New(path, separator, now).Read(tb.Context(), identity.Search{Filters: []string{filter}}, func(page []identity.Entry) error {
		got = append(got, page...)
		return nil
	})
	return got, evidence, err
}

func entry(dn, id string, attributes ...string) identity.Entry {
	e := identity.Entry{DN: dn, ID: id}
	for i := 0; i < len(attributes); i += 2 {
		e.Attributes = append(e.Attributes, identity.Attribute{Name: attributes[i], Values: []string{attributes[i+1]}})
	}
	return e
}

func TestRead(t *testing.T) {
	t.Parallel()
	jane := entry("id=7", "7", "id", "7", "login", "jane.doe", "Name", "Doe, Jane", "mail", "jane@example.com")
	zoe := entry("id=8", "8", "id", "8", "login", "zoë", "Name", "Zoë\n\"Z\"")
	for name, c := range map[string]struct {
		table     string
		separator rune
		filter    string
		want      []identity.Entry
	}{
		"quoted, empty, a line break":       {"id,login,Name,mail\n7,jane.doe,\"Doe, Jane\",jane@example.com\n8,zoë,\"Zoë\n\"\"Z\"\"\",\n", ',', "", []identity.Entry{jane, zoe}},
		"semicolons, CRLF, byte order mark": {"\ufeffid;login;Name;mail\r\n7 ; jane.doe;Doe, Jane;jane@example.com\r\n", ';', "", []identity.Entry{jane}},
		"a filter":                          {"id,login,Name,mail\n7,jane.doe,\"Doe, Jane\",jane@example.com\n8,zoë,Z,\n", ',', "(mail=*@example.com)", []identity.Entry{jane}},
		"nobody":                            {"id,login\n", ',', "", nil},
	} {
		got, evidence, err := readTable(t, c.table, c.separator, c.filter)
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" || evidence.Entries != len(c.want) {
			t.Errorf("%s: %v, %d entries\n%s", name, err, evidence.Entries, diff)
		}
	}
}

func TestErrorsNameTheLine(t *testing.T) {
	t.Parallel()
	for table, want := range map[string]string{
		"":                      "its first row names the columns",
		"id,,x\n":               "line 1: column 2 has no name",
		"id,x,X\n":              `line 1: there are two columns "X"`,
		"id,x\n1,2\n3\n":        "line 3: it has another number of columns than the first row",
		"id,x\n1,2\n\n ,2\n":    `line 4: the first column, "id", is empty`,
		"id,x\n1,2\n2,2\n1,3\n": `line 4: the first column, "id", has "1" as line 2 has`,
		"id,x\n1,caf\xe9\n":     `line 2: column "x" is not UTF-8`,
		"id,x\n1,2":             "its last line has no end, so it may have been cut off",
		"id,x\n1,\"2\n":         `line 2: extraneous or missing " in quoted-field`,
		"id,x\n1,a\"b\n":        `line 2: bare " in non-quoted-field`,
		"id,x\n1," + strings.Repeat("x", maxRow+1) + "\n": "line 2: the row has ",
	} {
		got, _, err := readTable(t, table, ',', "")
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "people.csv: ") {
			t.Errorf("%.40q: %v (%d entries), want %q", table, err, len(got), want)
		}
	}
}

// Whatever a table holds, every entry has an id of its own, or there is an error.
func FuzzRead(f *testing.F) {
	f.Add("id,x\n1,2\n", "(x=*)")
	f.Add("\ufeffid;x\r\n\"1\";\"a\nb\"\r\n", "")
	f.Fuzz(func(t *testing.T, table, filter string) {
		got, evidence, err := readTable(t, table, ',', filter)
		if err != nil {
			if evidence.Entries != 0 {
				t.Error("evidence of a read that failed")
			}
			return
		}
		ids := map[string]bool{}
		for _, e := range got {
			if e.ID == "" || ids[e.ID] {
				t.Errorf("the id %q of %q", e.ID, e.DN)
			}
			ids[e.ID] = true
		}
	})
}

func TestStopsWhenTold(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(path, []byte("id\n"+strings.Repeat("x\n", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := New(path, ',', time.Now).Read(ctx, identity.Search{}, func([]identity.Entry) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
