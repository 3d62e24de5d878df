package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcall-cli/rollcall/internal/config"
	"github.com/rollcall-cli/rollcall/internal/providers/logintc"
	"github.com/rollcall-cli/rollcall/internal/render"
)

// app is what every command shares: the process around it and the flags for all.
type app struct {
	Env
	chdir       string
	vars        []string
	varFiles    []string
	noColor     bool
	lockTimeout time.Duration
	// snapshots are files to read directories from.
	snapshots  []string
	logOptions logOptions
	// log is never nil while a command runs; logFile is closed after it.
	log     *slog.Logger
	logFile io.Closer
	// events is nil unless the command prints these in the place of text.
	events *events
	// states is nil until the state is asked for, client until LoginTC is.
	states stateStore
	client *logintc.Reader
}

// Run runs one command line, without the program's name, and returns its exit code.
func Run(ctx context.Context, args []string, env Env) int {
	var writing sync.Mutex // what is said while a run is under way comes from several goroutines
	env.Out, env.Err = &lockedWriter{&writing, env.Out}, &lockedWriter{&writing, env.Err}
	a := &app{Env: env, log: slog.New(slog.DiscardHandler)}
	root := newRoot(a)
	root.SetArgs(args)
	root.SetIn(env.In)
	root.SetOut(env.Out)
	root.SetErr(env.Err)
	code, show := exitCode(root.ExecuteContext(ctx))
	if a.logFile != nil {
		_ = a.logFile.Close() // its lines are written one by one
	}
	if show != nil {
		a.printError(show)
	}
	return code
}

// lockedWriter lets one of several goroutines write at a time.
type lockedWriter struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "rollcall",
		Short: "Keep the users of LoginTC domains equal to what LDAP directories say",
		Long: `rollcall keeps the users of LoginTC domains equal to what LDAP directories say.

Files *.hcl declare directories, domains and policies. "plan" shows who would be
added, changed and removed; "apply" does exactly what a saved plan says.

Try it now, with nothing installed:  rollcall demo`,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) (err error) {
			if a.logFile, err = a.startLog(); err == nil {
				a.log.Info("begin", "command", cmd.CommandPath(), "version", a.Version)
			}
			return err
		},
	}
	flags := root.PersistentFlags()
	flags.StringVar(&a.chdir, "chdir", "", "`folder` of the configuration; every relative path is relative to it")
	flags.StringArrayVar(&a.vars, "var", nil, "set a variable, as `name=value`; may be repeated")
	flags.StringArrayVar(&a.varFiles, "var-file", nil, "read variables from `file`; may be repeated, later ones win")
	flags.BoolVar(&a.noColor, "no-color", false, "no colours; the environment's NO_COLOR does the same")
	flags.DurationVar(&a.lockTimeout, "lock-timeout", 0, "wait up to this `duration` for the lock on the state, such as 30s")
	flags.StringVar(&a.logOptions.level, "log-level", "", "write a log of this `level`: trace, debug, info, warn or error")
	flags.StringVar(&a.logOptions.file, "log-file", "", "append the log to `file`, not to standard error")
	flags.StringVar(&a.logOptions.format, "log-format", "text", "`format` of the log: text or json")
	root.AddCommand(
		newValidate(a), newFmt(a), newPlan(a), newShow(a), newSnapshot(a), newApply(a), newUsers(a), newExplain(a), newDoctor(a),
		newState(a), newLock(a), newJob(a), newMigrate(a), newEmulator(a), newDemo(a), newVersion(a),
	)
	return root
}

// path makes a path of the command line relative to --chdir.
func (a *app) path(path string) string {
	if a.chdir == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(a.chdir, path)
}

// dir is the folder of the configuration.
func (a *app) dir() string { return a.path(".") }

// color reports whether a stream may be coloured (https://no-color.org).
func (a *app) color(terminal bool) bool {
	set, ok := a.lookup("NO_COLOR")
	term, _ := a.lookup("TERM")
	return terminal && !a.noColor && (!ok || set == "") && term != "dumb"
}

// printError shows an error that ended a command. What servers and directories
// put into it can do nothing to a terminal.
func (a *app) printError(err error) {
	if a.events != nil {
		a.events.fail(err)
		return
	}
	if diags, ok := errors.AsType[config.Diagnostics](err); ok {
		_ = diags.WriteText(a.Err, a.color(a.ErrTerminal)) // there is nowhere else to complain
		return
	}
	lines := strings.Split(err.Error(), "\n")
	for i := range lines {
		lines[i] = render.Escape(lines[i])
	}
	word := "Error:"
	if a.color(a.ErrTerminal) {
		word = "\x1b[1;31mError:\x1b[0m"
	}
	_, _ = fmt.Fprintf(a.Err, "%s %s\n", word, strings.Join(lines, "\n"))
}

// warn shows a warning that is no part of the command's output.
func (a *app) warn(text string) {
	if a.events != nil {
		a.events.diagnose(config.Diagnostic{Severity: config.Warning, Summary: text})
		return
	}
	word := "Warning:"
	if a.color(a.ErrTerminal) {
		word = "\x1b[1;33mWarning:\x1b[0m"
	}
	_, _ = fmt.Fprintf(a.Err, "%s %s\n", word, render.Escape(text))
}

// configOptions is where the configuration and its variables come from.
func (a *app) configOptions() config.Options {
	files := make([]string, len(a.varFiles))
	for i, file := range a.varFiles {
		files[i] = a.path(file)
	}
	return config.Options{Dir: a.dir(), Environ: a.Environ, VarFiles: files, Vars: a.vars, Version: a.Version, Now: a.Now()}
}

// load reads the configuration and shows its warnings.
func (a *app) load() (*config.Config, error) {
	cfg, diags := config.Load(a.configOptions())
	if diags.HasErrors() {
		return nil, diags
	}
	if a.events == nil {
		return cfg, diags.WriteText(a.Err, a.color(a.ErrTerminal))
	}
	for _, d := range diags {
		a.events.diagnose(d)
	}
	return cfg, nil
}
