package config

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

func writeTB(t testing.TB, dir, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// parseField makes a field of an expression over entry alone.
func parseField(t interface{ Fatalf(string, ...any) }, source string, context *hcl.EvalContext) *field {
	expr, diags := hclsyntax.ParseExpression([]byte(source), "test", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatalf("%s: %s", source, diags)
	}
	f := &field{name: fieldUsername, expr: expr, context: context}
	for _, traversal := range expr.Variables() {
		if ref := referenceOf(traversal); ref.root == "entry" {
			f.entry = append(f.entry, ref.name)
		}
	}
	return f
}

// BenchmarkMap maps entries with the user block of the design: compiled, and
// the same with an expression that must be evaluated.
func BenchmarkMap(b *testing.B) {
	const rest = "\n name = coalesce(entry.displayName, entry.cn)\n email = entry.mail"
	for name, user := range map[string]string{
		"compiled":  "username = lower(entry.uid)" + rest,
		"exclude":   "username = lower(entry.uid)\n exclude = disabled(entry)" + rest,
		"evaluated": "username = replace(entry.uid, \" \", \".\")" + rest,
	} {
		for _, n := range []int{10_000, 100_000, 1_000_000} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) { benchmarkMap(b, mapping(b, user), n) })
		}
	}
}

func benchmarkMap(b *testing.B, m *Mapping, n int) {
	// A thousand people stand for all: mapping remembers nobody.
	entries := make([]*identity.Entry, 1000)
	for i := range entries {
		uid := fmt.Sprintf("user.%06d", i)
		entries[i] = entry("objectClass", "person", "uid", uid, "cn", "User "+uid, "mail", uid+"@example.com", "userAccountControl", "512")
	}
	b.ReportAllocs()
	for b.Loop() {
		for i := range n {
			if user := m.Map(entries[i%len(entries)]); user.Username == "" || user.Problems != nil {
				b.Fatal(user)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/entry")
}
