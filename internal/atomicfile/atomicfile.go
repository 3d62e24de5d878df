// Package atomicfile replaces files whole: a reader sees the old content or the
// new, never a part, and neither a crash nor a full disk loses both.
//
// It writes a temporary file beside the target, syncs it, renames it, and syncs
// the folder, which is what makes the rename last.
package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Mode is the mode of every file that is written: they name people.
const Mode os.FileMode = 0o600

// Write replaces the file at path, or makes it, with what content writes. It
// refuses to replace what is no regular file, such as a symbolic link. If it
// fails, the file is as it was.
func Write(path string, content func(io.Writer) error) (err error) {
	if err := CheckRegular(path); err != nil {
		return err
	}
	folder := filepath.Dir(path)
	temp, err := os.CreateTemp(folder, "."+filepath.Base(path)+".tmp-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ignoreClosed(temp.Close()), os.Remove(temp.Name()))
		}
	}()
	if err := temp.Chmod(Mode); err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(temp, 1<<16)
	if err := content(buffered); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	if err := temp.Sync(); err != nil {
		return err
	}
	if err := temp.Close(); err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return err
	}
	return SyncFolder(folder)
}

func ignoreClosed(err error) error {
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

// CheckRegular returns an error if there is something at path that is no regular file.
func CheckRegular(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is no regular file (%s) and is left alone; name another path or take it away", path, info.Mode().Type())
	}
	return nil
}

// SyncFolder makes renames in the folder last.
func SyncFolder(folder string) error {
	dir, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
