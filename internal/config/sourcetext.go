package config

import (
	"bytes"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

// sourceText returns the text of an expression, formatted, on one line and
// without comments, so that neither formatting nor comments are a change.
func (l *loader) sourceText(raw hcl.Expression, native hclsyntax.Expression) string {
	if _, same := raw.(hclsyntax.Expression); !same {
		value, _ := raw.Value(nil)
		if wrap, ok := native.(*hclsyntax.TemplateWrapExpr); ok {
			text := value.AsString()
			start := wrap.Wrapped.Range().Start.Byte - wrap.Range().Start.Byte
			end := wrap.Wrapped.Range().End.Byte - wrap.Range().Start.Byte
			if 0 <= start && start <= end && end <= len(text) {
				return oneLine([]byte(text[start:end]))
			}
		}
		return string(hclwrite.TokensForValue(value).Bytes())
	}
	return oneLine(raw.Range().SliceBytes(l.sources[raw.Range().Filename].bytes))
}

func oneLine(src []byte) string {
	tokens, diags := hclsyntax.LexExpression(src, "", hcl.InitialPos)
	if diags.HasErrors() || bytes.Contains(src, []byte("<<")) {
		// The line breaks of a heredoc mean something.
		return string(bytes.TrimSpace(hclwrite.Format(src)))
	}
	var out []byte
	var brackets []hclsyntax.TokenType
	end, previous := 0, hclsyntax.TokenNil
	for _, token := range tokens {
		broken := token.Type == hclsyntax.TokenNewline || token.Type == hclsyntax.TokenComment && bytes.HasSuffix(token.Bytes, []byte("\n"))
		separates := broken && len(brackets) > 0 && brackets[len(brackets)-1] == hclsyntax.TokenOBrace
		switch {
		case separates && previous != hclsyntax.TokenOBrace && previous != hclsyntax.TokenComma:
			// In an object a line break stands for a comma.
			out, previous = append(out, ','), hclsyntax.TokenComma
			continue
		case broken || token.Type == hclsyntax.TokenComment:
			continue
		case closes(token.Type) && previous == hclsyntax.TokenComma:
			out = bytes.TrimSuffix(out, []byte(","))
		case token.Range.Start.Byte > end && len(out) > 0:
			out = append(out, ' ')
		}
		out = append(out, token.Bytes...)
		end, previous = token.Range.End.Byte, token.Type
		brackets = track(brackets, token.Type)
	}
	return string(bytes.TrimSpace(hclwrite.Format(out)))
}

func closes(kind hclsyntax.TokenType) bool {
	return kind == hclsyntax.TokenCBrace || kind == hclsyntax.TokenCParen || kind == hclsyntax.TokenCBrack
}

func track(brackets []hclsyntax.TokenType, kind hclsyntax.TokenType) []hclsyntax.TokenType {
	switch kind { //nolint:exhaustive // only brackets matter
	case hclsyntax.TokenOBrace, hclsyntax.TokenOParen, hclsyntax.TokenOBrack, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
		return append(brackets, kind)
	case hclsyntax.TokenCBrace, hclsyntax.TokenCParen, hclsyntax.TokenCBrack, hclsyntax.TokenTemplateSeqEnd:
		if len(brackets) > 0 {
			return brackets[:len(brackets)-1]
		}
	}
	return brackets
}

// traversalText writes a reference the way a configuration does.
func traversalText(t hcl.Traversal) string {
	var b strings.Builder
	b.WriteString(t.RootName())
	for _, step := range t[1:] {
		switch s := step.(type) {
		case hcl.TraverseAttr:
			b.WriteString("." + s.Name)
		case hcl.TraverseIndex:
			b.WriteString("[" + string(hclwrite.TokensForValue(s.Key).Bytes()) + "]")
		}
	}
	return b.String()
}
