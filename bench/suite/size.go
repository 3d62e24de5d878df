package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/rollcall-cli/rollcall/bench/measure"
)

// site is a directory, a LoginTC and a configuration with a state for both.
type site struct {
	*bench
	n        int
	folder   string
	people   directory
	emulator *emulator
}

// size measures what rollcall does with n users, from the first plan on.
func (b *bench) size(ctx context.Context, n int) (err error) {
	s, err := b.site(ctx, fmt.Sprint(n), n)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.end()) }()
	for _, part := range []func(context.Context) error{s.first, s.nothing, s.state, s.changed, s.compare} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	if n <= 10_000 { // they tell what a user costs, which is flat
		return s.counts(ctx)
	}
	return nil
}

// rollcall runs one command, and notes what it cost with the octets of the files that it
// writes and its calls.
func (s *site) rollcall(ctx context.Context, what string, files []string, args ...string) error {
	return s.note(what, files, func() (measure.Sample, error) {
		return measure.Run(ctx, s.command(args...))
	})
}

// command is one command of rollcall, in the folder of the site.
func (s *site) command(args ...string) *exec.Cmd {
	cmd := exec.Command(s.bench.rollcall, args...)
	cmd.Dir, cmd.Env = s.folder, environment()
	return cmd
}

// note measures something and adds it to the report.
func (s *site) note(what string, files []string, do func() (measure.Sample, error)) error {
	var sample measure.Sample
	calls, err := s.emulator.during(func() (err error) {
		sample, err = do()
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	r := reading{Sample: sample, Calls: calls}
	for _, file := range files {
		r.Disk += sizeOf(filepath.Join(s.folder, file))
	}
	s.report.add(s.n, what, r)
	s.progress.Printf("%d users: %s: %.2f s", s.n, what, sample.Seconds)
	return nil
}

const (
	planFile  = "plan"
	stateFile = "rollcall.state.json"
)

// first plans with nobody there, shows that plan in every format, and applies it.
func (s *site) first(ctx context.Context) error {
	if err := s.rollcall(ctx, "plan from nothing", []string{planFile}, "plan", "--out", planFile); err != nil {
		return err
	}
	if err := s.show(ctx); err != nil {
		return err
	}
	return s.rollcall(ctx, "apply everything", []string{stateFile}, "apply", planFile)
}

// show shows the plan.
func (s *site) show(ctx context.Context) error {
	for _, format := range []struct {
		name string
		args []string
	}{{"text", nil}, {"json", []string{"--json"}}, {"markdown", []string{"--markdown"}}, {"html", []string{"--html", "page.html"}}} {
		err := s.rollcall(ctx, "show as "+format.name, []string{"page.html"}, append([]string{"show", planFile}, format.args...)...)
		if err != nil {
			return err
		}
		_ = os.Remove(filepath.Join(s.folder, "page.html")) // only one format has it
	}
	return nil
}

// nothing plans where there is nothing to do, in turn with what only reads.
func (s *site) nothing(ctx context.Context) error {
	file, err := target{Directory: s.people.Directory, LoginTC: s.emulator.logintc(), Users: min(s.n, s.loop)}.write(s.folder)
	if err != nil {
		return err
	}
	planned := func() error { return s.rollcall(ctx, nothingToDo, nil, "plan") }
	contenders := []func() error{
		planned,
		func() error {
			return s.note(floorLdapsearch, nil, func() (measure.Sample, error) { return measure.Run(ctx, s.people.Ldapsearch()) })
		},
		func() error { return s.reader(ctx, floorGoLDAP, "directory", file) },
		func() error { return s.reader(ctx, floorHTTP, "listing", file) },
	}
	for round := range s.rounds {
		for i := range contenders {
			if err := contenders[(round+i)%len(contenders)](); err != nil {
				return err
			}
		}
	}
	return s.loopReader(ctx, loopPlan, "loop-find", file, min(s.n, s.loop))
}

// state loads and saves the state, and nothing else.
func (s *site) state(ctx context.Context) error {
	file := filepath.Join(s.folder, stateFile)
	for _, what := range []string{"load", "save"} {
		if err := s.part(ctx, "state "+what, "state-"+what, file); err != nil {
			return err
		}
	}
	return nil
}

// changed changes one person in a hundred, plans, applies, and sees that nothing is left.
func (s *site) changed(ctx context.Context) error {
	if err := s.people.Change(changeOne(s.n)); err != nil {
		return err
	}
	if err := s.rollcall(ctx, "plan 1 % changed", []string{planFile}, "plan", "--out", planFile); err != nil {
		return err
	}
	if err := s.rollcall(ctx, "apply 1 % changed", []string{stateFile}, "apply", planFile); err != nil {
		return err
	}
	left := s.command("plan", "--detailed-exitcode")
	if out, err := left.CombinedOutput(); err != nil {
		return fmt.Errorf("after apply a plan should have nothing to do: %w: %.2000s", err, out)
	}
	return nil
}

// compare compares as many users, and reads nothing.
func (s *site) compare(ctx context.Context) error {
	return s.part(ctx, comparison, "compare", fmt.Sprint(s.n))
}
