package identity

import "time"

// Evidence says how one search was answered. There is evidence only of a search
// that the source said was complete.
type Evidence struct {
	// Server is the URL that answered, or the path of an export. Never a credential.
	Server string `json:"server"`
	BaseDN string `json:"base_dn"`
	Scope  Scope  `json:"scope"`
	Filter string `json:"filter"`
	// Entries counts the entries returned, Pages the pages that they came in.
	Entries int `json:"entries"`
	Pages   int `json:"pages"`
	// Referrals are the referred URLs that were followed, in order;
	// ReferralsIgnored counts those left alone because the configuration says so.
	Referrals        []string  `json:"referrals,omitempty"`
	ReferralsIgnored int       `json:"referrals_ignored,omitempty"`
	Started          time.Time `json:"started"`
	Ended            time.Time `json:"ended"`
}
