package config

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// mapping loads a configuration with a user block.
func mapping(t testing.TB, user string) *Mapping {
	t.Helper()
	dir := t.TempDir()
	files := minimal("", "", "", user)
	files["rest.hcl"] = `
variable "suffix" { default = "@example.com" }
locals {
  attribute = "employeeType"
  names     = { x = "Mister X" }
}`
	var paths []string
	for name := range files {
		paths = append(paths, name)
	}
	for _, name := range paths {
		writeTB(t, dir, name, files[name])
	}
	config, diags := Load(Options{Dir: dir})
	if config == nil {
		t.Fatal(diags)
	}
	return config.Directories[0].User
}

// entry makes an entry of pairs of name and value; an empty value is one.
func entry(pairs ...string) *identity.Entry {
	e := &identity.Entry{DN: "uid=x"}
	for i := 0; i < len(pairs); i += 2 {
		if n := len(e.Attributes); n > 0 && e.Attributes[n-1].Name == pairs[i] {
			e.Attributes[n-1].Values = append(e.Attributes[n-1].Values, pairs[i+1])
			continue
		}
		e.Attributes = append(e.Attributes, identity.Attribute{Name: pairs[i], Values: []string{pairs[i+1]}})
	}
	return e
}

func TestMap(t *testing.T) {
	t.Parallel()
	absent := func(text string) *identity.Problem {
		return &identity.Problem{Field: fieldUsername, Absent: true, Text: text}
	}
	problem := func(text string) *identity.Problem { return &identity.Problem{Field: fieldUsername, Text: text} }
	jane := entry("UID", " Jane.Doe ", "mail", "jane@example.com", "mail", "doe@example.com", "cn", "Jane", "cn;lang-fr", "Jeanne",
		"employeeType", "staff", "age", "42", "photo", "\xff\xd8", "word", "zoe\u0308")
	for _, test := range []struct {
		expression, want string
		problem          *identity.Problem
	}{
		{`entry.uid`, " Jane.Doe ", nil},
		{`entry.Uid`, " Jane.Doe ", nil},
		{`lower(trimspace(entry.uid))`, "jane.doe", nil},
		{`normalize(entry.mail)`, "jane", nil},
		{`entry["cn;lang-fr"]`, "Jeanne", nil},
		{`entry[local.attribute]`, "staff", nil},
		{`upper(entry["${local.attribute}"])`, "STAFF", nil},
		{`values.mail[1]`, "doe@example.com", nil},
		{`values["mail"][1]`, "doe@example.com", nil},
		{`[for m in values.mail : m if m != entry.mail][0]`, "doe@example.com", nil},
		{`[for m in values.mail : m if endswith(m, "doe@example.com")][0]`, "doe@example.com", nil},
		{`[for m in values.mail : m if startswith(lower(m), "jane")][0]`, "jane@example.com", nil},
		{`try([for m in values.mail : m if endswith(m, "@example.org")][0], entry.mail)`, "jane@example.com", nil},
		{`join(" ", values.mail[*])`, "jane@example.com doe@example.com", nil},
		{`join(" ", values.nothing)`, "", nil},
		{`coalesce(entry.displayName, entry.cn)`, "Jane", nil},
		{`coalesce(entry.displayName, local.names.x)`, "Mister X", nil},
		{`"${entry.employeeType}${var.suffix}"`, "staff@example.com", nil},
		{`entry.displayName == null ? entry.cn : entry.displayName`, "Jane", nil},
		{`try(values.mail[7], entry.cn)`, "Jane", nil},
		{`parseint(entry.age, 10) + 1`, "43", nil},
		{`entry.age == "42"`, "true", nil},
		{`entry.word`, "zo\u00eb", nil},

		{`entry.displayName`, "", absent(`the entry has no "displayName"`)},
		{`lower(entry.displayName)`, "", absent(`the entry has no "displayName"`)},
		{`coalesce(entry.displayName, entry.displayname, entry.sn)`, "", absent(`the entry has no "displayName" or "sn"`)},
		{`coalesce(lower(entry.displayName), entry.cn)`, "", absent(`the entry has no "displayName"`)},
		{`values.displayName[0]`, "", absent(`the entry has no "displayName"`)},
		{`split("@", entry.displayName)[0]`, "", absent(`the entry has no "displayName"`)},
		{`"${entry.displayName}x"`, "", absent(`the entry has no "displayName"`)},
		{`entry.uid == "x" ? "y" : null`, "", absent(`the expression gives nothing for the entry`)},
		{`parseint(entry.cn, 10)`, "", problem(`Invalid function argument: Invalid value for "number" parameter: cannot parse "Jane" as a base 10 integer`)},
		{`values.mail[2]`, "", problem(`Invalid index: The given key does not identify an element in this collection value: ` +
			`the given index is greater than or equal to the length of the collection`)},
		{`entry.photo`, "", problem(`the value of "photo" is not UTF-8 text`)},
		{`coalesce(entry.cn, lower(entry.photo))`, "", problem(`the value of "photo" is not UTF-8 text`)},
		{`values.photo[0]`, "", problem(`a value of "photo" is not UTF-8 text`)},
		{`jsondecode(entry.age == "42" ? "[1]" : "2")`, "", problem("the expression gives a tuple and not a text")},
	} {
		user := mapping(t, "username = "+test.expression).Map(jane)
		var want []identity.Problem
		if test.problem != nil {
			want = append(want, *test.problem)
		}
		if diff := cmp.Diff(want, user.Problems); diff != "" {
			t.Errorf("%s: the problems differ (-want +got):\n%s", test.expression, diff)
		}
		if user.Username != test.want {
			t.Errorf("%s: got %q, want %q", test.expression, user.Username, test.want)
		}
	}
}

