package identity

import (
	"encoding/json"
	"testing"
)

func TestAlias(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Alias{"": NoAlias, " ": NoAlias, "\t ": NoAlias, " jd ": "jd", "jd": "jd"} {
		if got := NewAlias(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
	for document, want := range map[string]User{
		`{"username":"j","name":"","email":""}`:                                {Username: "j"},
		`{"username":"j","name":"","email":"","alias1":null,"alias3":"third"}`: {Username: "j", AliasSet: &AliasSet{Alias1: NoAlias, Alias3: "third"}},
	} {
		encoded, err := json.Marshal(want)
		if err != nil || string(encoded) != document {
			t.Errorf("%+v: %s, %v", want, encoded, err)
		}
		var got User
		if err := json.Unmarshal([]byte(document), &got); err != nil || !got.Equal(want) {
			t.Errorf("%s: %+v, %v", document, got, err)
		}
	}
	if err := json.Unmarshal([]byte("7"), new(Alias)); err == nil {
		t.Error("a number is an alias")
	}
}

func TestIsMetBy(t *testing.T) {
	t.Parallel()
	set := func(one, two, three Alias) *AliasSet { return &AliasSet{one, two, three} }
	have := User{Username: "J", Name: "n", Email: "e", AliasSet: set("a", NoAlias, "c")}
	for _, c := range []struct {
		wanted User
		met    bool
		of     User // of what LoginTC has
	}{
		{User{Name: "n", Email: "e"}, true, User{Username: "J", Name: "n", Email: "e"}},
		{User{Name: "n", Email: "e", AliasSet: set("a", NoAlias, "")}, true, User{Username: "J", Name: "n", Email: "e", AliasSet: set("a", NoAlias, "")}},
		{User{Name: "n", Email: "e", AliasSet: set(NoAlias, "", "")}, false, User{Username: "J", Name: "n", Email: "e", AliasSet: set("a", "", "")}},
		{User{Name: "n", Email: "e", AliasSet: set("", "b", "")}, false, User{Username: "J", Name: "n", Email: "e", AliasSet: set("", NoAlias, "")}},
		{User{Name: "n", Email: "x"}, false, User{Username: "J", Name: "n", Email: "e"}},
	} {
		if got := c.wanted.IsMetBy(&have); got != c.met {
			t.Errorf("%+v: %v", c.wanted, got)
		}
		if got := c.wanted.Of(have); !got.Equal(c.of) {
			t.Errorf("%+v: %+v", c.wanted, got)
		}
	}
	composed, decomposed := User{"zo\u00eb", "Zo\u00eb", "e@\u00eb.x", set("\u00eb", "", "")}, User{"zoe\u0308", "Zoe\u0308", "e@e\u0308.x", set("e\u0308", "", "")}
	if !composed.Equal(decomposed) || !decomposed.IsMetBy(&composed) || composed.Equal(User{"zo\u00eb", "Zo\u00eb", "e@e.x", set("\u00eb", "", "")}) {
		t.Error("composed and decomposed")
	}
	wanted := User{Username: "j", AliasSet: set(NoAlias, "", "")}
	if got := wanted.AliasesOr(&have); !got.Equal(User{Username: "j", AliasSet: set(NoAlias, NoAlias, "c")}) {
		t.Errorf("%+v", got)
	}
}
