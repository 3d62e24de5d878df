package config

import "testing"

// The table of what LoginTC's own tool makes of an alias, through an expression and
// as it is compiled.
func TestNormalize(t *testing.T) {
	t.Parallel()
	m := mapping(t, "username = normalize(entry.uid)\n name = normalize(\"${entry.uid}\")")
	for text, want := range map[string]string{
		`CORP\Jane.Doe`:               "jane.doe",
		"jane.doe@corp.example":       "jane.doe",
		"jane.doe":                    "jane.doe",
		"JANE.DOE":                    "jane.doe",
		"  Jane.Doe\t":                "jane.doe",
		` CORP \ Jane @ corp `:        "jane",
		`CORP\Jane@corp.example`:      "jane",
		`FOREST\CORP\jane`:            "jane",
		"zo\u00eb":                    "zo\u00eb",
		"ZOE\u0308":                   "zo\u00eb",
		"CORP\\ZO\u00cb@x":            "zo\u00eb",
		"Ⅷ@x":                         "ⅷ",
		"ИВАН":                        "иван",
		"":                            "",
		" ":                           "",
		"@corp.example":               "",
		`CORP\`:                       "",
		"jane@corp.example@elsewhere": "jane",
	} {
		user := m.Map(entry("uid", text))
		if user.Username != want || user.Name != want {
			t.Errorf("%q: %q compiled, %q evaluated; want %q", text, user.Username, user.Name, want)
		}
	}
	if user := m.Map(entry("cn", "x")); len(user.Problems) != 2 || !user.Problems[0].Absent {
		t.Errorf("without the attribute: %+v", user)
	}
}
