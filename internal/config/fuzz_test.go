package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// FuzzLoad loads any text as a configuration and as a file of variables, and
// uses what it gets.
func FuzzLoad(f *testing.F) {
	paths, err := filepath.Glob("testdata/diagnostics/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			f.Add(string(file.Data), strings.HasSuffix(file.Name, ".json"))
		}
	}
	f.Add(example, false)
	f.Add(minimal("", "", "", "username = entry.uid")["main.hcl"], false)
	f.Fuzz(func(t *testing.T, src string, json bool) {
		name := "main.hcl"
		if json {
			name += ".json"
		}
		dir := t.TempDir()
		for path, content := range map[string]string{name: src, "key": "key", "values": src} {
			if err := os.WriteFile(filepath.Join(dir, path), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		opts := Options{Dir: dir, VarFiles: []string{filepath.Join(dir, "values")}, Environ: secretsInEnviron(), Version: "0.1.0"}
		for _, varFiles := range [][]string{opts.VarFiles, nil} {
			opts.VarFiles = varFiles
			if diags := checkLoaded(t, opts); !strings.Contains(src, "pass word") {
				neverIn(t, "pass word", diags)
			}
		}
		_, _ = Format(name, []byte(src))
	})
}

func checkLoaded(t *testing.T, opts Options) Diagnostics {
	config, diags := Load(opts)
	if (config == nil) != diags.HasErrors() {
		t.Fatalf("config %v with diagnostics %v", config, diags)
	}
	nowhere := []string{"No logintc block", "No domain", "File can not be read"}
	for _, d := range diags {
		if d.Range == nil && !slices.Contains(nowhere, d.Summary) && !strings.HasPrefix(d.Summary, "Invalid value for the variable") {
			t.Errorf("a diagnostic says no place: %+v", d)
		}
		if d.Summary == "" || d.Detail == "" {
			t.Errorf("a diagnostic says nothing: %+v", d)
		}
		if s := d.Snippet; s != nil && (s.HighlightStart < 0 || s.HighlightEnd < s.HighlightStart || s.HighlightEnd > len(s.Code)) {
			t.Errorf("the highlight is outside of the line: %+v", s)
		}
	}
	if shown := text(t, diags); strings.ContainsAny(shown, "\x1b\x07\r\u009b") {
		t.Errorf("a control character is shown: %q", shown)
	}
	if config == nil {
		return diags
	}
	for _, d := range config.Directories {
		if len(d.User.Sources()) == 0 || d.User.Sources()["username"] == "" {
			t.Errorf("%s has no username", d.Address())
		}
		for _, e := range []*identity.Entry{entry(), entry("uid", "\xff"), entry("uid", "x", "mail", "a@b", "cn", "c")} {
			d.User.Map(e)
		}
	}
	return diags
}
