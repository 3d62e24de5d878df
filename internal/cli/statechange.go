package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rollcall-cli/rollcall/internal/config"
	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
	"github.com/rollcall-cli/rollcall/internal/render"
	"github.com/rollcall-cli/rollcall/internal/state"
)

// newStateChanges are the commands by which people change the state, and move it.
func newStateChanges(a *app) []*cobra.Command {
	return []*cobra.Command{
		{
			Use:   "pull",
			Short: "Print the state, decrypted",
			Args:  cobra.NoArgs,
			RunE:  func(cmd *cobra.Command, _ []string) error { return a.runStatePull(cmd.Context()) },
		},
		{
			Use:   "push FILE",
			Short: "Replace the state by that of a file",
			Long: `Replaces the state by that of a file, or of standard input where FILE is "-". It refuses
a state of another lineage, and one that is older than what is there.

To move a state: pull it, change the state block, and push it.`,
			Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error { return a.runStatePush(cmd.Context(), args[0]) },
		},
		{
			Use:   "rm ADDRESS...",
			Short: "Forget members, who stay what they are in LoginTC",
			Long: `Takes members out of the state. LoginTC is left alone: the next plan adopts them if they
match an entry, and leaves them alone as somebody else's if they do not.`,
			Example: `  rollcall state rm 'domain.vpn["jane.doe"]'`,
			Args:    cobra.MinimumNArgs(1),
			RunE:    func(cmd *cobra.Command, args []string) error { return a.runStateRm(cmd.Context(), args) },
		},
		{
			Use:     "mv FROM TO",
			Short:   "Give what is known of a domain to another name",
			Long:    `For a domain block that was given another name: its members stay rollcall's.`,
			Example: `  rollcall state mv domain.vpn domain.remote-access`,
			Args:    cobra.ExactArgs(2),
			RunE:    func(cmd *cobra.Command, args []string) error { return a.runStateMv(cmd.Context(), args[0], args[1]) },
		},
	}
}

func (a *app) runStatePull(ctx context.Context) error {
	st, err := a.loadState(ctx)
	if err != nil {
		return err
	}
	if st.Serial == 0 {
		return errors.New("there is no state yet")
	}
	w := bufio.NewWriter(a.Out)
	if err := st.EncodePlain(w); err != nil {
		return err
	}
	return w.Flush()
}

func (a *app) runStatePush(ctx context.Context, name string) error {
	cfg, err := a.load()
	if err != nil {
		return err
	}
	cipher, err := a.cipher(cfg)
	if err != nil {
		return err
	}
	in := a.In
	if name != "-" {
		file, err := os.Open(a.path(name))
		if err != nil {
			return fmt.Errorf("the state to push can not be read: %w", err)
		}
		defer func() { _ = file.Close() }()
		in = file
	}
	pushed, err := state.Decode(name, bufio.NewReader(in), cipher)
	if err != nil {
		return err
	}
	return a.changeState(ctx, cfg, func(present *state.State) (*state.State, error) {
		if err := pushed.Over(present); err != nil {
			return nil, fmt.Errorf("%s is not pushed: %w", name, err)
		}
		return pushed, nil
	})
}

func (a *app) runStateRm(ctx context.Context, addresses []string) error {
	cfg, err := a.load()
	if err != nil {
		return err
	}
	return a.changeState(ctx, cfg, func(st *state.State) (*state.State, error) {
		at := map[string]func(){}
		for _, domain := range st.DomainNames() {
			for _, m := range st.Members(domain) {
				at[plan.Address(domain, m.Username)] = func() { st.Remove(domain, identity.NewKey(m.Username)) }
			}
		}
		for _, address := range addresses {
			if at[address] == nil {
				return nil, fmt.Errorf("the state has no %s; nothing was changed; see: rollcall state list", address)
			}
		}
		for _, address := range addresses {
			at[address]()
		}
		return st, nil
	})
}

func (a *app) runStateMv(ctx context.Context, from, to string) error {
	from, isDomain := strings.CutPrefix(from, "domain.")
	to, toDomain := strings.CutPrefix(to, "domain.")
	if !isDomain || !toDomain || strings.ContainsAny(from+to, `["`) {
		return errors.New("domains are moved, as in: rollcall state mv domain.vpn domain.remote-access")
	}
	cfg, err := a.load()
	if err != nil {
		return err
	}
	return a.changeState(ctx, cfg, func(st *state.State) (*state.State, error) {
		if err := st.MoveDomain(from, to); err != nil {
			return nil, fmt.Errorf("%w; nothing was changed", err)
		}
		return st, nil
	})
}

// changeState replaces the state by what change returns, under the lock.
func (a *app) changeState(ctx context.Context, cfg *config.Config, change func(*state.State) (*state.State, error)) error {
	return a.locked(ctx, cfg, "state", func(store stateStore) error {
		st, err := a.recoverState(ctx, cfg, store)
		if err != nil {
			return err
		}
		next, err := change(st)
		if err != nil {
			return err
		}
		if err := store.Save(ctx, next, a.Version); err != nil {
			return err
		}
		members := 0
		for _, domain := range next.DomainNames() {
			members += len(next.Members(domain))
		}
		_, err = fmt.Fprintf(a.Out, "The state has serial %d now, with %s in %s.\n", next.Serial,
			render.Count(members, "member", "members"), render.Count(len(next.DomainNames()), "domain", "domains"))
		return err
	})
}
