package ldap

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/rollcall-cli/rollcall/internal/config"
	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
	"github.com/rollcall-cli/rollcall/internal/roster"
)

// BenchmarkReadRoster reads pages as a server would send them, maps them by the user block of
// the design and makes a roster: all that a read costs but the server and the network.
func BenchmarkReadRoster(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) { benchmarkReadRoster(b, n) })
	}
}

func benchmarkReadRoster(b *testing.B, n int) {
	const size = 1000
	pages := make([][]byte, 0, n/size)
	for first := 0; first < n; first += size {
		var page bytes.Buffer
		for i := first; i < first+size; i++ {
			uid := fmt.Sprintf("user%06d", i)
			page.Write(answer(operation("uid="+uid+","+people, "uid", uid, "cn", "User "+uid, "mail", uid+"@example.com",
				"entryUUID", fmt.Sprintf("%08x-7f1c-103d-9d0b-0b1fd8e9a4c2", i))))
		}
		page.Write(done(0))
		pages = append(pages, page.Bytes())
	}
	users := userBlock(b)
	r := &read{asked: users.Attributes()}
	b.ReportAllocs()
	for b.Loop() {
		builder := roster.NewBuilder(roster.Rules{}, users.Map, nil)
		for _, page := range pages {
			result, err := withSieve(&canned{answer: bytes.NewReader(page), chunk: 16 << 10, asked: make(chan struct{})})
			if err != nil {
				b.Fatal(err)
			}
			for _, e := range result.Entries {
				entry := r.entry(e)
				builder.Add(&entry)
			}
		}
		if all := builder.Roster(); len(all.People) != n {
			b.Fatal(len(all.People))
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/entry")
}

func userBlock(tb testing.TB) *config.Mapping {
	tb.Helper()
	folder := tb.TempDir()
	err := os.WriteFile(filepath.Join(folder, "bench.hcl"), fmt.Appendf(nil, `
logintc "unused" {
  host    = "localhost"
  api_key = "%064d"
}
directory "ldap" "corp" {
  urls    = ["ldaps://localhost"]
  base_dn = %q
  user {
    username = lower(entry.uid)
    name     = coalesce(entry.displayName, entry.cn)
    email    = entry.mail
  }
}
domain "unused" {
  id        = "%040d"
  directory = directory.corp
}
`, 0, ldaptest.BaseDN, 0), 0o600)
	if err != nil {
		tb.Fatal(err)
	}
	cfg, problems := config.Load(config.Options{Dir: folder})
	if cfg == nil {
		tb.Fatal(problems)
	}
	return cfg.Directories[0].User
}
