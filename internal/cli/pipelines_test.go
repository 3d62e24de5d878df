package cli_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// The pipelines are YAML, and name scripts that are there and can be run; every script
// is named by one of them, or by another script.
func TestPipelinesNameTheirScripts(t *testing.T) {
	t.Parallel()
	const folder = "../../examples/pipelines"
	named := map[string]bool{}
	for _, file := range []string{"github/workflow.yml", "gitlab/gitlab-ci.yml", "cron/rollcall", "nightly"} {
		content, err := os.ReadFile(filepath.Join(folder, file))
		if err != nil {
			t.Fatal(err)
		}
		var document map[string]any
		if strings.HasSuffix(file, ".yml") {
			if err := yaml.Unmarshal(content, &document); err != nil || len(document) < 3 {
				t.Errorf("%s: %v %v", file, err, document)
			}
		}
		for _, script := range regexp.MustCompile(`\bci/((?:github/|gitlab/)?[a-z]+)\b`).FindAllStringSubmatch(string(content), -1) {
			named[script[1]] = true
		}
	}
	for _, script := range []string{"drift", "github/issue", "gitlab/issue", "cron/hourly"} { // by nightly and cron
		named[script] = true
	}
	for _, script := range slices.Sorted(maps.Keys(named)) {
		info, err := os.Stat(filepath.Join(folder, script))
		if err != nil || info.Mode()&0o111 == 0 {
			t.Errorf("%s is no program: %v", script, err)
		}
	}
	for _, pattern := range []string{"*", "*/*"} {
		files, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			info, err := os.Stat(file)
			if err != nil {
				t.Fatal(err)
			}
			name, _ := filepath.Rel(folder, file)
			if info.Mode().IsRegular() && info.Mode()&0o111 != 0 && !named[name] {
				t.Errorf("nothing runs %s", name)
			}
		}
	}
}

// What cron runs prints nothing where all is well, and everything where limits withheld.
func TestHourly(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	server, folder := startCrowd(t, c.data), t.TempDir()
	c.unpack(t, folder)
	hourly, err := filepath.Abs("../../examples/pipelines/cron/hourly")
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{t, folder, crowdEnviron(server.URL)}
	if out := m.run(0, hourly); out != "" {
		t.Errorf("it prints %q", out)
	}
	write(t, folder, "people.ldif", []byte(crowdPeople(120, 170, " Renamed")))
	if out := m.run(3, hourly); !strings.Contains(out, "60 removals in domain.vpn") || !strings.HasSuffix(out, "rollcall ended with exit code 3\n") {
		t.Error(out)
	}
}

// systemd takes the units as they are, and calls the service well protected.
func TestUnits(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, name := range []string{"rollcall.service", "rollcall.timer"} {
		content, err := os.ReadFile(filepath.Join("../../examples/pipelines/systemd", name))
		if err != nil {
			t.Fatal(err)
		}
		// A program that is there, since rollcall is not installed.
		write(t, folder, name, []byte(strings.Replace(string(content), "/usr/local/bin/rollcall", "/bin/true", 1)))
	}
	service := filepath.Join(folder, "rollcall.service")
	verify := exec.CommandContext(t.Context(), "systemd-analyze", "verify", service, filepath.Join(folder, "rollcall.timer"))
	if out, err := verify.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v: %s", err, out)
	}
	security := exec.CommandContext(t.Context(), "systemd-analyze", "security", "--offline=true", "--threshold=20", service)
	if out, err := security.CombinedOutput(); err != nil { // 20 stands for an exposure of 2.0 of 10
		t.Errorf("%v: %s", err, out)
	}
}
