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
	slow := []string{"--latency", b.latency.String()}
	err := b.with(ctx, "far", b.distance, func(s *site) error {
		if err := s.settle(ctx); err != nil {
			return err
		}
		if err := s.move(ctx, nil, "", slow...); err != nil {
			return err
		}
		return s.plansFar(ctx)
	})
	if err != nil {
		return err
	}
	return b.with(ctx, "joins", b.joins, func(s *site) error {
		if err := s.strangers(ctx, "", slow...); err != nil {
			return err
		}
		return s.joinsFar(ctx)
	})
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
		err := b.with(ctx, of.folder, b.limited, func(s *site) error {
			if err := s.strangers(ctx, of.settings, "--rate-limit", fmt.Sprint(rateLimit), "--latency", b.latency.String()); err != nil {
				return err
			}
			return s.planAndApply(ctx, "plan of joins, limited", of.what)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// with does something at a site of n people and nobody in LoginTC, and ends it.
func (b *bench) with(ctx context.Context, name string, n int, do func(*site) error) error {
	s, err := b.site(ctx, name, n)
	if err != nil {
		return err
	}
	return errors.Join(do(s), s.end())
}

// site starts a directory and an emulator of nobody.
func (b *bench) site(ctx context.Context, name string, n int) (*site, error) {
	folder, err := b.place(name)
	if err != nil {
		return nil, err
	}
	s := &site{bench: b, n: n, folder: folder}
	if s.people, err = startDirectory(folder, n); err != nil {
		return nil, err
	}
	b.progress.Printf("%d users: slapd is loaded", n)
	if s.emulator, err = b.startEmulator(ctx, folder, ""); err == nil {
		err = configure(folder, s.people.Directory, s.emulator, "")
	}
	if err != nil {
		return nil, errors.Join(err, s.end())
	}
	return s, nil
}

// end ends the servers of the site.
func (s *site) end() error {
	s.people.Close()
	if s.emulator != nil {
		s.emulator.Close()
	}
	return os.RemoveAll(s.folder)
}

// settle makes everybody a member.
func (s *site) settle(ctx context.Context) error {
	for _, args := range [][]string{{"plan", "--out", planFile}, {"apply", planFile}} {
		if _, err := measure.Run(ctx, s.command(args...)); err != nil {
			return err
		}
	}
	return nil
}

// strangers makes everybody a user of the organization and nobody a member, and goes on as
// move does.
func (s *site) strangers(ctx context.Context, settings string, flags ...string) error {
	if err := s.settle(ctx); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(s.folder, stateFile)); err != nil {
		return err
	}
	nobody := func(d *logintctest.Data) {
		for i := range d.Users {
			d.Users[i].Domains, d.Users[i].Tokens = []string{}, map[string]logintctest.TokenState{}
		}
	}
	return s.move(ctx, nobody, settings, flags...)
}

// move goes on with another emulator of the same organization, changed first unless change
// is nil, with these settings of the logintc block and these flags.
func (s *site) move(ctx context.Context, change func(*logintctest.Data), settings string, flags ...string) error {
	data := filepath.Join(s.folder, "organization.json")
	if err := s.emulator.save(data); err != nil {
		return err
	}
	s.emulator.Close()
	s.emulator = nil
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
