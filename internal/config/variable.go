package config

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// environPrefix precedes the name of a variable in the environment.
const environPrefix = "ROLLCALL_VAR_"

// sensitive marks a value of a sensitive variable with the variable's name.
type sensitive string

// variable is a variable block with its value.
type variable struct {
	place
	name      string
	rng       hcl.Range
	typ       cty.Type
	sensitive bool
	// value is unmarked; it is cty.NilVal until there is one.
	value cty.Value
	// broken says that an error was reported, and that the value is unknown.
	broken bool
}

// marked returns the value as expressions see it.
func (v *variable) marked() cty.Value {
	value := v.value
	if v.broken || value == cty.NilVal {
		value = cty.DynamicVal
	}
	if v.sensitive {
		value = value.Mark(sensitive(v.name))
	}
	return value
}

func variableSchema() *hcl.BodySchema {
	return schema("type", "default", "sensitive", "description")
}

// declare reads the variable blocks, with their defaults.
func (e *evaluator) declare(blocks hcl.Blocks) {
	for _, block := range blocks {
		at := placeOf(block)
		name := block.Labels[0]
		if !e.unique(at, block, e.declaredAt) {
			continue
		}
		content, diags := block.Body.Content(variableSchema())
		e.structure(at, diags)
		v := &variable{place: at, name: name, rng: block.DefRange, typ: cty.DynamicPseudoType, broken: diags.HasErrors()}
		e.variables[name] = v
		if attr := content.Attributes["type"]; attr != nil {
			typ, diags := typeexpr.TypeConstraint(attr.Expr)
			e.foreign(at, diags)
			if diags.HasErrors() {
				v.broken = true
			} else {
				v.typ = typ
			}
		}
		e.describe(v, content.Attributes)
	}
}

// describe reads what needs the type, and sensitive before the default.
func (e *evaluator) describe(v *variable, attrs hcl.Attributes) {
	if value, ok := e.constant(v.place, attrs["sensitive"], cty.Bool); ok {
		v.sensitive = value.True()
	} else if attrs["sensitive"] != nil {
		// Whoever wrote it meant something by it.
		v.sensitive = true
	}
	e.constant(v.place, attrs["description"], cty.String)
	attr := attrs["default"]
	if attr == nil {
		return
	}
	value, diags := attr.Expr.Value(nil)
	e.foreign(v.place, diags)
	if diags.HasErrors() {
		v.broken = true
		return
	}
	e.set(v, value, func(problem string) {
		e.fail(v.place, attr.Expr.Range(), "Invalid default of a variable", problem)
	})
	if v.sensitive && !v.broken && !v.value.IsNull() {
		e.warn(v.place, attr.NameRange, "Secret in the configuration",
			"The default of a sensitive variable is written in plain text here, where everybody who can read the repository sees it. "+
				"Remove it and set "+environPrefix+v.name+" in the environment, or use a file of variables that is kept elsewhere.")
	}
}

// constant evaluates an attribute that may use nothing but literals.
func (e *evaluator) constant(at place, attr *hcl.Attribute, typ cty.Type) (cty.Value, bool) {
	if attr == nil {
		return cty.NilVal, false
	}
	value, diags := attr.Expr.Value(nil)
	e.foreign(at, diags)
	if diags.HasErrors() {
		return cty.NilVal, false
	}
	value, err := toType(value, typ)
	if err != nil || value.IsNull() {
		e.fail(at, attr.Expr.Range(), "Invalid value for "+attr.Name, attr.Name+" must be a "+typ.FriendlyName()+".")
		return cty.NilVal, false
	}
	return value, true
}

// set gives a variable a value, in place of an earlier one.
func (e *evaluator) set(v *variable, value cty.Value, fail func(problem string)) {
	if v.sensitive {
		e.remember(value)
	}
	converted, err := toType(value, v.typ)
	switch {
	case err != nil && v.sensitive:
		fail(fmt.Sprintf("The value of the sensitive variable %q is not of its type, %s.", v.name, typeexpr.TypeString(v.typ)))
	case err != nil:
		fail(fmt.Sprintf("The value of the variable %q is not of its type, %s: %s.", v.name, typeexpr.TypeString(v.typ), err))
	default:
		v.value = converted
		return
	}
	v.broken = true
}

// remember makes every text and number in a secret value known to the scrubber.
func (e *evaluator) remember(value cty.Value) {
	value, _ = value.UnmarkDeep()
	_ = cty.Walk(value, func(_ cty.Path, leaf cty.Value) (bool, error) {
		if leaf.IsKnown() && !leaf.IsNull() && (leaf.Type() == cty.String || leaf.Type() == cty.Number) {
			if text, err := toType(leaf, cty.String); err == nil {
				e.scrubber.add(text.AsString())
			}
		}
		return true, nil
	})
}

