package identity

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
)

func TestKey(t *testing.T) {
	t.Parallel()
	for _, same := range [][]string{
		{"jane.doe", "Jane.Doe", "JANE.DOE"}, {"zo\u00eb", "zoe\u0308", "ZO\u00cb", "ZOE\u0308"}, {"ИВАН", "иван"}, {"ΟΔΟΣ", "οδος"}, {"\u212aim", "kim"}, {"\uab83", "\u13b3"}, {""},
	} {
		for _, name := range same {
			if NewKey(name) != NewKey(same[0]) {
				t.Errorf("%q and %q differ", name, same[0])
			}
		}
	}
	for _, other := range [][2]string{{"jane", "jane "}, {"zoe", "zoë"}, {"a", "ä"}, {"straße", "strasse"}, {"İ", "i"}} {
		if NewKey(other[0]) == NewKey(other[1]) {
			t.Errorf("%q and %q are the same", other[0], other[1])
		}
	}
}

func TestKeyOfLowerCaseASCIIAllocatesNothing(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { _ = NewKey("jane.doe-2") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzKey(f *testing.F) {
	for _, seed := range []string{"Jane", "ZOE\u0308", "\xff", "İ", "ǅ", "ß"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if key := NewKey(name); NewKey(string(key)) != key {
			t.Errorf("the key of the key of %q is another", name)
		}
	})
}

func TestLimit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  string
		total int
		want  int
	}{
		{"0", 100, 0}, {"10", 5, 10}, {"5%", 100, 5}, {"5%", 19, 0}, {"5%", 20, 1}, {"100%", 7, 7}, {"5%", 0, 0}, {" 2.5 % ", 80, 2}, {"0%", 9, 0}, {"1e12", 1, 1<<31 - 1},
	} {
		l, err := ParseLimit(c.text)
		if err != nil || l.Of(c.total) != c.want {
			t.Errorf("%q of %d: %d, %v", c.text, c.total, l.Of(c.total), err)
		}
		text, err := l.MarshalText()
		var again Limit
		if err != nil || again.UnmarshalText(text) != nil || again != l {
			t.Errorf("%q becomes %q", c.text, text)
		}
	}
	for _, bad := range []string{"", "x", "-1", "101%", "1.5", "NaN", "Inf", "5%%", "%"} {
		if l, err := ParseLimit(bad); err == nil {
			t.Errorf("%q is taken for %v", bad, l)
		}
	}
}

func TestSecretIsNeverPrinted(t *testing.T) {
	t.Parallel()
	s := NewSecret("hunter2")
	holder := struct{ Password Secret }{s}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, value := range []any{s, &s, holder, []Secret{s}} {
			if got := fmt.Sprintf(verb, value); strings.Contains(got, "hunter") || strings.Contains(got, "68756e746572") {
				t.Errorf("%s: %s", verb, got)
			}
		}
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", s)
	if strings.Contains(log.String(), "hunter2") || !strings.Contains(log.String(), "(sensitive)") {
		t.Error(log.String())
	}
	if out, err := json.Marshal(holder); err == nil {
		t.Errorf("encoded: %s", out)
	}
	if s.Reveal() != "hunter2" || s.IsZero() || !(Secret{}).IsZero() {
		t.Error("the value is lost")
	}
}

func TestEntry(t *testing.T) {
	t.Parallel()
	e := Entry{Attributes: []Attribute{{"cn", []string{"a", "b"}}, {"empty", nil}}}
	if got := e.Values("CN"); !slices.Equal(got, []string{"a", "b"}) {
		t.Error(got)
	}
	if v, ok := e.First("cn"); v != "a" || !ok {
		t.Error(v, ok)
	}
	for _, name := range []string{"empty", "sn"} {
		if v, ok := e.First(name); v != "" || ok {
			t.Error(name, v, ok)
		}
	}
}

func TestEntryID(t *testing.T) {
	t.Parallel()
	guid := "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"
	for name, c := range map[string]struct {
		attributes map[string]string
		want       string
	}{
		"none":             {nil, ""},
		"openldap":         {map[string]string{"entryUUID": "0B1C6F0A-0001-4C6E-9D3B-6A1F0E000001"}, "0b1c6f0a-0001-4c6e-9d3b-6a1f0e000001"},
		"389":              {map[string]string{"nsUniqueId": "66446001-1DD211B2", "entryUUID": "x"}, "66446001-1dd211b2"},
		"active directory": {map[string]string{"objectGUID": guid, "entryUUID": "x"}, "03020100-0504-0706-0809-0a0b0c0d0e0f"},
		"guid as text":     {map[string]string{"objectGUID": "03020100-0504-0706-0809-0A0B0C0D0E0F"}, "03020100-0504-0706-0809-0a0b0c0d0e0f"},
		"not UTF-8":        {map[string]string{"entryUUID": "a\xff"}, "a\uFFFD"},
	} {
		got := EntryID(func(attribute string) (string, bool) { v, ok := c.attributes[attribute]; return v, ok })
		if got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestSearchFilter(t *testing.T) {
	t.Parallel()
	for want, filters := range map[string][]string{
		"(objectClass=*)": {"", " "}, "(a=1)": {"(a=1)", ""}, "(&(a=1)(b=2))": {" (a=1)", "", "(b=2) "},
	} {
		if got := (Search{Filters: filters}).Filter(); got != want {
			t.Errorf("%q: %s", filters, got)
		}
	}
}
