package config

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// Mapping makes users of entries, as a user block says. It is safe for
// concurrent use.
type Mapping struct {
	fields []*field
	files  *fileCache
}

// field is one attribute of a user block.
type field struct {
	name   string
	expr   hclsyntax.Expression
	source string
	// entry and values are the names used as entry.name and values.name, as they
	// are written.
	entry, values []string
	// account are attributes that functions over the entry as a whole read.
	account []string
	// context has the variables and locals that the expression uses.
	context *hcl.EvalContext
	// constants are their values as JSON.
	constants map[string]string
	// compiled gives what evaluation would give; nil for what is not compiled.
	compiled node
	// truth gives what evaluation of exclude would give, unless it fails; nil for what is
	// not compiled.
	truth func(accountEntry) (bool, error)
}

// Attributes returns the names of the LDAP attributes that the expressions
// use, sorted, each once without case.
func (m *Mapping) Attributes() []string {
	var names []string
	for _, f := range m.fields {
		names = slices.Concat(names, f.entry, f.values, f.account)
	}
	slices.SortFunc(names, func(x, y string) int {
		if c := strings.Compare(strings.ToLower(x), strings.ToLower(y)); c != 0 {
			return c
		}
		return strings.Compare(x, y)
	})
	return slices.CompactFunc(names, identity.SameAttribute)
}

// Sources returns the formatted text of each expression by the name of its
// field: username, name, email, exclude, alias1 and so on.
func (m *Mapping) Sources() map[string]string {
	sources := map[string]string{}
	for _, f := range m.fields {
		sources[f.name] = f.source
	}
	return sources
}

// Map computes the user of an entry. A field that could not be had is empty and
// has a problem; one that the user block does not set is empty and has none.
func (m *Mapping) Map(e *identity.Entry) identity.Mapped {
	var out identity.Mapped
	var aliases [3]identity.Alias
	for _, f := range m.fields {
		if f.name == fieldExclude {
			excluded, problem := f.decide(e)
			out.Problems = appendProblem(out.Problems, problem)
			if excluded {
				out.Excluded = f.source
			}
			continue
		}
		if f.name == fieldPhones {
			phones, problem := f.list(e)
			out.Phones = append(out.Phones, phones...)
			out.Problems = appendProblem(out.Problems, problem)
			continue
		}
		value, problem := f.compute(e)
		if problem != nil {
			out.Problems = appendProblem(out.Problems, problem)
			continue
		}
		switch f.name {
		case fieldUsername:
			out.Username = value
		case fieldName:
			out.Name = value
		case fieldEmail:
			out.Email = value
		case fieldAlias1:
			aliases[0] = identity.NewAlias(value)
		case fieldAlias2:
			aliases[1] = identity.NewAlias(value)
		case fieldAlias3:
			aliases[2] = identity.NewAlias(value)
		case fieldPhone:
			out.Phones = append(out.Phones, value)
		}
	}
	out.SetAliases(aliases)
	return out
}

func appendProblem(list []identity.Problem, problem *identity.Problem) []identity.Problem {
	if problem == nil {
		return list
	}
	return append(list, *problem)
}

// list computes a list of texts. Elements that are null are left out.
func (f *field) list(e *identity.Entry) ([]string, *identity.Problem) {
	if problem := f.malformed(e); problem != nil {
		return nil, problem
	}
	value, diags := f.expr.Value(f.entryContext(e))
	if diags.HasErrors() {
		return nil, f.failure(e, diags)
	}
	if value.IsNull() {
		return nil, f.missing(e)
	}
	all, err := toType(value, cty.List(cty.String))
	if err != nil || !all.IsWhollyKnown() {
		return nil, f.problem(fmt.Sprintf("the expression gives a %s and not a list of texts", value.Type().FriendlyName()))
	}
	var texts []string
	for _, element := range all.AsValueSlice() {
		if !element.IsNull() {
			texts = append(texts, element.AsString())
		}
	}
	return texts, nil
}

