package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// Use is an attribute of entries that expressions use.
type Use struct {
	Attribute string
	// Fields are the fields of the user block that name it, such as "email". Without any it
	// is one of several of which a server has some, and whoever lacks them all is withheld.
	Fields []string
	// First says that the first value alone is used.
	First bool
}

// Survey counts the attributes of entries. It keeps nothing of an entry.
type Survey struct {
	uses []Use
	// Entries counts the entries.
	Entries       int
	came, several []int // by the place in uses
}

// NewSurvey returns a survey without entries.
func NewSurvey(uses []Use) *Survey {
	return &Survey{uses: uses, came: make([]int, len(uses)), several: make([]int, len(uses))}
}

// Add counts the attributes of an entry.
func (s *Survey) Add(e *identity.Entry) {
	s.Entries++
	for i := range s.uses {
		values := e.Values(s.uses[i].Attribute)
		if len(values) > 0 {
			s.came[i]++
		}
		if len(values) > 1 {
			s.several[i]++
		}
	}
}

// Checks says which attributes came, which never did, and of which there were several
// values where one is used. Nobody says that no entry could be mapped at all.
func (s *Survey) Checks(nobody bool) []Check {
	if s.Entries == 0 {
		return nil
	}
	var checks []Check
	var present []string
	for i, use := range s.uses {
		if s.came[i] == 0 {
			if len(use.Fields) > 0 {
				checks = append(checks, never(use, s.Entries, nobody))
			}
			continue
		}
		present = append(present, fmt.Sprintf("%s in %s", use.Attribute, outOf(s.came[i], s.Entries)))
	}
	if len(present) > 0 {
		checks = slices.Insert(checks, 0, Check{Name: "attributes", Result: OK, Detail: strings.Join(present, ", ")})
	}
	for i, use := range s.uses {
		if use.First && s.several[i] > 0 {
			checks = append(checks, Check{Name: "values", Result: OK, Detail: fmt.Sprintf(
				"%s has several values in %s: the one that sorts first is taken", use.Attribute, outOf(s.several[i], s.Entries))})
		}
	}
	return checks
}

func never(use Use, entries int, nobody bool) Check {
	result := Warning
	if nobody {
		result = Failed
	}
	return Check{
		Name: "attributes", Result: result, Detail: fmt.Sprintf("%s never came: in 0 of %d entries", use.Attribute, entries),
		Remedy: fmt.Sprintf("the bind account may not read it, or nobody has it: let the account read it, or change user.%s", strings.Join(use.Fields, " and user.")),
	}
}

func outOf(n, all int) string {
	if n == all {
		return fmt.Sprintf("all %d", all)
	}
	return fmt.Sprintf("%d of %d", n, all)
}
