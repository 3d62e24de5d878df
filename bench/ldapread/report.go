package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// table prints medians, and how rollcall stands to the paged search that throws
// everything away: of the medians, and round by round.
func table(out io.Writer, results []result) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "people\tencryption\treader\tmin s\tmedian s\tcpu s\tpeak MiB\tin use MiB\tusers MiB\toctets a user\t")
	for _, r := range results {
		for _, who := range readers() {
			of := r.Samples[who]
			fmt.Fprintf(w, "%d\t%s\t%s\t%.2f\t%.2f\t%.2f\t%.0f\t", r.Size, r.Encryption, who,
				least(of), middle(of, seconds), middle(of, func(s sample) float64 { return s.CPU }), mebi(middle(of, func(s sample) float64 { return float64(s.Peak) })))
			if who == rollcall {
				users := middle(of, func(s sample) float64 { return float64(s.Users) })
				fmt.Fprintf(w, "%.1f\t%.1f\t%.0f\t", mebi(middle(of, func(s sample) float64 { return float64(s.Live) })), mebi(users), users/float64(r.Size))
			} else {
				fmt.Fprint(w, "\t\t\t")
			}
			fmt.Fprintln(w)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, r := range results {
		var pairs []float64
		text := ""
		for i, s := range r.Samples[rollcall] {
			pairs = append(pairs, s.Seconds/r.Samples[bare][i].Seconds)
			text += fmt.Sprintf(" %.2f", pairs[i])
		}
		ratio := middle(r.Samples[rollcall], seconds) / middle(r.Samples[bare], seconds)
		if _, err := fmt.Fprintf(out, "%d people, encryption %s: rollcall takes %.2f times what go-ldap alone takes (medians); of rounds %.2f:%s\n",
			r.Size, r.Encryption, ratio, median(pairs), text); err != nil {
			return err
		}
	}
	return nil
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
	return median(values)
}
