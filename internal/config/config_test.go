package config

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

const example = `
rollcall {
  required_version = ">= 0.1"
  state { path = "state/rollcall.json" }
  max_remove_limit = 25
}

variable "ldap_password"   { sensitive = true }
variable "logintc_api_key" { sensitive = true }
variable "site" {
  type    = object({ base = string, urls = list(string) })
  default = { base = "dc=example,dc=com", urls = ["ldaps://dc1.example.com", "ldaps://dc2.example.com"] }
}

locals {
  people = "ou=People,${var.site.base}"
}

logintc "acme" {
  host    = "cloud.logintc.com"
  api_key = var.logintc_api_key
}

directory "ldap" "corp" {
  urls          = var.site.urls
  bind_dn       = "cn=sync,ou=Services,dc=example,dc=com"
  bind_password = var.ldap_password
  base_dn       = local.people
  filter        = "(objectClass=person)"
  allow_empty   = true
  canaries      = ["jane.doe"]

  user {
    username = lower( entry.uid ) # as LoginTC has them
    name     = coalesce(
      entry.displayName,
      entry.cn,
    )
    email = entry.mail
  }
}

policy "standard" {
  sync_mode        = "remove"
  max_remove_limit = "5%"
  token_mode       = "issue_token_without_email"
  protect          = ["svc-*", "breakglass"]
  unmanaged        = "remove"
  remove_after     = "72h"
}

domain "vpn" {
  id        = "9120580E94F134CB7C9F27CD1E43DBC82980E152"
  directory = directory.corp
  filter    = "(memberOf=cn=vpn,ou=Groups,dc=example,dc=com)"
  policy    = policy.standard
}

domain "site" {
  id          = "9120580e94f134cb7c9f27cd1e43dbc82980e153"
  directory   = directory.corp
  allow_empty = false
  canaries    = ["john.roe"]
}
`

func secretsInEnviron() []string {
	return []string{"ROLLCALL_VAR_ldap_password=pass word", "ROLLCALL_VAR_logintc_api_key=key", "HOME=/"}
}

func TestLoadExample(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	got := load(t, map[string]string{"main.hcl": example}, Options{Dir: dir, Environ: secretsInEnviron(), Version: "0.1.0-dev"})
	corp := &Directory{
		Name: "corp", Kind: KindLDAP, URLs: []string{"ldaps://dc1.example.com", "ldaps://dc2.example.com"}, Encryption: EncryptionSSL, BindMethod: BindSimple,
		BindDN: "cn=sync,ou=Services,dc=example,dc=com", BindPassword: identity.NewSecret("pass word"),
		Referrals: ReferralsFollow, PageSize: 500, ConnectTimeout: 10 * time.Second, BindTimeout: 10 * time.Second, SearchTimeout: 5 * time.Minute,
		BaseDN: "ou=People,dc=example,dc=com", Scope: identity.ScopeSub, Filter: "(objectClass=person)",
		AllowEmpty: true, MaxAge: 24 * time.Hour, Canaries: []string{"jane.doe"},
	}
	standard := &Policy{
		Name: "standard", SyncMode: "remove", TokenMode: "issue_token_without_email", OnLimit: "withhold", OnRename: "replace",
		MaxRemoveLimit: identity.Limit{Value: 5, Percent: true}, MaxShrink: identity.Limit{Value: 30, Percent: true},
		Protect: []string{"breakglass", "svc-*"}, RemoveUnmanaged: true, RemoveAfter: 72 * time.Hour, MaxErrors: 10,
	}
	want := &Config{
		Dir: dir,
		Settings: Settings{
			RequiredVersion: ">= 0.1", State: State{Path: filepath.Join(dir, "state", "rollcall.json")},
			MaxRemoveLimit: &identity.Limit{Value: 25}, PlanExpiry: 24 * time.Hour,
		},
		LoginTC: LoginTC{
			Name: "acme", Host: "cloud.logintc.com", BaseURL: "https://cloud.logintc.com/api",
			APIKey: identity.NewSecret("key"), Concurrency: 32, Timeout: 30 * time.Second, API: API13, Execution: ExecutionCalls,
		},
		Directories: []*Directory{corp},
		Policies:    []*Policy{standard},
		Domains: []*Domain{
			{
				Name: "site", Block: "site", ID: "9120580e94f134cb7c9f27cd1e43dbc82980e153", Directories: []*Directory{corp},
				Policy: newPolicy(), AllowEmpty: new(false), Canaries: []string{"john.roe"},
			},
			{
				Name: "vpn", Block: "vpn", ID: "9120580e94f134cb7c9f27cd1e43dbc82980e152", Directories: []*Directory{corp}, Policy: standard,
				Filter: "(memberOf=cn=vpn,ou=Groups,dc=example,dc=com)",
			},
		},
	}
	secret := cmp.Comparer(func(x, y identity.Secret) bool { return x.Reveal() == y.Reveal() })
	if diff := cmp.Diff(want, got, secret, cmpopts.IgnoreFields(Config{}, "Digest", "Files", "written"),
		cmpopts.IgnoreFields(Directory{}, "User")); diff != "" {
		t.Errorf("the configuration differs (-want +got):\n%s", diff)
	}
	wantSources := map[string]string{
		"username": "lower(entry.uid)", "name": "coalesce(entry.displayName, entry.cn)", "email": "entry.mail",
	}
	if diff := cmp.Diff(wantSources, got.Directories[0].User.Sources()); diff != "" {
		t.Errorf("the sources differ (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"cn", "displayName", "mail", "uid"}, got.Directories[0].User.Attributes()); diff != "" {
		t.Errorf("the attributes differ (-want +got):\n%s", diff)
	}
	addresses := []string{got.Directories[0].Address(), got.Policies[0].Address(), got.Domains[0].Address(), got.Domains[0].Policy.Address()}
	if diff := cmp.Diff([]string{"directory.corp", "policy.standard", "domain.site", "the default policy"}, addresses); diff != "" {
		t.Errorf("the addresses differ (-want +got):\n%s", diff)
	}
}

// minimal is a configuration to which a line of a directory, a policy or the
// organization is added.
func minimal(logintc, directory, policy, user string) map[string]string {
	return map[string]string{
		"key": strings.Repeat("k", 64) + "\n",
		"main.hcl": `
logintc "acme" {
  api_key_file = "key"
  ` + logintc + `
}
directory "ldif" "corp" {
  path    = "export.ldif"
  base_dn = "dc=example,dc=com"
  ` + directory + `
  user {
    ` + user + `
  }
}
policy "standard" {
  ` + policy + `
}
domain "vpn" {
  id        = "9120580e94f134cb7c9f27cd1e43dbc82980e152"
  directory = directory.corp
  policy    = policy.standard
}
`,
	}
}

func TestHost(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		"cloud.logintc.com":         "https://cloud.logintc.com/api",
		"logintc.example.com:8443":  "https://logintc.example.com:8443/api",
		"https://cloud.logintc.com": "https://cloud.logintc.com/api",
		"https://a.example/":        "https://a.example/api",
		"http://127.0.0.1:8080":     "http://127.0.0.1:8080/api",
		"http://localhost:8080":     "http://localhost:8080/api",
		"http://[::1]:8080":         "http://[::1]:8080/api",
		"[::1]:8080":                "https://[::1]:8080/api",
		"http://10.0.0.1":           "",
		"http://localhost.evil.com": "",
		"ftp://localhost":           "",
		"https://a.example/api":     "",
		"https://a.example?x":       "",
		"user:pw@a.example":         "",
		"a.example:port":            "",
		"a.example:70000":           "",
		"a.example:":                "",
		"a b":                       "",
		"":                          "",
	} {
		config, diags := tryLoad(t, minimal(`host = "`+host+`"`, "", "", "username = entry.uid"), Options{})
		got := ""
		if config != nil {
			got = config.LoginTC.BaseURL
		}
		if got != want {
			t.Errorf("host %q: got %q, want %q; %s", host, got, want, text(t, diags))
		}
	}
}

