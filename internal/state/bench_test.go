package state

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// colleague is a member as organizations have them: ids and DNs of the usual length.
func colleague(i int, random *rand.Rand) identity.Member {
	username := fmt.Sprintf("jane.doe%07d", i)
	return identity.Member{
		UserID: fmt.Sprintf("%016x%016x%08x", random.Uint64(), random.Uint64(), random.Uint32()), User: identity.User{Username: username, Name: fmt.Sprintf("Jane Doe %d", i), Email: username + "@example.com"},
		DN: "uid=" + username + ",ou=People,dc=example,dc=com", EntryID: fmt.Sprintf("%08x-ee8a-4ca4-%04x-%012x", random.Uint32(), random.Uint32()>>16, random.Uint64()>>16),
		Since: at.Add(time.Duration(i/1000) * time.Millisecond), Origin: identity.OriginAdded,
	}
}

func crowd(n int) *State {
	s := empty()
	s.Lineage = "6fa459ea-ee8a-4ca4-894e-db77e160355e"
	members := make([]identity.Member, n)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range members {
		members[i] = colleague(i, random)
	}
	s.domain("vpn").members = members
	return s
}

func BenchmarkState(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		s := crowd(n)
		var file bytes.Buffer
		if err := s.Encode(&file); err != nil {
			b.Fatal(err)
		}
		perUser := func(b *testing.B) {
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/user")
			b.ReportMetric(float64(file.Len())/float64(n), "file-B/user")
		}
		b.Run(fmt.Sprintf("write/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			var out bytes.Buffer
			out.Grow(file.Len())
			for b.Loop() {
				out.Reset()
				if err := s.Encode(&out); err != nil {
					b.Fatal(err)
				}
			}
			perUser(b)
		})
		b.Run(fmt.Sprintf("read/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			var got *State
			before := inUse()
			for b.Loop() {
				var err error
				if got, err = Decode("bench", bytes.NewReader(file.Bytes()), nil); err != nil || len(got.Members("vpn")) != n {
					b.Fatal(err)
				}
			}
			perUser(b)
			b.ReportMetric(float64(inUse()-before)/float64(n), "in-use-B/user")
			runtime.KeepAlive(got)
		})
	}
}

// inUse is the memory that is in use, in octets.
func inUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
