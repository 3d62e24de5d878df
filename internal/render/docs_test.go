package render

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// TestDocumented says that docs/json-output.md names every field of a plan's
// document.
func TestDocumented(t *testing.T) {
	t.Parallel()
	docs, err := os.ReadFile("../../docs/json-output.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range plans() {
		var b strings.Builder
		if err := JSON(&b, p); err != nil {
			t.Fatal(err)
		}
		var document map[string]any
		if err := json.Unmarshal([]byte(b.String()), &document); err != nil {
			t.Fatal(err)
		}
		for _, field := range fields(document) {
			if !strings.Contains(string(docs), "`"+field+"`") {
				t.Errorf("%s has a field %q that the document does not name", name, field)
			}
		}
	}
}

// fields are the names of the fields of a document, at every depth. Those of a
// scope are the configuration's.
func fields(document any) []string {
	var names []string
	switch x := document.(type) {
	case map[string]any:
		for name, value := range x {
			names = append(names, name)
			if _, settings := value.(map[string]any); name != "scope" || !settings {
				names = append(names, fields(value)...)
			}
		}
	case []any:
		for _, element := range x {
			names = append(names, fields(element)...)
		}
	}
	return names
}
