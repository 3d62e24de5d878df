package identity

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Limit bounds a number of removals: a count, or a percentage of the members
// that there are.
type Limit struct {
	// Value is a count, or a percentage from 0 to 100.
	Value   float64
	Percent bool
}

// ParseLimit reads "10" or "5%".
func ParseLimit(s string) (Limit, error) {
	digits, percent := strings.CutSuffix(strings.TrimSpace(s), "%")
	value, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	switch {
	case err != nil || math.IsNaN(value) || math.IsInf(value, 0):
		return Limit{}, fmt.Errorf("%q is neither a number such as 10 nor a percentage such as \"5%%\"", s)
	case value < 0:
		return Limit{}, fmt.Errorf("%q is less than 0", s)
	case percent && value > 100:
		return Limit{}, fmt.Errorf("%q is more than 100%%", s)
	case !percent && value != math.Trunc(value):
		return Limit{}, fmt.Errorf("%q is not a whole number", s)
	}
	return Limit{Value: value, Percent: percent}, nil
}

// Of returns how many the limit allows where there are total members. A
// percentage is rounded down, so 5% of 19 allows none.
func (l Limit) Of(total int) int {
	if l.Percent {
		return int(math.Floor(float64(total) * l.Value / 100))
	}
	if l.Value >= math.MaxInt32 {
		return math.MaxInt32
	}
	return int(l.Value)
}

// String gives the form that ParseLimit reads.
func (l Limit) String() string {
	s := strconv.FormatFloat(l.Value, 'f', -1, 64)
	if l.Percent {
		s += "%"
	}
	return s
}

// MarshalText implements encoding.TextMarshaler.
func (l Limit) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *Limit) UnmarshalText(text []byte) error {
	parsed, err := ParseLimit(string(text))
	if err == nil {
		*l = parsed
	}
	return err
}
