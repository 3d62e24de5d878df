package measure

import (
	"encoding/json"
	"os"
	"runtime"
	"time"
)

// Part is what the part of a process cost that matters.
type Part struct {
	Seconds float64 `json:"part_seconds,omitempty"`
	// Allocations and Octets are what was allocated.
	Allocations uint64 `json:"allocations,omitempty"`
	Octets      uint64 `json:"octets,omitempty"`
}

// Tell does something, and writes to standard output as JSON what it cost.
func Tell(do func() error) error {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	began := time.Now()
	err := do()
	seconds := time.Since(began).Seconds()
	runtime.ReadMemStats(&after)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(Part{seconds, after.Mallocs - before.Mallocs, after.TotalAlloc - before.TotalAlloc})
}
