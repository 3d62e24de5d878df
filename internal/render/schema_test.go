package render

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"
)

// planSchema is docs/plan.schema.json. Strict, it takes no field that it does not name.
func planSchema(t *testing.T, strict bool) *jsonschema.Schema {
	t.Helper()
	text, err := os.ReadFile("../../docs/plan.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if strict {
		closeObjects(document)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("plan.schema.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("plan.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// closeObjects lets objects with named fields have no others.
func closeObjects(node any) {
	switch x := node.(type) {
	case map[string]any:
		if _, named := x["properties"].(map[string]any); named && x["type"] == "object" {
			x["additionalProperties"] = false
		}
		for _, value := range x {
			closeObjects(value)
		}
	case []any:
		for _, element := range x {
			closeObjects(element)
		}
	}
}

func valid(schema *jsonschema.Schema, document string) error {
	parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(document))
	if err != nil {
		return err
	}
	return schema.Validate(parsed)
}

// Every plan is what the schema says, and the schema names every field.
func TestSchema(t *testing.T) {
	t.Parallel()
	schema, strict := planSchema(t, false), planSchema(t, true)
	for name, p := range plans() {
		var b strings.Builder
		if err := JSON(&b, p); err != nil {
			t.Fatal(err)
		}
		if err := valid(strict, b.String()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var document map[string]any
		if err := json.Unmarshal([]byte(b.String()), &document); err != nil {
			t.Fatal(err)
		}
		for field := range document {
			without := map[string]any{}
			for other, value := range document {
				if other != field {
					without[other] = value
				}
			}
			if schema.Validate(without) == nil {
				t.Errorf("%s: the schema does not ask for %s", name, field)
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		p := arbitrary(t)
		p.ID = strings.Repeat("0", 64)
		var b strings.Builder
		if err := JSON(&b, p); err != nil {
			t.Fatal(err)
		}
		if err := valid(strict, b.String()); err != nil {
			t.Fatalf("%v in\n%s", err, b.String())
		}
	})
}
