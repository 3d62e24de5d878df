package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rollcall-cli/rollcall/bench/floor"
	"github.com/rollcall-cli/rollcall/bench/measure"
	"github.com/rollcall-cli/rollcall/internal/config"
	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/providers/ldap"
	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
	"github.com/rollcall-cli/rollcall/internal/roster"
)

// reader is a way to read the directory.
type reader string

const (
	ldapsearch reader = "ldapsearch"
	bare       reader = "go-ldap"
	rollcall   reader = "rollcall"
)

// readerFlag makes a process of this program one reader: its task comes as JSON from
// standard input, its sample goes to standard output.
const readerFlag = "-reader"

const (
	pageSize = 1000
	baseDN   = "ou=People," + ldaptest.BaseDN
	filter   = "(objectClass=person)"
)

func readers() []reader { return []reader{ldapsearch, bare, rollcall} }

// task is what a reader is told.
type task struct {
	URL, CAFile, Encryption string
	Folder                  string // of the configuration
	Profile                 string // folder; empty for none
}

// sample is one reading.
type sample struct {
	// Seconds are from before the connection to the last entry or the roster, CPU
	// those of the processor in the reading process.
	Seconds float64 `json:"seconds"`
	CPU     float64 `json:"cpu_seconds"`
	// Peak is the greatest resident memory of the process in octets.
	Peak    int64 `json:"peak_octets"`
	Entries int   `json:"entries,omitempty"`
	// Users is the memory in octets that the roster holds, Live the greatest that was
	// in use at the end of a garbage collection while it was read. rollcall alone.
	Users int64 `json:"users_octets,omitempty"`
	Live  int64 `json:"live_octets,omitempty"`
}

// run has a process of this program read.
func (t task) run(ctx context.Context, who reader) (sample, error) {
	program, err := os.Executable()
	if err != nil {
		return sample{}, err
	}
	in, err := json.Marshal(t)
	if err != nil {
		return sample{}, err
	}
	cmd := exec.CommandContext(ctx, program, readerFlag, string(who))
	var out, errors bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &out, &errors
	if err := cmd.Run(); err != nil {
		return sample{}, fmt.Errorf("%w: %s", err, errors.String())
	}
	var s sample
	return s, json.Unmarshal(out.Bytes(), &s)
}

// read is what that process does.
func read(who reader, in io.Reader, out io.Writer) error {
	var t task
	if err := json.NewDecoder(in).Decode(&t); err != nil {
		return err
	}
	var s sample
	var err error
	switch who {
	case ldapsearch:
		s, err = t.ldapsearch()
	case bare:
		s, err = timed(t.bare)
	case rollcall:
		s, err = t.rollcall()
	default:
		err = fmt.Errorf("there is no reader %q", who)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(s)
}

// ldapsearch reads what rollcall asks for and writes it to nowhere.
func (t task) ldapsearch() (sample, error) {
	directory, err := t.floor()
	if err != nil {
		return sample{}, err
	}
	of, err := measure.Run(context.Background(), directory.Ldapsearch())
	return sample{Seconds: of.Seconds, CPU: of.CPU, Peak: of.Peak}, err
}

// timed measures a reading in this process.
func timed(read func() (int, error)) (sample, error) {
	began, before := time.Now(), processor()
	entries, err := read()
	s := sample{Seconds: time.Since(began).Seconds(), CPU: (processor() - before).Seconds(), Entries: entries}
	if err != nil {
		return s, err
	}
	s.Peak, err = residentPeak()
	return s, err
}

func processor() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // it fails for other arguments alone
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// residentPeak is the greatest resident memory of this process in octets. Unlike that
// of getrusage it does not begin with what the parent had.
func residentPeak() (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0, errors.New("/proc/self/status has no VmHWM")
	}
	kilo, err := strconv.ParseInt(fields[0], 10, 64)
	return kilo << 10, err
}

// bare reads with go-ldap alone and throws every entry away.
func (t task) bare() (int, error) {
	directory, err := t.floor()
	if err != nil {
		return 0, err
	}
	return directory.Discard()
}

