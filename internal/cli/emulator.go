package cli

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcall-cli/rollcall/internal/providers/logintctest"
)

type emulatorOptions struct {
	listen    string
	data      string
	api       string
	jobPace   time.Duration
	pageSize  int
	latency   time.Duration
	rateLimit float64
	faults    []string
}

func newEmulator(a *app) *cobra.Command {
	var o emulatorOptions
	cmd := &cobra.Command{
		Use:   "emulator",
		Short: "Serve a LoginTC organization in memory, to try and test against",
		Long: `Serves the LoginTC API from memory, on loopback only. Its first line
says where. It forgets everything when it ends.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runEmulator(cmd.Context(), o) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.listen, "listen", "127.0.0.1:0", "loopback `address` to listen on; port 0 takes a free one")
	flags.StringVar(&o.data, "data", "", "JSON `file` with the organization to start from")
	flags.StringVar(&o.api, "api", "sync", "`calls` to serve: 1.3, the documented ones, or sync, those and the assumed ones")
	flags.DurationVar(&o.jobPace, "job-pace", 0, "how `long` each action of a job takes")
	flags.IntVar(&o.pageSize, "page-size", 100, "users on a page of a listing")
	flags.DurationVar(&o.latency, "latency", 0, "how `long` each answer takes at least")
	flags.Float64Var(&o.rateLimit, "rate-limit", 0, "requests a second before 429; 0 for no limit")
	flags.StringArrayVar(&o.faults, "fault", nil, "misbehave, as `spec` says: status=503,every=5; may be repeated; see docs/emulator.md")
	return cmd
}

func (a *app) runEmulator(ctx context.Context, o emulatorOptions) error {
	options := logintctest.Options{PageSize: o.pageSize, Latency: o.latency, RateLimit: o.rateLimit, API: o.api, JobPace: o.jobPace, Now: a.Now}
	if o.data != "" {
		file, err := os.Open(a.path(o.data))
		if err != nil {
			return fmt.Errorf("the organization can not be read: %w", err)
		}
		defer func() { _ = file.Close() }()
		if options.Data, err = logintctest.LoadData(file); err != nil {
			return fmt.Errorf("%s: %w", o.data, err)
		}
	}
	for _, spec := range o.faults {
		fault, err := logintctest.ParseFault(spec)
		if err != nil {
			return fmt.Errorf("--fault %q: %w", spec, err)
		}
		options.Faults = append(options.Faults, fault)
	}
	emulator, err := logintctest.New(options)
	if err != nil {
		return err
	}
	listener, err := logintctest.Listen(o.listen)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(a.Out, "listening on http://%s\n", listener.Addr()); err != nil {
		return err
	}
	return logintctest.Serve(ctx, listener, emulator)
}
