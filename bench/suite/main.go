// Suite measures rollcall as a whole, with a real slapd and the emulator of LoginTC on
// loopback, beside what can not be cheaper and what somebody would use instead. bench/run
// builds and starts it; docs/performance.md says what is to be learned of it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/rollcall-cli/rollcall/bench/measure"
)

// options are what the command line says.
type options struct {
	sizes  []int
	rounds int
	// rollcall, worker and tofu are programs; tofu is empty where it is not compared.
	rollcall, worker, tofu string
	tofuSizes              []int
	// latency is that of the runs with a slow LoginTC, of so many members and joins.
	latency  time.Duration
	distance int
	joins    int
	// limited is how many joins are made at a limit of rateLimit calls a second.
	limited int
	loop    int
	json    string
	counts  string
	update  bool
	timeout time.Duration
}

func main() {
	measure.Main()
	progress := log.New(os.Stderr, "bench: ", log.Ltime)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, progress); err != nil {
		progress.Fatal(err)
	}
}

func run(ctx context.Context, args []string, out io.Writer, progress *log.Logger) error {
	if len(args) == 3 && args[0] == readerFlag {
		return read(args[1], args[2])
	}
	o, err := parse(args)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	folder, err := os.MkdirTemp("", "rollcall-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	b := &bench{options: o, folder: folder, progress: progress, report: newReport()}
	failed := b.everything(ctx)
	if err := errors.Join(failed, b.report.table(out), b.report.write(o.json)); err != nil || o.counts == "" {
		return err // what was measured before it is there
	}
	return b.report.hold(o.counts, o.update, out)
}

func parse(args []string) (options, error) {
	var o options
	var sizes, tofuSizes string
	var quick bool
	flags := flag.NewFlagSet("bench/run", flag.ContinueOnError)
	flags.StringVar(&sizes, "n", "1000,10000,100000,1000000", "how many users; several with commas")
	flags.IntVar(&o.rounds, "rounds", 5, "how often a plan with nothing to do and what it is compared with are run, in turn")
	flags.StringVar(&o.rollcall, "rollcall", "", "the program")
	flags.StringVar(&o.worker, "worker", "", "the program of bench/worker")
	flags.StringVar(&o.tofu, "tofu", "", "the program OpenTofu; empty for no comparison with it")
	flags.StringVar(&tofuSizes, "tofu-n", "1000,10000", "how many resources OpenTofu has; several with commas")
	flags.DurationVar(&o.latency, "latency", 50*time.Millisecond, "of a LoginTC that is far away; 0 for no such runs")
	flags.IntVar(&o.distance, "far", 100_000, "how many members a LoginTC that is far away has")
	flags.IntVar(&o.joins, "joins", 10_000, "how many join a domain of a LoginTC that is far away")
	flags.IntVar(&o.limited, "limited", 1000, "how many join a domain with a limit of 20 calls a second; 0 for no such run")
	flags.IntVar(&o.loop, "loop", 1000, "how many users the loops over one user at a time do at most: what they take is scaled up")
	flags.StringVar(&o.json, "json", "", "write every figure to this `file`")
	flags.StringVar(&o.counts, "counts", "", "fail where allocations or calls per user are more than 10% above those in this `file`")
	flags.BoolVar(&o.update, "update", false, "write the counts of this run to the file in the place of comparing them")
	flags.DurationVar(&o.timeout, "timeout", 2*time.Hour, "bounds the whole run")
	flags.BoolVar(&quick, "quick", false, "1,000 and 10,000 users, one round, nothing that waits, no OpenTofu")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if quick {
		sizes, o.rounds, o.latency, o.limited, o.tofu = "1000,10000", 1, 0, 0, ""
	}
	var err error
	if o.sizes, err = numbers("-n", sizes); err != nil {
		return o, err
	}
	if o.tofuSizes, err = numbers("-tofu-n", tofuSizes); err != nil {
		return o, err
	}
	if o.rounds < 1 || o.rollcall == "" || o.worker == "" {
		return o, errors.New("there must be a round and both programs; use bench/run")
	}
	return o, nil
}

func numbers(name, list string) ([]int, error) {
	var all []int
	for field := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(field)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%s: %q is no number of users", name, field)
		}
		all = append(all, n)
	}
	return all, nil
}

// bench is a run of the suite.
type bench struct {
	options
	folder   string
	progress *log.Logger
	report   *report
}

// everything measures all that the options ask for.
func (b *bench) everything(ctx context.Context) error {
	b.report.Machine = fmt.Sprintf("%s/%s, %d processors, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
	for _, n := range b.sizes {
		if err := b.size(ctx, n); err != nil {
			return fmt.Errorf("%d users: %w", n, err)
		}
	}
	if b.latency > 0 {
		if err := b.far(ctx); err != nil {
			return fmt.Errorf("a LoginTC that is far away: %w", err)
		}
	}
	if b.limited > 0 {
		if err := b.limits(ctx); err != nil {
			return fmt.Errorf("a limit on calls: %w", err)
		}
	}
	if b.tofu != "" {
		for _, n := range b.tofuSizes {
			if err := b.openTofu(ctx, n); err != nil {
				return fmt.Errorf("OpenTofu with %d resources: %w", n, err)
			}
		}
	}
	return nil
}

// place makes a folder for one part of the run.
func (b *bench) place(name string) (string, error) {
	folder := filepath.Join(b.folder, name)
	return folder, os.Mkdir(folder, 0o700)
}
