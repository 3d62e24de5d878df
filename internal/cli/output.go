package cli

import (
	"encoding/json"
	"errors"
	"io"
	"os"

	"github.com/rollcall-cli/rollcall/internal/atomicfile"
)

// writeJSON prints a document for programs.
func writeJSON(out io.Writer, document any) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(document)
}

// isFree reports whether there is nothing at path yet, for sure.
func isFree(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, os.ErrNotExist)
}

// createNew creates a file that must not exist, for its owner alone.
func createNew(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, atomicfile.Mode)
}
