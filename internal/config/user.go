package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// The names of the fields of a user block.
const (
	fieldUsername = "username"
	fieldName     = "name"
	fieldEmail    = "email"
	fieldAlias1   = "alias1"
	fieldAlias2   = "alias2"
	fieldAlias3   = "alias3"
	fieldPhone    = "phone"
	fieldPhones   = "phones"
	// fieldExclude says of an entry whether it is treated as not there.
	fieldExclude = "exclude"
)

// documentedFields are those that need nothing but the documented API, assumedFields the
// others.
func documentedFields() []string {
	return []string{fieldUsername, fieldName, fieldEmail, fieldExclude}
}

func assumedFields() []string {
	return []string{fieldAlias1, fieldAlias2, fieldAlias3, fieldPhone, fieldPhones}
}

// loadUser reads the user block of a directory. Problems are reported; the
// mapping is not to be used then.
func (l *loader) loadUser(raw *hcl.Block, at place) *Mapping {
	fields := append(documentedFields(), assumedFields()...)
	content, diags := raw.Body.Content(schema(append([]string{fieldUsername + "!"}, fields[1:]...)...))
	l.structure(at, diags)
	m := &Mapping{files: &fileCache{dir: l.opts.Dir}}
	e := *l.evaluator
	e.functions = withAccounts(functions(m.files), l.opts.Now)
	for _, name := range fields {
		attr := content.Attributes[name]
		if attr == nil {
			continue
		}
		if slices.Contains(assumedFields(), name) && l.documentedAlone() {
			l.undocumented(at, attr.NameRange, name)
		}
		expr, ok := l.native(attr.Expr, at)
		if !ok {
			continue
		}
		a := analysis{evaluator: &e, at: at, field: &field{name: name, expr: expr, constants: map[string]string{}}}
		if a.analyze() {
			a.field.source = l.sourceText(attr.Expr, expr)
			if name == fieldExclude {
				a.field.truth = compileTruth(expr, l.opts.Now)
			}
			m.fields = append(m.fields, a.field)
		}
	}
	m.files.frozen = true
	return m
}

// native returns an expression of a JSON file as one of the native syntax.
func (l *loader) native(expr hcl.Expression, at place) (hclsyntax.Expression, bool) {
	if native, ok := expr.(hclsyntax.Expression); ok {
		return native, true
	}
	value, _ := expr.Value(nil)
	if value.IsNull() || value.Type() != cty.String {
		l.fail(at, expr.Range(), "Invalid expression", `In JSON an expression stands in a text, as in "${entry.uid}".`)
		return nil, false
	}
	start := expr.Range().Start
	start.Byte, start.Column = start.Byte+1, start.Column+1
	native, diags := hclsyntax.ParseTemplate([]byte(value.AsString()), expr.Range().Filename, start)
	l.foreign(at, diags)
	return native, !diags.HasErrors()
}

// analysis finds out which attributes of an entry an expression uses, and
// whether it can be computed at all.
type analysis struct {
	*evaluator
	at    place
	field *field
	// constant are the sources of entry in entry[constant].
	constant map[hcl.Range]bool
	good     bool
}

func (a *analysis) analyze() bool {
	a.good, a.constant = true, map[hcl.Range]bool{}
	f := a.field
	_ = hclsyntax.VisitAll(f.expr, func(node hclsyntax.Node) hcl.Diagnostics {
		switch n := node.(type) {
		case *hclsyntax.ForExpr:
			a.loop(n)
		case *hclsyntax.IndexExpr:
			a.index(n)
		case *hclsyntax.FunctionCallExpr:
			a.call(n)
			a.account(n)
		}
		return nil
	})
	if !a.good {
		return false
	}
	refs, good := a.references(f.expr, a.at, "entry", "values")
	if !good {
		return false
	}
	f.context = a.context(refs)
	for _, ref := range refs {
		a.reference(ref)
	}
	if !a.good {
		return false
	}
	if f.name != fieldPhones && f.name != fieldExclude {
		f.compiled = f.compile(f.expr)
	}
	return a.try()
}

func (a *analysis) refuse(rng hcl.Range, detail string) {
	a.good = false
	a.fail(a.at, rng, "Expression over an entry can not be used", detail)
}

// loop refuses to hide the names that the analysis looks for.
func (a *analysis) loop(n *hclsyntax.ForExpr) {
	for _, name := range []string{"entry", "values", "var", "local"} {
		if n.KeyVar == name || n.ValVar == name {
			a.refuse(n.Range(), fmt.Sprintf("A variable of \"for\" can not be named %q here.", name))
		}
	}
}

// call refuses to let a directory choose a file.
func (a *analysis) call(n *hclsyntax.FunctionCallExpr) {
	if n.Name != "file" {
		return
	}
	for _, t := range n.Variables() {
		if root := t.RootName(); root == "entry" || root == "values" {
			a.refuse(n.Range(), "What an entry says can not choose a file.")
			return
		}
	}
}

const mustBeKnown = "The attributes to ask the directory for must be known beforehand"

