// Command rollcall keeps the users of LoginTC domains equal to what LDAP
// directories say. See README.md.
package main

import (
	"context"
	"os"
	"os/signal"
	"os/user"
	"runtime/debug"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/rollcall-cli/rollcall/internal/cli"
)

// version is set by the linker in releases.
var version = "0.1.0-dev"

// gcPercent is how much of what is in use may be added before it is collected. Almost
// everything that is read of users stays in use until the end, so that Go's 100 would
// double the memory of a large plan for a tenth of processor time. The variable GOGC of
// the environment wins.
const gcPercent = 50

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(cli.Run(ctx, os.Args[1:], environment()))
}

// environment is the process, as the commands see it.
func environment() cli.Env {
	env := cli.Env{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		InTerminal:  term.IsTerminal(int(os.Stdin.Fd())),
		OutTerminal: term.IsTerminal(int(os.Stdout.Fd())),
		ErrTerminal: term.IsTerminal(int(os.Stderr.Fd())),
		Environ:     os.Environ(), PID: os.Getpid(), Now: time.Now, Version: version,
	}
	if width, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
		env.Width = width
	}
	env.Host, _ = os.Hostname() // both are for people who ask who holds the lock
	if u, err := user.Current(); err == nil {
		env.User = u.Username
	}
	return env
}
