package cli

import (
	"errors"
	"regexp"
	"strconv"
)

// approval names a plan and how many removals that limits withheld in it are approved.
type approval struct {
	plan  string
	count int
}

// parseApproval reads PLANID:COUNT; nothing is no approval.
func parseApproval(s string) (*approval, error) {
	if s == "" {
		return nil, nil
	}
	// The id is as plan shows it, or the whole of it.
	parts := regexp.MustCompile(`^([0-9a-f]{12,64}):([1-9][0-9]{0,8})$`).FindStringSubmatch(s)
	if parts == nil {
		return nil, errors.New("--approve-removals is the id of the plan and the count of removals that it withholds, such as f5987e3dcf65:12: plan shows both")
	}
	count, err := strconv.Atoi(parts[2])
	return &approval{parts[1], count}, err
}