// index evaluates the index of entry[…] and values[…].
func (a *analysis) index(n *hclsyntax.IndexExpr) {
	source, ok := n.Collection.(*hclsyntax.ScopeTraversalExpr)
	if !ok || len(source.Traversal) != 1 || !isEntry(source.Traversal.RootName()) {
		return
	}
	a.constant[source.Range()] = true
	for _, t := range n.Key.Variables() {
		if root := t.RootName(); root != "var" && root != "local" {
			a.refuse(n.Key.Range(), mustBeKnown+`, so the index must not depend on the entry or on a "for" variable.`)
			return
		}
	}
	value, ok := a.evaluate(n.Key, a.at)
	if ok {
		value, ok = a.plain(value, n.Key.Range(), a.at, "An index")
	}
	if !ok {
		a.good = false
		return
	}
	value, err := toType(value, cty.String)
	if err != nil || value.IsNull() {
		a.refuse(n.Key.Range(), "The index must be the name of an attribute.")
		return
	}
	a.use(source.Traversal.RootName(), value.AsString(), n.Key.Range())
}

func isEntry(root string) bool { return root == "entry" || root == "values" }

// reference takes note of one use of an attribute, variable or local.
func (a *analysis) reference(ref reference) {
	rng := ref.traversal.SourceRange()
	switch {
	case !isEntry(ref.root):
		a.keep(ref)
	case ref.name != "" && ref.root == "entry" && len(ref.traversal) > 2:
		a.refuse(rng, fmt.Sprintf("entry.%s is a text, the first value of the attribute. All of them are values.%s, a list.", ref.name, ref.name))
	case ref.name != "":
		a.use(ref.root, ref.name, rng)
	case !a.constant[rng]:
		a.refuse(rng, fmt.Sprintf("%s, so %q can not be used as a whole. Name the attributes, as in %s.mail.", mustBeKnown, ref.root, ref.root))
	}
}

func (a *analysis) use(root, name string, rng hcl.Range) {
	if strings.TrimSpace(name) == "" || strings.ContainsAny(name, " \t\r\n\x00") {
		a.refuse(rng, fmt.Sprintf("%q is not the name of an attribute.", name))
		return
	}
	list := &a.field.entry
	if root == "values" {
		list = &a.field.values
	}
	if !slices.Contains(*list, name) {
		*list = append(*list, name)
	}
}

// keep takes note of the value of a variable or local, which belongs to what
// the expression means.
func (a *analysis) keep(ref reference) {
	value, diags := ref.traversal.TraverseAbs(a.field.context)
	if diags.HasErrors() {
		return // The trial says so.
	}
	value, ok := a.plain(value, ref.traversal.SourceRange(), a.at, a.field.name)
	if !ok || !value.IsWhollyKnown() {
		a.good = false
		return
	}
	if encoded, err := ctyjson.Marshal(value, value.Type()); err == nil {
		a.field.constants[traversalText(ref.traversal)] = string(encoded)
	}
}

// try evaluates the expression for an entry of which nothing is known, which
// finds what is wrong with it for every entry.
func (a *analysis) try() bool {
	f := a.field
	value, diags := f.expr.Value(f.child(cty.UnknownVal(cty.String), cty.UnknownVal(cty.List(cty.String))))
	a.foreign(a.at, diags)
	if diags.HasErrors() {
		return false
	}
	if value, _ = value.Unmark(); value.IsKnown() && value.IsNull() {
		if f.name == fieldUsername {
			a.fail(a.at, f.expr.Range(), "Invalid value for username", "username is required, but null here.")
		}
		return false
	}
	t := value.Type()
	if f.name == fieldExclude {
		if t != cty.DynamicPseudoType && t != cty.Bool {
			a.fail(a.at, f.expr.Range(), "Invalid value for exclude", fmt.Sprintf("exclude must be true or false, as in disabled(entry), not a %s.", t.FriendlyName()))
			return false
		}
		return true
	}
	if f.name == fieldPhones {
		if t != cty.DynamicPseudoType && !t.IsListType() && !t.IsSetType() && !t.IsTupleType() {
			a.fail(a.at, f.expr.Range(), "Invalid value for phones", fmt.Sprintf("phones must be a list such as values.telephoneNumber, not a %s; one number is phone.", t.FriendlyName()))
			return false
		}
		return true
	}
	if t != cty.DynamicPseudoType && !t.IsPrimitiveType() {
		a.fail(a.at, f.expr.Range(), "Invalid value for "+f.name, fmt.Sprintf("%s must be a text, not a %s.", f.name, t.FriendlyName()))
		return false
	}
	return true
}

// child is the context for one entry, for which every attribute has the same
// values: for trials.
func (f *field) child(first, all cty.Value) *hcl.EvalContext {
	entry, values := map[string]cty.Value{}, map[string]cty.Value{}
	for _, name := range slices.Concat(f.entry, f.account) {
		entry[name] = first
	}
	for _, name := range f.values {
		values[name] = all
	}
	child := f.context.NewChild()
	child.Variables = map[string]cty.Value{"entry": cty.ObjectVal(entry), "values": cty.ObjectVal(values)}
	return child
}
