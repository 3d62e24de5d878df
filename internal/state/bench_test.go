package state

import (
	"bytes"
	"fmt"
	"testing"
)

func BenchmarkState(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		s := empty()
		s.Lineage = "6fa459ea-ee8a-4ca4-894e-db77e160355e"
		for i := range n {
			s.Upsert("vpn", member(fmt.Sprintf("user%07d", i)))
		}
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
			for b.Loop() {
				if got, err := Decode("bench", bytes.NewReader(file.Bytes()), nil); err != nil || len(got.Members("vpn")) != n {
					b.Fatal(err)
				}
			}
			perUser(b)
		})
	}
}
