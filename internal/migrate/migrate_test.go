package migrate

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"

	"github.com/rollcall-cli/rollcall/internal/config"
)

var update = flag.Bool("update", false, "write what the golden files should have")

const (
	apiKey   = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	minimal  = "[logintc]\napi_key = " + apiKey + "\ndomain_id = 9120580e94f134cb7c9f27cd1e43dbc82980e152\n[ldap]\nhost = ldap.example.com\nbase_dn = dc=example,dc=com\nattr_username = uid\n"
	complete = "\ufeff; every property\r\n[LoginTC]\r\nhost = logintc.example.com:8443\r\napi_key = " + apiKey + "\r\ndomain_id: 9120580E94F134CB7C9F27CD1E43DBC82980E152\r\n" +
		"proxy_host = proxy.example.com\r\nproxy_port = 3128\r\nproxy_user = me\r\nproxy_pass = pr0xy-password\r\n\r\n# the directory\r\n[ldap]\r\n" +
		"host = dc1.example.com, dc2.example.com:3269\r\nport = 636\r\nencryption = SSL\r\nbind_dn = cn=a\\, \\\"b\\\",dc=example,dc=com\r\nbind_password = s3cret=${x}\r\n" +
		"base_dn = dc=example,dc=com\r\nfilter = |(uid=${a})(cn=%{b}*)\r\nscope = one\r\npage_size = 0100\r\ncacert = /etc/ca.pem\r\n" +
		"attr_username = sAMAccountName\r\nattr_name = displayName\r\nattr_email = mail\r\nattr_phone = mobile\r\n" +
		"attr_alias1 = userPrincipalName\r\nattr_alias2 = cn;lang-fr\r\nattr_alias3 = 2.5.4.3\r\nnormalize_alias1 = yes\r\nnormalize_alias2 = false\r\n"
)

func everyOption() Options {
	return Options{
		SyncMode: "delete", MaxRemoveLimit: "010", TokenMode: "issue_token_with_email", Notify: "admin@example.com", Group: `Sales "North" ${x}`,
		DefaultEmail: "desk@example.com", DefaultName: "Some\\body", LocalValidation: true, IgnoreReferral: true,
	}
}

func TestConfiguration(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text    string
		options Options
	}{
		"minimal":  {minimal, Options{}},
		"complete": {complete, everyOption()},
		"mode":     {strings.Replace(minimal, "host = ", "encryption = starttls\nbind_dn = cn=x\nbind_password = y\nhost = ", 1), Options{SyncMode: "remove", MaxRemoveLimit: "0"}},
	} {
		p, err := Parse("config.cfg", []byte(c.text))
		if err != nil {
			t.Fatal(err)
		}
		result, err := Configuration(p, c.options)
		if err != nil {
			t.Fatal(err)
		}
		formatted, diags := config.Format("main.hcl", []byte(result.Configuration))
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		golden(t, name+".hcl", string(formatted))
		golden(t, name+".env", result.Variables)
		for _, secret := range []string{apiKey, "s3cret", "pr0xy-password"} {
			if strings.Contains(result.Configuration+result.Variables, secret) {
				t.Errorf("%s: a secret was copied", name)
			}
		}
		loads(t, formatted)
	}
}

