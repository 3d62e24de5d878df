package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/rollcall-cli/rollcall/bench/floor"
	"github.com/rollcall-cli/rollcall/bench/measure"
)

// readerFlag makes a process of this program one that reads or writes, and nothing else.
const readerFlag = "-read"

// target is what such a process is about.
type target struct {
	Directory floor.Directory
	LoginTC   floor.LoginTC
	// Users is how many users a loop is about, from the first on.
	Users int
	// IDs are those of users who join.
	IDs []string
}

// read is what that process does.
func read(what, file string) error {
	document, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var t target
	if err := json.Unmarshal(document, &t); err != nil {
		return err
	}
	switch what {
	case "directory":
		_, err = t.Directory.Discard()
	case "listing":
		_, err = t.LoginTC.Discard()
	case "loop-find":
		for i := 0; i < t.Users && err == nil; i++ {
			err = t.LoginTC.Find(username(i))
		}
	case "loop-join":
		for i := 0; i < len(t.IDs) && err == nil; i++ {
			err = t.LoginTC.Join(t.IDs[i])
		}
	default:
		err = fmt.Errorf("nothing named %q is read", what)
	}
	return err
}

// write writes the target to a file for such a process.
func (t target) write(folder string) (file string, err error) {
	document, err := json.Marshal(t)
	if err != nil {
		return "", err
	}
	file = filepath.Join(folder, "target.json")
	return file, os.WriteFile(file, document, 0o600)
}

// reader notes what such a process cost.
func (s *site) reader(ctx context.Context, name, what, file string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return s.note(name, nil, func() (measure.Sample, error) {
		return measure.Run(ctx, exec.Command(self, readerFlag, what, file))
	})
}

// loopReader notes what a loop would take that does every user, by one that does so many.
func (s *site) loopReader(ctx context.Context, name, what, file string, of int) error {
	if err := s.reader(ctx, name, what, file); err != nil {
		return err
	}
	s.report.scale(of, s.n)
	return nil
}

// work has the program worker do something, and returns what that cost.
func (s *site) work(ctx context.Context, args ...string) (measure.Sample, measure.Part, error) {
	cmd := exec.Command(s.worker, args...)
	cmd.Dir, cmd.Env = s.folder, environment()
	var said bytes.Buffer
	cmd.Stdout = &said
	sample, err := measure.Run(ctx, cmd)
	if err != nil {
		return sample, measure.Part{}, err
	}
	var part measure.Part
	err = json.Unmarshal(said.Bytes(), &part)
	sample.Seconds = part.Seconds
	return sample, part, err
}

// part notes what a part of rollcall cost.
func (s *site) part(ctx context.Context, name string, args ...string) error {
	var part measure.Part
	err := s.note(name, nil, func() (sample measure.Sample, err error) {
		sample, part, err = s.work(ctx, args...)
		return sample, err
	})
	if err == nil {
		s.report.amend(part)
	}
	return err
}

// counts notes what the commands allocate and call, in a folder of their own.
func (s *site) counts(ctx context.Context) error {
	folder, err := s.place(fmt.Sprintf("counts-%d", s.n))
	if err != nil {
		return err
	}
	e, err := s.startEmulator(ctx, folder, "")
	if err != nil {
		return err
	}
	defer e.Close()
	c := &site{bench: s.bench, n: s.n, folder: folder, people: s.people, emulator: e}
	if err := configure(folder, c.people.Directory, e, ""); err != nil {
		return err
	}
	for _, step := range []struct {
		what string
		args []string
	}{
		{"plan from nothing", []string{"plan", "--out", planFile}},
		{"show as text", []string{"show", planFile}},
		{"show as json", []string{"show", planFile, "--json"}},
		{"show as html", []string{"show", planFile, "--html", "page.html"}},
		{"apply everything", []string{"apply", planFile}},
		{nothingToDo, []string{"plan"}},
	} {
		var part measure.Part
		calls, err := e.during(func() (err error) {
			_, part, err = c.work(ctx, append([]string{"cli"}, step.args...)...)
			return err
		})
		if err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
		s.report.count(s.n, step.what, part, calls)
	}
	return nil
}
