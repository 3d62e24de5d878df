package roster

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

func TestPhones(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		region, text, want, wrong string
	}{
		{"", "+49 30 1234567", "+49301234567", ""},
		{"", " +44 (0)20 7946 0958 ", "+442079460958", ""},
		{"DE", "030/1234567", "+49301234567", ""},
		{"DE", "0044 20 7946 0958", "+442079460958", ""},
		{"US", "(202) 555-0143", "+12025550143", ""},
		{"", "030/1234567", "", "it has no country code, and the policy has no phone_region"},
		{"DE", "ask at the desk", "", "the phone number supplied is not a number"},
		{"DE", "+49 30 1234567 ext. 7", "", "it has an extension"},
		{"DE", "+1 555", "", "no number of its country has so many digits"},
		{"DE", "+999 1234567", "", "invalid country code"},
	} {
		rules := Rules{PhoneRegion: c.region}
		number, wrong := rules.phone(c.text)
		if number != c.want || wrong != c.wrong {
			t.Errorf("%q in %q: %q, %q; want %q, %q", c.text, c.region, number, wrong, c.want, c.wrong)
		}
		form := c.want
		if form == "" {
			form = c.text
		}
		if got := rules.E164(c.text); got != form {
			t.Errorf("%q of LoginTC in %q: %q, want %q", c.text, c.region, got, form)
		}
	}
}

// What is wrong with aliases and phones withholds nobody.
func TestExtra(t *testing.T) {
	t.Parallel()
	mapper := func(e *identity.Entry) identity.Mapped {
		m := plain(e)
		m.SetAliases([3]identity.Alias{"jd", identity.NewAlias("  "), "\x07"})
		m.Phones = []string{"+49 30 1234567", "030 1234567", "x", " ", "+4915112345678"}
		m.Problems = append(m.Problems, identity.Problem{Field: "phones", Text: `a value of "mobile" is not UTF-8 text`},
			identity.Problem{Field: "alias2", Absent: true, Text: "not there"})
		return m
	}
	b := NewBuilder(Rules{PhoneRegion: "DE"}, mapper, nil)
	b.Add(entry("uid=jane", "uid", "jane", "cn", "Jane", "mail", "j@x.example"))
	got := b.Roster()
	want := []identity.Person{{
		User: identity.User{Username: "jane", Name: "Jane", Email: "j@x.example", AliasSet: &identity.AliasSet{Alias1: "jd", Alias2: identity.NoAlias}},
		DN:   "uid=jane", EntryID: "id-of-uid=jane", Holdings: &identity.Holdings{PhoneNumbers: []string{"+4915112345678", "+49301234567"}},
	}}
	if diff := cmp.Diff(want, got.People); diff != "" {
		t.Error(diff)
	}
	warnings := []string{
		"jane (uid=jane): alias3 is not changed: it has control characters",
		`jane (uid=jane): phones is not changed: a value of "mobile" is not UTF-8 text`,
		`jane (uid=jane): the phone number "x" is not sent: the phone number supplied is not a number`,
	}
	if diff := cmp.Diff(warnings, got.Warnings); diff != "" {
		t.Error(diff)
	}
}
