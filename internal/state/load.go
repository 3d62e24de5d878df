package state

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/rollcall-cli/rollcall/internal/atomicfile"
	"github.com/rollcall-cli/rollcall/internal/canonical"
	"github.com/rollcall-cli/rollcall/internal/identity"
)

// DamagedError says that the file at Path is no state that rollcall wrote.
type DamagedError struct {
	Path string
	// Offset is where in the file it was noticed, in octets.
	Offset int64
	Reason string
	// Backup is the newest backup that can be read, or empty.
	Backup string
}

func (e *DamagedError) Error() string {
	remedy := "there is no backup beside it that can be read"
	if strings.Contains(e.Path, "://") {
		remedy = "copy an earlier one over it, as the place that keeps it has them"
	} else if e.Backup != "" {
		remedy = fmt.Sprintf("the newest backup that can be read is %s; to go back to it, copy it over", e.Backup)
	}
	return fmt.Sprintf("the state %s can not be read (at octet %d: %s); nothing was changed; %s", e.Path, e.Offset, e.Reason, remedy)
}

// Load reads the state. Where there is no file yet it returns an empty state,
// without lineage. A file that can not be understood is a *DamagedError. The cipher is as
// in Decode.
func Load(path string, cipher Cipher) (*State, error) {
	s, err := load(path, cipher)
	if damaged, ok := errors.AsType[*DamagedError](err); ok {
		for i := 1; i <= Backups; i++ {
			if _, err := os.Stat(Backup(path, i)); err != nil {
				continue
			}
			if _, err := load(Backup(path, i), cipher); err == nil {
				damaged.Backup = Backup(path, i)
				break
			}
		}
	}
	return s, err
}

func load(path string, cipher Cipher) (*State, error) {
	if err := atomicfile.CheckRegular(path); err != nil {
		return nil, fmt.Errorf("the state: %w", err)
	}
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return Empty(cipher), nil
	} else if err != nil {
		return nil, fmt.Errorf("the state can not be read: %w", err)
	}
	defer func() { _ = file.Close() }()
	return Decode(path, bufio.NewReaderSize(file, 1<<16), cipher)
}

// Empty returns the state of one who has none yet.
func Empty(cipher Cipher) *State {
	s := empty()
	s.cipher = cipher
	return s
}

// formatError says that the file is of another format.
type formatError int

func (e formatError) Error() string {
	return fmt.Sprintf("it has format version %d and this rollcall reads version %d; use the version that wrote it or a newer one", int(e), FormatVersion)
}

// Decode reads a state member by member, so that no more than the state itself
// is held in memory. What can not be understood is a *DamagedError, with path as its
// name. One that is encrypted is decrypted by the cipher; one that is not is read all
// the same, and written encrypted the next time. A nil cipher encrypts nothing.
func Decode(path string, r io.Reader, cipher Cipher) (*State, error) {
	return decode(path, newSource(r), cipher)
}

func decode(path string, d *source, cipher Cipher) (*State, error) {
	s, err := readHead(d)
	if _, ok := errors.AsType[formatError](err); ok {
		return nil, fmt.Errorf("the state %s can not be read: %w", path, err)
	}
	if err == nil {
		err = s.readRest(d, cipher)
	}
	if sealed, ok := errors.AsType[*sealedError](err); ok {
		return nil, fmt.Errorf("the state %s can not be read: %w", path, sealed.err)
	}
	if err == nil {
		if _, extra := d.Token(); !errors.Is(extra, io.EOF) {
			err = errors.New("something stands after its end")
		}
	}
	if err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("it ends too early")
		}
		return nil, &DamagedError{Path: path, Offset: d.Offset(), Reason: err.Error()}
	}
	s.cipher = cipher
	return s, nil
}

// readHead reads the fields before the domains.
func readHead(d *source) (*State, error) {
	s := empty()
	if err := expect(d, json.Delim('{')); err != nil {
		return nil, err
	}
	var format int
	if err := readField(d, "format_version", &format); err != nil {
		return nil, err
	}
	if format != FormatVersion {
		return nil, formatError(format)
	}
	if err := readField(d, "lineage", &s.Lineage); err != nil {
		return nil, err
	}
	if _, err := uuid.Parse(s.Lineage); err != nil {
		return nil, fmt.Errorf("its lineage is no UUID: %w", err)
	}
	if err := readField(d, "serial", &s.Serial); err != nil {
		return nil, err
	}
	s.base = head{s.Lineage, s.Serial}
	return s, readField(d, "rollcall_version", &s.Version)
}

