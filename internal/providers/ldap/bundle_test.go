package ldap

import (
	"os"
	"path/filepath"
	"testing"
)

// bundle writes the certificates of several files into one.
func bundle(t *testing.T, files ...string) string {
	t.Helper()
	var all []byte
	for _, file := range files {
		pem, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, pem...)
	}
	path := filepath.Join(t.TempDir(), "bundle.crt")
	if err := os.WriteFile(path, all, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
