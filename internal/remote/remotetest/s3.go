// Package remotetest starts servers that keep states, to test against: an S3 server,
// and one that does what GitLab's managed state does.
package remotetest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Keys of the S3 server's one user.
const (
	AccessKey = "rollcall-test"
	SecretKey = "rollcall-test-secret"
)

// patience is how long a server may take until it answers.
const patience = 30 * time.Second

// S3 is a versitygw, an S3 server that keeps objects as files in a folder.
type S3 struct {
	// URL is that of an object in its bucket; the last element may be replaced.
	URL string
	// Folder is the bucket on the disk.
	Folder string
}

// Environ are the variables by which a process finds its user and no other.
func (*S3) Environ() []string {
	return []string{"AWS_ACCESS_KEY_ID=" + AccessKey, "AWS_SECRET_ACCESS_KEY=" + SecretKey, "AWS_EC2_METADATA_DISABLED=true"}
}

// StartS3 builds versitygw from .ci/servers.mod and starts it. It ends with the test.
func StartS3(t testing.TB) *S3 {
	t.Helper()
	root := t.TempDir()
	bucket := filepath.Join(root, "data", "states")
	if err := os.MkdirAll(bucket, 0o700); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(root, "versitygw")
	if err := build(t, binary); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	var output bytes.Buffer
	cmd := exec.Command(binary, "--port", address, "--access", AccessKey, "--secret", SecretKey, "posix", filepath.Dir(bucket)) //nolint:noctx // it is killed by its process id
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited) }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-exited })
	deadline := time.After(patience)
	for {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(request)
		if err == nil {
			_ = answer.Body.Close()
			break
		}
		select {
		case <-exited:
			t.Fatalf("versitygw ended: %s", output.String())
		case <-deadline:
			t.Fatalf("versitygw does not answer: %v", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
	return &S3{
		URL:    "s3://states/acme/rollcall.state.json?region=us-east-1&use_path_style=true&endpoint=http://" + address,
		Folder: bucket,
	}
}

func build(t testing.TB, binary string) error {
	t.Helper()
	module, err := exec.CommandContext(t.Context(), "go", "env", "GOMOD").Output()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	build := exec.CommandContext(ctx, "go", "build", "-modfile=.ci/servers.mod", "-o", binary, "github.com/versity/versitygw/cmd/versitygw")
	build.Dir = filepath.Dir(strings.TrimSpace(string(module)))
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building versitygw: %w\n%s", err, out)
	}
	return nil
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it is at once
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
