package logintctest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/providers/logintctest"
)

const document = `{
  "name": "Acme",
  "api_key": "KEY",
  "administrators": ["admin@example.com"],
  "domains": [{"id": "VPN", "name": "VPN"}],
  "users": [{
    "id": "JANE", "username": "jane.doe", "name": "Jane Doe", "email": "jane.doe@example.com",
    "alias1": null, "alias2": "jd", "alias3": null, "phones": [], "groups": [],
    "domains": ["VPN"], "tokens": {"VPN": "active"}
  }]
}`

func fill(s string) string {
	return strings.NewReplacer("KEY", key, `"VPN":`, `"`+vpn+`":`, `["VPN"]`, `["`+vpn+`"]`, `"id": "VPN"`, `"id": "`+vpn+`"`, "JANE", jane).Replace(s)
}

func TestLoadData(t *testing.T) {
	t.Parallel()
	got, err := logintctest.LoadData(strings.NewReader(fill(document)))
	if err != nil {
		t.Fatal(err)
	}
	want := logintctest.Data{
		Name: "Acme", APIKey: key, Administrators: []string{"admin@example.com"},
		Domains: []logintctest.Domain{{ID: vpn, Name: "VPN"}},
		Users: []logintctest.User{{
			ID: jane, Username: "jane.doe", Name: "Jane Doe", Email: "jane.doe@example.com", Alias2: new("jd"),
			Phones: []string{}, Groups: []string{}, Domains: []string{vpn},
			Tokens: map[string]logintctest.TokenState{vpn: logintctest.TokenActive},
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// What is served is what was read, in the same form.
	server, c := start(t, logintctest.Options{Data: got})
	served := c.send("GET", "/emulator/data", "").body
	again, err := logintctest.LoadData(strings.NewReader(served))
	if err != nil {
		t.Fatalf("%v: %s", err, served)
	}
	if diff := cmp.Diff(want, again); diff != "" {
		t.Errorf("served (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, server.Data()); diff != "" {
		t.Errorf("Data (-want +got):\n%s", diff)
	}
}

func TestLoadDataRefuses(t *testing.T) {
	t.Parallel()
	user := document[strings.Index(document, `"users": [`)+len(`"users": [`) : strings.LastIndex(document, "]")]
	tests := []struct{ name, old, new, says string }{
		{"nothing", document, "", "JSON document"},
		{"not JSON", "{", "x", "JSON document"},
		{"unknown field", `"name": "Acme"`, `"nmae": "Acme"`, "nmae"},
		{"unknown field of a user", `"alias1"`, `"alias4"`, "alias4"},
		{"wrong type", `"phones": []`, `"phones": "x"`, "phones"},
		{"two documents", document, document + "{}", "something follows"},
		{"no name", `"Acme"`, `""`, "no name"},
		{"short key", `KEY`, `short`, "api_key is not 64"},
		{"key with a quote", `KEY`, strings.Repeat("x", 63) + `\"`, "api_key is not 64"},
		{"administrator", `admin@example.com`, `admin`, `administrator "admin"`},
		{"bad domain id", `"id": "VPN"`, `"id": "12"`, `domain "VPN": its id "12"`},
		{"domain twice", `"domains": [{`, `"domains": [{"id": "VPN", "name": "Site"}, {`, vpn + " is there twice"},
		{"domain without a name", `"name": "VPN"`, `"name": ""`, "no name"},
		{"bad user id", "JANE", strings.ToUpper(site), `"jane.doe" (number 1): its id`},
		{"username twice", user, user + "," + strings.Replace(user, "JANE", john, 1), `username "jane.doe" is there twice`},
		{"user id twice", user, user + "," + strings.Replace(user, "jane.doe", "other", 1), "is another user's"},
		{"no username", `"jane.doe"`, `""`, "username has 0 characters"},
		{"long name", `Jane Doe`, strings.Repeat("x", 129), "name has 129 characters"},
		{"bad email", `"jane.doe@example.com"`, `"jane"`, "email is not an e-mail address"},
		{"unknown domain", `["VPN"]`, `["` + site + `"]`, site},
		{"member twice", `["VPN"]`, `["` + vpn + `","` + vpn + `"]`, "twice"},
		{"token without membership", `"tokens": {"VPN"`, `"tokens": {"` + site + `"`, "token on"},
		{"token state", `"active"`, `"lost"`, `"lost"`},
	}
	for _, test := range tests {
		if !strings.Contains(document, test.old) {
			t.Fatalf("%s: %q is not in the document", test.name, test.old)
		}
		_, err := logintctest.LoadData(strings.NewReader(fill(strings.Replace(document, test.old, test.new, 1))))
		if err == nil || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), key) {
			t.Errorf("%s: error %v, want one that says %q", test.name, err, test.says)
		}
	}
}

func FuzzLoadData(f *testing.F) {
	f.Add(fill(document))
	f.Add(`{}`)
	f.Fuzz(func(t *testing.T, text string) {
		d, err := logintctest.LoadData(strings.NewReader(text))
		if err != nil {
			return
		}
		// What loads can be served, and what is served loads and stays the same.
		e, err := logintctest.New(logintctest.Options{Data: d, Seed: 1})
		if err != nil {
			t.Fatalf("%+v loads and is refused: %v", d, err)
		}
		encoded, err := json.Marshal(e.Data())
		if err != nil {
			t.Fatal(err)
		}
		again, err := logintctest.LoadData(strings.NewReader(string(encoded)))
		if err != nil {
			t.Fatalf("%s: %v", encoded, err)
		}
		if diff := cmp.Diff(e.Data(), again); diff != "" {
			t.Errorf("(-served +loaded):\n%s", diff)
		}
	})
}
