package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/rollcall-cli/rollcall/internal/atomicfile"
	"github.com/rollcall-cli/rollcall/internal/doctor"
	"github.com/rollcall-cli/rollcall/internal/render"
	"github.com/rollcall-cli/rollcall/internal/state"
)

// checkState looks at the state, its lock and where it is kept, and changes none of them.
func (e *examination) checkState(ctx context.Context) doctor.Section {
	s := doctor.Section{Name: "State"}
	kept := e.cfg.Settings.State
	store, err := e.store(ctx, e.cfg)
	if err != nil {
		s.Add("state", doctor.Failed, "%s", err).Remedy = "correct the state block, or what it needs: credentials, network, an identity"
		s.Skip("", "the state can not be opened", "lock")
		return s
	}
	e.checkContent(ctx, &s, store)
	e.checkLock(ctx, &s, store)
	if kept.URL == "" {
		checkFile(&s, kept.Path)
		checkFolder(&s, filepath.Dir(kept.Path))
	}
	return s
}

func (e *examination) checkContent(ctx context.Context, s *doctor.Section, store stateStore) {
	st, err := store.Load(ctx)
	if err != nil {
		s.Add("state", doctor.Failed, "%s", err).Remedy = "nothing is applied until it can be read; docs/state.md says how to come back from it"
		return
	}
	if st.Lineage == "" {
		s.Add("state", doctor.OK, "there is none yet: the first apply makes it")
	} else {
		members := 0
		for _, name := range st.DomainNames() {
			members += len(st.Members(name))
		}
		s.Add("state", doctor.OK, "serial %d, lineage %s: %s of %s", st.Serial, st.Lineage,
			render.Count(members, "member", "members"), render.Count(len(st.DomainNames()), "domain", "domains"))
	}
	if hasJournal(e.cfg) {
		s.Add("journal", doctor.Warning, "an apply is under way or broke off: there is %s", state.JournalPath(e.cfg.Settings.State.Path)).Remedy = "if nobody holds the lock: rollcall plan takes in what was done"
	} else if left := st.Unsettled(); left != nil {
		s.Add("journal", doctor.Warning, "of %s of the last apply it is not known whether they were done",
			render.Count(len(left.Open), "operation", "operations")).Remedy = "rollcall plan finds it out"
	}
}

func (e *examination) checkLock(ctx context.Context, s *doctor.Section, store stateStore) {
	held, holder, err := store.Holder(ctx)
	switch {
	case err != nil:
		s.Add("lock", doctor.Failed, "%s", err).Remedy = "without its lock the state can not be written"
	case !held:
		s.Add("lock", doctor.OK, "nobody holds it")
	default:
		by := "a run that can not be told"
		if holder.Operation != "" {
			by = fmt.Sprintf("%s (process %d of %s on %s) since %s", holder.Operation, holder.PID, holder.User, holder.Host, holder.Since.UTC().Format(time.RFC3339))
		}
		check := s.Add("lock", doctor.Warning, "held by %s", by)
		check.Remedy = "wait until that run has ended"
		if holder.ID != "" {
			check.Remedy += "; if it is dead: rollcall lock break " + holder.ID
		}
	}
}

// checkFile looks at who may read the file of the state, which names people.
func checkFile(s *doctor.Section, path string) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		s.Add("permissions", doctor.Failed, "%s", err).Remedy = "let the account that runs rollcall own the file and its folder"
	case info.Mode().IsRegular() && info.Mode().Perm()&^atomicfile.Mode != 0:
		s.Add("permissions", doctor.Warning, "%s has mode %04o: others may read who has access, or change it", path, info.Mode().Perm()).Remedy = "chmod 600 " + path
	default:
		s.Add("permissions", doctor.OK, "%s has mode %04o", path, info.Mode().Perm())
	}
}

// checkFolder looks whether a state could be written, without writing anything.
func checkFolder(s *doctor.Section, folder string) {
	info, err := os.Stat(folder)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is no folder", folder)
	}
	if err == nil {
		err = mayWrite(folder)
	}
	if err != nil {
		s.Add("folder", doctor.Failed, "no state can be written: %s", err).Remedy = "make the folder of the state, on a disk that may be written to, and let the account that runs rollcall own it"
		return
	}
	s.Add("folder", doctor.OK, "%s can be written to", folder)
}
