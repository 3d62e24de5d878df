package render

import (
	"fmt"
	"strings"

	"github.com/rollcall-cli/rollcall/internal/plan"
)

// Summary is one line on what a plan comes to. It says that LoginTC matches the
// directories only where nobody who should go stays.
func Summary(p *plan.Plan) string {
	s := p.Summarize("")
	if p.RefreshOnly {
		return refreshSummary(s)
	}
	var uses []string
	var kept, protected int
	for i := range p.Domains {
		d := &p.Domains[i]
		kept += d.Kept
		protected += d.Protected
		if d.Limit.Wanted > 0 {
			uses = append(uses, fmt.Sprintf("%s %d of %d", domainName(d.Name), d.Limit.Used, d.Limit.Allowed))
		}
	}
	var parts []string
	switch {
	case s.Add+s.Change+s.Remove > 0:
		parts = append(parts, fmt.Sprintf("Plan: %d to add, %d to change, %d to remove.", s.Add, s.Change, s.Remove))
	case s.Tokens+s.Phones+s.Groups > 0:
		parts = append(parts, "Plan: 0 to add, 0 to change, 0 to remove.")
		if s.Tokens > 0 {
			parts = append(parts, Count(s.Tokens, "token to issue.", "tokens to issue."))
		}
	case s.Withheld+s.WithheldData+kept+protected > 0:
		parts = append(parts, "No changes.")
	default:
		parts = append(parts, "No changes. LoginTC matches the directories.")
	}
	if s.Phones > 0 {
		parts = append(parts, Count(s.Phones, "phone to associate.", "phones to associate."))
	}
	if s.Groups > 0 {
		parts = append(parts, Count(s.Groups, "user to add to a group.", "users to add to a group."))
	}
	if s.Adopt > 0 {
		parts = append(parts, fmt.Sprintf("%d to adopt.", s.Adopt))
	}
	if len(uses) > 0 {
		parts = append(parts, "Removals used: "+strings.Join(uses, ", ")+".")
	}
	if withheld := withheldParts(s); len(withheld) > 0 {
		parts = append(parts, "Withheld: "+strings.Join(withheld, ", ")+".")
	}
	if kept > 0 {
		parts = append(parts, "Kept though gone from the directory: "+Count(kept, "member.", "members."))
	}
	if s.Drift > 0 {
		parts = append(parts, "Drift: "+Count(s.Drift, "difference.", "differences."))
	}
	if len(p.Failures) > 0 {
		parts = append(parts, "Stopped: nothing of this can be applied.")
	}
	return strings.Join(parts, " ")
}

func withheldParts(s plan.Summary) []string {
	var parts []string
	if s.Withheld > 0 {
		parts = append(parts, Count(s.Withheld, "removal", "removals"))
	}
	if s.WithheldData > 0 {
		parts = append(parts, Count(s.WithheldData, "person for their data", "people for their data"))
	}
	return parts
}

// Applied is one line on what was done of a plan; adopted counts the members that
// became managed by it, which is no operation on LoginTC.
func Applied(done plan.Summary, adopted int) string {
	line := fmt.Sprintf("Applied: %d added, %d changed, %d removed.", done.Add, done.Change, done.Remove)
	if done.Tokens > 0 {
		line += " " + Count(done.Tokens, "token issued.", "tokens issued.")
	}
	if done.Phones > 0 {
		line += " " + Count(done.Phones, "phone associated.", "phones associated.")
	}
	if done.Groups > 0 {
		line += " " + Count(done.Groups, "user added to a group.", "users added to a group.")
	}
	if adopted > 0 {
		line += fmt.Sprintf(" %d adopted.", adopted)
	}
	return line
}

// Count is a number with the thing that it counts.
func Count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
