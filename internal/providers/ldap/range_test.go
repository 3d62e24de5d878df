package ldap

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jimlambrt/gldap"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

func TestParseRange(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]ranged{
		"member;range=0-1499":                 {"member", 0, 1499, false},
		"Member;Range=1500-*":                 {"Member", 1500, 0, true},
		"cn;lang-fr;range=3-4":                {"cn;lang-fr", 3, 4, false},
		"member;range=0-1499;lang-fr":         {"member;lang-fr", 0, 1499, false},
		"member;range=x-1499":                 {},
		"member;range=7":                      {},
		"member;range=*-*":                    {},
		"member":                              {},
		"cn;lang-fr":                          {},
		";range=0-1":                          {name: ""},
		"range=0-1":                           {},
		"member;range=99999999999999999999-*": {},
	} {
		if got, ok := parseRange(name); ok != (want.name != "") || ok && got != want {
			t.Errorf("%s: %+v, %v", name, got, ok)
		}
	}
}

// serve is a server that answers searches as it is told.
func serve(t *testing.T, search gldap.HandlerFunc) Options {
	t.Helper()
	mux, err := gldap.NewMux()
	if err != nil {
		t.Fatal(err)
	}
	if err := mux.Search(search); err != nil {
		t.Fatal(err)
	}
	server, err := gldap.NewServer()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Router(mux); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = server.Run(address) }()
	t.Cleanup(func() { _ = server.Stop(); <-ended })
	deadline := time.After(10 * time.Second)
	for !server.Ready() {
		select {
		case <-deadline:
			t.Fatal("the server does not start")
		case <-time.After(time.Millisecond):
		}
	}
	return Options{URLs: []string{"ldap://" + address}, Encryption: EncryptionNone, Now: time.Now}
}

// likeActiveDirectory answers with at most so many members of a group of so many at once,
// as Active Directory does, and with what is wrong with a part.
func likeActiveDirectory(members, once int, wrong func(low int) (name string, values int)) gldap.HandlerFunc {
	return func(w *gldap.ResponseWriter, r *gldap.Request) {
		m, err := r.GetSearchMessage()
		if err != nil {
			return
		}
		low := 0
		for _, asked := range m.Attributes {
			if _, from, found := strings.Cut(asked, ";range="); found {
				low, _ = strconv.Atoi(strings.TrimSuffix(from, "-*")) // the test asks rightly
			}
		}
		high := min(low+once, members)
		name := fmt.Sprintf("member;range=%d-%d", low, high-1)
		if high == members {
			name = fmt.Sprintf("member;range=%d-*", low)
		}
		n := high - low
		if wrong != nil {
			if other, values := wrong(low); other != "" {
				name, n = other, values
			}
		}
		entry := r.NewSearchResponseEntry("cn=all,dc=example,dc=com")
		entry.AddAttribute("cn", []string{"all"})
		entry.AddAttribute("member", nil)
		var values []string
		for i := range n {
			values = append(values, fmt.Sprintf("cn=%d", low+i))
		}
		entry.AddAttribute(name, values)
		_ = w.Write(entry) // the client notices
		_ = w.Write(r.NewSearchDoneResponse(gldap.WithResponseCode(gldap.ResultSuccess)))
	}
}

func TestRanges(t *testing.T) {
	t.Parallel()
	q := identity.Search{BaseDN: "dc=example,dc=com", Scope: identity.ScopeSub, Attributes: []string{"cn", "member"}}
	for _, members := range []int{1, 1500, 1501, 10_000} {
		found := 0
		d, err := New(serve(t, likeActiveDirectory(members, 1500, nil)))
		if err != nil {
			t.Fatal(err)
		}
		_, err = d.Read(t.Context(), q, func(page []identity.Entry) error {
			for i := range page {
				values := page[i].Values("member")
				found += len(values)
				slices.Sort(values)
				if len(slices.Compact(values)) != members || len(page[i].Attributes) != 2 {
					t.Errorf("%d members: %d different ones, %d attributes", members, len(slices.Compact(values)), len(page[i].Attributes))
				}
			}
			return nil
		})
		if err != nil || found != members {
			t.Errorf("%d members: %d, %v", members, found, err)
		}
	}
	for name, c := range map[string]struct {
		wrong func(low int) (string, int)
		want  string
	}{
		"the first again":  {func(int) (string, int) { return "member;range=0-99", 100 }, `after 100 of them came "member;range=0-99" with 100`},
		"a gap":            {func(low int) (string, int) { return fmt.Sprintf("member;range=%d-%d", low*2, low*2+99), 100 }, "after 100 of them came"},
		"too few":          {func(low int) (string, int) { return fmt.Sprintf("member;range=%d-%d", low, low+99), 99 }, `after 0 of them came "member;range=0-99" with 99`},
		"none":             {func(low int) (string, int) { return fmt.Sprintf("member;range=%d-*", low), 0 }, "with 0"},
		"no more the same": {func(low int) (string, int) { return map[int]string{100: "other"}[low], 1 }, "it was changed while it was read"},
	} {
		_, _, err := readAll(t.Context(), serve(t, likeActiveDirectory(1000, 100, c.wrong)), q)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A server that is busy is left for the next one, and the whole search made there.
func TestBusyServers(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	busy := serve(t, func(w *gldap.ResponseWriter, r *gldap.Request) {
		asked.Add(1)
		_ = w.Write(r.NewSearchDoneResponse(gldap.WithResponseCode(gldap.ResultBusy))) // the client notices
	})
	o := serve(t, likeActiveDirectory(1, 1500, nil))
	o.URLs = []string{busy.URLs[0], o.URLs[0]}
	d, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	q := identity.Search{BaseDN: "dc=example,dc=com", Scope: identity.ScopeSub, Attributes: []string{"cn"}}
	nothing := func([]identity.Entry) error { return nil }
	if _, err := d.Read(t.Context(), q, nothing); !Retryable(err) {
		t.Errorf("%v", err)
	}
	for range 2 { // the one that answered stays the first
		if evidence, err := d.Read(t.Context(), q, nothing); err != nil || evidence.Server != o.URLs[1] {
			t.Errorf("%+v, %v", evidence, err)
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("the busy server was asked %d times", n)
	}
}
