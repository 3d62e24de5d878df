package config

import (
	"bytes"
	"errors"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// The parser and the evaluator call themselves for each level of nesting and
// for each operator in a row, and a stack that overflows can not be recovered
// from. These bounds are far above what a person writes.
const (
	maxDepth     = 100
	maxOperators = 1000
	maxJSONText  = 1 << 16 // bytes in one string, which may be a template
	// The text of a number is as long as its exponent is large.
	maxExponentSize = 4 // characters, with the sign
	maxExponent     = 1 << 14
)

// tooDeep says whether and where a file is nested too deeply to be parsed.
func tooDeep(src []byte, name string) (hcl.Range, string) {
	if strings.HasSuffix(name, ".json") {
		return tooDeepJSON(src, name)
	}
	tokens, _ := hclsyntax.LexConfig(src, name, hcl.InitialPos)
	n := nesting{levels: []level{{kind: hclsyntax.TokenOBrace}}}
	for _, token := range tokens {
		if problem := n.token(token); problem != "" {
			return token.Range, problem
		}
	}
	return hcl.Range{}, ""
}

type level struct {
	kind      hclsyntax.TokenType
	operators int
}

type nesting struct{ levels []level }

func (n *nesting) token(token hclsyntax.Token) string {
	top := &n.levels[len(n.levels)-1]
	switch token.Type {
	case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenOQuote,
		hclsyntax.TokenOHeredoc, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
		// Indexes and template directives in a row nest too.
		top.operators++
		n.levels = append(n.levels, level{kind: token.Type})
	case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenCQuote,
		hclsyntax.TokenCHeredoc, hclsyntax.TokenTemplateSeqEnd:
		if len(n.levels) > 1 {
			n.levels = n.levels[:len(n.levels)-1]
		}
	case hclsyntax.TokenComma:
		top.operators = 0
	case hclsyntax.TokenNewline, hclsyntax.TokenComment:
		// Elsewhere a line break does not end an expression.
		if top.kind == hclsyntax.TokenOBrace && bytes.HasSuffix(token.Bytes, []byte("\n")) {
			top.operators = 0
		}
	case hclsyntax.TokenNumberLit:
		if _, exponent, _ := bytes.Cut(bytes.ToLower(token.Bytes), []byte("e")); len(exponent) > maxExponentSize {
			return "This number is too large or too small."
		}
	case hclsyntax.TokenIdent, hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit:
	default:
		top.operators++
	}
	top = &n.levels[len(n.levels)-1]
	switch {
	case len(n.levels) > maxDepth:
		return "More than 100 brackets, quotation marks or templates are open here."
	case top.operators > maxOperators:
		return "There are more than 1000 operators in a row here."
	}
	return ""
}

// toType converts a value. A number of which the text would have thousands of
// digits is an error.
func toType(value cty.Value, typ cty.Type) (cty.Value, error) {
	unmarked, _ := value.UnmarkDeep()
	err := cty.Walk(unmarked, func(_ cty.Path, leaf cty.Value) (bool, error) {
		if leaf.Type() == cty.Number && leaf.IsKnown() && !leaf.IsNull() {
			if exponent := leaf.AsBigFloat().MantExp(nil); exponent > maxExponent || exponent < -maxExponent {
				return false, errors.New("a number is too large or too small")
			}
		}
		return true, nil
	})
	if err != nil {
		return cty.NilVal, err
	}
	return convert.Convert(value, typ)
}

// tooDeepJSON does the same for JSON. Strings may be templates, but short ones
// can not be deep enough.
func tooDeepJSON(src []byte, name string) (hcl.Range, string) {
	depth, textStart, line, lineStart := 0, -1, 1, 0
	for i := 0; i < len(src); i++ {
		problem := ""
		switch c := src[i]; {
		case c == '\n':
			line, lineStart = line+1, i+1
		case textStart >= 0 && c == '\\':
			i++
		case textStart >= 0 && c == '"':
			if i-textStart > maxJSONText {
				problem = "A text of more than 65536 bytes ends here."
			}
			textStart = -1
		case textStart >= 0:
		case c == '"':
			textStart = i
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				problem = "More than 100 brackets are open here."
			}
		case c == '}' || c == ']':
			depth--
		}
		if problem != "" {
			pos := hcl.Pos{Line: line, Column: i - lineStart + 1, Byte: i}
			return hcl.Range{Filename: name, Start: pos, End: pos}, problem
		}
	}
	return hcl.Range{}, ""
}
