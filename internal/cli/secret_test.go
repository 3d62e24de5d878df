package cli_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
)

// No password, key or activation code is in any file or output, whatever was run.
func TestSecretsAreNowhere(t *testing.T) {
	t.Parallel()
	s := newSite(t, ldaptest.People(60))
	// log runs a command with everything that it can log.
	log := func(code int, args ...string) {
		t.Helper()
		before := s.printed.Len()
		s.run(code, append(args, "--log-level", "trace")...)
		if !strings.Contains(s.printed.String()[before:], "msg=begin") {
			t.Errorf("%v wrote no log", args)
		}
		s.run(0, "version", "--log-level", "trace", "--log-file", "rollcall.log", "--log-format", "json")
	}
	log(0, "validate")
	log(0, "users")
	log(2, "plan", "--out", "first.plan", "--detailed-exitcode")
	log(0, "show", "first.plan")
	log(0, "show", "--json", "first.plan")
	log(0, "plan", "--json")
	log(0, "apply", "first.plan", "--activation-codes", "codes.csv")
	log(0, "apply", "--auto-approve")
	log(0, "state", "list")
	log(0, "state", "show", `domain.vpn["user000000"]`)
	log(1, "plan", "--var", "ldap_password=wr0ng-password-of-ours")
	log(1, "plan", "--var", "logintc_api_key="+strings.Repeat("wr0ng", 13)[:64])
	log(0, "doctor")
	log(0, "doctor", "--json")
	log(1, "doctor", "--var", "ldap_password=wr0ng-password-of-ours")
	log(1, "doctor", "--json", "--var", "logintc_api_key="+strings.Repeat("wr0ng", 13)[:64])
	s.configure("ldaps://127.0.0.1:1", 0)
	s.run(1, "plan", "--log-level", "trace", "--log-file", "rollcall.log", "--log-format", "json")
	s.run(1, "version", "--log-level", "loud")
	s.run(1, "version", "--log-level", "info", "--log-format", "xml")
	for _, part := range []string{`msg="LDAP page"`, "msg=LoginTC", `msg="operation done"`, "level=TRACE"} {
		if !strings.Contains(s.printed.String(), part) {
			t.Errorf("the log has no %s", part)
		}
	}
	secrets := []string{ldaptest.ReaderPassword, testKey, "wr0ng"}
	data := s.logintc.Data()
	for _, u := range data.Users {
		for _, domain := range u.Domains {
			secrets = append(secrets, s.code(domain, u.ID))
		}
	}
	if len(secrets) < 30 {
		t.Fatalf("only %d secrets to look for", len(secrets))
	}
	written, err := os.ReadFile(filepath.Join(s.folder, "codes.csv"))
	if err != nil || strings.Count(string(written), "\n") < 25 || !strings.HasPrefix(string(written), "domain,username,code\n") {
		t.Fatalf("%d octets of codes, %v", len(written), err)
	}
	for _, code := range secrets[3:] {
		if !strings.Contains(string(written), ","+code+"\n") {
			t.Error("a code was not written down")
		}
	}
	if err := os.Remove(filepath.Join(s.folder, "codes.csv")); err != nil { // the one place where they may be
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(s.folder, "*"))
	if err != nil || len(files) < 4 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		for _, secret := range secrets {
			if content := contentOf(t, file); strings.Contains(content, secret) {
				t.Errorf("%s has a secret", filepath.Base(file))
			}
		}
	}
	for _, secret := range secrets {
		if strings.Contains(s.printed.String(), secret) {
			t.Error("a secret was printed")
		}
	}
}

// code is the activation code of a pending token.
func (s *site) code(domain, user string) string {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.logintc.URL+"/api/domains/"+domain+"/users/"+user+"/token", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Authorization", `LoginTC key="`+testKey+`"`)
	request.Header.Set("Accept", "application/vnd.logintc.v1+json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var token struct{ Code string }
	if err := json.NewDecoder(response.Body).Decode(&token); err != nil || len(token.Code) != 10 {
		s.t.Fatalf("%d, %+v, %v", response.StatusCode, token, err)
	}
	return token.Code
}

// contentOf is the content of a file, unpacked if it is a plan.
func contentOf(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return string(raw)
	}
	unpacked, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(unpacked)
}

func decode(encoded string) string {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		panic(err)
	}
	return string(raw)
}
