package cli_test

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"github.com/rollcall-cli/rollcall/internal/cli"
	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
)

// Ten applies at once on one state: one wins at a time, the others wait and find
// nothing left to do.
func TestTenAppliesAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, ldaptest.People(40))
	var (
		group sync.WaitGroup
		outs  [10]bytes.Buffer
		codes [10]int
	)
	for i := range outs {
		group.Go(func() {
			e := env(&outs[i])
			e.Environ = append(e.Environ, "ROLLCALL_VAR_ldap_password="+ldaptest.ReaderPassword)
			codes[i] = cli.Run(t.Context(), []string{"apply", "--auto-approve", "--chdir", s.folder, "--lock-timeout", "60s"}, e)
		})
	}
	group.Wait()
	winners := 0
	for i, code := range codes {
		if code != 0 {
			t.Errorf("exit code %d\n%s", code, outs[i].String())
		}
		if !strings.Contains(outs[i].String(), "Applied: 0 added") {
			winners++
		}
	}
	if winners != 1 {
		t.Errorf("%d applies added people", winners)
	}
	created := map[string]int{}
	for _, call := range writesOf(s.logintc.Emulator) {
		created[call.Method+" "+call.Path]++
	}
	for call, n := range created {
		if n > 1 && call != "POST /api/users" {
			t.Errorf("%s was sent %d times", call, n)
		}
	}
	if users := len(s.logintc.Data().Users); created["POST /api/users"] != users {
		t.Errorf("%d creations of %d users", created["POST /api/users"], users)
	}
	if got := string(membersOf(s.logintc.Data(), vpnID)); got != expected(40, even) {
		t.Error(got)
	}
	s.run(0, "plan", "--detailed-exitcode")
}
