//go:build !unix

package cli

// mayWrite knows no way to find out without writing.
func mayWrite(string) error { return nil }
