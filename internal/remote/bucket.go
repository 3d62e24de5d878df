package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/aws/smithy-go"
	"gocloud.dev/blob"
	_ "gocloud.dev/blob/azureblob" // azblob://
	_ "gocloud.dev/blob/s3blob"    // s3://
	"gocloud.dev/gcerrors"
)

// bucket is a bucket of Amazon S3 or Azure.
type bucket struct{ *blob.Bucket }

// openBucket opens the bucket of an object, and returns the object's key.
func openBucket(ctx context.Context, address string) (place, string, error) {
	u, key, err := splitKey(address)
	if err != nil {
		return nil, "", err
	}
	opened, err := blob.OpenBucket(ctx, u.String())
	if err != nil {
		return nil, "", err
	}
	return bucket{opened}, key, nil
}

// splitKey takes the key of an object off its URL, and leaves that of its bucket.
func splitKey(address string) (u *url.URL, key string, err error) {
	if u, err = url.Parse(address); err != nil {
		return nil, "", fmt.Errorf("it is no URL: %w", err)
	}
	key = strings.TrimPrefix(u.Path, "/")
	if u.Host == "" || key == "" {
		return nil, "", fmt.Errorf("it must look like %s://bucket/folder/rollcall.state.json", u.Scheme)
	}
	u.Path, u.RawPath = "", ""
	return u, key, nil
}

func (b bucket) get(ctx context.Context, key string) ([]byte, error) {
	r, err := b.NewReader(ctx, key, nil)
	if isNoObject(err) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	return readAll(r)
}

// isNoObject reports whether the object is not there, by the words of Amazon and Azure for
// just that. gcerrors.NotFound also says that the bucket is not there, or that the name of
// the host could not be looked up: whoever took that for no state yet would begin anew.
func isNoObject(err error) bool {
	if refused, ok := errors.AsType[smithy.APIError](err); ok {
		return refused.ErrorCode() == "NoSuchKey"
	}
	return bloberror.HasCode(err, bloberror.BlobNotFound)
}

func (b bucket) put(ctx context.Context, key string, content []byte) error {
	return b.upload(ctx, key, content, false)
}

// create asks for If-None-Match of S3 and Azure.
func (b bucket) create(ctx context.Context, key string, content []byte) (created bool, err error) {
	err = b.upload(ctx, key, content, true)
	if code := gcerrors.Code(err); code == gcerrors.FailedPrecondition || code == gcerrors.AlreadyExists {
		return false, nil
	}
	return err == nil, err
}

// upload does not use WriteAll: of gocloud.dev v0.47, that for Azure panics where the
// condition does not hold (azureblob.writer.Close closes a pipe that is nil by then).
func (b bucket) upload(ctx context.Context, key string, content []byte, ifNone bool) error {
	return b.Upload(ctx, key, bytes.NewReader(content), &blob.WriterOptions{ContentType: "application/json", IfNotExist: ifNone})
}

func (b bucket) copy(ctx context.Context, to, from string) error {
	return b.Copy(ctx, to, from, nil)
}

// remove: of what is removed from S3 gocloud.dev asks for the head first, and an answer to
// that has no words.
func (b bucket) remove(ctx context.Context, key string) error {
	err := b.Delete(ctx, key)
	if refused, ok := errors.AsType[smithy.APIError](err); isNoObject(err) || ok && refused.ErrorCode() == "NotFound" {
		return nil
	}
	return err
}
