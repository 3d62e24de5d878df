package main

import (
	"bytes"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/rollcall-cli/rollcall/bench/measure"
)

// table prints medians, and how rollcall stands to the paged search that throws
// everything away: of the medians, and round by round.
func table(out io.Writer, results []result) error {
	var rows, ratios bytes.Buffer
	rows.WriteString("people\tencryption\treader\tmin s\tmedian s\tcpu s\tpeak MiB\tin use MiB\tusers MiB\toctets a user\t\n")
	for _, r := range results {
		for _, who := range readers() {
			of := r.Samples[who]
			fmt.Fprintf(&rows, "%d\t%s\t%s\t%.2f\t%.2f\t%.2f\t%.0f\t", r.Size, r.Encryption, who,
				least(of), middle(of, seconds), middle(of, func(s sample) float64 { return s.CPU }), mebi(middle(of, func(s sample) float64 { return float64(s.Peak) })))
			if who == rollcall {
				users := middle(of, func(s sample) float64 { return float64(s.Users) })
				fmt.Fprintf(&rows, "%.1f\t%.1f\t%.0f\t\n", mebi(middle(of, func(s sample) float64 { return float64(s.Live) })), mebi(users), users/float64(r.Size))
			} else {
				rows.WriteString("\t\t\t\n")
			}
		}
		var pairs []float64
		for i, s := range r.Samples[rollcall] {
			pairs = append(pairs, s.Seconds/r.Samples[bare][i].Seconds)
		}
		fmt.Fprintf(&ratios, "%d people, encryption %s: rollcall takes %.2f times what go-ldap alone takes (medians); of rounds %.2f %.2f\n",
			r.Size, r.Encryption, middle(r.Samples[rollcall], seconds)/middle(r.Samples[bare], seconds), measure.Median(pairs), pairs)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	if _, err := rows.WriteTo(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := ratios.WriteTo(out)
	return err
}

func seconds(s sample) float64 { return s.Seconds }

func mebi(octets float64) float64 { return octets / (1 << 20) }

func least(of []sample) float64 {
	least := of[0].Seconds
	for _, s := range of {
		least = min(least, s.Seconds)
	}
	return least
}

// middle is the median of a value of the samples.
func middle(of []sample, value func(sample) float64) float64 {
	values := make([]float64, len(of))
	for i, s := range of {
		values[i] = value(s)
	}
	return measure.Median(values)
}