// loads says that rollcall takes the configuration.
func loads(t *testing.T, text []byte) *config.Config {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.hcl"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	environ := []string{"ROLLCALL_VAR_logintc_api_key=" + apiKey, "ROLLCALL_VAR_ldap_password=x", "ROLLCALL_VAR_proxy_password=y"}
	loaded, diags := config.Load(config.Options{Dir: dir, Environ: environ})
	if diags.HasErrors() {
		t.Fatalf("%v\n%s", diags, text)
	}
	return loaded
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; go test -update writes it anew):\n%s", name, diff)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	with := func(line string) string { return minimal + line + "\n" }
	for name, c := range map[string]struct {
		text    string
		options Options
		want    string
	}{
		"unknown property":    {with("attr_usernane = s3cret"), Options{}, `f:8: "attr_usernane" is not a property of [ldap] that rollcall knows. Did you mean "attr_username"? Take it out if it is of no use`},
		"unknown, unlike any": {with("frobnicate = s3cret"), Options{}, `f:8: "frobnicate" is not a property of [ldap] that rollcall knows. Take it out if it is of no use`},
		"another section's":   {with("api_key = s3cret"), Options{}, `f:8: "api_key" is not a property of [ldap] that rollcall knows. Take it out if it is of no use`},
		"twice":               {with("query = dc=x"), Options{}, "f:8: query is set already, on line 6"},
		"no property":         {with("s3cret"), Options{}, "f:8: this is neither a section nor a property such as name = value"},
		"unknown section":     {"[radius]\ns3cret = x\n" + minimal, Options{}, "f:1: the sections are [logintc] and [ldap]"},
		"open section":        {"[logintc\n", Options{}, "f:1: the sections are [logintc] and [ldap]"},
		"no section":          {"host = x\n" + minimal, Options{}, "f:1: a property before the first section; the sections are [logintc] and [ldap]"},
		"several, by line":    {"x = 1\n" + with("y"), Options{}, "f:1: a property before the first section; the sections are [logintc] and [ldap]\nf:9: this is neither a section nor a property such as name = value"},
		"not UTF-8":           {"\xff", Options{}, "f: it is not UTF-8 text: save it as such"},
		"control character":   {with("attr_name = a\x1bb"), Options{}, "f:8: the value of attr_name has a control character"},
		"empty":               {"", Options{}, "f: [logintc] has no api_key\nf: [logintc] has no domain_id\nf: [ldap] has no host\nf: [ldap] has no base_dn\nf: [ldap] has no attr_username"},
		"domain id":           {strings.Replace(minimal, "9120", "912", 1), Options{}, "f:3: domain_id in [logintc] is not 40 hexadecimal characters"},
		"hosts":               {strings.Replace(minimal, "ldap.example.com", "ldap://x", 1), Options{}, "f:5: host in [ldap] is not a host such as ldap.example.com or ldap.example.com:636"},
		"encryption":          {with("encryption = tls"), Options{}, "f:8: encryption in [ldap] is not none, ssl or startTLS"},
		"filter":              {with("filter = (cn=x"), Options{}, "f:8: filter in [ldap] is not a filter such as (objectClass=person)"},
		"attribute":           {with("attr_name = c n"), Options{}, "f:8: attr_name in [ldap] is not the name of an attribute such as uid"},
		"truth":               {with("normalize_alias = perhaps"), Options{}, "f:8: normalize_alias in [ldap] is not true or false"},
		"bind without DN":     {with("bind_password = s3cret"), Options{}, "f: [ldap] has only one of bind_dn and bind_password"},
		"options": {
			minimal,
			Options{SyncMode: "purge", TokenMode: "x", MaxRemoveLimit: "-1", Notify: "a", DefaultEmail: "b", Group: " g", DefaultName: "n "},
			"-m: \"purge\" is not one of add_only, remove, delete\n-t: \"x\" is not one of do_not_issue_token, issue_token_without_email, issue_token_with_email\n" +
				"-r: \"-1\" is not a number of removals such as 10\n-e: \"b\" is not an e-mail address\n-l: \"a\" is not an e-mail address\n" +
				"-g: \" g\" is not a name of at most 128 characters without blanks at its ends\n-n: \"n \" is not a name of at most 128 characters without blanks at its ends",
		},
	} {
		p, err := Parse("f", []byte(c.text))
		if err == nil {
			_, err = Configuration(p, c.options)
		}
		if err == nil || err.Error() != c.want {
			t.Errorf("%s:\n got %v\nwant %s", name, err, c.want)
		}
	}
}

// Whatever stands in the file, rollcall takes what is written, and each value is what
// it was.
func FuzzConfiguration(f *testing.F) {
	f.Add(minimal, "n", "g")
	f.Add(complete, `"${x}`, `\%{y}`)
	f.Fuzz(func(t *testing.T, text, name, group string) {
		p, err := Parse("config.cfg", []byte(text))
		if err != nil {
			return
		}
		result, err := Configuration(p, Options{DefaultName: name, Group: group})
		if err != nil {
			return
		}
		loaded := loads(t, []byte(result.Configuration))
		if got := loaded.Policies[0].DefaultName; got != norm.NFC.String(name) {
			t.Errorf("%q became %q", name, got)
		}
		if got := loaded.Domains[0].Group; got != norm.NFC.String(group) {
			t.Errorf("%q became %q", group, got)
		}
		if got, want := loaded.Directories[0].BaseDN, norm.NFC.String(p.get(sectionLDAP, "base_dn")); got != want {
			t.Errorf("%q became %q", want, got)
		}
	})
}
