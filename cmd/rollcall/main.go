// Command rollcall keeps the users of LoginTC domains equal to what LDAP
// directories say. See README.md.
package main

import (
	"context"
	"os"
	"os/signal"
	"os/user"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/rollcall-cli/rollcall/internal/cli"
)

// version is set by the linker in releases.
var version = "0.1.0-dev"

func main() {
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
