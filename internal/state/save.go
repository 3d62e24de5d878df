package state

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/google/uuid"

	"github.com/rollcall-cli/rollcall/internal/atomicfile"
	"github.com/rollcall-cli/rollcall/internal/canonical"
)

// Backups is how many earlier states are kept, PATH.backup.1 being the newest.
const Backups = 5

// Save writes the state to the file at path if anything of it changed. The caller
// holds the lock. It refuses to replace a state that is not the one that was loaded.
func Save(path string, s *State, version string) error {
	present := func() (io.ReadCloser, error) {
		file, err := os.Open(path)
		if errors.Is(err, os.ErrNotExist) {
			return nil, nil
		} else if err != nil {
			return nil, err
		}
		return file, nil
	}
	return s.Replace("the state "+path, version, present, func(next Replacement) error {
		if next.Changed {
			if err := backUp(path); err != nil {
				return fmt.Errorf("the state is not written, since no backup of the last one could be made: %w", err)
			}
		}
		if err := atomicfile.Write(path, next.Encode); err != nil {
			return fmt.Errorf("writing the state: %w", err)
		}
		return nil
	})
}

// Replacement is a state that is about to be written.
type Replacement struct {
	*State
	// Changed says that content changed, and not observations alone.
	Changed bool
	// Before is the serial of what is there now, 0 where nothing is.
	Before uint64
}

// Replace writes the state wherever it is kept, if anything of it changed: put is
// called with what to write, and the state is as written if put returns no error. The
// serial moves by one if content changed. Present opens what is there now, nil where
// nothing is: a state that is not the one that was loaded is not replaced. Name says in
// errors what it is.
func (s *State) Replace(name, version string, present func() (io.ReadCloser, error), put func(Replacement) error) error {
	if !s.changed && !s.observed {
		return nil
	}
	if err := s.unmoved(name, present); err != nil {
		return err
	}
	next := *s
	next.Version = version
	if next.Lineage == "" {
		lineage, err := uuid.NewRandom()
		if err != nil {
			return err
		}
		next.Lineage = lineage.String()
	}
	if s.changed {
		if !s.started {
			next.progress = nil // its plan was computed from what is no more
		}
		next.Serial++
	}
	if err := put(Replacement{&next, s.changed, s.base.serial}); err != nil {
		return err
	}
	next.changed, next.observed = false, false
	next.base = head{next.Lineage, next.Serial}
	*s = next
	return nil
}

// Over lets the state replace another one, where Replace would find that it is not the
// one that was loaded. It refuses one of another lineage, and one that is newer.
func (s *State) Over(present *State) error {
	switch {
	case present.Lineage != "" && s.Lineage != present.Lineage:
		return fmt.Errorf("it has lineage %s and the present state %s: it is another state; nothing was changed", s.Lineage, present.Lineage)
	case s.Serial < present.Serial:
		return fmt.Errorf("it has serial %d and the present state %d: it is older; nothing was changed", s.Serial, present.Serial)
	}
	s.base, s.cipher, s.changed, s.started = present.base, present.cipher, true, true
	return nil
}

// unmoved checks that what is there now is still what was loaded.
func (s *State) unmoved(name string, present func() (io.ReadCloser, error)) error {
	there, err := present()
	if err != nil {
		return err
	}
	if there == nil {
		if s.base.serial == 0 {
			return nil
		}
		return fmt.Errorf("%s is gone since it was read; nothing was written", name)
	}
	defer func() { _ = there.Close() }()
	now, err := readHead(newSource(there))
	if err != nil {
		return fmt.Errorf("%s was damaged since it was read: %w", name, err)
	}
	if now.base != s.base {
		return fmt.Errorf("%s was replaced since it was read (lineage %q serial %d then, lineage %q serial %d now); nothing was written",
			name, s.base.lineage, s.base.serial, now.Lineage, now.Serial)
	}
	return nil
}

// Encode writes the state as its file: the head, so that it can be read alone, and the
// rest, encrypted where there is a cipher.
func (s *State) Encode(out io.Writer) error {
	if s.cipher == nil {
		return s.EncodePlain(out)
	}
	w := canonical.NewWriter(out, true)
	s.encodeHead(w)
	w.Raw("  \"encrypted\": \"")
	if err := w.Flush(); err != nil {
		return err
	}
	text := base64.NewEncoder(base64.StdEncoding, out)
	sealed, err := s.cipher.Encrypt(text)
	if err != nil {
		return err
	}
	if err := errors.Join(s.EncodePlain(sealed), sealed.Close(), text.Close()); err != nil {
		return err
	}
	w.Raw("\"\n}\n")
	return w.Flush()
}

func (s *State) encodeHead(w *canonical.Writer) {
	w.Field("{\n  \"format_version\": ", FormatVersion)
	w.Field(",\n  \"lineage\": ", s.Lineage)
	w.Field(",\n  \"serial\": ", s.Serial)
	w.Field(",\n  \"rollcall_version\": ", s.Version)
	w.Raw(",\n")
}

// EncodePlain writes the state as people read it: a line for each member.
func (s *State) EncodePlain(out io.Writer) error {
	w := canonical.NewWriter(out, true)
	s.encodeHead(w)
	w.Raw("  \"domains\": {")
	for i, name := range s.DomainNames() {
		w.Field(separator(i, "\n    "), name)
		w.Field(": {\n      \"id\": ", s.domains[name].id)
		w.Field(",\n      \"scope\": ", s.domains[name].scope)
		w.Raw(",\n      \"members\": [")
		members := s.Members(name)
		for j := range members {
			w.Raw(separator(j, "\n        "))
			line, err := encodeMember(w.Pending(), &members[j], true)
			if err != nil {
				w.Fail(err)
			}
			w.Append(line)
		}
		w.Raw("\n      ]")
		if others := s.domains[name].others; others != nil {
			w.Field(",\n      \"others\": ", others)
		}
		w.Raw("\n    }")
	}
	w.Field("\n  },\n  \"directories\": ", s.directories)
	w.Field(",\n  \"applied\": ", s.applied)
	if len(s.approvals) > 0 {
		w.Field(",\n  \"approvals\": ", s.approvals)
	}
	if s.progress != nil {
		w.Field(",\n  \"unfinished\": ", s.progress)
	}
	w.Raw("\n}\n")
	return w.Flush()
}

// separator is what stands before the element at i.
func separator(i int, indent string) string {
	if i == 0 {
		return indent
	}
	return "," + indent
}

// backUp keeps the present file as backup 1 and moves the earlier ones up. At
// every moment the present file is there.
func backUp(path string) error {
	if err := atomicfile.CheckRegular(path); err != nil {
		return err
	}
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	for i := Backups - 1; i >= 1; i-- {
		if err := os.Rename(Backup(path, i), Backup(path, i+1)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if os.Link(path, Backup(path, 1)) == nil {
		return nil
	}
	// Some file systems have no hard links.
	source, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }()
	return atomicfile.Write(Backup(path, 1), func(w io.Writer) error {
		_, err := io.Copy(w, source)
		return err
	})
}

// Backup names a backup of the state at path, 1 being the newest.
func Backup(path string, n int) string { return fmt.Sprintf("%s.backup.%d", path, n) }
