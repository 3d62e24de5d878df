package config

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
)

// Options say what to load and what values its variables have.
type Options struct {
	// Dir is the folder of the configuration; empty is the process's own.
	Dir string
	// Environ has the form of os.Environ; ROLLCALL_VAR_name sets the variable name.
	Environ []string
	// VarFiles are the paths of --var-file, Vars the "name=value" of --var, in
	// order; later ones win.
	VarFiles []string
	Vars     []string
	// Version is this program's version, for required_version.
	Version string
	// Now is the time of the run, for expired(entry).
	Now time.Time
}

// loader is one run of Load.
type loader struct {
	*evaluator
	opts Options
	// blocks are the blocks of all files by type.
	blocks map[string]hcl.Blocks
	config *Config
}

// Load reads, evaluates and checks a configuration. The result is nil where
// there are errors.
func Load(opts Options) (*Config, Diagnostics) {
	if opts.Dir == "" {
		opts.Dir = "."
	}
	r := newReporter()
	l := &loader{evaluator: newEvaluator(r, opts.Dir), opts: opts, config: &Config{Dir: opts.Dir, written: map[string]string{}}, blocks: map[string]hcl.Blocks{}}
	l.load()
	if r.hasErrors() {
		return nil, r.diagnostics()
	}
	l.config.Digest = l.config.digest()
	return l.config, r.diagnostics()
}

func (l *loader) load() {
	names, automatic, err := configurationFiles(l.opts.Dir, l.opts.VarFiles)
	if err != nil {
		l.failNowhere("Configuration can not be read", err.Error()+".")
		return
	}
	if len(names) == 0 {
		l.failNowhere("No configuration", fmt.Sprintf("The folder %s has no *.hcl file. "+
			"The README of rollcall has a first configuration to begin with; --chdir chooses another folder.", l.opts.Dir))
		return
	}
	l.config.Files = names
	var bodies []hcl.Body
	for _, name := range names {
		if file := l.read(filepath.Join(l.opts.Dir, name), name, false); file != nil {
			bodies = append(bodies, file.Body)
		}
	}
	if l.hasErrors() || !l.versionSuffices(bodies) {
		return
	}
	for _, body := range bodies {
		content, diags := body.Content(rootSchema())
		l.structure(place{}, diags)
		for _, b := range content.Blocks {
			l.blocks[b.Type] = append(l.blocks[b.Type], b)
		}
	}
	l.declare(l.blocks["variable"])
	l.assign(l.opts, automatic)
	l.declareLocals(l.blocks["locals"])
	l.resolveLocals()
	l.loadSettings()
	l.loadLoginTC()
	l.loadDirectories()
	l.loadDomains(l.loadPolicies())
}

func rootSchema() *hcl.BodySchema {
	return &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
		{Type: "rollcall"},
		{Type: "variable", LabelNames: []string{"name"}},
		{Type: "locals"},
		{Type: "logintc", LabelNames: []string{"name"}},
		{Type: "directory", LabelNames: []string{"kind", "name"}},
		{Type: "policy", LabelNames: []string{"name"}},
		{Type: "domain", LabelNames: []string{"name"}},
	}}
}

// once reports all but the first block of a type.
func (l *loader) once(at place, blocks hcl.Blocks, why string) *hcl.Block {
	if len(blocks) == 0 {
		return nil
	}
	for _, b := range blocks[1:] {
		first := blocks[0].DefRange
		l.fail(at.of(b), b.DefRange, "Duplicate "+b.Type, fmt.Sprintf(
			"There is a %s block already, on %s line %d. %s", b.Type, first.Filename, first.Start.Line, why))
	}
	return blocks[0]
}

// target finds what the reference of an attribute of the same name as the root, such as
// directory = directory.corp, names.
func target[T any](b *block, attribute string, known map[string]T) (T, bool) {
	if attr := b.content.Attributes[attribute]; attr != nil {
		return resolve(b, attr.Expr, attribute, attribute, known)
	}
	var none T
	return none, false
}

// targets finds what a list of references names, in its order. It is nil where anything
// is wrong.
func targets[T any](b *block, attribute, root string, known map[string]T) []T {
	expr := b.content.Attributes[attribute].Expr
	list, diags := hcl.ExprList(expr)
	if diags.HasErrors() || len(list) == 0 {
		b.wrong(attribute, fmt.Sprintf("%s must be a list of references, such as [%s.first, %s.second].", attribute, root, root))
		return nil
	}
	var all []T
	for _, element := range list {
		if found, ok := resolve(b, element, "each of "+attribute, root, known); ok {
			all = append(all, found)
		}
	}
	if len(all) < len(list) {
		return nil
	}
	return all
}

// resolve finds what a reference names. What says where it stands, for errors.
func resolve[T any](b *block, expr hcl.Expression, what, root string, known map[string]T) (T, bool) {
	var none T
	names := sortedKeys(known)
	traversal, diags := hcl.AbsTraversalForExpr(expr)
	ref := reference{}
	if !diags.HasErrors() {
		ref = referenceOf(traversal)
	}
	if ref.root != root || ref.name == "" || len(traversal) != 2 {
		detail := fmt.Sprintf("%s must be a reference such as %s.name, without quotation marks.", what, root)
		if list, diags := hcl.ExprList(expr); !diags.HasErrors() && len(list) > 0 && what == "directory" {
			detail = "directory is one reference. Of several it is directories = [directory.first, directory.second]."
		}
		if len(names) > 0 {
			detail += declared(root, names)
		}
		b.fail(b.place, expr.Range(), "Invalid reference", detail)
		return none, false
	}
	if found, ok := known[ref.name]; ok {
		return found, true
	}
	otherwise := declared(root, names)
	if len(names) == 0 {
		otherwise = fmt.Sprintf(" There is no %s block at all.", root)
	}
	b.fail(b.place, expr.Range(), "Reference to an undeclared "+root, fmt.Sprintf(
		"The configuration has no %s %q.%s", root, ref.name, suggestOr(ref.name, names, otherwise)))
	return none, false
}

// declared says which blocks there are.
func declared(root string, names []string) string {
	verb := "are"
	if len(names) == 1 {
		verb = "is"
	}
	return fmt.Sprintf(" There %s %s.", verb, strings.Join(prefixed(root+".", names), ", "))
}

func prefixed(prefix string, names []string) []string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = prefix + name
	}
	return all
}

func byName[T any](items []T, name func(T) string) []T {
	slices.SortFunc(items, func(x, y T) int { return cmp.Compare(name(x), name(y)) })
	return items
}
