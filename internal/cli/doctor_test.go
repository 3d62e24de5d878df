package cli_test

import (
	"os"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

func cmdSteady(ts *testscript.TestScript, _ bool, args []string) {
	text := strings.ReplaceAll(ts.ReadFile(args[0]), ts.Getenv("WORK"), "WORK")
	for _, r := range []struct{ pattern, with string }{
		{`127\.0\.0\.1:\d+`, "127.0.0.1:PORT"},
		{`(\d+ ms|under 1 ms|\d+\.\d s)`, "TIME"},
		{`\d+ days \(\d{4}-\d\d-\d\d\)`, "N days (DATE)"},
		{`\d+ seconds ago`, "TIME ago"},
		{`[0-9a-f]{8}-[0-9a-f-]{27}`, "UUID"},
		{`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`, "INSTANT"},
		{`supports [^"\n]*`, "supports THINGS"},
	} {
		text = regexp.MustCompile(r.pattern).ReplaceAllString(text, r.with)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}