func TestSecretFile(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{"s3cret\n": "s3cret", "s3cret\r\n": "s3cret", "s3cret": "s3cret", "": "", "\n": "", "two\nlines": ""} {
		files := minimal("", "", "", "username = entry.uid")
		files["key"] = content
		config, diags := tryLoad(t, files, Options{})
		switch {
		case config == nil && want != "":
			t.Errorf("%q: %s", content, text(t, diags))
		case config != nil && config.LoginTC.APIKey.Reveal() != want:
			t.Errorf("%q: got %q, want %q", content, config.LoginTC.APIKey.Reveal(), want)
		case config == nil && len(content) > 3:
			neverIn(t, "lines", diags)
		}
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	files := minimal("", "", "", "username = entry.uid")
	for running, want := range map[string]bool{
		"0.1.0-dev": true, "v0.1.3": true, "0.2.0": true, "1.0.0": false, "0.0.9": false, "(devel)": true, "": true,
	} {
		files["version.hcl"] = `rollcall { required_version = ">= 0.1, < 1.0" }`
		_, diags := tryLoad(t, files, Options{Version: running})
		if got := !diags.HasErrors(); got != want {
			t.Errorf("version %q: got %v, want %v\n%s", running, got, want, text(t, diags))
		}
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := minimal("", "", "", "username = entry.uid")
	files[".hidden.hcl"] = "not HCL"
	files["sub/other.hcl"] = "not HCL"
	files["prod.vars.hcl"] = `not HCL either`
	files["notes.txt"] = "not HCL"
	files["given.hcl"] = `x = 1`
	files["x.hcl.json"] = `{"variable": {"x": {"type": "number"}}}`
	config := load(t, files, Options{Dir: dir, VarFiles: []string{filepath.Join(dir, "given.hcl")}})
	if len(config.Domains) != 1 {
		t.Errorf("got %d domains, want 1", len(config.Domains))
	}
	got, err := SourceFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{filepath.Join(dir, "given.hcl"), filepath.Join(dir, "main.hcl"), filepath.Join(dir, "prod.vars.hcl")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the source files differ (-want +got):\n%s", diff)
	}
	if _, err := SourceFiles(filepath.Join(dir, "nowhere")); err == nil {
		t.Error("a folder that is not there is no error")
	}
}

func TestFormat(t *testing.T) {
	t.Parallel()
	got, diags := Format("main.hcl", []byte("a  \"b\" {\nlong=1\n  x = 2 # why\n}\n"))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if diff := cmp.Diff("a \"b\" {\n  long = 1\n  x    = 2 # why\n}\n", string(got)); diff != "" {
		t.Errorf("formatted text differs (-want +got):\n%s", diff)
	}
	got, diags = Format("main.hcl", []byte("bind_password = \"hunter2"))
	if got != nil || !diags.HasErrors() {
		t.Errorf("a syntax error was formatted: %q", got)
	}
	neverIn(t, "hunter2", diags)
}
