package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/gocty"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// block reads the attributes of one block. Each reader reports what is wrong
// and then returns the default, so that all attributes are looked at.
type block struct {
	*loader
	place
	rng      hcl.Range
	schema   *hcl.BodySchema
	content  *hcl.BodyContent
	complete bool
}

// schema returns a schema of attributes; a name that ends in "!" is required.
func schema(attributes ...string) *hcl.BodySchema {
	s := &hcl.BodySchema{}
	for _, a := range attributes {
		name, required := strings.CutSuffix(a, "!")
		s.Attributes = append(s.Attributes, hcl.AttributeSchema{Name: name, Required: required})
	}
	return s
}

func (l *loader) block(at place, b *hcl.Block, s *hcl.BodySchema) *block {
	content, diags := b.Body.Content(s)
	l.structure(at, diags)
	return &block{l, at, b.DefRange, s, content, !diags.HasErrors()}
}

// has reports whether the attribute is written, even if it is null or wrong.
func (b *block) has(name string) bool { return b.content.Attributes[name] != nil }

// documentedAlone reports whether calls that LoginTC does not document may not be
// used. Where api itself is wrong, that alone is reported.
func (l *loader) documentedAlone() bool { return l.config.LoginTC.API == API13 }

// assumed reports an attribute that needs such a call.
func (b *block) assumed(name string) {
	if attr := b.content.Attributes[name]; attr != nil && b.documentedAlone() {
		b.undocumented(b.place, attr.NameRange, name)
	}
}

// undocumented reports that something needs calls that are not documented.
func (l *loader) undocumented(at place, rng hcl.Range, what string) {
	l.fail(at, rng, what+` needs api = "sync"`, fmt.Sprintf("LoginTC does not document the call that %s takes, so that it is not "+
		`used with api = "1.3", the default. Set api = "sync" in the logintc block if your LoginTC has it, or take %s out.`, what, what))
}

// at is where to point for an attribute: its value or, where it is not
// written, the block.
func (b *block) at(name string) hcl.Range {
	if attr := b.content.Attributes[name]; attr != nil {
		return attr.Expr.Range()
	}
	return b.rng
}

// wrong reports that an attribute has a value that it may not have.
func (b *block) wrong(name, detail string) {
	b.fail(b.place, b.at(name), "Invalid value for "+name, detail)
}

// value evaluates an attribute. It is not ok where the attribute is not
// written, null or wrong.
func (b *block) value(name string, typ cty.Type) (cty.Value, bool) {
	attr := b.content.Attributes[name]
	if attr == nil {
		return cty.NilVal, false
	}
	value, ok := b.evaluate(attr.Expr, b.place)
	if !ok {
		return cty.NilVal, false
	}
	if value, ok = b.plain(value, attr.Expr.Range(), b.place, name); !ok {
		return cty.NilVal, false
	}
	return b.convert(name, value, typ)
}

// wrongHidden does so without showing the value.
func (b *block) wrongHidden(name, detail string) {
	rng := b.at(name)
	b.findings = append(b.findings, finding{place: b.place, hideValues: true, diag: &hcl.Diagnostic{
		Severity: hcl.DiagError, Summary: "Invalid value for " + name, Detail: detail + " The value is not shown.", Subject: &rng,
	}})
}

func (b *block) convert(name string, value cty.Value, typ cty.Type) (cty.Value, bool) {
	if value.IsNull() {
		if slices.Contains(b.schema.Attributes, hcl.AttributeSchema{Name: name, Required: true}) {
			b.wrong(name, name+" is required, but null here.")
		}
		return cty.NilVal, false
	}
	converted, err := toType(value, typ)
	if err != nil {
		detail := fmt.Sprintf("%s must be a %s, not a %s.", name, typ.FriendlyName(), value.Type().FriendlyName())
		if typ.IsListType() && value.Type() == cty.String {
			detail += fmt.Sprintf(" A list of one is written in brackets: %s = [\"...\"].", name)
		}
		b.wrong(name, detail)
		return cty.NilVal, false
	}
	return converted, true
}

func (b *block) text(name, otherwise string) string {
	if value, ok := b.value(name, cty.String); ok {
		return value.AsString()
	}
	return otherwise
}

func (b *block) bool(name string, otherwise bool) bool {
	if value, ok := b.value(name, cty.Bool); ok {
		return value.True()
	}
	return otherwise
}

// texts reads a list of texts, none of them empty. It is nil where the
// attribute is not written, null or wrong.
func (b *block) texts(name string) []string {
	value, ok := b.value(name, cty.List(cty.String))
	if !ok {
		return nil
	}
	texts := []string{}
	for _, element := range value.AsValueSlice() {
		if element.IsNull() || strings.TrimSpace(element.AsString()) == "" {
			b.wrong(name, name+" has an element that is null or empty.")
			return nil
		}
		texts = append(texts, element.AsString())
	}
	return texts
}

