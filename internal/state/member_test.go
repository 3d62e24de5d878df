package state

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rollcall-cli/rollcall/internal/canonical"
	"github.com/rollcall-cli/rollcall/internal/identity"
)

// anyMember draws a member that a state can have, and texts that none should have.
func anyMember(t *rapid.T) identity.Member {
	text := rapid.OneOf(rapid.SampledFrom([]string{"", "jane.doe", "Zoë", `a"b\c`, "<b>&", "\u2028\x00\n", "\xff", "jane.doe@example.com"}), rapid.String())
	m := identity.Member{
		UserID: text.Draw(t, "id"), User: identity.User{Username: text.Draw(t, "username"), Name: text.Draw(t, "name"), Email: text.Draw(t, "email")},
		DN: text.Draw(t, "dn"), EntryID: text.Draw(t, "entry"), Since: anyTime(t), Origin: identity.Origin(text.Draw(t, "origin")),
		TokenDue: rapid.Bool().Draw(t, "due"),
	}
	alias := rapid.SampledFrom([]identity.Alias{"", identity.NoAlias, "jd", "<j>", "\u00e9\"\\"})
	m.SetAliases([3]identity.Alias{alias.Draw(t, "alias1"), alias.Draw(t, "alias2"), alias.Draw(t, "alias3")})
	if rapid.Bool().Draw(t, "missing") {
		since := anyTime(t)
		m.MissingSince = &since
	}
	return m
}

func anyTime(t *rapid.T) time.Time {
	zones := []*time.Location{time.UTC, time.FixedZone("", 5400), time.FixedZone("", -86399)}
	return time.Unix(rapid.Int64Range(-1<<36, 1<<38).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).In(rapid.SampledFrom(zones).Draw(t, "zone"))
}

func TestMembersAreAsEncodingJSONHasThem(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := anyMember(t)
		want, wrong := json.Marshal(&m)
		got, err := encodeMember([]byte("x"), &m, true)
		if (err == nil) != (wrong == nil) || string(got) != "x"+string(want) {
			t.Fatalf("%s %v, not %s %v", got, err, want, wrong)
		}
		if err != nil {
			return
		}
		var back, read identity.Member
		if err := json.Unmarshal(want, &back); err != nil {
			t.Fatal(err)
		}
		if ok := (&memberReader{}).read(want, &read); ok != (m.UserID != "" && m.Username != "") {
			t.Fatalf("%s is read: %v", want, ok)
		} else if diff := cmp.Diff(back, read); ok && diff != "" {
			t.Fatal(diff)
		}
	})
}

// A field that a member gets must be written and read too.
func TestEveryFieldOfAMember(t *testing.T) {
	t.Parallel()
	full := member("anna")
	full.SetAliases([3]identity.Alias{"a", "b", "c"})
	full.MissingSince, full.TokenDue = &at, true
	for _, v := range []any{full, full.User, *full.AliasSet} {
		for field, value := range reflect.ValueOf(v).Fields() {
			if value.IsZero() {
				t.Errorf("%s: set it here, and see to it in member.go or in canonical", field.Name)
			}
		}
	}
	want, err := json.Marshal(full)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := encodeMember(nil, &full, true); err != nil || string(got) != string(want) {
		t.Errorf("%s, %v, not %s", got, err, want)
	}
	var read identity.Member
	if ok := (&memberReader{}).read(want, &read); !ok || !cmp.Equal(full, read) {
		t.Error(cmp.Diff(full, read))
	}
}

// plainly reads a state with encoding/json alone.
func plainly(content []byte) (*State, error) {
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	return decode("state", &source{Decoder: d, lines: newSource(strings.NewReader("")).lines}, nil)
}

// sameBothWays reads a state with and without encoding/json for its members.
func sameBothWays(t *testing.T, content []byte) (accepted bool) {
	t.Helper()
	want, wrong := plainly(content)
	got, err := Decode("state", bytes.NewReader(content), nil)
	if fmt.Sprint(err) != fmt.Sprint(wrong) {
		t.Fatalf("%v, with encoding/json %v\n%s", err, wrong, content)
	}
	if err != nil {
		return false
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(State{}, domain{}, head{}, Progress{})); diff != "" {
		t.Fatalf("%s\n%s", diff, content)
	}
	return true
}

