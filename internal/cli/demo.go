package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rollcall-cli/rollcall/internal/atomicfile"
	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
	"github.com/rollcall-cli/rollcall/internal/providers/logintctest"
)

func newDemo(a *app) *cobra.Command {
	var stay bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch the whole job in a temporary folder, with nothing installed",
		Long: `Runs plan and apply for real, in a temporary folder, against an LDAP server and a
LoginTC organization that live inside this process.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runDemo(cmd.Context(), stay) },
	}
	cmd.Flags().BoolVar(&stay, "stay", false, "keep the servers and the folder afterwards, to try each step by hand")
	return cmd
}

// demo is a folder with a configuration, and the two servers that it names.
type demo struct {
	*app
	folder    string
	directory *ldaptest.Memory
	logintc   *logintctest.Server
	password  string
	apiKey    string
}

func (a *app) runDemo(ctx context.Context, stay bool) (err error) {
	d, err := a.newDemo()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	for _, act := range []func(context.Context) error{d.configure, d.first, d.everyday, d.limited} {
		if err := act(ctx); err != nil {
			return err
		}
	}
	if !stay {
		d.say(`The demo's servers and its folder are gone with it. To try each step by hand:

  rollcall demo --stay      keeps both servers up, and says what to type
  examples/quickstart       the same with an LDIF file and "rollcall emulator"
  README.md                 "A real run", against your own directory`)
		return nil
	}
	return d.stay(ctx)
}

func (a *app) newDemo() (*demo, error) {
	d := &demo{app: a, password: rand.Text(), apiKey: (rand.Text() + rand.Text() + rand.Text())[:64]}
	var err error
	if d.folder, err = os.MkdirTemp("", "rollcall-demo-"); err != nil {
		return nil, err
	}
	d.directory, err = ldaptest.StartMemory(ldaptest.MemoryOptions{
		BindDN: demoBindDN, BindPassword: d.password, LDIF: demoPeople(),
	})
	if err == nil {
		d.logintc, err = logintctest.Start(logintctest.Options{Data: demoOrganization(d.apiKey)})
	}
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func (d *demo) close() error {
	if d.directory != nil {
		d.directory.Close()
	}
	if d.logintc != nil {
		d.logintc.Close()
	}
	return os.RemoveAll(d.folder)
}

// say prints a paragraph of the story.
func (d *demo) say(text string) { _, _ = fmt.Fprintf(d.Out, "\n%s\n", text) }

// title begins an act.
func (d *demo) title(text string) {
	line := strings.Repeat("─", 78)
	_, _ = fmt.Fprintf(d.Out, "\n%s\n%s\n%s\n", line, text, line)
}

// run runs a command line as a person would type it, and fails unless it ends
// with the code that the story tells.
func (d *demo) run(ctx context.Context, code int, args ...string) error {
	_, _ = fmt.Fprintf(d.Out, "\n$ rollcall %s\n\n", strings.Join(args, " "))
	env := d.Env
	env.Err, env.ErrTerminal = env.Out, false // in the order of the story
	env.Environ = append(slices.Clip(env.Environ), "ROLLCALL_VAR_ldap_password="+d.password, "ROLLCALL_VAR_logintc_api_key="+d.apiKey)
	full := append([]string{"--chdir", d.folder}, args...)
	if d.noColor {
		full = append(full, "--no-color")
	}
	got := Run(ctx, full, env)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if got != code {
		return fmt.Errorf("the demo expected exit code %d of rollcall %s and saw %d", code, strings.Join(args, " "), got)
	}
	if code != exitDone {
		_, _ = fmt.Fprintf(d.Out, "\n(exit code %d)\n", code)
	}
	return nil
}

func (d *demo) configure(ctx context.Context) error {
	d.title("1. A configuration")
	configuration := fmt.Sprintf(demoConfiguration, d.logintc.URL, d.directory.URL(), demoBindDN, demoBase)
	if err := os.WriteFile(filepath.Join(d.folder, "main.hcl"), []byte(configuration), 0o600); err != nil {
		return err
	}
	d.say("This is main.hcl. The password and the API key come from the environment.")
	d.say("  " + strings.ReplaceAll(strings.TrimSpace(configuration), "\n", "\n  "))
	if err := d.run(ctx, exitDone, "fmt", "--check"); err != nil {
		return err
	}
	return d.run(ctx, exitDone, "validate")
}

func (d *demo) first(ctx context.Context) error {
	d.title("2. The first plan: look, save, apply exactly that")
	d.say("LoginTC has two members. One matches the directory but for a typing error; the\nother, breakglass, is nobody that rollcall knows, and is left alone.")
	if err := d.run(ctx, exitDone, "plan", "--out", "first.plan"); err != nil {
		return err
	}
	if err := d.run(ctx, exitDone, "apply", "first.plan"); err != nil {
		return err
	}
	d.say("Everything is as it should be, so there is nothing left to do:")
	if err := d.run(ctx, exitDone, "plan", "--detailed-exitcode"); err != nil {
		return err
	}
	d.say("The same plan can not be applied twice:")
	return d.run(ctx, exitStale, "apply", "first.plan")
}

func (d *demo) everyday(ctx context.Context) error {
	d.title("3. People join, leave and change their name")
	person := func(name string) string { return "uid=" + name + ",ou=People," + demoBase }
	if err := errors.Join(
		d.directory.Add(demoPerson("noor.haddad", "Noor Haddad")),
		d.directory.Delete(person("bob.lee")),
		d.directory.Replace(person("zoe.muller"), "cn", "Zoë Müller-Østergård"),
	); err != nil {
		return err
	}
	if err := d.run(ctx, exitChanges, "plan", "--out", "monday.plan", "--detailed-exitcode"); err != nil {
		return err
	}
	return d.run(ctx, exitDone, "apply", "monday.plan")
}

func (d *demo) limited(ctx context.Context) error {
	d.title("4. Three entries vanish at once, and the limit is 1")
	for _, name := range []string{"kim.park", "lee.chan", "noor.haddad"} {
		if err := d.directory.Delete("uid=" + name + ",ou=People," + demoBase); err != nil {
			return err
		}
	}
	if err := d.directory.Add(demoPerson("ada.byron", "Ada Byron")); err != nil {
		return err
	}
	d.say("Did three people leave, or is the directory wrong? That is for a person to say.\nNot one of the three is removed; the one who joined is added.")
	return d.run(ctx, exitWithheld, "apply", "--auto-approve")
}

// stay waits for an interruption, with everything in place for a second terminal.
func (d *demo) stay(ctx context.Context) error {
	secrets := fmt.Sprintf("ldap_password   = %q\nlogintc_api_key = %q\n", d.password, d.apiKey)
	if err := writeFile(filepath.Join(d.folder, "demo.auto.vars.hcl"), secrets); err != nil {
		return err
	}
	d.say(fmt.Sprintf(`Both servers stay up until you press Ctrl-C. In another terminal:

  cd %s
  rollcall plan
  rollcall apply
  rollcall users vpn
  rollcall state list

LDAP:     %s (bind as %s; the password is in demo.auto.vars.hcl)
LoginTC:  %s/emulator/data shows who is a member`, d.folder, d.directory.URL(), demoBindDN, d.logintc.URL))
	<-ctx.Done()
	return nil
}

func writeFile(path, content string) error {
	return atomicfile.Write(path, func(w io.Writer) error { _, err := io.WriteString(w, content); return err })
}
