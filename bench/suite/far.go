package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/rollcall-cli/rollcall/bench/measure"
	"github.com/rollcall-cli/rollcall/internal/providers/logintctest"
)

// far measures a LoginTC that takes its time for every call: a plan of many members with
// nothing to do beside their pages one after another, and joins beside one after another.
func (b *bench) far(ctx context.Context) error {
	s, end, err := b.settled(ctx, "far", b.distance, "--latency", b.latency.String())
	if err != nil {
		return err
	}
	err = s.plansFar(ctx)
	if err := errors.Join(err, end()); err != nil {
		return err
	}
	if s, end, err = b.strangers(ctx, "joins", b.joins, "", "--latency", b.latency.String()); err != nil {
		return err
	}
	return errors.Join(s.joinsFar(ctx), end())
}

func (s *site) plansFar(ctx context.Context) error {
	file, err := target{LoginTC: s.emulator.logintc()}.write(s.folder)
	if err != nil {
		return err
	}
	if err := s.rollcall(ctx, farPlan, nil, "plan"); err != nil {
		return err
	}
	return s.reader(ctx, farPages, "listing", file)
}

func (s *site) joinsFar(ctx context.Context) error {
	if err := s.rollcall(ctx, "plan of joins", []string{planFile}, "plan", "--out", planFile); err != nil {
		return err
	}
	ids, err := s.ids(s.loop)
	if err != nil {
		return err
	}
	if err := s.rollcall(ctx, farJoins, []string{stateFile}, "apply", planFile); err != nil {
		return err
	}
	t := target{LoginTC: s.emulator.logintc(), IDs: ids} // joining again takes a call as well
	file, err := t.write(s.folder)
	if err != nil {
		return err
	}
	return s.loopReader(ctx, farLoop, "loop-join", file, len(ids))
}

// rateLimit is what the emulator allows in the runs with a limit, in calls a second.
const rateLimit = 20

// limits measures joins at a limit, which the configuration names, and which it does not.
func (b *bench) limits(ctx context.Context) error {
	for _, of := range []struct{ what, folder, settings string }{
		{limitUnknown, "limited", ""},
		{limitKnown, "limited-and-told", fmt.Sprintf("  requests_per_second = %d\n", rateLimit)},
	} {
		s, end, err := b.strangers(ctx, of.folder, b.limited, of.settings, "--rate-limit", fmt.Sprint(rateLimit), "--latency", b.latency.String())
		if err != nil {
			return err
		}
		err = s.rollcall(ctx, "plan of joins, limited", []string{planFile}, "plan", "--out", planFile)
		if err == nil {
			err = s.rollcall(ctx, of.what, []string{stateFile}, "apply", planFile)
		}
		if err := errors.Join(err, end()); err != nil {
			return err
		}
	}
	return nil
}

// settled returns a site whose n people are members and in the state, at an emulator with
// these flags, and what ends it.
func (b *bench) settled(ctx context.Context, name string, n int, flags ...string) (*site, func() error, error) {
	s, end, err := b.site(ctx, name, n)
	if err != nil {
		return nil, nil, err
	}
	for _, args := range [][]string{{"plan", "--out", planFile}, {"apply", planFile}} {
		if _, err := measure.Run(ctx, s.command(args...)); err != nil {
			return nil, nil, errors.Join(err, end())
		}
	}
	return s, end, s.move(ctx, nil, "", flags...)
}

// strangers returns a site whose n people are users of the organization and no members.
func (b *bench) strangers(ctx context.Context, name string, n int, settings string, flags ...string) (*site, func() error, error) {
	s, end, err := b.settled(ctx, name, n)
	if err != nil {
		return nil, nil, err
	}
	if err := os.Remove(filepath.Join(s.folder, stateFile)); err != nil {
		return nil, nil, errors.Join(err, end())
	}
	nobody := func(d *logintctest.Data) {
		for i := range d.Users {
			d.Users[i].Domains, d.Users[i].Tokens = []string{}, map[string]logintctest.TokenState{}
		}
	}
	return s, end, s.move(ctx, nobody, settings, flags...)
}

// site starts a directory and an emulator of nobody.
func (b *bench) site(ctx context.Context, name string, n int) (s *site, end func() error, err error) {
	folder, err := b.place(name)
	if err != nil {
		return nil, nil, err
	}
	s = &site{bench: b, n: n, folder: folder}
	if s.people, err = startDirectory(folder, n); err != nil {
		return nil, nil, err
	}
	end = func() error {
		s.people.Close()
		s.emulator.Close()
		return os.RemoveAll(folder)
	}
	if s.emulator, err = b.startEmulator(ctx, folder, ""); err != nil {
		s.people.Close()
		return nil, nil, err
	}
	return s, end, configure(folder, s.people.Directory, s.emulator, "")
}

// move goes on with another emulator of the same organization, changed first unless change
// is nil, with these settings of the logintc block and these flags.
func (s *site) move(ctx context.Context, change func(*logintctest.Data), settings string, flags ...string) error {
	data := filepath.Join(s.folder, "organization.json")
	if err := s.emulator.save(data); err != nil {
		return err
	}
	s.emulator.Close()
	if change != nil {
		d, err := s.organization()
		if err != nil {
			return err
		}
		change(&d)
		document, err := json.Marshal(d)
		if err != nil {
			return err
		}
		if err := os.WriteFile(data, document, 0o600); err != nil {
			return err
		}
	}
	var err error
	if s.emulator, err = s.startEmulator(ctx, s.folder, data, flags...); err != nil {
		return err
	}
	return configure(s.folder, s.people.Directory, s.emulator, settings)
}

// organization is what move saved.
func (s *site) organization() (d logintctest.Data, err error) {
	file, err := os.Open(filepath.Join(s.folder, "organization.json"))
	if err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return logintctest.LoadData(file)
}

// ids are those of the first n users of the organization.
func (s *site) ids(n int) ([]string, error) {
	d, err := s.organization()
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, u := range d.Users[:min(n, len(d.Users))] {
		ids = append(ids, u.ID)
	}
	return ids, nil
}
