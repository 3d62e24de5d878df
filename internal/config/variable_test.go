package config

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// defaultName loads a configuration whose default_name is an expression.
func defaultName(t *testing.T, expression, rest string, files map[string]string, opts Options) (string, Diagnostics) {
	t.Helper()
	all := minimal("", "", "default_name = "+expression, "username = entry.uid")
	all["rest.hcl"] = rest
	maps.Copy(all, files)
	config, diags := tryLoad(t, all, opts)
	if config == nil {
		return "", diags
	}
	return config.Policies[0].DefaultName, diags
}

func TestPrecedence(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	opts := Options{Dir: dir}
	files := map[string]string{}
	steps := []struct {
		want string
		add  func()
	}{
		{"default", func() {}},
		{"environment", func() { opts.Environ = []string{"ROLLCALL_VAR_x=environment", "ROLLCALL_VAR_other=1"} }},
		{"auto a", func() { files["a.auto.vars.hcl"] = `x = "auto a"` }},
		{"auto b", func() { files["b.auto.vars.hcl.json"] = `{"x": "auto b"}` }},
		{"file 1", func() {
			files["1.vars.hcl"] = `x = "file 1"`
			opts.VarFiles = append(opts.VarFiles, filepath.Join(dir, "1.vars.hcl"))
		}},
		{"file 0", func() {
			files["0.vars.hcl"] = `x = "file 0"`
			opts.VarFiles = append(opts.VarFiles, filepath.Join(dir, "0.vars.hcl"))
		}},
		{"flag 1", func() { opts.Vars = append(opts.Vars, "x=flag 1") }},
		{"flag 2=", func() { opts.Vars = append(opts.Vars, "x=flag 2=") }},
	}
	for _, step := range steps {
		step.add()
		got, diags := defaultName(t, "var.x", `variable "x" { default = "default" }`, files, opts)
		if got != step.want {
			t.Errorf("got %q, want %q\n%s", got, step.want, text(t, diags))
		}
	}
}

func TestVariableTypes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ block, value, expression, want string }{
		{``, `["a"]`, `var.x`, `["a"]`},
		{`type = string`, `"quoted"`, `var.x`, `"quoted"`},
		{`type = any`, `${x}`, `var.x`, `${x}`},
		{`type = number`, `10`, `format("%d", var.x + 1)`, `11`},
		{`type = bool`, `true`, `var.x ? "yes" : "no"`, `yes`},
		{`type = list(string)`, `["a", "b"]`, `join("+", var.x)`, `a+b`},
		{`type = map(number)`, `{a = 1, b = 2}`, `join("+", keys(var.x))`, `a+b`},
		{`type = object({ a = string })`, `{a = "1"}`, `var.x.a`, `1`},
		{`type = list(string)`, `["a"`, `join("+", var.x)`, ``},
		{`type = list(string)`, `[local.y]`, `join("+", var.x)`, ``},
		{`type = number`, `ten`, `"${var.x}"`, ``},
	} {
		got, diags := defaultName(t, test.expression, "variable \"x\" {\n"+test.block+"\n}", nil, Options{Vars: []string{"x=" + test.value}})
		if got != test.want || diags.HasErrors() != (test.want == "") {
			t.Errorf("%s with %s: got %q, want %q\n%s", test.block, test.value, got, test.want, text(t, diags))
		}
	}
}

