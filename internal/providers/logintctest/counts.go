package logintctest

import (
	"net/http"
	"strings"
)

// Counts says how many calls there were, without naming each.
type Counts struct {
	Total int `json:"total"`
	// Refused counts those that were answered with 429.
	Refused int `json:"refused"`
	// Calls are by method and path, without the query, {id} standing for every id:
	// "GET /api/domains/{id}/users".
	Calls map[string]int `json:"calls"`
}

// Counts returns the calls since the start or the last Reset.
func (e *Emulator) Counts() Counts {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := Counts{Total: len(e.calls), Calls: map[string]int{}}
	for _, call := range e.calls {
		if call.Status == http.StatusTooManyRequests {
			c.Refused++
		}
		path, _, _ := strings.Cut(call.Path, "?")
		parts := strings.Split(path, "/")
		for i := range parts {
			if isID(parts[i]) {
				parts[i] = "{id}"
			}
		}
		c.Calls[call.Method+" "+strings.Join(parts, "/")]++
	}
	return c
}
