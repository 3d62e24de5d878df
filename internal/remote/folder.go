package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"

	"github.com/rollcall-cli/rollcall/internal/atomicfile"
)

// folder is a folder that machines share. The driver of gocloud.dev for these is not
// used: it checks and writes in two steps, and writes files that everybody can read.
type folder string

// openFolder opens the folder of a file: URL, and returns the name of the file in it.
func openFolder(address string) (place, string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, "", fmt.Errorf("it is no URL: %w", err)
	}
	path := filepath.FromSlash(u.Path)
	info, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return nil, "", err
	}
	if !info.IsDir() {
		return nil, "", fmt.Errorf("%s is no folder", filepath.Dir(path))
	}
	return folder(filepath.Dir(path)), filepath.Base(path), nil
}

func (f folder) path(key string) string { return filepath.Join(string(f), key) }

func (f folder) get(_ context.Context, key string) ([]byte, error) {
	if err := atomicfile.CheckRegular(f.path(key)); err != nil {
		return nil, err
	}
	file, err := os.Open(f.path(key))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return readAll(file)
}

func (f folder) put(_ context.Context, key string, content []byte) error {
	return atomicfile.Write(f.path(key), func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

func (f folder) create(_ context.Context, key string, content []byte) (created bool, err error) {
	file, err := os.OpenFile(f.path(key), os.O_CREATE|os.O_EXCL|os.O_WRONLY, atomicfile.Mode)
	if errors.Is(err, os.ErrExist) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	_, err = file.Write(content)
	return true, errors.Join(err, file.Sync(), file.Close(), atomicfile.SyncFolder(string(f)))
}

func (f folder) copy(ctx context.Context, to, from string) error {
	content, err := f.get(ctx, from)
	if err != nil {
		return err
	}
	if content == nil {
		return fmt.Errorf("%s is gone", f.path(from))
	}
	return f.put(ctx, to, content)
}

func (f folder) remove(_ context.Context, key string) error {
	if err := os.Remove(f.path(key)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
