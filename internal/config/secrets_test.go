package config

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// neverIn fails where a secret is in any form of the diagnostics.
func neverIn(t *testing.T, secret string, diags Diagnostics) {
	t.Helper()
	encoded, err := json.Marshal(diags)
	if err != nil {
		t.Fatal(err)
	}
	var colored bytes.Buffer
	if err := diags.WriteText(&colored, true); err != nil {
		t.Fatal(err)
	}
	for form, got := range map[string]string{
		"text": text(t, diags), "colored text": colored.String(), "JSON": string(encoded), "error": diags.Error(),
	} {
		if strings.Contains(got, secret) {
			t.Errorf("the secret %q is in the %s:\n%s", secret, form, got)
		}
	}
}

// TestMasker says how each line of a text may be shown.
func TestMasker(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ source, want string }{
		{`name = "x"`, `name = "x"`},
		{`bind_password = "x"`, `bind_password = (sensitive)`},
		{`bind_password="x"`, `bind_password= (sensitive)`},
		{`  api_key   = var.key`, `  api_key   = var.key`},
		{`  api_key   = local.key # "x"`, `  api_key   = (sensitive)`},
		{`  api_key   = trimspace(var.key)`, `  api_key   = (sensitive)`},
		{`  api_key   = x`, `  api_key   = (sensitive)`},
		{`API_KEY = "x"`, `API_KEY = (sensitive)`},
		{`a = { password = "x", b = "y" }`, `a = { password = (sensitive)`},
		{`{"bind_password": "x"}`, `{"bind_password": (sensitive)`},
		{`bind_password_file = "x"`, `bind_password_file = "x"`},
		{`token_mode = "x"`, `token_mode = "x"`},
		{`token_mode = "x", token = "y"`, `token_mode = "x", token = (sensitive)`},
		{`variable "ldap_password" { sensitive = true }`, `variable "ldap_password" { sensitive = true }`},
		{`variable "ldap_password" { default = "x" }`, `variable "ldap_password" { default = (sensitive)`},
		{`default_name = "x"`, `default_name = "x"`},
		{"password = \"x\ny\nz\"\na = 1", "password = (sensitive)\n(sensitive)\n(sensitive)\na = 1"},
		{"password = <<EOT\ny = 1\n  EOT\na = 1", "password = (sensitive)\n(sensitive)\n(sensitive)\na = 1"},
		{"password = <<-EOT\ny", "password = (sensitive)\n(sensitive)"},
		{"password = f(\n  \"x\", # )\n  \"(\\\"\"\n)\na = 1", "password = (sensitive)\n(sensitive)\n(sensitive)\n(sensitive)\na = 1"},
		{"# it isn't \" closed\na = 1", "# it isn't \" closed\na = 1"},
		{`bind_password "x"`, `bind_password (sensitive)`},
		{`bind_password <<EOT`, `bind_password (sensitive)`},
	} {
		m := &masker{names: secretNames()}
		var got []string
		for line := range strings.SplitSeq(test.source, "\n") {
			shown, _ := m.line(line)
			got = append(got, shown)
		}
		if strings.Join(got, "\n") != test.want {
			t.Errorf("%q: got %q, want %q", test.source, strings.Join(got, "\n"), test.want)
		}
	}
}

func TestScrubber(t *testing.T) {
	t.Parallel()
	var s scrubber
	for _, secret := range []string{"hunter2", "hunter2 and more", "a\"b\\c\n", " padded ", "abc", ""} {
		s.add(secret)
	}
	for given, want := range map[string]string{
		"say hunter2!":           "say (sensitive)!",
		"hunter2 and more":       "(sensitive)",
		`quoted "a\"b\\c\n" too`: `quoted "(sensitive)" too`,
		"x padded x":             "x(sensitive)x",
		"padded":                 "(sensitive)",
		"abc is too short":       "abc is too short",
	} {
		if got := s.scrub(given); got != want {
			t.Errorf("%q: got %q, want %q", given, got, want)
		}
	}
}
