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
		`{"username":"j","name":"","email":"","alias1":null,"alias3":"third"}`: {Username: "j", Alias1: NoAlias, Alias3: "third"},
	} {
		encoded, err := json.Marshal(want)
		if err != nil || string(encoded) != document {
			t.Errorf("%+v: %s, %v", want, encoded, err)
		}
		var got User
		if err := json.Unmarshal([]byte(document), &got); err != nil || got != want {
			t.Errorf("%s: %+v, %v", document, got, err)
		}
	}
	if err := json.Unmarshal([]byte("7"), new(Alias)); err == nil {
		t.Error("a number is an alias")
	}
}

func TestIsMetBy(t *testing.T) {
	t.Parallel()
	have := User{Username: "J", Name: "n", Email: "e", Alias1: "a", Alias2: NoAlias, Alias3: "c"}
	for _, c := range []struct {
		wanted User
		met    bool
		of     User // of what LoginTC has
	}{
		{User{Name: "n", Email: "e"}, true, User{Username: "J", Name: "n", Email: "e"}},
		{User{Name: "n", Email: "e", Alias1: "a", Alias2: NoAlias}, true, User{Username: "J", Name: "n", Email: "e", Alias1: "a", Alias2: NoAlias}},
		{User{Name: "n", Email: "e", Alias1: NoAlias}, false, User{Username: "J", Name: "n", Email: "e", Alias1: "a"}},
		{User{Name: "n", Email: "e", Alias2: "b"}, false, User{Username: "J", Name: "n", Email: "e", Alias2: NoAlias}},
		{User{Name: "n", Email: "x"}, false, User{Username: "J", Name: "n", Email: "e"}},
	} {
		if got := c.wanted.IsMetBy(&have); got != c.met {
			t.Errorf("%+v: %v", c.wanted, got)
		}
		if got := c.wanted.Of(have); got != c.of {
			t.Errorf("%+v: %+v", c.wanted, got)
		}
	}
	wanted := User{Username: "j", Alias1: NoAlias}
	if got := wanted.AliasesOr(&have); got != (User{Username: "j", Alias1: NoAlias, Alias2: NoAlias, Alias3: "c"}) {
		t.Errorf("%+v", got)
	}
}
