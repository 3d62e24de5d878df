package config

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func odd() Diagnostics {
	return Diagnostics{
		{Severity: Warning, Summary: "No place", Detail: "Nothing to show."},
		{
			Severity: Error, Summary: "Bad \x1b[31mvalue", Detail: "One line.\nAnother.", Address: "domain.vpn",
			Range: &Range{Filename: "main.hcl", Start: Pos{Line: 12, Column: 12, Byte: 100}, End: Pos{Line: 12, Column: 15, Byte: 110}},
			Snippet: &Snippet{
				Context: `domain "vpn"`, Code: "\tx = \"漢e\u0301\" + \x1by\u200f # z", Line: 12, HighlightStart: 5, HighlightEnd: 13,
			},
		},
	}
}

func TestWriteText(t *testing.T) {
	t.Parallel()
	want := "Warning: No place\n\nNothing to show.\n\n" +
		"Error: Bad \\x1b[31mvalue\n\n" +
		"  on main.hcl line 12, in domain \"vpn\":\n" +
		"  12:     x = \"漢e\u0301\" + \\x1by\\u200f # z\n" +
		"              ^^^^^\n\n" +
		"One line.\nAnother.\n\n"
	if diff := cmp.Diff(want, text(t, odd())); diff != "" {
		t.Errorf("the text differs (-want +got):\n%s", diff)
	}
}

func TestWriteTextInColor(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := odd()[1:].WriteText(&b, true); err != nil {
		t.Fatal(err)
	}
	want := "\x1b[1;31mError: \x1b[0m\x1b[1mBad \\x1b[31mvalue\x1b[0m\n\n" +
		"  on main.hcl line 12, in domain \"vpn\":\n" +
		"\x1b[2m  12: \x1b[0m    x = \x1b[1m\"漢e\u0301\"\x1b[0m + \\x1by\\u200f # z\n" +
		"              \x1b[1;31m^^^^^\x1b[0m\n\n" +
		"One line.\nAnother.\n\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("the text differs (-want +got):\n%s", diff)
	}
}

// The names of the fields are a public interface.
func TestDiagnosticJSON(t *testing.T) {
	t.Parallel()
	_, diags := tryLoad(t, map[string]string{"main.hcl": "domain \"vpn\" {\n  id = var.x\n}\n"}, Options{})
	var got bytes.Buffer
	encoder := json.NewEncoder(&got)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(diags[len(diags)-1:]); err != nil {
		t.Fatal(err)
	}
	want := `[
 {
  "severity": "error",
  "summary": "Reference to an undeclared variable",
  "detail": "The configuration declares no variable \"x\". Declare it with: variable \"x\" {}",
  "address": "domain.vpn",
  "range": {
   "filename": "main.hcl",
   "start": {
    "line": 2,
    "column": 8,
    "byte": 22
   },
   "end": {
    "line": 2,
    "column": 13,
    "byte": 27
   }
  },
  "snippet": {
   "context": "domain \"vpn\"",
   "code": "  id = var.x",
   "line": 2,
   "highlight_start": 7,
   "highlight_end": 12
  }
 }
]
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("the JSON differs (-want +got):\n%s", diff)
	}
	if !diags.HasErrors() || (Diagnostics{{Severity: Warning}}).HasErrors() {
		t.Error("HasErrors is wrong")
	}
	wantError := `main.hcl:2,8: Reference to an undeclared variable: The configuration declares no variable "x". Declare it with: variable "x" {}`
	if got := diags[len(diags)-1:].Error(); got != wantError {
		t.Errorf("Error: got %q, want %q", got, wantError)
	}
}