// search is the search that rollcall is to make.
func (t task) search() floor.Directory {
	return floor.Directory{
		URL: t.URL, CAFile: t.CAFile, Encryption: t.Encryption, BindDN: ldaptest.ReaderDN, BindPassword: ldaptest.ReaderPassword,
		BaseDN: baseDN, Filter: filter, PageSize: pageSize,
	}
}

// floor is that search for the attributes that rollcall asks for.
func (t task) floor() (d floor.Directory, err error) {
	d = t.search()
	d.Attributes, err = t.attributes()
	return d, err
}

// configure writes the configuration that rollcall reads by.
func (t task) configure() error {
	if err := os.Mkdir(t.Folder, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(t.Folder, "bench.hcl"), fmt.Appendf(nil, `
variable "ldap_password" { sensitive = true }

logintc "unused" {
  host    = "localhost"
  api_key = "%064d"
}

%s
domain "unused" {
  id        = "%040d"
  directory = directory.corp
}
`, 0, t.search().Block(), 0), 0o600)
}

func (t task) load() (*config.Directory, error) {
	cfg, problems := config.Load(config.Options{Dir: t.Folder, Vars: []string{"ldap_password=" + ldaptest.ReaderPassword}})
	if cfg == nil {
		return nil, fmt.Errorf("the configuration: %w", problems)
	}
	return cfg.Directories[0], nil
}

// attributes are those that rollcall asks for.
func (t task) attributes() ([]string, error) {
	d, err := t.load()
	if err != nil {
		return nil, err
	}
	return append(d.User.Attributes(), identity.EntryIDAttributes()...), nil
}

// rollcall reads as internal/cli does, and says what the roster weighs.
func (t task) rollcall() (sample, error) {
	d, err := t.load()
	if err != nil {
		return sample{}, err
	}
	stop, err := t.profile()
	if err != nil {
		return sample{}, err
	}
	before, live := heap(), int64(0)
	var all *roster.Roster
	s, err := timed(func() (int, error) {
		from, err := ldap.New(ldap.Options{
			URLs: d.URLs, Encryption: d.Encryption, BindDN: d.BindDN, BindPassword: d.BindPassword, CAFile: d.CAFile,
			FollowReferrals: true, PageSize: uint32(d.PageSize), ConnectTimeout: d.ConnectTimeout, SearchTimeout: d.SearchTimeout, Now: time.Now,
		})
		if err != nil {
			return 0, err
		}
		builder := roster.NewBuilder(roster.Rules{}, d.User.Map, nil)
		search := identity.Search{BaseDN: d.BaseDN, Scope: d.Scope, Filters: []string{d.Filter}, Attributes: d.User.Attributes()}
		evidence, err := from.Read(context.Background(), search, func(page []identity.Entry) error {
			for i := range page {
				builder.Add(&page[i])
			}
			live = max(live, collected())
			return nil
		})
		all = builder.Roster()
		return evidence.Entries, err
	})
	if err != nil {
		return s, err
	}
	if err := stop(); err != nil {
		return s, err
	}
	s.Live = live - before
	s.Users = heap() - before
	if all.Size() != s.Entries {
		return s, fmt.Errorf("%d of %d entries are in the roster", all.Size(), s.Entries)
	}
	return s, nil
}

// heap is the memory in use, after everything else was collected.
func heap() int64 {
	runtime.GC()
	return collected()
}

// collected is the memory that the last garbage collection found in use.
func collected() int64 {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	return int64(live[0].Value.Uint64())
}

// profile begins to take profiles, where they are wanted.
func (t task) profile() (stop func() error, err error) {
	if t.Profile == "" {
		return func() error { return nil }, nil
	}
	runtime.MemProfileRate = 16 << 10
	cpu, err := os.Create(filepath.Join(t.Profile, "cpu.prof"))
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return nil, err
	}
	return func() error {
		pprof.StopCPUProfile()
		allocs, err := os.Create(filepath.Join(t.Profile, "allocs.prof"))
		if err != nil {
			return err
		}
		return errors.Join(cpu.Close(), pprof.Lookup("allocs").WriteTo(allocs, 0), allocs.Close())
	}, nil
}
