package config

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/zclconf/go-cty/cty"
)

// each is the element of for_each that a block is made for.
type each struct {
	key   string
	value cty.Value
}

// instances returns the block itself or, with for_each, one for each element, by
// key. Where for_each is wrong it returns none.
func (b *block) instances() []*block {
	if !b.has("for_each") {
		return []*block{b}
	}
	elements, ok := b.elements()
	if !ok {
		return nil
	}
	var all []*block
	for _, element := range elements {
		own, l := *b.evaluator, *b.loader
		own.each, l.evaluator = &element, &own
		instance := *b
		instance.loader = &l
		instance.address += "[" + strconv.Quote(element.key) + "]"
		all = append(all, &instance)
	}
	return all
}

// elements reads a map, an object or a set of texts.
func (b *block) elements() ([]each, bool) {
	const forms = `for_each must be a map such as { berlin = "..." } or a set of texts such as toset(["berlin", "paris"])`
	attr := b.content.Attributes["for_each"]
	value, ok := b.evaluate(attr.Expr, b.place)
	if ok {
		value, ok = b.plain(value, attr.Expr.Range(), b.place, "for_each")
	}
	if !ok {
		return nil, false
	}
	t := value.Type()
	isSet := t.IsSetType() && (t.ElementType() == cty.String || value.LengthInt() == 0)
	switch {
	case value.IsNull():
		b.wrong("for_each", forms+", and is null here.")
		return nil, false
	case !isSet && !t.IsMapType() && !t.IsObjectType():
		b.wrong("for_each", fmt.Sprintf("%s, not a %s.", forms, t.FriendlyName()))
		return nil, false
	}
	var all []each
	for it := value.ElementIterator(); it.Next(); {
		key, element := it.Element()
		if isSet {
			key = element
		}
		if key.IsNull() || strings.TrimSpace(key.AsString()) == "" || strings.ContainsFunc(key.AsString(), unicode.IsControl) {
			b.wrong("for_each", "for_each has a key that is null, empty or has control characters.")
			return nil, false
		}
		all = append(all, each{key.AsString(), element})
	}
	return all, true
}
