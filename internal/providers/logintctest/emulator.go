package logintctest

import (
	cryptorand "crypto/rand"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Options say what an emulator serves, and how badly.
type Options struct {
	// Data is the organization to start from; the zero value stands for SampleData.
	Data Data
	// PageSize is the number of users on a page of a listing; 0 stands for 100.
	PageSize int
	// Latency is waited before each call of the API.
	Latency time.Duration
	// RateLimit is how many requests a second are served before 429 is answered,
	// with as many at once; 0 for no limit.
	RateLimit float64
	// Faults are tried in order: the first that hits a request decides.
	Faults []Fault
	// API is what is served: "1.3", the documented calls alone, or "sync", those and
	// the assumed ones, which is the default.
	API string
	// JobPace is how long each action of a job takes.
	JobPace time.Duration
	// Now is the clock of RateLimit and of jobs; nil stands for the system's.
	Now func() time.Time
	// Seed makes ids and activation codes the same each time; 0 takes a random one.
	Seed uint64
}

// Emulator is an organization behind an http.Handler. It is safe for concurrent use.
type Emulator struct {
	routes   []route
	sync     bool // the assumed calls and fields are served
	pageSize int
	jobPace  time.Duration
	latency  time.Duration
	limiter  *rate.Limiter // nil: no limit
	now      func() time.Time

	mu     sync.Mutex // guards what follows
	org    *organization
	faults []counted
	calls  []Call
}

// New returns an emulator. The error names the option that is wrong.
func New(opts Options) (*Emulator, error) {
	data := opts.Data
	if data.isZero() {
		data = SampleData()
	}
	if err := data.validate(); err != nil {
		return nil, err
	}
	switch {
	case opts.API != "" && opts.API != "1.3" && opts.API != "sync":
		return nil, fmt.Errorf("API %q is not served: the emulator has 1.3 and sync", opts.API)
	case opts.JobPace < 0:
		return nil, fmt.Errorf("job pace %s is less than 0", opts.JobPace)
	case opts.PageSize < 0:
		return nil, fmt.Errorf("page size %d is less than 1", opts.PageSize)
	case opts.Latency < 0:
		return nil, fmt.Errorf("latency %s is less than 0", opts.Latency)
	case opts.RateLimit < 0:
		return nil, fmt.Errorf("rate limit %g is less than 0", opts.RateLimit)
	}
	e := &Emulator{
		routes: routes(), sync: opts.API != "1.3", pageSize: opts.PageSize, jobPace: opts.JobPace, latency: opts.Latency, now: opts.Now,
		org:    newOrganization(data, random(opts.Seed), &organization{sync: opts.API != "1.3"}),
		faults: make([]counted, 0, len(opts.Faults)),
	}
	if e.pageSize == 0 {
		e.pageSize = 100
	}
	if e.sync {
		e.routes = append(e.routes, assumedRoutes()...)
	}
	for _, f := range opts.Faults {
		e.faults = append(e.faults, counted{Fault: f})
	}
	if opts.RateLimit > 0 {
		e.limiter = rate.NewLimiter(rate.Limit(opts.RateLimit), max(1, int(opts.RateLimit)))
	}
	return e, nil
}

func (d *Data) isZero() bool {
	return d.Name == "" && d.APIKey == "" && len(d.Administrators)+len(d.Domains)+len(d.Users) == 0
}

func random(seed uint64) *rand.ChaCha8 {
	var b [32]byte
	binary.LittleEndian.PutUint64(b[:], seed)
	if seed == 0 {
		_, _ = cryptorand.Read(b[:]) // never fails
	}
	return rand.NewChaCha8(b)
}

// Data returns a copy of the organization, its users sorted by username.
func (e *Emulator) Data() Data {
	e.mu.Lock()
	e.advance()
	d := e.org.data()
	e.mu.Unlock()
	slices.SortFunc(d.Users, func(a, b User) int { return strings.Compare(a.Username, b.Username) })
	return d
}

// Update changes the organization by hand, as an administrator would between
// two runs: change gets a copy with its users in the order of listings, and what
// it leaves there becomes the organization if it is valid, else nothing changes
// and the error says why. Pending tokens keep their codes; new ones get one.
// Change must not call the emulator.
func (e *Emulator) Update(change func(*Data)) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.advance()
	d := e.org.data()
	change(&d)
	if err := d.validate(); err != nil {
		return fmt.Errorf("the organization is unchanged: %w", err)
	}
	e.org = newOrganization(d, e.org.rand, e.org)
	return nil
}

// Requests are the calls that were made, in the order in which they were acted on.
type Requests struct {
	// Total is the length of Calls.
	Total int    `json:"total"`
	Calls []Call `json:"calls"`
}

// Call is one request. The emulator's own paths (/emulator/…) are not counted.
type Call struct {
	Method string `json:"method"`
	// Path is as it came, with its query: "/api/users?page=2".
	Path string `json:"path"`
	// Status is what was answered, 0 where the connection was closed instead.
	Status int `json:"status"`
}

// Requests returns all calls since the start or the last Reset. They stay in
// memory, about 150 bytes each.
func (e *Emulator) Requests() Requests {
	e.mu.Lock()
	defer e.mu.Unlock()
	return Requests{Total: len(e.calls), Calls: append([]Call{}, e.calls...)}
}

// Reset forgets the calls and mails. The counts of the faults go on.
func (e *Emulator) Reset() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls, e.org.mails = nil, nil
}
