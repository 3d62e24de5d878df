// Worker does one thing with rollcall's own packages, and says what it cost: the suite
// starts it. It is a program of its own, so that the process which measures others stays
// small.
//
//	worker state-load FILE
//	worker state-save FILE    saves it to another file, which it removes
//	worker compare N          compares N users
//	worker cli ARGUMENTS...   a command of rollcall, to nowhere
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strconv"
	"time"

	"github.com/rollcall-cli/rollcall/bench/measure"
	"github.com/rollcall-cli/rollcall/internal/cli"
	"github.com/rollcall-cli/rollcall/internal/state"
)

func main() {
	if err := work(os.Args[1:]); err != nil {
		log.Fatal("worker: ", err)
	}
}

func work(args []string) error {
	if len(args) < 2 {
		return errors.New("say what to do")
	}
	switch args[0] {
	case "state-load":
		return measure.Tell(func() error {
			_, err := state.Load(args[1], nil)
			return err
		})
	case "state-save":
		return save(args[1])
	case "compare":
		n, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		return compare(n)
	case "cli":
		return measure.Tell(func() error { return command(args[1:]) })
	}
	return fmt.Errorf("there is nothing named %q", args[0])
}

// save saves the state of a file as a new one.
func save(file string) error {
	s, err := state.Load(file, nil)
	if err != nil {
		return err
	}
	if err := s.Over(state.Empty(nil)); err != nil {
		return err
	}
	copied := file + ".saved"
	err = measure.Tell(func() error { return state.Save(copied, s, "bench") })
	return errors.Join(err, os.Remove(copied))
}

// command runs a command of rollcall in this process.
func command(args []string) error {
	var failed bytes.Buffer
	env := cli.Env{
		In: bytes.NewReader(nil), Out: io.Discard, Err: &failed, Environ: os.Environ(), Now: time.Now,
		Host: "bench", User: "bench", PID: os.Getpid(), Version: "0.1.0-bench",
	}
	if code := cli.Run(context.Background(), args, env); code != 0 {
		return fmt.Errorf("rollcall %v ended with %d: %s", args, code, failed.String())
	}
	return nil
}
