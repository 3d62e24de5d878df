package render

import (
	"fmt"
	"io"
	"testing"
)

func BenchmarkText(b *testing.B) {
	for _, n := range []int{2_000, 20_000} {
		p := large(n)
		b.Run(fmt.Sprintf("operations=%d", len(p.Operations)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := Text(io.Discard, p, TextOptions{Color: true}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(p.Operations)), "ns/operation")
		})
	}
}

func BenchmarkJSON(b *testing.B) {
	p := large(20_000)
	b.ReportAllocs()
	for b.Loop() {
		if err := JSON(io.Discard, p); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(p.Operations)), "ns/operation")
}