func (f *field) compute(e *identity.Entry) (string, *identity.Problem) {
	if f.compiled == nil {
		return f.evaluate(e)
	}
	value, state := f.compiled(e)
	switch state {
	case present:
		return value, nil
	case malformed:
		return "", f.malformed(e)
	case null, failed:
	}
	return "", f.missing(e)
}

// evaluate computes what is not compiled.
func (f *field) evaluate(e *identity.Entry) (string, *identity.Problem) {
	if problem := f.malformed(e); problem != nil {
		return "", problem
	}
	value, diags := f.expr.Value(f.entryContext(e))
	if diags.HasErrors() {
		return "", f.failure(e, diags)
	}
	if value.IsNull() {
		return "", f.missing(e)
	}
	text, err := toType(value, cty.String)
	if err != nil || !text.IsKnown() {
		return "", f.problem(fmt.Sprintf("the expression gives a %s and not a text", value.Type().FriendlyName()))
	}
	if text.IsNull() {
		return "", f.missing(e)
	}
	return text.AsString(), nil
}

func (f *field) entryContext(e *identity.Entry) *hcl.EvalContext {
	entry, values := make(map[string]cty.Value, len(f.entry)), make(map[string]cty.Value, len(f.values))
	for _, name := range slices.Concat(f.entry, f.account) {
		if first, found := e.First(name); found {
			entry[name] = cty.StringVal(first)
		} else {
			entry[name] = cty.NullVal(cty.String)
		}
	}
	for _, name := range f.values {
		all := cty.ListValEmpty(cty.String)
		if present := e.Values(name); len(present) > 0 {
			list := make([]cty.Value, len(present))
			for i, v := range present {
				list[i] = cty.StringVal(v)
			}
			all = cty.ListVal(list)
		}
		values[name] = all
	}
	child := f.context.NewChild()
	child.Variables = map[string]cty.Value{"entry": cty.ObjectVal(entry), "values": cty.ObjectVal(values)}
	return child
}

func (f *field) problem(text string) *identity.Problem {
	return &identity.Problem{Field: f.name, Text: text}
}

// malformed finds an attribute that the expression uses and whose value is not
// UTF-8 text (RFC 4517, 3.3.6). It returns nil where there is none.
func (f *field) malformed(e *identity.Entry) *identity.Problem {
	for _, names := range [...][]string{f.entry, f.account} {
		for _, name := range names {
			if first, _ := e.First(name); !utf8.ValidString(first) {
				return f.problem(fmt.Sprintf("the value of %q is not UTF-8 text", name))
			}
		}
	}
	for _, name := range f.values {
		if slices.ContainsFunc(e.Values(name), func(v string) bool { return !utf8.ValidString(v) }) {
			return f.problem(fmt.Sprintf("a value of %q is not UTF-8 text", name))
		}
	}
	return nil
}

// failure is a failed evaluation: the field is absent where an attribute is.
func (f *field) failure(e *identity.Entry, diags hcl.Diagnostics) *identity.Problem {
	if len(f.absent(e)) > 0 {
		return f.missing(e)
	}
	return f.problem(said(diags))
}

// said is what the first error says.
func said(diags hcl.Diagnostics) string {
	text := diags[0].Summary
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			text = d.Summary + ": " + d.Detail
			break
		}
	}
	text, _, _ = strings.Cut(text, "panic in function implementation")
	return strings.TrimRight(strings.Join(strings.Fields(text), " "), ".: ")
}

func (f *field) missing(e *identity.Entry) *identity.Problem {
	problem := &identity.Problem{Field: f.name, Absent: true, Text: "the expression gives nothing for the entry"}
	if absent := f.absent(e); len(absent) > 0 {
		problem.Text = "the entry has no " + strings.Join(absent, " or ")
	}
	return problem
}

// absent names the attributes that the expression uses and the entry lacks, quoted.
func (f *field) absent(e *identity.Entry) []string {
	var names []string
	for _, name := range slices.Concat(f.entry, f.values) {
		quoted := fmt.Sprintf("%q", name)
		known := func(s string) bool { return strings.EqualFold(s, quoted) }
		if len(e.Values(name)) == 0 && !slices.ContainsFunc(names, known) {
			names = append(names, quoted)
		}
	}
	return names
}
