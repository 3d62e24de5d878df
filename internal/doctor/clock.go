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
	var agree, differ []string
	for _, clock := range clocks {
		skew := clock.Here.Sub(clock.There)
		if skew.Abs() > MaxSkew {
			c.Result = Warning
			c.Remedy = "let NTP set the clocks: Kerberos refuses tickets, and plans expire too early or too late"
		}
		const exact = 2 * time.Second // times come in whole seconds, and travel
		switch by := skew.Abs().Round(time.Second); {
		case skew.Abs() <= exact:
			agree = append(agree, clock.Whose)
		case skew > 0:
			differ = append(differ, fmt.Sprintf("is %s ahead of %s", by, clock.Whose))
		default:
			differ = append(differ, fmt.Sprintf("is %s behind %s", by, clock.Whose))
		}
	}
	if len(agree) > 0 {
		differ = append([]string{"agrees with " + strings.Join(agree, " and ")}, differ...)
	}
	c.Detail = "this machine's clock " + strings.Join(differ, ", ")
	return []Check{c}
}
