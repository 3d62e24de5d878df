package config

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// node is a compiled expression. It gives exactly what evaluating the
// expression would give: cty evaluates every argument of a call, a failed
// argument fails the call, and every text is in Unicode normal form C.
type node func(*identity.Entry) (string, state)

// state is what became of a computation; of several the greatest counts.
type state int

const (
	present state = iota
	null
	// failed is an error, which has to do with an absent attribute: nothing else
	// can fail in what is compiled.
	failed
	// malformed is an attribute that is not UTF-8 text.
	malformed
)

// compile returns nil for an expression that must be evaluated.
func (f *field) compile(expr hclsyntax.Expression) node {
	switch x := expr.(type) {
	case *hclsyntax.ParenthesesExpr:
		return f.compile(x.Expression)
	case *hclsyntax.TemplateWrapExpr:
		return f.compile(x.Wrapped)
	case *hclsyntax.ScopeTraversalExpr:
		if ref := referenceOf(x.Traversal); ref.root == "entry" {
			return first(ref.name)
		}
	case *hclsyntax.FunctionCallExpr:
		if n := f.compileCall(x); n != nil {
			return n
		}
	}
	return f.compileConstant(expr)
}

func first(name string) node {
	return func(e *identity.Entry) (string, state) {
		value, found := e.First(name)
		switch {
		case !found:
			return "", null
		case !utf8.ValidString(value):
			return "", malformed
		}
		return cty.NormalizeString(value), present
	}
}

// compileConstant takes a text that does not depend on the entry.
func (f *field) compileConstant(expr hclsyntax.Expression) node {
	for _, t := range expr.Variables() {
		if root := t.RootName(); root != "var" && root != "local" {
			return nil
		}
	}
	value, diags := expr.Value(f.context)
	if diags.HasErrors() || value.IsMarked() || !value.IsKnown() || value.IsNull() || value.Type() != cty.String {
		return nil
	}
	text := value.AsString()
	return func(*identity.Entry) (string, state) { return text, present }
}

func (f *field) compileCall(call *hclsyntax.FunctionCallExpr) node {
	if call.ExpandFinal || len(call.Args) == 0 {
		return nil
	}
	args := make([]node, len(call.Args))
	for i, arg := range call.Args {
		if args[i] = f.compile(arg); args[i] == nil {
			return nil
		}
	}
	if call.Name == "coalesce" {
		return coalesce(args)
	}
	if len(args) != 1 {
		return nil
	}
	switch call.Name {
	case "lower":
		return convertText(args[0], strings.ToLower, failed)
	case "upper":
		return convertText(args[0], strings.ToUpper, failed)
	case "trimspace":
		return convertText(args[0], strings.TrimSpace, failed)
	case "normalize":
		return convertText(args[0], normalize, null)
	}
	return nil
}

// convertText applies a function to a text; ofNull is what it makes of null.
func convertText(arg node, change func(string) string, ofNull state) node {
	return func(e *identity.Entry) (string, state) {
		value, state := arg(e)
		switch state {
		case present:
			return cty.NormalizeString(change(value)), present
		case null:
			return "", ofNull
		case failed, malformed:
		}
		return "", state
	}
}

// coalesce returns the first text that is not null.
func coalesce(args []node) node {
	args = slices.Clone(args)
	return func(e *identity.Entry) (string, state) {
		result, found, worst := "", false, present
		for _, arg := range args {
			value, state := arg(e)
			switch {
			case state == present && !found:
				result, found = value, true
			case state != present && state != null:
				worst = max(worst, state)
			}
		}
		switch {
		case worst != present:
			return "", worst
		case !found:
			return "", failed
		}
		return result, present
	}
}
