// Package measure runs programs and says what each of them cost.
//
// The peak of a process is at least what the process had that started it. So a
// program is not started by the benchmark itself, which may have grown, but by a fresh
// process of it that does nothing else: Main is the first thing that such a program
// calls.
package measure

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Sample is what one process cost.
type Sample struct {
	// Seconds are from its start to its end, CPU those of the processor in it, those
	// of the system among them.
	Seconds float64 `json:"seconds"`
	CPU     float64 `json:"cpu_seconds"`
	// Peak is its greatest resident memory in octets; what is below about 10 MiB is that
	// of the process which measured.
	Peak int64 `json:"peak_octets"`
	// Written is what it gave to the disk, in octets.
	Written int64 `json:"written_octets"`
}

// flag makes a process of the program the one that measures: FLAG FILE COMMAND...
const flag = "-measure"

// Main does what a process that measures has to do and ends it; in every other process
// it returns at once.
func Main() {
	if len(os.Args) < 4 || os.Args[1] != flag {
		return
	}
	code, err := observe(os.Args[2], os.Args[3:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "measuring:", err)
		os.Exit(125)
	}
	os.Exit(code)
}

// observe runs the command with this process's streams, and writes its sample to the file.
func observe(file string, command []string) (code int, err error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	began := time.Now()
	err = cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		return 0, err
	}
	s := Sample{Seconds: time.Since(began).Seconds(), CPU: (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0, errors.New("this system does not tell what a process used")
	}
	s.Peak, s.Written = usage.Maxrss<<10, usage.Oublock<<9 // Linux: KiB, and blocks of 512 octets
	document, err := json.Marshal(s)
	if err != nil {
		return 0, err
	}
	return cmd.ProcessState.ExitCode(), os.WriteFile(file, document, 0o600)
}

// Run runs cmd and returns what it cost. The calling program must have called Main. What
// a program that fails wrote to standard error is in the error, unless it was to go
// elsewhere.
func Run(ctx context.Context, cmd *exec.Cmd) (s Sample, err error) {
	self, err := os.Executable()
	if err != nil {
		return s, err
	}
	file, err := os.CreateTemp("", "measure-")
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, os.Remove(file.Name())) }()
	if err := file.Close(); err != nil {
		return s, err
	}
	observer := exec.CommandContext(ctx, self, append([]string{flag, file.Name(), cmd.Path}, cmd.Args[1:]...)...)
	observer.Dir, observer.Env = cmd.Dir, cmd.Env
	observer.Stdin, observer.Stdout, observer.Stderr = cmd.Stdin, cmd.Stdout, cmd.Stderr
	var said bytes.Buffer
	if cmd.Stderr == nil {
		observer.Stderr = &said
	}
	failed := observer.Run()
	if failed != nil {
		failed = fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), failed, said.String())
	}
	document, err := os.ReadFile(file.Name())
	if err != nil {
		return s, errors.Join(failed, err)
	}
	if len(document) == 0 {
		return s, failed
	}
	return s, errors.Join(json.Unmarshal(document, &s), failed)
}
