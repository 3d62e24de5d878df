package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/rollcall-cli/rollcall/bench/floor"
	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/providers/ldap"
	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
)

const (
	domainID = "9120580e94f134cb7c9f27cd1e43dbc82980e152"
	pageSize = 1000 // of searches
)

var apiKey = strings.Repeat("benchmark-of-key", 4) //nolint:gochecknoglobals // 64 characters

// directory is a slapd with people, and how it is read.
type directory struct {
	*ldaptest.Slapd
	floor.Directory
}

// startDirectory starts a slapd with n persons in the folder.
func startDirectory(folder string, n int) (directory, error) {
	s, err := ldaptest.NewSlapd(folder, ldaptest.SlapdOptions{LDIF: people(n)})
	if err != nil {
		return directory{}, err
	}
	return directory{s, floor.Directory{
		URL: s.LDAPSURL, CAFile: s.CAFile, BindDN: s.BindDN, BindPassword: s.BindPassword, Encryption: ldap.EncryptionSSL,
		BaseDN: s.People, Filter: "(objectClass=person)", PageSize: pageSize,
		Attributes: append([]string{"uid", "displayName", "cn", "mail"}, identity.EntryIDAttributes()...),
	}}, nil
}

// emulator is a running `rollcall emulator`.
type emulator struct {
	url     string // without /api
	command *exec.Cmd
	output  io.Closer
}

// startEmulator starts one with these flags; data is a file, or empty for nobody.
func (b *bench) startEmulator(ctx context.Context, folder, data string, flags ...string) (*emulator, error) {
	if data == "" {
		data = filepath.Join(folder, "nobody.json")
		err := os.WriteFile(data, fmt.Appendf(nil, `{"name": "Bench", "api_key": %q, "administrators": [], "domains": [{"id": %q, "name": "VPN"}], "users": []}`, apiKey, domainID), 0o600)
		if err != nil {
			return nil, err
		}
	}
	cmd := exec.CommandContext(ctx, b.rollcall, append([]string{"emulator", "--api", "1.3", "--data", data}, flags...)...)
	cmd.Stderr = os.Stderr
	output, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	e := &emulator{command: cmd, output: output}
	first, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		e.Close()
		return nil, fmt.Errorf("the emulator says nothing: %w", err)
	}
	e.url = strings.TrimSpace(strings.TrimPrefix(first, "listening on "))
	return e, nil
}

// Close ends the emulator.
func (e *emulator) Close() {
	_ = e.command.Process.Signal(syscall.SIGTERM) // it may have ended already
	_ = e.output.Close()
	_ = e.command.Wait() // how it ended does not matter
}

// logintc is the organization for the clients of package floor.
func (e *emulator) logintc() floor.LoginTC {
	return floor.LoginTC{URL: e.url + "/api", Key: apiKey, Domain: domainID}
}

// counts are the calls since they were last taken.
type counts struct {
	Total   int            `json:"total"`
	Refused int            `json:"refused"`
	Calls   map[string]int `json:"calls"`
}

// take returns the calls since the last time and forgets them.
func (e *emulator) take() (c counts, err error) {
	response, err := http.Get(e.url + "/emulator/counts")
	if err != nil {
		return c, err
	}
	err = json.NewDecoder(response.Body).Decode(&c)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return c, err
	}
	reset, err := http.Post(e.url+"/emulator/reset", "", nil)
	if err != nil {
		return c, err
	}
	return c, reset.Body.Close()
}

// during returns the calls that come while something is done.
func (e *emulator) during(do func() error) (counts, error) {
	if _, err := e.take(); err != nil {
		return counts{}, err
	}
	if err := do(); err != nil {
		return counts{}, err
	}
	return e.take()
}

// save writes the organization to a file, as --data reads it.
func (e *emulator) save(file string) (err error) {
	response, err := http.Get(e.url + "/emulator/data")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, response.Body)
	return errors.Join(err, out.Close())
}

// configure writes a configuration of one domain with everybody of the directory.
func configure(folder string, at floor.Directory, e *emulator, settings string) error {
	return os.WriteFile(filepath.Join(folder, "rollcall.hcl"), fmt.Appendf(nil, `
variable "ldap_password" { sensitive = true }

logintc "bench" {
  host    = %q
  api_key = %q
%s}

%s
policy "bench" {
  sync_mode        = "remove"
  max_remove_limit = "5%%"
}

domain "vpn" {
  id        = %q
  directory = directory.corp
  policy    = policy.bench
}
`, e.url, apiKey, settings, at.Block(), domainID), 0o600)
}

// environment is that of rollcall.
func environment() []string {
	return []string{"ROLLCALL_VAR_ldap_password=" + ldaptest.ReaderPassword, "HOME=" + os.TempDir(), "PATH=" + os.Getenv("PATH"), "NO_PROXY=*"}
}

// sizeOf is the octets of a file, 0 where there is none.
func sizeOf(file string) int64 {
	info, err := os.Stat(file)
	if err != nil {
		return 0
	}
	return info.Size()
}
