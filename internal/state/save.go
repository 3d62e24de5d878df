package state

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/google/uuid"

	"github.com/rollcall-cli/rollcall/internal/atomicfile"
)

// Backups is how many earlier states are kept, PATH.backup.1 being the newest.
const Backups = 5

// Save writes the state if anything of it changed. The serial moves by one if
// content did. The caller holds the lock. It refuses to replace a state that is
// not the one that was loaded.
func Save(path string, s *State, version string) error {
	if !s.changed && !s.observed {
		return nil
	}
	if err := s.unmoved(path); err != nil {
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
		if err := backUp(path); err != nil {
			return fmt.Errorf("the state is not written, since no backup of the last one could be made: %w", err)
		}
	}
	if err := atomicfile.Write(path, next.encode); err != nil {
		return fmt.Errorf("writing the state: %w", err)
	}
	next.changed, next.observed = false, false
	*s = next
	return nil
}

// unmoved checks that the file is still the one that was loaded.
func (s *State) unmoved(path string) error {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		if s.Serial == 0 {
			return nil
		}
		return fmt.Errorf("the state %s is gone since it was read; nothing was written", path)
	} else if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	present, err := readHead(json.NewDecoder(bufio.NewReader(file)))
	if err != nil {
		return fmt.Errorf("the state %s was damaged since it was read: %w", path, err)
	}
	if present.Lineage != s.Lineage || present.Serial != s.Serial {
		return fmt.Errorf("the state %s was replaced since it was read (lineage %q serial %d then, lineage %q serial %d now); nothing was written",
			path, s.Lineage, s.Serial, present.Lineage, present.Serial)
	}
	return nil
}

// encode writes the file: the head first, so that it can be read alone, and a
// line for each member.
func (s *State) encode(w io.Writer) error {
	e := &encoder{w: w}
	e.raw("{\n")
	e.field("  ", "format_version", FormatVersion, ",\n")
	e.field("  ", "lineage", s.Lineage, ",\n")
	e.field("  ", "serial", s.Serial, ",\n")
	e.field("  ", "rollcall_version", s.Version, ",\n")
	e.raw("  \"domains\": {")
	for i, name := range s.DomainNames() {
		e.raw(separator(i, "\n    "))
		e.value(name)
		e.raw(": {\n")
		e.field("      ", "id", s.domains[name].id, ",\n")
		e.field("      ", "scope", s.domains[name].scope, ",\n")
		e.raw("      \"members\": [")
		members := s.Members(name)
		for j := range members {
			e.raw(separator(j, "\n        "))
			e.value(&members[j])
		}
		e.raw("\n      ]")
		if others := s.domains[name].others; others != nil {
			e.field(",\n      ", "others", others, "")
		}
		e.raw("\n    }")
	}
	e.raw("\n  },\n")
	e.field("  ", "directories", s.directories, ",\n")
	e.field("  ", "applied", s.applied, "")
	if len(s.approvals) > 0 {
		e.field(",\n  ", "approvals", s.approvals, "")
	}
	if s.progress != nil {
		e.field(",\n  ", "unfinished", s.progress, "")
	}
	e.raw("\n}\n")
	return e.err
}

// separator is what stands before the element at i.
func separator(i int, indent string) string {
	if i == 0 {
		return indent
	}
	return "," + indent
}

// encoder writes JSON piece by piece and keeps the first error.
type encoder struct {
	w   io.Writer
	err error
}

func (e *encoder) raw(s string) {
	if e.err == nil {
		_, e.err = io.WriteString(e.w, s)
	}
}

func (e *encoder) value(v any) {
	if e.err != nil {
		return
	}
	encoded, err := json.Marshal(v)
	if err != nil {
		e.err = err
		return
	}
	_, e.err = e.w.Write(encoded)
}

func (e *encoder) field(indent, name string, v any, end string) {
	e.raw(indent + `"` + name + `": `)
	e.value(v)
	e.raw(end)
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
