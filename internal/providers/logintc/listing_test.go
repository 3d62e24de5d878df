package logintc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/providers/logintctest"
)

func TestListing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		users, pageSize int
		faults          []string
	}{
		"nobody":               {0, 10, nil},
		"one page":             {5, 10, nil},
		"full pages":           {30, 10, nil},
		"a short last page":    {95, 10, nil},
		"many pages":           {1000, 7, nil},
		"503 now and then":     {200, 10, []string{"status=503,every=5"}},
		"429 with Retry-After": {30, 10, []string{"status=429,retry_after=1,every=4"}},
		"dropped":              {200, 10, []string{"drop=after,every=6"}},
		"half a body":          {200, 10, []string{"body=half,every=6"}},
		"pages repeat":         {95, 10, []string{"page=repeat"}},
		"the last page again":  {95, 10, []string{"page=repeat,path=/api/users?page=11"}},
		"pages shift":          {95, 10, []string{"page=shift"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := emulator(t, logintctest.Options{Data: organization(c.users), PageSize: c.pageSize, Faults: faults(t, c.faults...)})
			w := writer(t, s.URL, nil)
			seen := 0
			members, err := w.DomainUsers(t.Context(), vpn, func(page []identity.Account) { seen += len(page) })
			if err != nil {
				t.Fatal(err)
			}
			all, err := w.Users(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, u := range s.Data().Users {
				want = append(want, u.Username)
			}
			for what, list := range map[string][]identity.Account{"domain": members.Accounts, "organization": all.Accounts} {
				var got []string
				for _, a := range list {
					got = append(got, a.Username)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s: %s", what, diff)
				}
			}
			if seen < c.users {
				t.Errorf("each was given %d", seen)
			}
		})
	}
}

func TestListingThatCanNotBeTrusted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status      int
		contentType string
		body        string
		want        string
	}{
		"no such domain":    {404, mediaType, `{"errors":[{"code":"api.error.notfound.domain","message":"no \u001b[31mdomain"}]}`, "404 Not Found: api.error.notfound.domain: no \uFFFD[31mdomain"},
		"a page of a proxy": {200, "text/html", "<html>", `answered with "text/html"`},
		"null":              {200, mediaType, "null", "the answer is null"},
		"an object":         {200, mediaType, "{}", "the answer can not be understood"},
		"no id":             {200, mediaType, `[{"username":"a"}]`, "not 40 hexadecimal characters"},
		"no username":       {200, mediaType, `[{"id":"` + vpn + `"}]`, "without a username"},
		"bad domain":        {200, mediaType, `[{"id":"` + vpn + `","username":"a","domains":["x"]}]`, "in a domain whose id"},
		"domains no list":   {200, mediaType, `[{"id":"` + vpn + `","username":"a","domains":"` + vpn + `"}]`, "the answer can not be understood"},
		"a null domain":     {200, mediaType, `[{"id":"` + vpn + `","username":"a","domains":[null]}]`, "in a domain whose id"},
		"two documents":     {200, mediaType, `[][]`, "the answer can not be understood"},
		"moved":             {302, mediaType, "", "redirects are not followed"},
		"500":               {500, "", "oops", "500 Internal Server Error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				calls.Add(1)
				w.Header().Set("Content-Type", c.contentType)
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			}))
			defer s.Close()
			listing, err := writer(t, s.URL, nil).DomainUsers(t.Context(), vpn, nil)
			if err == nil || !strings.Contains(err.Error(), c.want) || listing.Accounts != nil {
				t.Errorf("%v %v", listing, err)
			}
			if calls.Load() != 1 {
				t.Errorf("%d calls", calls.Load())
			}
		})
	}
}

// Once the caller gives up, no page is asked for, and no goroutine is left
// (bubble sees to that).
func TestCancelledListing(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	handler := func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		select {
		case <-time.After(time.Second):
		case <-r.Context().Done():
		}
		w.Header().Set("Content-Type", mediaType)
		_, _ = fmt.Fprintf(w, `[{"id":"%040s","username":"u"}]`, r.URL.Query().Get("page"))
	}
	bubble(t, handler, nil, func(t *testing.T, w *Writer) {
		ctx, cancel := context.WithCancel(t.Context())
		var pages, before int32
		listing, err := w.DomainUsers(ctx, vpn, func([]identity.Account) {
			if pages++; pages == 10 {
				synctest.Wait()
				before = calls.Load()
				cancel()
			}
		})
		if !errors.Is(err, context.Canceled) || listing.Accounts != nil {
			t.Errorf("%v %v", listing, err)
		}
		synctest.Wait()
		if n := calls.Load(); n != before || n > 10+8 {
			t.Errorf("%d calls, %d of them after the end", n, n-before)
		}
	})
}

func BenchmarkListing(b *testing.B) {
	s := emulator(b, logintctest.Options{Data: organization(100_000), PageSize: 500, API: "1.3"})
	w := writer(b, s.URL, nil)
	b.ReportAllocs()
	for b.Loop() {
		if l, err := w.DomainUsers(b.Context(), vpn, nil); err != nil || len(l.Accounts) != 100_000 {
			b.Fatal(len(l.Accounts), err)
		}
	}
}
