package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/rollcall-cli/rollcall/internal/apply"
	"github.com/rollcall-cli/rollcall/internal/config"
	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
	"github.com/rollcall-cli/rollcall/internal/providers/logintc"
	"github.com/rollcall-cli/rollcall/internal/render"
	"github.com/rollcall-cli/rollcall/internal/state"
)

// readState reads the state for a command that does not change it. What a run left
// behind that broke off is taken in first; where one is under way, the state is what
// it was before that.
func (a *app) readState(ctx context.Context, cfg *config.Config) (st *state.State, err error) {
	store, err := a.store(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if st, err := store.Load(ctx); err != nil || !hasJournal(cfg) && st.Unsettled() == nil {
		return st, err
	}
	err = a.locked(ctx, cfg, "taking in what a run left behind", func(store stateStore) (err error) {
		st, err = a.recoverState(ctx, cfg, store)
		return err
	})
	if locked, ok := errors.AsType[*state.LockedError](err); ok {
		a.warn("an apply is under way, and what it does is not in the state yet: " + locked.Error())
		return store.Load(ctx)
	}
	return st, err
}

// recoverState reads the state and takes in what a run left behind that broke off:
// what its journal says was done and, of what was under way, what LoginTC has now.
// The caller holds the lock.
func (a *app) recoverState(ctx context.Context, cfg *config.Config, store stateStore) (*state.State, error) {
	st, err := store.Load(ctx)
	if err != nil {
		return nil, err
	}
	var left *state.Leftover
	if hasJournal(cfg) {
		if left, err = state.FoldJournal(cfg.Settings.State.Path, st); err != nil {
			return nil, err
		}
	}
	broke := left != nil
	if left == nil {
		if left = st.Unsettled(); left == nil {
			return st, nil
		}
		st.Start(left.Plan)
	}
	client, err := a.reader(cfg)
	if err != nil {
		return nil, err
	}
	settled, err := apply.Settle(ctx, st, left, inspector{client}, a.Now())
	if err != nil {
		return nil, fmt.Errorf("what became of %s of the last apply can not be found out: %w; nothing was changed",
			render.Count(len(left.Open), "operation", "operations"), err)
	}
	if err := store.Save(ctx, st, a.Version); err != nil {
		return nil, err
	}
	a.reportLeftover(left, settled, broke)
	if !hasJournal(cfg) {
		return st, nil
	}
	return st, state.RemoveJournal(cfg.Settings.State.Path)
}

// reportLeftover says what was found out of the last apply, which broke off or left
// operations behind whose outcomes it did not know.
func (a *app) reportLeftover(left *state.Leftover, settled []apply.Settled, broke bool) {
	found := 0
	for _, s := range settled {
		if s.Done {
			found++
		}
	}
	if !broke {
		a.warn(fmt.Sprintf("of %s of the last apply it was not known whether they were done: %d were, and the state has them now",
			render.Count(len(settled), "operation", "operations"), found))
		return
	}
	done := left.Done + found
	a.warn(fmt.Sprintf("the last apply broke off after %s; the state now has what was done. Go on with its plan (%s), or plan again",
		render.Count(done, "operation", "operations"), render.ShortID(left.Plan)))
	for _, s := range settled {
		if s.Done && s.Action == plan.IssueToken {
			a.warn(s.Address() + ": a token was issued just then; if its activation code was to be written down, it may be missing")
		}
	}
	if left.Unread > 0 {
		a.warn(fmt.Sprintf("its journal could not be read from line %d on; what stood there is found again by comparing", left.Unread))
	}
}

// inspector looks into LoginTC for apply.
type inspector struct{ *logintc.Reader }

func (i inspector) Members(ctx context.Context, domainID string) ([]identity.Account, error) {
	listing, err := i.DomainUsers(ctx, domainID, nil)
	return listing.Accounts, err
}

func (i inspector) Organization(ctx context.Context) ([]identity.Account, error) {
	listing, err := i.Users(ctx, nil)
	return listing.Accounts, err
}

// Look implements apply.Inspector.
func (i inspector) Look(ctx context.Context, id string) (apply.JobProgress, error) {
	return lookAtJob(ctx, i.Reader, id)
}
