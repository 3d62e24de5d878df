package render

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestEscape(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"nothing", "", ""},
		{"plain", `Jane "J." Doe <jane@example.com>`, `Jane "J." Doe <jane@example.com>`},
		{"letters of many scripts", "Zoë Мария 박지민 محمد ไทย 👩", "Zoë Мария 박지민 محمد ไทย 👩"},
		{"an accent of its own", "Mu\u0308ller", "Mu\u0308ller"},
		{"the escapes of a DN stay", `cn=Doe\2C Jane`, `cn=Doe\2C Jane`},
		{"terminal escape", "\x1b[31mred", `\u001b[31mred`},
		{"C1 escape", "\u009b31m", `\u009b31m`},
		{"newline, tab, return", "a\nb\tc\rd", `a\nb\tc\u000dd`},
		{"nul and delete", "\x00\x7f", `\u0000\u007f`},
		{"right to left override", "\u202egnp.exe", `\u202egnp.exe`},
		{"isolates", "\u2066a\u2069", `\u2066a\u2069`},
		{"zero width", "a\u200bb\u200dc\u2060d\ufeffe", `a\u200bb\u200dc\u2060d\ufeffe`},
		{"letters without a shape", "a\u3164b\u115fc\u034fd", `a\u3164b\u115fc\u034fd`},
		{"line separators", "a\u2028b\u2029c", `a\u2028b\u2029c`},
		{"other spaces", "a\u00a0b\u3000c", `a\u00a0b\u3000c`},
		{"private use and tags", "\ue000\U000e0041", `\ue000\U000e0041`},
		{"not UTF-8", "a\x80b\xffc\xe2\x82", `a\x80b\xffc\xe2\x82`},
		{"the replacement character itself", "a\ufffdb", "a\ufffdb"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := Escape(c.in); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// anything draws strings that are likely to do harm: whole ones, and octets.
func anything() *rapid.Generator[string] {
	runes := rapid.OneOf(rapid.Rune(), rapid.SampledFrom([]rune("ab é박\u0308\u200d\u202e\u2028\u00a0\x00\x1b\n\r\x7f\u009b👩")))
	return rapid.OneOf(rapid.StringOf(runes), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
		rapid.SampledFrom(nasty()).Filter(func(s string) bool { return len(s) < 1000 }))
}

// harmful returns what of a text may act on a terminal, or nothing.
func harmful(s string) string {
	if !utf8.ValidString(s) {
		return "it is not UTF-8"
	}
	for _, r := range s {
		if r != '\n' && hides(r) {
			return string(r)
		}
	}
	return ""
}

func TestEscapeLaws(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := anything().Draw(t, "s")
		got := Escape(s)
		if bad := harmful(got); bad != "" || strings.Contains(got, "\n") {
			t.Fatalf("%q came through as %q", s, got)
		}
		if again := Escape(got); again != got {
			t.Fatalf("escaped once %q, twice %q", got, again)
		}
	})
}
