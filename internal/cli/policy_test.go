package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// goldenPlan is a plan as JSON, of render's golden files.
func goldenPlan(name string) string { return "../render/testdata/" + name + ".json" }

// What docs/policy.md asks jq gives what the document says.
func TestQuestionsToAPlan(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("../../docs/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	programs := regexp.MustCompile("(?s)```jq\n(.*?)```").FindAllStringSubmatch(string(document), -1)
	asked := []struct{ plan, want string }{
		{"removals", `domain.vpn["jane.doe"]: no entry in the directory any more`},
		{"removals", `"site",0,0,2` + "\n" + `"vpn",0,0,2`},
		{"withheld", `{"guard":"max_shrink","people":["jane.doe"]}`},
		{"changes", "noor.haddad: noor.haddad@example.com -> noor@example.com"},
		{"removals", `"operations":[{"action":"leave_domain","domain":"vpn",`},
	}
	if len(programs) != len(asked) {
		t.Fatalf("%d programs, and %d are known", len(programs), len(asked))
	}
	for i, program := range programs {
		out, err := exec.CommandContext(t.Context(), "jq", "-rc", program[1], goldenPlan(asked[i].plan)).CombinedOutput()
		if err != nil || !strings.Contains(string(out), asked[i].want) {
			t.Errorf("%s: %v\n%s, want %s", program[1], err, out, asked[i].want)
		}
		if i == len(programs)-1 && regexp.MustCompile(`jane|noor|kim|zoë|@`).Match(out) {
			t.Errorf("somebody is named: %s", out)
		}
	}
}

// The policy of examples/policy refuses what it says, and nothing else.
func TestPolicy(t *testing.T) {
	t.Parallel()
	conftest := filepath.Join(t.TempDir(), "conftest")
	build := exec.CommandContext(t.Context(), "go", "build", "-modfile=.ci/servers.mod", "-o", conftest, "github.com/open-policy-agent/conftest")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building conftest: %v\n%s", err, out)
	}
	for name, want := range map[string]string{
		"removals": `domain.site["zoë"] would be deleted from the organization`,
		"scope":    "domain.vpn: its scope changes, and 1 would be removed",
		"withheld": "WARN - ../render/testdata/withheld.json - main - 34 removals were withheld",
		"changes":  "0 warnings, 0 failures",
		"nothing":  "0 warnings, 0 failures",
	} {
		out, err := exec.CommandContext(t.Context(), conftest, "test", goldenPlan(name), "--no-color", "--policy", "../../examples/policy").CombinedOutput()
		refused := name == "removals" || name == "scope"
		if (err != nil) != refused || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v, want %q\n%s", name, err, want, out)
		}
	}
}
