package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// evaluator knows the variables and locals, and evaluates expressions over
// them. What failed once is unknown from then on, so that one cause is reported
// once.
type evaluator struct {
	*reporter
	functions map[string]function.Function
	variables map[string]*variable
	locals    map[string]*local
	// declaredAt are the addresses that are taken, with where.
	declaredAt map[string]hcl.Range
	// undeclared are the references that were reported.
	undeclared map[string]bool
	// each is what for_each gives; nil outside of such a block.
	each *each
}

func newEvaluator(r *reporter, dir string) *evaluator {
	return &evaluator{
		reporter: r, functions: functions(&fileCache{dir: dir}),
		variables: map[string]*variable{}, locals: map[string]*local{},
		declaredAt: map[string]hcl.Range{}, undeclared: map[string]bool{},
	}
}

// reference is a use of var.name, local.name, entry.name or values.name.
type reference struct {
	root, name string
	traversal  hcl.Traversal
}

// referenceOf splits a traversal; name is empty where it is not constant.
func referenceOf(t hcl.Traversal) reference {
	ref := reference{root: t.RootName(), traversal: t}
	if len(t) > 1 {
		switch step := t[1].(type) {
		case hcl.TraverseAttr:
			ref.name = step.Name
		case hcl.TraverseIndex:
			if step.Key.Type() == cty.String && step.Key.IsKnown() && !step.Key.IsNull() {
				ref.name = step.Key.AsString()
			}
		}
	}
	return ref
}

// references returns what an expression uses, after checking that it exists.
// The names in free are let through.
func (e *evaluator) references(expr hcl.Expression, at place, free ...string) ([]reference, bool) {
	var refs []reference
	good := true
	for _, t := range expr.Variables() {
		ref := referenceOf(t)
		if !slices.Contains(free, ref.root) && !e.exists(ref, at) {
			good = false
		}
		refs = append(refs, ref)
	}
	return refs, good
}

// exists reports a reference to nothing.
func (e *evaluator) exists(ref reference, at place) bool {
	rng := ref.traversal.SourceRange()
	var found bool
	switch ref.root {
	case "var":
		_, found = e.variables[ref.name]
	case "local":
		_, found = e.locals[ref.name]
	case "each":
		return e.eachExists(ref, at)
	default:
		e.fail(at, rng, "Unknown reference", unknownRoot(ref))
		return false
	}
	switch {
	case found:
		return true
	case ref.name == "":
		e.fail(at, rng, "Incomplete reference", fmt.Sprintf("%q must be followed by a name, as in %s.name.", ref.root, ref.root))
		return false
	}
	if address := ref.root + "." + ref.name; !e.undeclared[address] {
		e.undeclared[address] = true
		e.failUndeclared(ref, at, rng)
	}
	return false
}

// eachExists reports each where there is no for_each, and what it does not have.
func (e *evaluator) eachExists(ref reference, at place) bool {
	rng := ref.traversal.SourceRange()
	switch {
	case e.each == nil:
		e.fail(at, rng, "Unknown reference", `"each" exists only in a domain that has for_each, and not in for_each itself.`)
	case ref.name != "key" && ref.name != "value":
		e.fail(at, rng, "Unknown reference", "each has each.key and each.value alone.")
	default:
		return true
	}
	return false
}

func (e *evaluator) failUndeclared(ref reference, at place, rng hcl.Range) {
	kind, names, remedy := "variable", e.variableNames(), fmt.Sprintf("variable %q {}", ref.name)
	if ref.root == "local" {
		kind, names, remedy = "local value", sortedKeys(e.locals), fmt.Sprintf("locals { %s = ... }", ref.name)
	}
	e.fail(at, rng, "Reference to an undeclared "+kind, fmt.Sprintf(
		"The configuration declares no %s %q.%s", kind, ref.name, suggestOr(ref.name, names, " Declare it with: "+remedy)))
}

func unknownRoot(ref reference) string {
	switch ref.root {
	case "entry", "values":
		return fmt.Sprintf("%q is a directory's entry, which exists only in the user block of a directory.", ref.root)
	case "directory", "policy", "domain", "logintc", "rollcall":
		return "Blocks can be referred to in the attributes directory, directories and policy of a domain only."
	case "variable":
		return `The value of a variable is written var.name.`
	case "locals":
		return `A local value is written local.name.`
	}
	// The name is not repeated: it may be a password without quotation marks.
	return "Expressions use var.name and local.name, and in a user block entry.name and values.name. A text stands in quotation marks." +
		suggest(ref.root, []string{"var", "local", "entry", "values"})
}

