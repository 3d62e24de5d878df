package config

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write the golden files")

// TestDiagnostics runs the archives of testdata/diagnostics: the files of a
// configuration; "options" with lines such as "env K=V", "var name=value" and
// "var-file path"; and "want", the text that comes out. A comment at the top
// with lines "never: TEXT" names what may appear in no form of the output.
func TestDiagnostics(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/diagnostics/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			testArchive(t, path)
		})
	}
}

func testArchive(t *testing.T, path string) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	opts := Options{Dir: t.TempDir(), Version: "0.1.0-dev"}
	want := -1
	for i, f := range archive.Files {
		switch f.Name {
		case "want":
			want = i
		case "options":
			opts.parse(t, string(f.Data))
		default:
			write(t, filepath.Join(opts.Dir, f.Name), string(f.Data))
		}
	}
	if want < 0 {
		t.Fatal("the archive has no file \"want\"")
	}
	config, diags := Load(opts)
	if (config == nil) != diags.HasErrors() {
		t.Errorf("config is %v, and HasErrors %v", config, diags.HasErrors())
	}
	got := strings.ReplaceAll(text(t, diags), opts.Dir, "$DIR")
	for line := range strings.Lines(string(archive.Comment)) {
		if secret, found := strings.CutPrefix(line, "never: "); found {
			neverIn(t, strings.TrimSuffix(secret, "\n"), diags)
		}
	}
	if *update {
		archive.Files[want].Data = []byte(got)
		if err := os.WriteFile(path, txtar.Format(archive), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(archive.Files[want].Data), got); diff != "" {
		t.Errorf("diagnostics differ (-want +got):\n%s", diff)
	}
}

func (o *Options) parse(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		kind, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch kind {
		case "env":
			o.Environ = append(o.Environ, value)
		case "var":
			o.Vars = append(o.Vars, value)
		case "var-file":
			o.VarFiles = append(o.VarFiles, filepath.Join(o.Dir, value))
		default:
			t.Fatalf("unknown option %q", line)
		}
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func text(t *testing.T, diags Diagnostics) string {
	t.Helper()
	var b strings.Builder
	if err := diags.WriteText(&b, false); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// load loads files, which must have no errors.
func load(t *testing.T, files map[string]string, opts Options) *Config {
	t.Helper()
	config, diags := tryLoad(t, files, opts)
	if diags.HasErrors() {
		t.Fatalf("unexpected errors:\n%s", text(t, diags))
	}
	return config
}

func tryLoad(t *testing.T, files map[string]string, opts Options) (*Config, Diagnostics) {
	t.Helper()
	if opts.Dir == "" {
		opts.Dir = t.TempDir()
	}
	for name, content := range files {
		write(t, filepath.Join(opts.Dir, name), content)
	}
	return Load(opts)
}

func symlink(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}
