package config

import (
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// local is one attribute of a locals block.
type local struct {
	place
	expr  hcl.Expression
	name  hcl.Range
	value cty.Value
	// sensitive names the sensitive variables that it depends on.
	sensitive []string
	progress  progress
}

type progress int

const (
	untouched progress = iota
	underWay
	done
)

// declareLocals reads the locals blocks.
func (e *evaluator) declareLocals(blocks hcl.Blocks) {
	for _, block := range blocks {
		attrs, diags := block.Body.JustAttributes()
		e.structure(place{}, diags)
		for _, attr := range sortedAttributes(attrs) {
			at := place{address: "local." + attr.Name, header: "locals"}
			if earlier, found := e.declaredAt[at.address]; found {
				e.fail(at, attr.NameRange, "Duplicate local value", at.address+" is defined already, on "+
					earlier.Filename+" line "+strconv.Itoa(earlier.Start.Line)+".")
				continue
			}
			e.declaredAt[at.address] = attr.NameRange
			e.locals[attr.Name] = &local{place: at, expr: attr.Expr, name: attr.NameRange, value: cty.DynamicVal}
		}
	}
}

// resolveLocals evaluates all locals, each after those that it uses.
func (e *evaluator) resolveLocals() {
	for _, name := range sortedKeys(e.locals) {
		e.resolve(name, nil)
	}
}

// resolve evaluates one local; path are the locals whose evaluation needs it.
func (e *evaluator) resolve(name string, path []string) {
	l := e.locals[name]
	if l == nil || l.progress == done {
		return
	}
	if l.progress == underWay {
		cycle := append(slices.Clone(path[slices.Index(path, name):]), name)
		e.fail(l.place, l.name, "Cycle of local values",
			"These local values refer to each other in a circle: local."+strings.Join(cycle, ", local.")+".")
		return
	}
	l.progress = underWay
	path = append(path, name)
	for _, t := range l.expr.Variables() {
		if ref := referenceOf(t); ref.root == "local" {
			e.resolve(ref.name, path)
		}
	}
	l.progress = done
	refs, good := e.references(l.expr, l.place)
	if !good {
		return
	}
	l.sensitive = e.sensitiveIn(refs)
	l.value, _ = e.evaluate(l.expr, l.place)
}

func (e *evaluator) local(name string) cty.Value { return e.locals[name].value }
