//go:build unix

package cli

import (
	"io/fs"
	"syscall"
)

// mayWrite returns an error if no file can be made in the folder: its permissions or
// those of the disk do not let this process.
func mayWrite(folder string) error {
	const write, search = 2, 1 // W_OK and X_OK of access(2)
	if err := syscall.Access(folder, write|search); err != nil {
		return &fs.PathError{Op: "write", Path: folder, Err: err}
	}
	return nil
}
