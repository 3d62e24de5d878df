package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/rollcall-cli/rollcall/bench/measure"
)

// openTofu plans and applies n resources of OpenTofu, each with what rollcall knows of a
// user, beside rollcall with n users of a LoginTC that has no latency: the plan and apply of
// everything, and the plan with nothing to do.
func (b *bench) openTofu(ctx context.Context, n int) error {
	folder, err := b.place(fmt.Sprintf("tofu-%d", n))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "main.tf"), []byte(resources(n)), 0o600); err != nil {
		return err
	}
	tofu := func(args ...string) *exec.Cmd {
		cmd := exec.Command(b.tofu, args...)
		cmd.Dir, cmd.Env = folder, append(environment(), "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1")
		return cmd
	}
	if out, err := tofu("init", "-no-color").CombinedOutput(); err != nil {
		return fmt.Errorf("init: %w: %s", err, out)
	}
	for _, step := range []struct {
		what string
		args []string
		file string
	}{
		{tofuPlan, []string{"plan", "-no-color", "-out=plan"}, "plan"},
		{tofuApply, []string{"apply", "-no-color", "plan"}, "terraform.tfstate"},
		{tofuNothing, []string{"plan", "-no-color"}, ""},
	} {
		sample, err := measure.Run(ctx, tofu(step.args...))
		if err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
		b.report.add(n, step.what, reading{Sample: sample, Disk: sizeOf(filepath.Join(folder, step.file))})
		b.progress.Printf("%d resources: %s: %.2f s", n, step.what, sample.Seconds)
	}
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	return b.besideTofu(ctx, n)
}

// besideTofu measures the same of rollcall, right after: with users that are created and
// join, which takes two calls for each, with users that are there and join, and with users
// that a job of LoginTC's creates.
func (b *bench) besideTofu(ctx context.Context, n int) error {
	err := b.with(ctx, fmt.Sprintf("beside-tofu-%d", n), n, func(s *site) error {
		if err := s.planAndApply(ctx, besidePlan, besideApply); err != nil {
			return err
		}
		return s.rollcall(ctx, besideNothing, nil, "plan")
	})
	if err != nil {
		return err
	}
	err = b.with(ctx, fmt.Sprintf("beside-tofu-joins-%d", n), n, func(s *site) error {
		if err := s.strangers(ctx, ""); err != nil {
			return err
		}
		return s.planAndApply(ctx, "beside OpenTofu: plan of joins", besideJoins)
	})
	if err != nil {
		return err
	}
	return b.with(ctx, fmt.Sprintf("beside-tofu-job-%d", n), n, func(s *site) error {
		if err := s.move(ctx, nil, "  api       = \"sync\"\n  execution = \"job\"\n", "--api", "sync"); err != nil {
			return err
		}
		return s.planAndApply(ctx, "beside OpenTofu: plan of a job", besideJob)
	})
}

func (s *site) planAndApply(ctx context.Context, plan, apply string) error {
	if err := s.rollcall(ctx, plan, []string{planFile}, "plan", "--out", planFile); err != nil {
		return err
	}
	return s.rollcall(ctx, apply, []string{stateFile}, "apply", planFile)
}

// resources are n resources that are built in, a block each: with for_each OpenTofu takes
// many times as long.
func resources(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "resource \"terraform_data\" %q {\n  input = { username = %q, name = \"Given%d Surname%d\", email = \"%s@example.com\" }\n}\n\n", username(i), username(i), i%997, i, username(i))
	}
	return b.String()
}
