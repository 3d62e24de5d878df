package config

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestDigest(t *testing.T) {
	t.Parallel()
	replace := func(old, changed string) func(map[string]string, *Options) {
		return func(files map[string]string, _ *Options) {
			if !strings.Contains(files["main.hcl"], old) {
				t.Fatalf("the example has no %q", old)
			}
			files["main.hcl"] = strings.Replace(files["main.hcl"], old, changed, 1)
		}
	}
	setVar := func(kv string) func(map[string]string, *Options) {
		return func(_ map[string]string, o *Options) { o.Vars = append(o.Vars, kv) }
	}
	base := digestOf(t, nil)
	for _, test := range []struct {
		name   string
		same   bool
		change func(map[string]string, *Options)
	}{
		{"nothing", true, func(map[string]string, *Options) {}},
		{"a rotated password", true, setVar("ldap_password=other")},
		{"a rotated key", true, setVar("logintc_api_key=other")},
		{"comments and formatting", true, replace("lower( entry.uid ) # as LoginTC has them", "lower(entry.uid)\n")},
		{"line breaks in an expression", true, replace("coalesce(\n      entry.displayName,\n      entry.cn,\n    )", "coalesce(entry.displayName, entry.cn)")},
		{"a default written out", true, replace(`host    = "cloud.logintc.com"`, `concurrency = 32`)},
		{"an unused variable", true, replace("locals {", "variable \"unused\" { default = 1 }\nlocals {")},
		{"a value from elsewhere", true, replace("local.people", `"ou=People,dc=example,dc=com"`)},
		{"another file", true, func(files map[string]string, _ *Options) {
			files["main.hcl"], files["other.hcl"] = "", files["main.hcl"]
		}},
		{"a value of a variable", false, setVar(`site={ base = "dc=example,dc=org", urls = ["ldaps://dc1.example.com"] }`)},
		{"a filter", false, replace("(objectClass=person)", "(objectClass=*)")},
		{"an expression", false, replace("lower( entry.uid )", "upper(entry.uid)")},
		{"another attribute", false, replace("entry.cn", "entry.sn")},
		{"a limit", false, replace(`"5%"`, "5")},
		{"the limit of the run", false, replace("max_remove_limit = 25", "max_remove_limit = 26")},
		{"no limit of the run", false, replace("max_remove_limit = 25", "")},
		{"the state", false, replace("state/rollcall.json", "rollcall.json")},
		{"the policy of a domain", false, replace("policy    = policy.standard", "")},
		{"protected names", false, replace(`"breakglass"`, `"breakglas"`)},
		{"canaries", false, replace(`["john.roe"]`, `[]`)},
		{"the host", false, replace("cloud.logintc.com", "eu.logintc.com")},
	} {
		if got := digestOf(t, test.change); (got == base) != test.same {
			t.Errorf("%s: the digest is the same: %v, want %v", test.name, got == base, test.same)
		}
	}
}

// digestOf loads the example, changed, each time from another folder.
func digestOf(t *testing.T, change func(map[string]string, *Options)) string {
	t.Helper()
	files, opts := map[string]string{"main.hcl": example}, Options{Environ: secretsInEnviron()}
	if change != nil {
		change(files, &opts)
	}
	digest := load(t, files, opts).Digest
	if !strings.HasPrefix(digest, "sha256:") || len(digest) != len("sha256:")+64 {
		t.Fatalf("%q is no digest", digest)
	}
	return digest
}

// What a user block takes from variables, locals and files is part of what it
// means.
func TestDigestOfUserBlock(t *testing.T) {
	t.Parallel()
	const user = `username = "${entry.uid}${var.suffix}${local.names.x}${file("suffix")}"`
	digest := func(suffix, name, content string) string {
		files := minimal("", "", "", user)
		files["rest.hcl"] = "variable \"suffix\" {}\nlocals {\n names = { x = \"" + name + "\", y = \"unused\" }\n}"
		files["suffix"] = content
		return load(t, files, Options{Vars: []string{"suffix=" + suffix}}).Digest
	}
	seen := map[string]bool{}
	for _, values := range [][3]string{{"a", "b", "c"}, {"x", "b", "c"}, {"a", "x", "c"}, {"a", "b", "x"}} {
		seen[digest(values[0], values[1], values[2])] = true
	}
	if len(seen) != 4 {
		t.Errorf("got %d digests, want 4", len(seen))
	}
	if !seen[digest("a", "b", "c")] {
		t.Error("one configuration has two digests")
	}
}

func TestPathsAreResolved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := minimal(`ca_file = "/etc/ca.pem"`, "", "", "username = entry.uid")
	config := load(t, files, Options{Dir: dir})
	if got := config.LoginTC.CAFile; got != "/etc/ca.pem" {
		t.Errorf("got %q", got)
	}
	if got, want := config.Directories[0].Path, filepath.Join(dir, "export.ldif"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := config.Settings.State.Path, filepath.Join(dir, "rollcall.state.json"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
