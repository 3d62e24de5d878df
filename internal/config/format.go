package config

import "github.com/hashicorp/hcl/v2/hclwrite"

// Format returns the native-syntax source of a file in canonical style. A file
// with a syntax error is not formatted, and the error returned.
func Format(filename string, src []byte) ([]byte, Diagnostics) {
	variables, _ := isVariables(filename)
	r := newReporter()
	if r.parse(src, filename, variables); r.hasErrors() {
		return nil, r.diagnostics()
	}
	return hclwrite.Format(src), nil
}
