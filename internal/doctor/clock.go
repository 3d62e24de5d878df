package doctor

import (
	"fmt"
	"strings"
	"time"
)

// MaxSkew is how far clocks may differ: Kerberos takes no more (RFC 4120, 1.6), and
// plans expire by the clock of whoever applies them.
const MaxSkew = 5 * time.Minute

// Clock is what the clock of a server says, and what this machine's said then.
type Clock struct {
	Whose       string
	There, Here time.Time
}

// Clocks judges how far they are from this machine's. There is nothing to judge where
// no server told its time.
func Clocks(clocks []Clock) []Check {
	if len(clocks) == 0 {
		return nil
	}
	c := Check{Name: "clock", Result: OK}
	var parts []string
	for _, clock := range clocks {
		skew := clock.Here.Sub(clock.There)
		if skew.Abs() > MaxSkew {
			c.Result = Warning
			c.Remedy = "let NTP set the clocks: Kerberos refuses tickets, and plans expire too early or too late"
		}
		parts = append(parts, relation(skew)+" "+clock.Whose)
	}
	c.Detail = "this machine's clock " + strings.Join(parts, ", ")
	return []Check{c}
}

func relation(skew time.Duration) string {
	const exact = 2 * time.Second // times come in whole seconds, and travel
	switch {
	case skew.Abs() <= exact:
		return "agrees with"
	case skew > 0:
		return fmt.Sprintf("is %s ahead of", skew.Round(time.Second))
	}
	return fmt.Sprintf("is %s behind", skew.Abs().Round(time.Second))
}
