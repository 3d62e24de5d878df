package render

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/rollcall-cli/rollcall/internal/doctor"
)

// report has every result, with and without subject, items and remedy, and what
// directories can say.
func report() *doctor.Report {
	configuration := doctor.Section{Name: "Configuration"}
	configuration.Add("files", doctor.OK, "main.hcl: 1 directory, 1 policy, 1 domain")
	corp := doctor.Section{Name: "directory.corp"}
	const server = "ldaps://dc1.example.com:636"
	corp.Put(doctor.Check{Subject: server, Name: "DNS", Result: doctor.OK, Detail: "dc1.example.com: 10.0.0.4, 10.0.0.5"})
	corp.Put(doctor.Check{
		Subject: server, Name: "certificate", Result: doctor.Warning, Detail: "CN=dc1 expires in 12 days (2026-12-07)",
		Items: []string{"CN=dc1 expires in 12 days (2026-12-07)", "CN=\x1b[2JRoot\u202e expires in 999 days (2029-08-20)"}, Remedy: "renew it before then: after it nothing can be read",
	})
	corp.Put(doctor.Check{Subject: server, Name: "bind", Result: doctor.Failed, Detail: "\x1b]0;owned\aLDAP Result Code 49\nok    entries       all of them", Remedy: "try it by hand: ldapwhoami -H ldaps://dc1.example.com:636 -x -D 'cn=sync,ou=Services,dc=example,dc=com' -W"})
	corp.Skip(server, "bind failed", "server")
	corp.Skip("for domain.vpn", "the directory can not be read", "entries", "attributes", "duplicates", "missing data")
	loginTC := doctor.Section{Name: "LoginTC"}
	loginTC.Add("organization", doctor.OK, "%q", "Acme 山田 太郎")
	return &doctor.Report{Sections: []doctor.Section{configuration, corp, loginTC}}
}

func doctorText(t *testing.T, r *doctor.Report, o DoctorOptions) string {
	t.Helper()
	var b strings.Builder
	if err := Doctor(&b, r, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func doctorJSON(t *testing.T, r *doctor.Report) string {
	t.Helper()
	var b strings.Builder
	if err := DoctorJSON(&b, r, "0.1.0"); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	golden(t, "doctor.txt", doctorText(t, report(), DoctorOptions{}))
	golden(t, "doctor.color.txt", doctorText(t, report(), DoctorOptions{Color: true}))
	golden(t, "doctor.narrow.txt", doctorText(t, report(), DoctorOptions{Width: 60}))
	golden(t, "doctor.json", doctorJSON(t, report()))
}

// The worst check decides; nothing at all is ok.
func TestDoctorResult(t *testing.T) {
	t.Parallel()
	r := &doctor.Report{Sections: []doctor.Section{{Name: "LoginTC"}}}
	for _, result := range []doctor.Result{doctor.OK, doctor.Skipped, doctor.Warning, doctor.Failed} {
		r.Sections[0].Add("key", result, "")
		want := result
		if result == doctor.Skipped {
			want = doctor.OK
		}
		if got := doctorJSON(t, r); !strings.Contains(got, `"result": "`+string(want)+"\",\n  \"summary\"") {
			t.Errorf("%s: %s", result, got)
		}
	}
}

// The document is what docs/doctor.schema.json says, and docs/doctor.md names every field.
func TestDoctorSchema(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/doctor.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	closeObjects(schema)
	c := jsonschema.NewCompiler()
	if err := c.AddResource("doctor.schema.json", schema); err != nil {
		t.Fatal(err)
	}
	strict, err := c.Compile("doctor.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	got := doctorJSON(t, report())
	if err := valid(strict, got); err != nil {
		t.Error(err)
	}
	docs, err := os.ReadFile("../../docs/doctor.md")
	if err != nil {
		t.Fatal(err)
	}
	var document map[string]any
	if err := json.Unmarshal([]byte(got), &document); err != nil {
		t.Fatal(err)
	}
	for _, field := range fields(document) {
		if !strings.Contains(string(docs), "`"+field+"`") {
			t.Errorf("docs/doctor.md does not name %q", field)
		}
	}
	for field := range document {
		without := strings.Replace(got, `"`+field+`"`, `"another"`, 1)
		if valid(strict, without) == nil {
			t.Errorf("the schema does not ask for %s", field)
		}
	}
}
