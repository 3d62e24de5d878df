// Ldapread measures what reading a directory costs: a slapd on loopback with
// generated people is read in turn by ldapsearch, by a paged search with go-ldap
// that throws every entry away, and as rollcall reads it, mapped and made a roster.
//
//	bench/ldapread.sh [-n SIZES] [-encryption LIST] [-rounds N] [-json FILE] [-profile FOLDER]
//
// Each reading is a process of its own, which says how long the reading took, how
// much processor time, and its greatest resident memory; docs/performance.md says what
// is to be learned of it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rollcall-cli/rollcall/bench/measure"
	"github.com/rollcall-cli/rollcall/internal/providers/ldap"
	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
)

// options are what the command line says.
type options struct {
	sizes       []int
	encryptions []string
	rounds      int
	timeout     time.Duration
	json        string
	profile     string
}

func main() {
	measure.Main()
	progress := log.New(os.Stderr, "ldapread: ", 0)
	if err := run(os.Args[1:], os.Stdin, os.Stdout, progress); err != nil {
		progress.Fatal(err)
	}
}

func run(args []string, in io.Reader, out io.Writer, progress *log.Logger) error {
	if len(args) == 2 && args[0] == readerFlag {
		return read(reader(args[1]), in, out)
	}
	o, err := parse(args)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), o.timeout)
	defer cancel()
	var results []result
	for _, size := range o.sizes {
		of, err := o.measureSize(ctx, size, progress)
		if err != nil {
			return fmt.Errorf("%d people: %w", size, err)
		}
		results = append(results, of...)
	}
	if o.json != "" {
		document, err := json.MarshalIndent(results, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(o.json, append(document, '\n'), 0o600); err != nil {
			return err
		}
	}
	return table(out, results)
}

func parse(args []string) (options, error) {
	var o options
	var sizes, encryptions string
	flags := flag.NewFlagSet("ldapread", flag.ContinueOnError)
	flags.StringVar(&sizes, "n", "10000,100000", "how many people the directory has; several with commas")
	flags.StringVar(&encryptions, "encryption", "none,ssl", "of the connection: none, ssl, starttls; several with commas")
	flags.IntVar(&o.rounds, "rounds", 5, "how often each reader reads, in turn")
	flags.DurationVar(&o.timeout, "timeout", 15*time.Minute, "bounds the whole run")
	flags.StringVar(&o.json, "json", "", "write every reading to this file")
	flags.StringVar(&o.profile, "profile", "", "let rollcall read once more and write profiles to this folder: cpu.prof, allocs.prof")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	for field := range strings.SplitSeq(sizes, ",") {
		n, err := strconv.Atoi(field)
		if err != nil || n < 1 {
			return o, fmt.Errorf("-n: %q is no number of people", field)
		}
		o.sizes = append(o.sizes, n)
	}
	known := []string{ldap.EncryptionNone, ldap.EncryptionSSL, ldap.EncryptionStartTLS}
	for field := range strings.SplitSeq(encryptions, ",") {
		if !slices.Contains(known, field) {
			return o, fmt.Errorf("-encryption: %q is none of %s", field, strings.Join(known, ", "))
		}
		o.encryptions = append(o.encryptions, field)
	}
	if o.rounds < 1 {
		return o, errors.New("-rounds: there must be at least one")
	}
	return o, nil
}

// measureSize measures all readers against one server.
func (o *options) measureSize(ctx context.Context, size int, progress *log.Logger) (_ []result, err error) {
	folder, err := os.MkdirTemp("", "ldapread-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	began := time.Now()
	server, err := ldaptest.NewSlapd(folder, ldaptest.SlapdOptions{LDIF: ldaptest.People(size)})
	if err != nil {
		return nil, err
	}
	defer server.Close()
	progress.Printf("%d people: slapd is loaded after %.1f s", size, time.Since(began).Seconds())
	var results []result
	for _, encryption := range o.encryptions {
		t := task{URL: server.URL, CAFile: server.CAFile, Encryption: encryption, Folder: filepath.Join(folder, encryption)}
		if encryption == ldap.EncryptionSSL {
			t.URL = server.LDAPSURL
		}
		if err := t.configure(); err != nil {
			return nil, err
		}
		r := result{Size: size, Encryption: encryption, Samples: map[reader][]sample{}}
		if err := r.measure(ctx, t, o.rounds, progress); err != nil {
			return nil, fmt.Errorf("encryption %s: %w", encryption, err)
		}
		results = append(results, r)
		if t.Profile = o.profile; t.Profile == "" {
			continue
		}
		if _, err := t.run(ctx, rollcall); err != nil {
			return nil, fmt.Errorf("%s: %w", rollcall, err)
		}
	}
	return results, nil
}

// result is what was measured of one directory over one kind of connection.
type result struct {
	Size       int                 `json:"size"`
	Encryption string              `json:"encryption"`
	Samples    map[reader][]sample `json:"samples"`
}

// measure lets the readers read in turn, each round begun by another, after one
// round that does not count: the server has everything in memory then.
func (r *result) measure(ctx context.Context, t task, rounds int, progress *log.Logger) error {
	all := readers()
	for round := range rounds + 1 {
		for i := range all {
			who := all[(round+i)%len(all)]
			s, err := t.run(ctx, who)
			if err != nil {
				return fmt.Errorf("%s: %w", who, err)
			}
			if who != ldapsearch && s.Entries != r.Size {
				return fmt.Errorf("%s read %d entries of %d", who, s.Entries, r.Size)
			}
			if round > 0 {
				r.Samples[who] = append(r.Samples[who], s)
			}
		}
		progress.Printf("%d people, encryption %s: round %d of %d", r.Size, r.Encryption, round, rounds)
	}
	return nil
}
