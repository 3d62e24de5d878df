package plan

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// crowd is a plan of n operations: of ten, one removal, three changes, and six that add
// two people.
func crowd(n int) *Plan {
	d := setup{roster: "a", live: "a", state: "a"}.domain("vpn")
	d.ID = strings.Repeat("9120580e", 5)
	p := Compute(Input{Domains: []DomainInput{d}})
	p.RollcallVersion, p.ConfigDigest, p.Lineage, p.Serial = "0.1.0", "sha256:c", "6fa459ea-ee8a-4ca4-894e-db77e160355e", 7
	p.Created, p.Expires = readAt, readAt.Add(24*time.Hour)
	p.Operations = make([]Operation, n)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range p.Operations {
		username := fmt.Sprintf("jane.doe%07d", i)
		values := &identity.User{Username: username, Name: fmt.Sprintf("Jane Doe %d", i), Email: username + "@example.com"}
		op := Operation{
			Domain: "vpn", DomainID: d.ID, Username: username, UserID: fmt.Sprintf("%016x%016x%08x", random.Uint64(), random.Uint64(), random.Uint32()),
			DN: "uid=" + username + ",ou=People,dc=example,dc=com", EntryID: fmt.Sprintf("%08x-ee8a-4ca4-%04x-%012x", random.Uint32(), random.Uint32()>>16, random.Uint64()>>16),
		}
		switch i % 10 {
		case 0:
			op.Action, op.Before, op.Reason = LeaveDomain, values, "not in the directory any more"
		case 1, 2, 3:
			before := *values
			before.Name = "Jané <Smith> " + fmt.Sprint(i)
			op.Action, op.Before, op.After, op.Reason = UpdateUser, &before, values, "the directory has other values"
		case 4, 7:
			op.Action, op.After, op.UserID, op.Reason = CreateUser, values, "", "in the directory, not a user of the organization"
		case 5, 8:
			op.Action, op.After, op.UserID, op.Reason = JoinDomain, values, "", "in the directory, not a member"
		default:
			op.Action, op.UserID, op.Reason = IssueToken, "", "new members get a token"
		}
		p.Operations[i] = op
	}
	return p
}

func BenchmarkPlan(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		p := crowd(n)
		if err := p.Seal(); err != nil {
			b.Fatal(err)
		}
		var file bytes.Buffer
		if err := p.Encode(&file); err != nil {
			b.Fatal(err)
		}
		run := func(name string, f func() error) {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := f(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/operation")
				b.ReportMetric(float64(file.Len())/float64(n), "file-B/operation")
			})
		}
		run("seal", func() error { return p.Seal() })
		run("encode", func() error { return p.Encode(io.Discard) })
		var got *Plan
		before := inUse()
		run("decode", func() (err error) {
			got, err = Decode(bytes.NewReader(file.Bytes()))
			return err
		})
		b.Logf("%d operations: %d B of each in use once they are read", n, (inUse()-before)/int64(n))
		runtime.KeepAlive(got)
	}
}

// inUse is the memory that is in use, in octets.
func inUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
