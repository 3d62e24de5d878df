package identity

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestNewAttribute(t *testing.T) {
	t.Parallel()
	guid, sid := "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f", "\x01\x02\x00\x00\x00\x00\x00\x05\x20\x00\x00\x00\x20\x02\x00\x00"
	for _, c := range []struct {
		name         string
		values, want []string
	}{
		{"mail", nil, nil},
		{"mail", []string{"b", "a", "B"}, []string{"B", "a", "b"}},
		{"cn", []string{"z", "e\u0301b", "\u00e9a", "\xff"}, []string{"z", "\u00e9a", "e\u0301b", "\xff"}},
		{"OBJECTGUID", []string{guid}, []string{"03020100-0504-0706-0809-0a0b0c0d0e0f"}},
		{"mS-DS-ConsistencyGuid", []string{guid, "x"}, []string{"03020100-0504-0706-0809-0a0b0c0d0e0f", "x"}},
		{"objectSid;binary", []string{sid}, []string{"S-1-5-32-544"}},
		{"sIDHistory", []string{sid, "\x01\x00\x00\x00\x00\x00\x00\x01"}, []string{"S-1-1", "S-1-5-32-544"}},
		{"cn", []string{guid}, []string{guid}},
	} {
		before := slices.Clone(c.values)
		got := NewAttribute(c.name, c.values)
		if !slices.Equal(got.Values, c.want) || got.Name != c.name || !slices.Equal(c.values, before) {
			t.Errorf("%s %q: %q", c.name, before, got.Values)
		}
		if again := NewAttribute(c.name, got.Values); !slices.Equal(again.Values, got.Values) {
			t.Errorf("%s %q and again: %q", c.name, got.Values, again.Values)
		}
	}
}

// In whatever order a server returns values, they come in one.
func TestOrderOfValuesDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"e\u0301", "\u00e9", "\xff", ""})), 0, 6).Draw(t, "values")
		other := rapid.Permutation(values).Draw(t, "other")
		if a, b := NewAttribute("cn", values), NewAttribute("cn", other); !slices.Equal(a.Values, b.Values) {
			t.Fatalf("%q and %q", a.Values, b.Values)
		}
	})
}

func TestSIDText(t *testing.T) {
	t.Parallel()
	for octets, want := range map[string]string{
		"\x01\x00\x00\x00\x00\x00\x00\x05":                                 "S-1-5",
		"\x01\x01\x00\x00\x00\x00\x00\x05\x12\x00\x00\x00":                 "S-1-5-18",
		"\x01\x01\x00\x00\x00\x00\x00\x05\xff\xff\xff\xff":                 "S-1-5-4294967295",
		"\x01\x01\x00\x01\x00\x00\x00\x00\x01\x00\x00\x00":                 "S-1-0x000100000000-1",
		"\x01\x02\x00\x00\x00\x00\x00\x05\x20\x00\x00\x00\x20\x02\x00\x00": "S-1-5-32-544",
		"":                                     "",
		"S-1-5-18":                             "",
		"\x02\x00\x00\x00\x00\x00\x00\x05":     "",
		"\x01\x10\x00\x00\x00\x00\x00\x05":     "",
		"\x01\x01\x00\x00\x00\x00\x00\x05":     "",
		"\x01\x00\x00\x00\x00\x00\x00\x05\x00": "",
	} {
		if got, ok := SIDText(octets); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v", octets, got, ok)
		}
	}
}

func TestSameAttribute(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"cn", "CN", true},
		{"cn;lang-fr", "CN;Lang-FR", true},
		{"cn;lang-fr;x", "cn;X;lang-FR", true},
		{"cn;x;x", "cn;x", true},
		{"cn", "cn;lang-fr", false},
		{"cn;lang-fr", "cn;lang-de", false},
		{"cn;lang-fr;x", "cn;lang-fr", false},
		{"cn;x", "sn;x", false},
		{"userCertificate;binary", "usercertificate", false},
	} {
		if SameAttribute(c.a, c.b) != c.same || SameAttribute(c.b, c.a) != c.same {
			t.Errorf("%s and %s", c.a, c.b)
		}
		e := Entry{Attributes: []Attribute{{c.a, []string{"v"}}}}
		if _, found := e.First(c.b); found != c.same {
			t.Errorf("entry.%s of an entry with %s", c.b, c.a)
		}
	}
}