func encodedSample(t testing.TB) []byte {
	t.Helper()
	s := sample()
	s.Lineage = "6fa459ea-ee8a-4ca4-894e-db77e160355e"
	dear := member("Zed")
	dear.SetAliases([3]identity.Alias{"z", identity.NoAlias, ""})
	dear.TokenDue = true
	s.Upsert("vpn", dear)
	s.ObserveOthers("vpn", []string{"0123456789"})
	var b bytes.Buffer
	if err := s.Encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What somebody did to a file by hand is read, or refused, as if there was but one way to
// read it.
func TestEditedStates(t *testing.T) {
	t.Parallel()
	text := string(encodedSample(t))
	second := text[strings.Index(text, `        {"user_id":"id-Zed"`):strings.Index(text, `        {"user_id":"id-Zoe"`)]
	for name, c := range map[string]struct {
		old, new string
		accepted bool
	}{
		"nothing":                  {"", "", true},
		"spaces":                   {`"user_id":"id-Zed"`, `"user_id": "id-Zed"`, true},
		"lines":                    {`"user_id":"id-Zed"`, "\n\"user_id\":\"id-Zed\"", true},
		"other line ends":          {"\n", "\r\n", true},
		"no indent":                {second, strings.TrimLeft(second, " "), true},
		"all on one line":          {"\n", "", true},
		"other order of fields":    {`"origin":"added"`, `"origin":"added","name":"Again"`, true},
		"a field in capitals":      {`"dn":"uid=Zed"`, `"DN":"uid=Zed"`, true},
		"an empty list":            {second, "", true},
		"an escape that need not":  {`"dn":"uid=Zed"`, `"dn":"uid=\u005aed"`, true},
		"another order of members": {`"username":"anna"`, `"username":"zorro"`, true},
		"a field that is null":     {`"entry_id":"entry-Zed"`, `"entry_id":null`, true},
		"not UTF-8":                {`"dn":"uid=Zed"`, "\"dn\":\"uid=\xff\"", true},
		"no comma":                 {"},\n        {", "}\n        {", false},
		"two commas":               {"},\n        {", "},,\n        {", false},
		"a comma too many":         {"}\n      ]", "},\n      ]", false},
		"a comma first":            {"[\n        {", "[\n        ,{", false},
		"a comma on its own line":  {"},\n        {", "}\n        ,{", true},
		"not the end":              {"}\n      ]", "}\n      }", false},
		"a number":                 {second, "        0,\n", false},
		"a list":                   {second, "        [],\n", false},
		"null":                     {second, "        null,\n", false},
		"half a member":            {second, second[:len(second)/2] + "\n", false},
		"two on a line":            {"},\n        {", "},{", true},
		"a new field":              {`"token_due":true`, `"token_due":true,"x":1`, false},
		"no time":                  {`"since":"2026`, `"since":"x2026`, false},
		"an empty time":            {`2026-11-24T03:00:00Z`, ``, false},
		"a leap second":            {`03:00:00Z`, `23:59:60Z`, false},
		"another zone":             {`03:00:00Z`, `03:00:00.5+01:30`, true},
		"a control character":      {`"dn":"uid=Zed"`, "\"dn\":\"uid=\x01\"", false},
		"a lone half of a pair":    {`"dn":"uid=Zed"`, `"dn":"uid=\ud800"`, true},
		"a wrong escape":           {`"dn":"uid=Zed"`, `"dn":"uid=\x"`, false},
		"cut off":                  {text[len(text)/2:], "", false},
		"a huge line":              {`"dn":"uid=Zed"`, `"dn":"uid=` + strings.Repeat("x", 200_000) + `"`, true},
	} {
		if accepted := sameBothWays(t, []byte(strings.ReplaceAll(text, c.old, c.new))); c.old != "" && accepted != c.accepted {
			t.Errorf("%s: accepted: %v", name, accepted)
		}
	}
}

func TestManyMembers(t *testing.T) {
	t.Parallel()
	s := crowd(3000)
	s.domain("site").members = crowd(1025).Members("vpn")
	var b bytes.Buffer
	if err := s.Encode(&b); err != nil {
		t.Fatal(err)
	}
	if !sameBothWays(t, b.Bytes()) {
		t.Error("refused")
	}
	var list canonical.List[int]
	if all := list.Slice(); len(all) != 0 {
		t.Error(all)
	}
}

// A short list alone: fuzzing takes its time to make long files shorter.
func FuzzMembers(f *testing.F) {
	const before, after = `{"format_version":1,"lineage":"6fa459ea-ee8a-4ca4-894e-db77e160355e","serial":1,"rollcall_version":"",` +
		`"domains":{"vpn":{"id":"","scope":null,"members":[`, `]}},"directories":null,"applied":null}`
	line := func(username string) string {
		return `        {"user_id":"1","username":"` + username + `","name":"","email":"a@b","dn":"","since":"2026-11-24T03:00:00Z","origin":"added"}`
	}
	f.Add("\n" + line("a") + ",\n" + line("b") + "\n      ")
	f.Add("\n" + line("a") + "\n      ")
	f.Add("\n" + line("<") + ",\n" + line("a") + "\n  ,{}    ")
	f.Fuzz(func(t *testing.T, members string) { sameBothWays(t, []byte(before+members+after)) })
}
