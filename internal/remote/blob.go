package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/azureblob" // azblob://
	_ "gocloud.dev/blob/fileblob"  // file://
	_ "gocloud.dev/blob/gcsblob"   // gs://
	_ "gocloud.dev/blob/s3blob"    // s3://
	"gocloud.dev/gcerrors"

	"github.com/rollcall-cli/rollcall/internal/state"
)

// objects keeps a state as an object of a bucket. Its lock is another, KEY.lock,
// written on the condition that there is none (S3 and Azure: If-None-Match, Google:
// ifGenerationMatch 0). The state before each that changes is KEY.backup.SERIAL.
type objects struct {
	bucket *blob.Bucket
	key    string
	// folder is that of a file: URL, whose driver checks and writes in two steps; or
	// empty.
	folder string
}

func newBlob(ctx context.Context, address string) (*objects, error) {
	bucket, key, err := splitURL(address)
	if err != nil {
		return nil, err
	}
	opened, err := blob.OpenBucket(ctx, bucket)
	if err != nil {
		return nil, err
	}
	o := &objects{bucket: opened, key: key}
	if folder, isFile := strings.CutPrefix(bucket, "file://"); isFile {
		folder, _, _ = strings.Cut(folder, "?")
		if o.folder, err = url.PathUnescape(folder); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// splitURL divides the URL of an object into that of its bucket and its key.
func splitURL(address string) (bucket, key string, err error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", "", fmt.Errorf("it is no URL: %w", err)
	}
	if u.Scheme == "file" {
		key = path.Base(u.Path)
		u.Path = path.Dir(u.Path)
		query := u.Query()
		query.Set("no_tmp_dir", "true") // a rename works on one file system alone
		query.Set("metadata", "skip")
		u.RawQuery = query.Encode()
		return u.String(), key, nil
	}
	key = strings.TrimPrefix(u.Path, "/")
	if u.Host == "" || key == "" {
		return "", "", fmt.Errorf("it must look like %s://bucket/folder/rollcall.state.json", u.Scheme)
	}
	u.Path = ""
	return u.String(), key, nil
}

func (o *objects) lockKey() string { return o.key + ".lock" }

// get returns nil where there is no such object.
func (o *objects) get(ctx context.Context, key string) ([]byte, error) {
	r, err := o.bucket.NewReader(ctx, key, nil)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	return readAll(r)
}

// put writes an object, on the condition that there is none if ifNone says so. It does not
// use WriteAll: of gocloud.dev v0.47, that for Azure panics where the condition does not
// hold (azureblob.writer.Close closes a pipe that is nil by then).
func (o *objects) put(ctx context.Context, key string, content []byte, ifNone bool) error {
	return o.bucket.Upload(ctx, key, bytes.NewReader(content), &blob.WriterOptions{ContentType: "application/json", IfNotExist: ifNone})
}

func (o *objects) read(ctx context.Context) ([]byte, error) { return o.get(ctx, o.key) }

func (o *objects) write(ctx context.Context, next state.Replacement, content []byte, lockID string) error {
	if err := o.holds(ctx, lockID); err != nil {
		return err
	}
	backup := func(serial uint64) string { return fmt.Sprintf("%s.backup.%d", o.key, serial) }
	if next.Changed && next.Before > 0 {
		if err := o.bucket.Copy(ctx, backup(next.Before), o.key, nil); err != nil {
			return fmt.Errorf("no backup of the last one could be made: %w", err)
		}
	}
	if err := o.put(ctx, o.key, content, false); err != nil {
		return err
	}
	if next.Changed && next.Before > state.Backups {
		err := o.bucket.Delete(ctx, backup(next.Before-state.Backups))
		if err != nil && gcerrors.Code(err) != gcerrors.NotFound {
			return fmt.Errorf("the state is written, and an old backup could not be taken away: %w", err)
		}
	}
	return nil
}

// holds checks that the lock of the id is still there.
func (o *objects) holds(ctx context.Context, id string) error {
	present, err := o.holder(ctx)
	if err != nil {
		return err
	}
	if present == nil || present.ID != id {
		return fmt.Errorf("the lock %s was broken by somebody while this run held it; nothing was written", id)
	}
	return nil
}

func (o *objects) lock(ctx context.Context, holder state.Holder) (*state.Holder, error) {
	content, err := json.Marshal(holder)
	if err != nil {
		return nil, err
	}
	taken, err := o.create(ctx, content)
	if err != nil || taken {
		return nil, err
	}
	other, err := o.holder(ctx)
	switch {
	case err != nil:
		return nil, err
	case other == nil: // it was let go of just now
		return &state.Holder{}, nil
	case other.ID == holder.ID: // the write was sent twice, and the first took
		return nil, nil
	}
	return other, nil
}

// create writes the lock if there is none.
func (o *objects) create(ctx context.Context, content []byte) (created bool, err error) {
	if o.folder != "" {
		file, err := os.OpenFile(filepath.Join(o.folder, o.lockKey()), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if errors.Is(err, os.ErrExist) {
			return false, nil
		} else if err != nil {
			return false, err
		}
		_, err = file.Write(content)
		return true, errors.Join(err, file.Sync(), file.Close())
	}
	err = o.put(ctx, o.lockKey(), content, true)
	if code := gcerrors.Code(err); code == gcerrors.FailedPrecondition || code == gcerrors.AlreadyExists {
		return false, nil
	}
	return err == nil, err
}

func (o *objects) unlock(ctx context.Context, id string) error {
	present, err := o.holder(ctx)
	switch {
	case err != nil:
		return err
	case present == nil:
		return &NotLockedError{ID: id}
	case present.ID != id:
		return &NotLockedError{ID: id, Present: present.ID}
	}
	return o.bucket.Delete(ctx, o.lockKey())
}

func (o *objects) holder(ctx context.Context) (*state.Holder, error) {
	content, err := o.get(ctx, o.lockKey())
	if err != nil || content == nil {
		return nil, err
	}
	return decodeHolder(content), nil
}