// whole reads a whole number from least to most.
func (b *block) whole(name string, otherwise, least, most int) int {
	value, ok := b.value(name, cty.Number)
	if !ok {
		return otherwise
	}
	var n int
	if err := gocty.FromCtyValue(value, &n); err != nil || n < least || n > most {
		b.wrong(name, fmt.Sprintf("%s must be a whole number from %d to %d.", name, least, most))
		return otherwise
	}
	return n
}

// duration reads a duration of at least least.
func (b *block) duration(name string, otherwise, least time.Duration) time.Duration {
	value, ok := b.value(name, cty.String)
	if !ok {
		return otherwise
	}
	d, err := time.ParseDuration(value.AsString())
	switch {
	case err != nil:
		b.wrong(name, fmt.Sprintf(`%s must be a duration such as "30s", "5m" or "72h", not %q.`, name, value.AsString()))
		return otherwise
	case d < least:
		b.wrong(name, fmt.Sprintf("%s must be at least %s, not %s.", name, least, d))
		return otherwise
	}
	return d
}

// limit reads a count or a percentage.
func (b *block) limit(name string, otherwise identity.Limit) identity.Limit {
	value, ok := b.value(name, cty.String)
	if !ok {
		return otherwise
	}
	limit, err := identity.ParseLimit(value.AsString())
	if err != nil {
		b.wrong(name, fmt.Sprintf("%s: %s.", name, err))
		return otherwise
	}
	return limit
}

// choice reads one of several words, the first of which is the default.
func (b *block) choice(name string, words ...string) string {
	value, ok := b.value(name, cty.String)
	if !ok {
		return words[0]
	}
	if !slices.Contains(words, value.AsString()) {
		b.wrong(name, fmt.Sprintf("%s must be one of %s, not %q.%s",
			name, quotedList(words), value.AsString(), suggest(value.AsString(), words)))
		return words[0]
	}
	return value.AsString()
}

func quotedList(words []string) string { return `"` + strings.Join(words, `", "`) + `"` }

// path reads a path and resolves it against the configuration's folder.
func (b *block) path(name, otherwise string) string {
	value, ok := b.value(name, cty.String)
	switch {
	case !ok:
		return b.resolvePath(otherwise)
	case value.AsString() == "":
		b.wrong(name, name+" is empty.")
		return ""
	}
	return b.resolvePath(value.AsString())
}

func (l *loader) resolvePath(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	resolved := filepath.Join(l.config.Dir, path)
	l.config.written[resolved] = filepath.ToSlash(filepath.Clean(path))
	return resolved
}

// secret reads a secret from the attribute or, as name_file, from a file.
func (b *block) secret(name string) identity.Secret {
	fileName := name + "_file"
	if b.has(name) && b.has(fileName) {
		b.fail(b.place, b.content.Attributes[fileName].NameRange, "Conflicting attributes",
			fmt.Sprintf("Either %s or %s may be set, not both.", name, fileName))
		return identity.Secret{}
	}
	if b.has(fileName) {
		return b.secretFile(fileName)
	}
	attr := b.content.Attributes[name]
	if attr == nil {
		return identity.Secret{}
	}
	value, ok := b.evaluate(attr.Expr, b.place)
	if !ok {
		return identity.Secret{}
	}
	plain, marks := value.UnmarkDeep()
	b.remember(plain)
	if plain, ok = b.convert(name, plain, cty.String); !ok {
		return identity.Secret{}
	}
	text := plain.AsString()
	switch {
	case text == "":
		b.wrong(name, name+" is empty.")
	case len(marks) == 0:
		b.warn(b.place, attr.NameRange, "Secret in the configuration", fmt.Sprintf(
			"%s does not come from a sensitive variable, so whoever reads the configuration may read it. Declare a variable with "+
				"sensitive = true and set it with %sname in the environment, or use %s.", name, environPrefix, fileName))
	}
	return identity.NewSecret(text)
}

func (b *block) secretFile(name string) identity.Secret {
	path := b.path(name, "")
	if path == "" {
		return identity.Secret{}
	}
	content, err := readBounded(func() (*os.File, error) { return os.Open(path) })
	text := strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
	switch {
	case err != nil:
		b.wrong(name, fmt.Sprintf("%s can not be read: %s.", path, reason(err)))
	case text == "":
		b.wrong(name, path+" is empty.")
	}
	b.scrubber.add(text)
	return identity.NewSecret(text)
}
