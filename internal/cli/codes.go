package cli

import (
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// codesFile is where activation codes are written, line by line as tokens are
// issued: a run that breaks off has written those that it was given.
type codesFile struct {
	mu   sync.Mutex
	file *os.File
	csv  *csv.Writer
}

// createCodes creates the file, which must not exist, for its owner alone.
func createCodes(path string) (*codesFile, error) {
	file, err := createNew(path)
	if err != nil {
		return nil, fmt.Errorf("the file for activation codes: %w", err)
	}
	c := &codesFile{file: file, csv: csv.NewWriter(file)}
	return c, c.line("domain", "username", "code")
}

// write writes one code down. It is safe for concurrent use.
func (c *codesFile) write(domain, username string, code identity.Secret) error {
	return c.line(domain, username, code.Reveal())
}

func (c *codesFile) line(fields ...string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.csv.Write(fields); err != nil {
		return err
	}
	c.csv.Flush()
	return c.csv.Error()
}

// close makes sure that the lines are on the disk.
func (c *codesFile) close() error { return errors.Join(c.file.Sync(), c.file.Close()) }
