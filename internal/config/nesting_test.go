package config

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestTooDeep(t *testing.T) {
	t.Parallel()
	const n = 5_000
	for name, expression := range map[string]string{
		"exponent":    "1e9999999",
		"parentheses": strings.Repeat("(", n) + "1" + strings.Repeat(")", n),
		"open":        strings.Repeat("(", n),
		"lists":       strings.Repeat("[", n),
		"objects":     strings.Repeat("{a=", n),
		"templates":   strings.Repeat(`"${`, n),
		"directives":  `"` + strings.Repeat(`%{if true}`, n) + `"`,
		"heredoc":     "<<EOT\n" + strings.Repeat(`%{if true}`, n) + "\nEOT\n",
		"minus":       strings.Repeat("-", n) + "1",
		"not":         strings.Repeat("!", n) + "true",
		"sum":         "1" + strings.Repeat("+1", n),
		"lines":       "(1" + strings.Repeat("\n+1", n) + ")",
		"comments":    "1" + strings.Repeat("/**/+1", n),
		"choices":     strings.Repeat("true?1:", n) + "1",
		"indexes":     "local.x" + strings.Repeat("[local.x]", n),
		"calls":       strings.Repeat("f(", n),
		"steps":       "local.x" + strings.Repeat(".x", n),
	} {
		if len(expression) > maxFileSize {
			expression = expression[:maxFileSize-100]
		}
		_, diags := tryLoad(t, map[string]string{"main.hcl": "locals {\n  x = " + expression + "\n}\n"}, Options{})
		if len(diags) != 1 || !strings.Contains(diags[0].Summary, "beyond all bounds") || diags[0].Range == nil {
			t.Errorf("%s: got %.300s", name, diags.Error())
		}
		_, diags = tryLoad(t, map[string]string{"main.hcl": `variable "x" { type = list(string) }`}, Options{Vars: []string{"x=" + expression}})
		if !diags.HasErrors() {
			t.Errorf("%s: no error from --var", name)
		}
	}
	for name, src := range map[string]string{
		"lists":   `{"locals": {"x": ` + strings.Repeat("[", n),
		"objects": `{"locals": {"x": ` + strings.Repeat(`{"a":`, n),
		"text":    `{"locals": {"x": "${` + strings.Repeat("(", maxJSONText) + `"}}`,
	} {
		_, diags := tryLoad(t, map[string]string{"main.hcl.json": src}, Options{})
		if len(diags) != 1 || !strings.Contains(diags[0].Summary, "beyond all bounds") {
			t.Errorf("JSON %s: got %.300s", name, diags.Error())
		}
	}
}

func TestDeepButNotTooDeep(t *testing.T) {
	t.Parallel()
	long := `["` + strings.Repeat(`user", "`, 20_000) + `"]`
	chain := "a0 = \"end\"\n"
	for i := range 5000 {
		chain += "a" + strconv.Itoa(i+1) + " = local.a" + strconv.Itoa(i) + "\n"
	}
	got, diags := defaultName(t, `"${local.a5000} ${length(local.long)} ${((((1))))+2}"`, "locals {\nlong = "+long+"\n"+chain+"}", nil, Options{})
	if want := "end 20001 3"; got != want {
		t.Errorf("got %q, want %q\n%.500s", got, want, text(t, diags))
	}
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "main.hcl"), strings.Repeat("# filler\n", maxFileSize/9+1))
	_, diags := Load(Options{Dir: dir})
	if len(diags) != 1 || !strings.Contains(diags[0].Detail, "larger than 1048576 bytes") {
		t.Errorf("got %v", diags)
	}
}

func TestEndlessNumber(t *testing.T) {
	t.Parallel()
	for _, number := range []string{`1e9999999`, `1e-9999999`} {
		files := map[string]string{"main.hcl.json": `{"policy": {"standard": {"default_name": ` + number + `}}}`}
		_, diags := tryLoad(t, files, Options{})
		if !strings.Contains(diags.Error(), "Invalid value for default_name") {
			t.Errorf("%s: got %s", number, diags.Error())
		}
		problems := mapping(t, "username = tonumber(entry.n)").Map(entry("n", number)).Problems
		if len(problems) != 1 || problems[0].Absent {
			t.Errorf("%s: got %+v", number, problems)
		}
	}
}