func (s *State) readRest(d *source, cipher Cipher) error {
	token, err := d.Token()
	switch {
	case err != nil:
		return err
	case token == "encrypted":
		return s.readEncrypted(d, cipher)
	case token != "domains":
		return fmt.Errorf("%v stands where domains should", token)
	}
	if err := expect(d, json.Delim('{')); err != nil {
		return err
	}
	for d.More() {
		if err := s.readDomain(d); err != nil {
			return err
		}
	}
	if err := expect(d, json.Delim('}')); err != nil {
		return err
	}
	if err := readField(d, "directories", &s.directories); err != nil {
		return err
	}
	if s.directories == nil {
		s.directories = map[string]Observation{}
	}
	if err := readField(d, "applied", &s.applied); err != nil {
		return err
	}
	if err := s.readOptional(d); err != nil {
		return err
	}
	return expect(d, json.Delim('}'))
}

// readOptional reads the fields at the end, which most states do not have.
func (s *State) readOptional(d *source) error {
	fields := []struct {
		name string
		into any
	}{{"approvals", &s.approvals}, {"unfinished", &s.progress}}
	next := 0
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		for next < len(fields) && fields[next].name != token {
			next++
		}
		if next == len(fields) {
			return fmt.Errorf("%v stands where nothing should", token)
		}
		if err := d.Decode(fields[next].into); err != nil {
			return fmt.Errorf("%s: %w", fields[next].name, err)
		}
		next++
	}
	return nil
}

func (s *State) readDomain(d *source) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	name, ok := token.(string)
	if _, twice := s.domains[name]; !ok || twice {
		return fmt.Errorf("the domain %q stands there twice", name)
	}
	out := &domain{}
	s.domains[name] = out
	if err := expect(d, json.Delim('{')); err != nil {
		return err
	}
	if err := readField(d, "id", &out.id); err != nil {
		return err
	}
	if err := readField(d, "scope", &out.scope); err != nil {
		return err
	}
	if err := errors.Join(expect(d, "members"), expect(d, json.Delim('['))); err != nil {
		return err
	}
	if err := out.read(d, name); err != nil {
		return err
	}
	if err := out.checkOrder(name); err != nil {
		return err
	}
	if err := expect(d, json.Delim(']')); err != nil {
		return err
	}
	if d.More() {
		if err := readField(d, "others", &out.others); err != nil {
			return err
		}
	}
	return expect(d, json.Delim('}'))
}

// read reads the members of the domain of that name.
func (d *domain) read(from *source, name string) error {
	var members canonical.List[identity.Member]
	if err := from.members(&members, &memberReader{}); err != nil {
		return err
	}
	for from.More() {
		var m identity.Member
		if err := from.Decode(&m); err != nil {
			return err
		}
		if m.Username == "" || m.UserID == "" {
			return fmt.Errorf("a member of domain %q has no username or user id", name)
		}
		members.Add(m)
	}
	d.members = members.Slice()
	return nil
}

// checkOrder sorts members that somebody put in another order, and finds two of
// one username.
func (d *domain) checkOrder(name string) error {
	var before identity.Key
	for i := range d.members {
		key := identity.NewKey(d.members[i].Username)
		switch {
		case i > 0 && key == before:
			return fmt.Errorf("domain %q has the member %q twice", name, d.members[i].Username)
		case i > 0 && key < before:
			slices.SortFunc(d.members, func(a, b identity.Member) int {
				return strings.Compare(string(identity.NewKey(a.Username)), string(identity.NewKey(b.Username)))
			})
			return d.checkOrder(name)
		}
		before = key
	}
	return nil
}

// expect reads a token that must be the one.
func expect(d *source, want json.Token) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	if token != want {
		return fmt.Errorf("%v stands where %v should", token, want)
	}
	return nil
}

func readField(d *source, name string, into any) error {
	if err := expect(d, name); err != nil {
		return err
	}
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
