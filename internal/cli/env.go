// Package cli is the commands of rollcall, one file each: it parses, loads what
// a command needs, and is the only place where the other packages meet.
//
// It reads no global of the process: streams, environment, clock and signals
// come in as an Env and a context.
package cli

import (
	"context"
	"io"
	"net"
	"strings"
	"time"
)

// Env is the process around a command.
type Env struct {
	In       io.Reader
	Out, Err io.Writer
	// InTerminal, OutTerminal and ErrTerminal say which streams are terminals.
	InTerminal, OutTerminal, ErrTerminal bool
	// Width is the columns of the terminal that Out is, 0 where it is none.
	Width int
	// Environ holds "NAME=value".
	Environ []string
	// Host, User and PID say who holds the lock.
	Host, User string
	PID        int
	Now        func() time.Time
	// Dial connects to LoginTC; nil stands for the network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Version is this program's, such as "0.1.0".
	Version string
}

// lookup returns a variable of the environment.
func (e Env) lookup(name string) (string, bool) {
	for _, pair := range e.Environ {
		if value, ok := strings.CutPrefix(pair, name+"="); ok {
			return value, true
		}
	}
	return "", false
}