// evaluate returns the value of an expression, its marks included. It is not ok
// where an error was reported, now or for something that it depends on.
func (e *evaluator) evaluate(expr hcl.Expression, at place) (cty.Value, bool) {
	refs, good := e.references(expr, at)
	if !good {
		return cty.DynamicVal, false
	}
	value, diags := expr.Value(e.context(refs))
	if names := e.sensitiveIn(refs); len(names) > 0 && diags.HasErrors() {
		e.fail(at, expr.Range(), "Expression over a sensitive value can not be evaluated", fmt.Sprintf(
			"It uses the sensitive %s, so what is wrong is not shown.", strings.Join(names, ", ")))
	} else {
		e.foreign(at, diags)
	}
	if diags.HasErrors() {
		return cty.DynamicVal, false
	}
	if unmarked, _ := value.UnmarkDeep(); !unmarked.IsWhollyKnown() {
		return value, false
	}
	return value, true
}

// context holds exactly what an expression refers to.
func (e *evaluator) context(refs []reference) *hcl.EvalContext {
	vars, locals := map[string]cty.Value{}, map[string]cty.Value{}
	for _, ref := range refs {
		switch ref.root {
		case "var":
			vars[ref.name] = e.variables[ref.name].marked()
		case "local":
			locals[ref.name] = e.local(ref.name)
		}
	}
	variables := map[string]cty.Value{"var": cty.ObjectVal(vars), "local": cty.ObjectVal(locals)}
	if e.each != nil {
		variables["each"] = cty.ObjectVal(map[string]cty.Value{"key": cty.StringVal(e.each.key), "value": e.each.value})
	}
	return &hcl.EvalContext{Variables: variables, Functions: e.functions}
}

// sensitiveIn names the sensitive variables that references lead to, sorted.
func (e *evaluator) sensitiveIn(refs []reference) []string {
	names := map[string]bool{}
	for _, ref := range refs {
		if ref.root == "var" && e.variables[ref.name].sensitive {
			names["var."+ref.name] = true
		}
		if ref.root == "local" {
			for _, name := range e.locals[ref.name].sensitive {
				names[name] = true
			}
		}
	}
	return sortedKeys(names)
}

// plain takes the marks from a value and reports a sensitive one.
func (e *evaluator) plain(value cty.Value, rng hcl.Range, at place, what string) (cty.Value, bool) {
	value, marks := value.UnmarkDeep()
	var names []string
	for mark := range marks {
		if name, ok := mark.(sensitive); ok {
			names = append(names, "var."+string(name))
		}
	}
	if len(names) == 0 {
		return value, true
	}
	slices.Sort(names)
	e.fail(at, rng, "Sensitive value in a place that is shown", fmt.Sprintf(
		"%s must not depend on the sensitive %s, since it is shown in plans. Use a variable that is not sensitive.", what, strings.Join(names, ", ")))
	return value, false
}

// unique reports a block whose name is taken or is no name.
func (e *evaluator) unique(at place, block *hcl.Block, taken map[string]hcl.Range) bool {
	if n := len(block.Labels); n > 0 && !hclsyntax.ValidIdentifier(block.Labels[n-1]) {
		e.fail(at, block.LabelRanges[n-1], "Invalid name",
			"A name consists of letters, digits, underscores and hyphens, and does not begin with a digit or a hyphen.")
		return false
	}
	if earlier, found := taken[at.address]; found {
		e.fail(at, block.DefRange, "Duplicate "+block.Type, fmt.Sprintf(
			"%s is defined already, on %s line %d.", at.address, earlier.Filename, earlier.Start.Line))
		return false
	}
	taken[at.address] = block.DefRange
	return true
}

// suggest proposes the name that was probably meant.
func suggest(given string, names []string) string { return suggestOr(given, names, "") }

func suggestOr(given string, names []string, otherwise string) string {
	best, bestDistance := "", min(3, len(given))
	for _, name := range names {
		if d := levenshtein.Distance(strings.ToLower(given), strings.ToLower(name), nil); d < bestDistance {
			best, bestDistance = name, d
		}
	}
	if best == "" {
		return otherwise
	}
	return fmt.Sprintf(" Did you mean %q?", best)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
