package logintctest_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/rollcall-cli/rollcall/internal/providers/logintctest"
)

// BenchmarkRequests measures requests one after the other on one connection that
// is kept open. The client does little more than write and read, so that it is
// the server that is measured; with -cpu 1 both share one core.
func BenchmarkRequests(b *testing.B) {
	for _, users := range []int{1_000, 100_000} {
		server, err := logintctest.Start(logintctest.Options{Data: numbered(users)})
		if err != nil {
			b.Fatal(err)
		}
		defer server.Close()
		ids := server.Data().Users
		name := strconv.Itoa(users)
		b.Run("user/"+name, func(b *testing.B) {
			request(b, server.URL, func(i int) string { return "GET /api/users/" + ids[i%len(ids)].ID })
		})
		b.Run("join/"+name, func(b *testing.B) {
			request(b, server.URL, func(i int) string {
				return "PUT /api/domains/" + site + "/users/" + ids[i*7919%len(ids)].ID
			})
		})
		b.Run("page/"+name, func(b *testing.B) {
			request(b, server.URL, func(i int) string {
				return "GET /api/domains/" + vpn + "/users?page=" + strconv.Itoa(1+i%(len(ids)/100))
			})
		})
	}
}

func request(b *testing.B, base string, next func(i int) string) {
	b.ReportAllocs()
	conn, err := new(net.Dialer).DialContext(b.Context(), "tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	reader := bufio.NewReader(conn)
	i := 0
	for b.Loop() {
		line := next(i)
		i++
		if _, err := fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: x\r\nAuthorization: LoginTC key=%q\r\nAccept: %s\r\nContent-Length: 0\r\n\r\n", line, key, vendorType); err != nil {
			b.Fatal(err)
		}
		resp, err := http.ReadResponse(reader, nil)
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			b.Fatalf("%s: %s", line, resp.Status)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
}