func TestMapFields(t *testing.T) {
	t.Parallel()
	m := mapping(t, "username = entry.uid\n name = null\n email = entry.mail")
	user := m.Map(entry("uid", "jane"))
	if diff := cmp.Diff(identity.User{Username: "jane"}, user.User); diff != "" {
		t.Errorf("the user differs (-want +got):\n%s", diff)
	}
	want := []identity.Problem{{Field: "email", Absent: true, Text: `the entry has no "mail"`}}
	if diff := cmp.Diff(want, user.Problems); diff != "" {
		t.Errorf("the problems differ (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"mail", "uid"}, m.Attributes()); diff != "" {
		t.Errorf("the attributes differ (-want +got):\n%s", diff)
	}
}

// A loop hides the entry from a look at file's argument; the file is refused
// when it comes to that.
func TestMapReadsNoFileThatAnEntryNames(t *testing.T) {
	t.Parallel()
	m := mapping(t, `username = join("", [for n in values.cn : file(n)])`)
	user := m.Map(entry("cn", "key"))
	if user.Username != "" || len(user.Problems) != 1 || user.Problems[0].Absent || !strings.Contains(user.Problems[0].Text, "can not be chosen") {
		t.Errorf("got %+v", user)
	}
}

func TestMapConcurrently(t *testing.T) {
	t.Parallel()
	m := mapping(t, "username = lower(entry.uid)\n name = join(\" \", values.cn[*])\n email = \"${file(\"key\") == \"\" ? \"\" : entry.uid}${var.suffix}\"")
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for range 50 {
				uid := fmt.Sprintf("u%d", i)
				user := m.Map(entry("uid", uid, "cn", "a", "cn", uid))
				if want := (identity.User{Username: uid, Name: "a " + uid, Email: uid + "@example.com"}); user.User != want || user.Problems != nil {
					t.Errorf("got %+v, want %+v", user, want)
				}
			}
		})
	}
	group.Wait()
}

// TestCompiledEqualsEvaluated generates expressions that are compiled, and
// entries, and compares with what the evaluator says.
func TestCompiledEqualsEvaluated(t *testing.T) {
	t.Parallel()
	m := mapping(t, `username = coalesce(entry.a, entry.b, local.names.x, var.suffix)`)
	context := m.fields[0].context.NewChild()
	context.Variables = m.fields[0].context.Variables
	var expression *rapid.Generator[string]
	expression = rapid.Custom(func(t *rapid.T) string {
		switch rapid.IntRange(0, 9).Draw(t, "kind") {
		case 0:
			return `local.names.x`
		case 1:
			return `"a literal Å"`
		case 2:
			return "(" + expression.Draw(t, "inner") + ")"
		case 3:
			return "lower(" + expression.Draw(t, "inner") + ")"
		case 4:
			return "upper(" + expression.Draw(t, "inner") + ")"
		case 5:
			return "trimspace(" + expression.Draw(t, "inner") + ")"
		case 6:
			return "normalize(" + expression.Draw(t, "inner") + ")"
		case 7:
			return "coalesce(" + strings.Join(rapid.SliceOfN(expression, 1, 3).Draw(t, "args"), ", ") + ")"
		}
		return rapid.SampledFrom([]string{"entry.a", "entry.B", `entry["c"]`, `"${entry.a}"`, "entry.d"}).Draw(t, "ref")
	})
	value := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
		"CORP\\Jane", " jane@x ", "", "\xff", "I\u0307", "e\u0301", "\u212b", "ẞ", "ΑΣ", "\u00a0x\u2003", "a\\b\\c@d@e",
	}))
	rapid.Check(t, func(t *rapid.T) {
		source := expression.Draw(t, "expression")
		f := parseField(t, source, context)
		if f.compiled = f.compile(f.expr); f.compiled == nil {
			t.Fatalf("%s is not compiled", source)
		}
		e := &identity.Entry{}
		for _, name := range []string{"A", "b", "C", "d"} {
			if values := rapid.SliceOfN(value, 0, 2).Draw(t, name); len(values) > 0 {
				e.Attributes = append(e.Attributes, identity.Attribute{Name: name, Values: values})
			}
		}
		got, gotProblem := f.compute(e)
		want, wantProblem := f.evaluate(e)
		if got != want || cmp.Diff(wantProblem, gotProblem) != "" {
			t.Fatalf("%s over %+v: compiled gives %q, %+v, and evaluation %q, %+v", source, e, got, gotProblem, want, wantProblem)
		}
	})
}
