package render

import (
	"fmt"
	"io"
	"testing"

	"github.com/rollcall-cli/rollcall/internal/plan"
)

func BenchmarkText(b *testing.B) {
	bench(b, func(out io.Writer, p *plan.Plan) error { return Text(out, p, TextOptions{Color: true}) })
}

func BenchmarkJSON(b *testing.B) { bench(b, JSON) }

func BenchmarkHTML(b *testing.B) { bench(b, HTML) }

func BenchmarkMarkdown(b *testing.B) {
	bench(b, func(out io.Writer, p *plan.Plan) error { return Markdown(out, p, DefaultMarkdown) })
}

// bench renders plans of 10,000 and 100,000 operations.
func bench(b *testing.B, show func(io.Writer, *plan.Plan) error) {
	for _, people := range []int{4_545, 45_454} { // 2.2 operations each
		p := large(people)
		n := len(p.Operations)
		b.Run(fmt.Sprintf("operations=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			var size counter
			for b.Loop() {
				size = 0
				if err := show(&size, p); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/operation")
			b.ReportMetric(float64(size)/float64(n), "out-B/operation")
		})
	}
}

// counter counts what is written.
type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
