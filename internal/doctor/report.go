// Package doctor judges what was found out about a configuration, its directories,
// LoginTC and the state: facts come in, checks with a result and a remedy go out.
//
// It asks nobody anything, and prints nothing.
package doctor

import "fmt"

// Result is what a check came to.
type Result string

// The results. Skipped is a check that could not be made since an earlier one failed.
const (
	OK      Result = "ok"
	Warning Result = "warning"
	Failed  Result = "failed"
	Skipped Result = "skipped"
)

// Check is one thing that was looked at. Its texts may have what a directory or LoginTC
// supplied, as it came.
type Check struct {
	// Subject is what of the section was looked at, such as the URL of a server; empty
	// where there is but one thing.
	Subject string `json:"subject"`
	// Name says which check it is, such as "bind"; docs/doctor.md lists them.
	Name   string `json:"check"`
	Result Result `json:"result"`
	// Detail is what was seen, or for a skipped check why it was not made.
	Detail string `json:"detail"`
	// Items are single cases, the first few.
	Items []string `json:"items"`
	// Remedy is what to do about it; empty where there is nothing to do.
	Remedy string `json:"remedy"`
}

// Section is the checks of one thing.
type Section struct {
	// Name is "Configuration", "LoginTC", "State", "Clock" or the address of a directory
	// or domain.
	Name   string  `json:"section"`
	Checks []Check `json:"checks"`
}

// Add adds a check, whose detail is formatted.
func (s *Section) Add(name string, result Result, detail string, args ...any) *Check {
	return s.Put(Check{Name: name, Result: result, Detail: fmt.Sprintf(detail, args...)})
}

// Put adds a check as it is.
func (s *Section) Put(c Check) *Check {
	if c.Items == nil {
		c.Items = []string{}
	}
	s.Checks = append(s.Checks, c)
	return &s.Checks[len(s.Checks)-1]
}

// Skip adds skipped checks.
func (s *Section) Skip(subject, why string, names ...string) {
	for _, name := range names {
		s.Put(Check{Subject: subject, Name: name, Result: Skipped, Detail: why})
	}
}

// Report is all checks, in the order in which they are shown.
type Report struct {
	Sections []Section
}

// Count returns how many checks came to the result.
func (r *Report) Count(result Result) int {
	n := 0
	for _, s := range r.Sections {
		for i := range s.Checks {
			if s.Checks[i].Result == result {
				n++
			}
		}
	}
	return n
}
