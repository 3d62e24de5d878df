package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"

	"github.com/rollcall-cli/rollcall/bench/measure"
)

// What is measured, where the ratios name it.
const (
	nothingToDo     = "plan with nothing to do"
	floorLdapsearch = "floor: ldapsearch"
	floorGoLDAP     = "floor: go-ldap, discarded"
	floorHTTP       = "floor: HTTP, discarded"
	loopPlan        = "loop: find each user"
	comparison      = "comparison alone"

	farPlan  = "far: plan with nothing to do"
	farPages = "far: page after page"
	farJoins = "far: apply of joins"
	farLoop  = "far: loop of joins"

	limitUnknown = "limited: apply of joins"
	limitKnown   = "limited and told: apply of joins"

	tofuPlan      = "OpenTofu: plan from nothing"
	tofuApply     = "OpenTofu: apply everything"
	tofuNothing   = "OpenTofu: plan with nothing to do"
	besidePlan    = "beside OpenTofu: plan from nothing"
	besideApply   = "beside OpenTofu: apply everything"
	besideJoins   = "beside OpenTofu: apply of joins"
	besideJob     = "beside OpenTofu: apply by a job"
	besideNothing = "beside OpenTofu: plan with nothing to do"
)

// report is everything that was measured.
type report struct {
	Machine string   `json:"machine"`
	Results []result `json:"results"`
	// Counted is what commands allocated and called, from which costs per user are had.
	Counted []counted `json:"counted,omitempty"`
}

// result is one thing that was measured, as often as it was.
type result struct {
	Users    int       `json:"users"`
	What     string    `json:"what"`
	Readings []reading `json:"readings"`
}

// reading is one time.
type reading struct {
	measure.Sample
	measure.Part
	// Disk is the size of what was written, in octets.
	Disk  int64  `json:"disk_octets,omitempty"`
	Calls counts `json:"calls"`
	// Of is how many users a loop did; its seconds are those that all would take.
	Of int `json:"of,omitempty"`
}

func newReport() *report { return &report{} }

func (r *report) add(users int, what string, of reading) {
	at := slices.IndexFunc(r.Results, func(x result) bool { return x.Users == users && x.What == what })
	if at < 0 {
		at = len(r.Results)
		r.Results = append(r.Results, result{Users: users, What: what})
	}
	r.Results[at].Readings = append(r.Results[at].Readings, of)
}

// amend adds what the worker of the last reading said.
func (r *report) amend(of measure.Part) {
	last := &r.Results[len(r.Results)-1]
	last.Readings[len(last.Readings)-1].Part = of
}

// scale makes of the last reading, of so many users, what all take.
func (r *report) scale(of, all int) {
	last := &r.Results[len(r.Results)-1]
	s := &last.Readings[len(last.Readings)-1]
	s.Of = of
	s.Sample.Seconds *= float64(all) / float64(of)
	s.CPU *= float64(all) / float64(of)
}

// find returns the readings of something.
func (r *report) find(users int, what string) []reading {
	for _, x := range r.Results {
		if x.Users == users && x.What == what {
			return x.Readings
		}
	}
	return nil
}

// middle is the median of a value of the readings.
func middle(of []reading, value func(reading) float64) float64 {
	values := make([]float64, len(of))
	for i, s := range of {
		values[i] = value(s)
	}
	return measure.Median(values)
}

func seconds(s reading) float64 { return s.Sample.Seconds }

func peak(s reading) float64 { return float64(s.Peak) }

func disk(s reading) float64 { return float64(s.Disk) }

// write writes everything to a file; nothing where it has no name.
func (r *report) write(file string) error {
	if file == "" {
		return nil
	}
	document, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(document, '\n'), 0o600)
}

// table prints medians, and below them the ratios.
func (r *report) table(out io.Writer) error {
	var text bytes.Buffer
	fmt.Fprintf(&text, "%s; medians where there are several rounds\n\n", r.Machine)
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(w, "users\twhat\trounds\ts\tcpu s\tpeak MiB\tdisk MB\twritten MB\tcalls\trefused\t")
	for _, x := range r.Results {
		of := x.Readings
		last := of[len(of)-1]
		_, _ = fmt.Fprintf(w, "%d\t%s\t%d\t%.2f\t%.2f\t%.0f\t%.1f\t%.1f\t%d\t%d\t\n", x.Users, x.What, len(of),
			middle(of, seconds), middle(of, func(s reading) float64 { return s.CPU }), middle(of, peak)/(1<<20), float64(last.Disk)/1e6, float64(last.Written)/1e6, last.Calls.Total, last.Calls.Refused)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	text.WriteByte('\n')
	for _, line := range r.ratios() {
		text.WriteString(line + "\n")
	}
	_, err := text.WriteTo(out)
	return err
}
