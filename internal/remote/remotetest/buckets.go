// Package remotetest starts servers that keep states, to test against: an S3 server, one
// like Google's, and one that does what GitLab's managed state does.
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
	address := freeAddress(t)
	start(t, root, "github.com/versity/versitygw/cmd/versitygw", "http://"+address, "--port", address, "--access", AccessKey, "--secret", SecretKey, "posix", filepath.Dir(bucket))
	return &S3{
		URL:    "s3://states/acme/rollcall.state.json?region=us-east-1&use_path_style=true&endpoint=http://" + address,
		Folder: bucket,
	}
}

// GCS is a fake-gcs-server, which answers as Google Cloud Storage does and keeps objects
// in memory.
type GCS struct {
	// URL is that of an object in its bucket.
	URL string
	// Address is its host and port.
	Address string
}

// Environ are the variables by which a process finds the server.
func (g *GCS) Environ() []string { return []string{"STORAGE_EMULATOR_HOST=" + g.Address} }

// StartGCS builds fake-gcs-server from .ci/servers.mod and starts it. It ends with the
// test.
func StartGCS(t testing.TB) *GCS {
	t.Helper()
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "data", "states"), 0o700); err != nil {
		t.Fatal(err)
	}
	g := &GCS{URL: "gs://states/acme/rollcall.state.json", Address: freeAddress(t)}
	_, port, err := net.SplitHostPort(g.Address)
	if err != nil {
		t.Fatal(err)
	}
	start(t, root, "github.com/fsouza/fake-gcs-server", "http://"+g.Address+"/storage/v1/b",
		"-scheme", "http", "-host", "127.0.0.1", "-port", port, "-backend", "memory", "-data", filepath.Join(root, "data"), "-log-level", "error", "-public-host", g.Address)
	return g
}

// start builds a program in the folder, starts it, and waits until it answers at the URL.
func start(t testing.TB, folder, program, answersAt string, args ...string) {
	t.Helper()
	binary := filepath.Join(folder, "server")
	if err := build(t, program, binary); err != nil {
		t.Fatal(err)
	}
	var output bytes.Buffer
	cmd := exec.Command(binary, args...) //nolint:noctx // it is killed by its process id
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited) }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-exited })
	deadline := time.After(patience)
	for {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, answersAt, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(request)
		if err == nil {
			_ = answer.Body.Close()
			return
		}
		select {
		case <-exited:
			t.Fatalf("%s ended: %s", program, output.String())
		case <-deadline:
			t.Fatalf("%s does not answer: %v", program, err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func build(t testing.TB, program, binary string) error {
	t.Helper()
	module, err := exec.CommandContext(t.Context(), "go", "env", "GOMOD").Output()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	build := exec.CommandContext(ctx, "go", "build", "-modfile=.ci/servers.mod", "-o", binary, program)
	build.Dir = filepath.Dir(strings.TrimSpace(string(module)))
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", program, err, out)
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