// assign sets the variables from the environment, files and flags, in the order
// of precedence.
func (e *evaluator) assign(opts Options, automatic []string) {
	for _, kv := range opts.Environ {
		name, text, _ := strings.Cut(kv, "=")
		name, ours := strings.CutPrefix(name, environPrefix)
		if v := e.variables[name]; ours && v != nil {
			e.setText(v, text, "the environment variable "+environPrefix+name)
		}
	}
	for _, name := range automatic {
		e.setFile(filepath.Join(opts.Dir, name), name)
	}
	for _, path := range opts.VarFiles {
		name := path
		if e.sources[name] != nil {
			if abs, err := filepath.Abs(path); err == nil {
				name = abs
			}
		}
		e.setFile(path, name)
	}
	for _, arg := range opts.Vars {
		e.setFlag(arg)
	}
	e.demand()
}

func (e *evaluator) setFlag(arg string) {
	name, text, ok := strings.Cut(arg, "=")
	name = strings.TrimSpace(name)
	v := e.variables[name]
	switch {
	case !ok || !hclsyntax.ValidIdentifier(name):
		e.failNowhere("Invalid --var", "What follows --var must look like name=value.")
	case v == nil:
		e.failNowhere("Value for an undeclared variable", fmt.Sprintf(
			"--var sets %q, but the configuration declares no such variable.%s", name, suggest(name, e.variableNames())))
	default:
		e.setText(v, text, "--var")
	}
}

// setText sets a variable from a text: literally where its type is string or
// open, else the text is an expression.
func (e *evaluator) setText(v *variable, text, origin string) {
	fail := func(problem string) {
		v.broken = true
		e.failNowhere(fmt.Sprintf("Invalid value for the variable %q", v.name), problem+" It comes from "+origin+".")
	}
	if v.sensitive {
		e.scrubber.add(text)
	}
	if v.typ == cty.String || v.typ == cty.DynamicPseudoType {
		e.set(v, cty.StringVal(text), fail)
		return
	}
	malformed := fmt.Sprintf("It is not a value of type %s.", typeexpr.TypeString(v.typ))
	if !v.typ.IsPrimitiveType() {
		malformed += ` It is read as an expression, in which texts stand in quotation marks, as in ["a", "b"].`
	}
	if len(text) > maxFileSize {
		fail(malformed)
		return
	}
	if _, problem := tooDeep([]byte(text), v.name); problem != "" {
		fail(problem)
		return
	}
	expr, diags := hclsyntax.ParseExpression([]byte(text), v.name, hcl.InitialPos)
	if diags.HasErrors() {
		fail(malformed)
		return
	}
	value, diags := expr.Value(nil)
	if diags.HasErrors() {
		fail(malformed)
		return
	}
	e.set(v, value, fail)
}

// setFile sets the variables of one file.
func (e *evaluator) setFile(path, name string) {
	file := e.read(path, name, true)
	if file == nil {
		return
	}
	attrs, diags := file.Body.JustAttributes()
	e.structure(place{}, diags)
	exposed := isExposed(path)
	for _, attr := range sortedAttributes(attrs) {
		v := e.variables[attr.Name]
		if v != nil && v.sensitive && exposed {
			exposed = false // once for each file
			e.warn(place{}, attr.NameRange, "Secret in a file that others can read", fmt.Sprintf(
				"Other users of this machine can read %s, which sets the sensitive variable %q. Take that from them: chmod 600 %s", name, v.name, name))
		}
		if v == nil {
			e.warn(place{}, attr.NameRange, "Value for an undeclared variable", fmt.Sprintf(
				"The configuration declares no variable %q.%s", attr.Name, suggest(attr.Name, e.variableNames())))
			continue
		}
		value, diags := attr.Expr.Value(nil)
		e.foreign(v.place, diags)
		if diags.HasErrors() {
			v.broken = true
			continue
		}
		e.set(v, value, func(problem string) {
			e.fail(v.place, attr.Expr.Range(), fmt.Sprintf("Invalid value for the variable %q", v.name), problem)
		})
	}
}

// isExposed reports whether other users may read a file.
func isExposed(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o044 != 0 && runtime.GOOS != "windows"
}

// demand reports the variables that have no value.
func (e *evaluator) demand() {
	for _, name := range e.variableNames() {
		if v := e.variables[name]; v.value == cty.NilVal && !v.broken {
			v.broken = true
			e.fail(v.place, v.rng, "Variable without a value", fmt.Sprintf(
				"The variable %q has no default and was given no value. Set %s%s in the environment, put it into a file whose name ends in "+
					".auto.vars.hcl, name a file with --var-file, or use --var '%s=...'.", name, environPrefix, name, name))
		}
	}
}

func (e *evaluator) variableNames() []string { return sortedKeys(e.variables) }

func sortedAttributes(attrs hcl.Attributes) []*hcl.Attribute {
	var sorted []*hcl.Attribute
	for _, attr := range attrs {
		sorted = append(sorted, attr)
	}
	slices.SortFunc(sorted, func(x, y *hcl.Attribute) int {
		return x.NameRange.Start.Byte - y.NameRange.Start.Byte
	})
	return sorted
}