func TestFunctions(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]string{
		`normalize("CORP\\Jane")`:                              "jane",
		`normalize(" Jane.Doe@corp.example ")`:                 "jane.doe",
		`coalesce(normalize(null), "none")`:                    "none",
		`replace("a-b-c", "-", ".")`:                           "a.b.c",
		`replace("a1b22", "/[0-9]+/", "")`:                     "ab",
		`replace("jane doe", "/(\\w+) (\\w+)/", "$2, $1")`:     "doe, jane",
		`try(local.nothing.x, "second")`:                       "second",
		`can(local.nothing.x) ? "yes" : "no"`:                  "no",
		`"${length("größe")}${length(["a"])}"`:                 "51",
		`"${index(["a", "b"], "b")}"`:                          "1",
		`strrev("abc")`:                                        "cba",
		`join(",", reverse(["a", "b"]))`:                       "b,a",
		`trimspace(file("note.txt"))`:                          "a note",
		`tostring(tonumber("12") + 1)`:                         "13",
		`join(",", sort(toset(["b", "a", "b"])))`:              "a,b",
		`lookup({ a = "1" }, "a", "0")`:                        "1",
		`jsonencode({ a = [1, true, null] })`:                  `{"a":[1,true,null]}`,
		`formatdate("YYYY", "2024-01-02T00:00:00Z")`:           "2024",
		`join(",", [for s in split(" ", "a b") : title(s)])`:   "A,B",
		`substr(upper("abc"), 0, 2)`:                           "AB",
		`join(",", setunion(["a"], ["b"]))`:                    "a,b",
		`join(",", values(zipmap(["a", "b"], ["x", "y"])))`:    "x,y",
		`element(regexall("[a-z]+", "1ab2cd"), 1)`:             "cd",
		`merge({ a = "1" }, { a = "2" }).a`:                    "2",
		`format("%s", parseint("ff", 16))`:                     "255",
		`trimsuffix(trimprefix(trim("--x--", "-"), "x"), "y")`: "",
	} {
		files := map[string]string{"note.txt": "a note\n"}
		got, diags := defaultName(t, expression, "locals {\n  nothing = {}\n}\n", files, Options{})
		if got != want || diags.HasErrors() {
			t.Errorf("%s: got %q, want %q\n%s", expression, got, want, text(t, diags))
		}
	}
}

func TestFileIsConfined(t *testing.T) {
	t.Parallel()
	dir, outside := t.TempDir(), t.TempDir()
	write(t, filepath.Join(outside, "secret"), "hunter2")
	symlink(t, filepath.Join(outside, "secret"), filepath.Join(dir, "link"))
	symlink(t, outside, filepath.Join(dir, "folder"))
	write(t, filepath.Join(dir, "large"), strings.Repeat("x", maxFileSize+1))
	write(t, filepath.Join(dir, "binary"), "\xff\xfe")
	write(t, filepath.Join(dir, "sub", "inner"), "fine")
	symlink(t, "sub/inner", filepath.Join(dir, "inside"))
	for path, want := range map[string]bool{
		"sub/inner": true, "inside": true, "./sub/../sub/inner": true,
		"link": false, "folder/secret": false, "../" + filepath.Base(outside) + "/secret": false,
		filepath.Join(outside, "secret"): false, "large": false, "binary": false, "sub": false, "": false, "nowhere": false,
	} {
		got, diags := defaultName(t, fmt.Sprintf("file(%q)", path), "", nil, Options{Dir: dir})
		if diags.HasErrors() == want || want && got != "fine" {
			t.Errorf("file(%q): got %q, want success to be %v\n%s", path, got, want, text(t, diags))
		}
		neverIn(t, "hunter2", diags)
	}
}

func TestExposedFileOfVariables(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "main.hcl"), minimal("", "", "", "username = entry.uid")["main.hcl"]+
		"\nvariable \"secret\" { sensitive = true }\nvariable \"plain\" {}\n")
	for name, content := range minimal("", "", "", "username = entry.uid") {
		if name != "main.hcl" {
			write(t, filepath.Join(dir, name), content)
		}
	}
	file := filepath.Join(dir, "secrets.vars.hcl")
	for _, c := range []struct {
		content string
		mode    os.FileMode
		warned  bool
	}{
		{"secret = \"hunter2x\"\nplain = 1", 0o600, false},
		{"secret = \"hunter2x\"\nplain = 1", 0o640, true},
		{"secret = \"hunter2x\"\nplain = 1", 0o604, true},
		{"plain = 1", 0o644, false},
	} {
		write(t, file, c.content)
		if err := os.Chmod(file, c.mode); err != nil {
			t.Fatal(err)
		}
		_, diags := Load(Options{Dir: dir, VarFiles: []string{file}, Vars: []string{"secret=later"}})
		says := text(t, diags)
		if diags.HasErrors() || strings.Contains(says, "Secret in a file that others can read") != c.warned || strings.Contains(says, "hunter2x") {
			t.Errorf("%q with mode %o:\n%s", c.content, c.mode, says)
		}
	}
}
