package ldaptest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Toxiproxy is a proxy that breaks connections in the ways in which networks do
// (https://github.com/Shopify/toxiproxy), between a client and one server.
type Toxiproxy struct {
	// Address is where clients connect.
	Address string
	api     string
}

// StartToxiproxy builds toxiproxy from .ci/servers.mod and starts it before the server
// at upstream, a host and port. It ends with the test.
func StartToxiproxy(t testing.TB, upstream string) *Toxiproxy {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "toxiproxy")
	if err := buildToxiproxy(t, binary); err != nil {
		t.Fatal(err)
	}
	listen, api := freeAddress(t), freeAddress(t)
	host, port, err := net.SplitHostPort(api)
	if err != nil {
		t.Fatal(err)
	}
	var output bytes.Buffer
	cmd := exec.Command(binary, "-host", host, "-port", port) //nolint:noctx // it is killed by its process id
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited) }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-exited })
	p := &Toxiproxy{Address: listen, api: "http://" + api}
	proxy := map[string]any{"name": "ldap", "listen": listen, "upstream": upstream, "enabled": true}
	deadline := time.After(patience)
	for {
		err := p.post("/proxies", proxy)
		if err == nil {
			return p
		}
		select {
		case <-exited:
			t.Fatalf("toxiproxy ended: %s", output.String())
		case <-deadline:
			t.Fatalf("toxiproxy does not answer: %v", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func buildToxiproxy(t testing.TB, binary string) error {
	t.Helper()
	module, err := exec.CommandContext(t.Context(), "go", "env", "GOMOD").Output()
	if err != nil {
		return err
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-modfile=.ci/servers.mod", "-o", binary, "github.com/Shopify/toxiproxy/v2/cmd/server")
	build.Dir = filepath.Dir(strings.TrimSpace(string(module)))
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building toxiproxy: %w\n%s", err, out)
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

// Poison adds a toxic of a kind, such as "limit_data", to what flows upstream to the
// server or downstream to the client, those connections included that are open.
func (p *Toxiproxy) Poison(kind, stream string, attributes map[string]int) error {
	return p.post("/proxies/ldap/toxics", map[string]any{"type": kind, "stream": stream, "attributes": attributes})
}

// Heal takes every toxic away.
func (p *Toxiproxy) Heal() error { return p.post("/reset", nil) }

func (p *Toxiproxy) post(path string, body any) error {
	content, err := json.Marshal(body)
	if err != nil {
		return err
	}
	response, err := http.Post(p.api+path, "application/json", bytes.NewReader(content)) //nolint:noctx // the test has its own end
	if err != nil {
		return err
	}
	answer, err := io.ReadAll(response.Body)
	if response.StatusCode >= http.StatusBadRequest {
		err = errors.Join(err, fmt.Errorf("%s: %s", response.Status, answer))
	}
	return errors.Join(err, response.Body.Close())
}
