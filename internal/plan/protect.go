package plan

import (
	"github.com/rollcall-cli/rollcall/internal/identity"
)

// Protects reports whether the policy protects the username.
func (p *Policy) Protects(username string) bool {
	if len(p.Protect) == 0 {
		return false
	}
	name := []rune(string(identity.NewKey(username)))
	for _, pattern := range p.Protect {
		if matches([]rune(string(identity.NewKey(pattern))), name) {
			return true
		}
	}
	return false
}

// matches tells whether the pattern, with * for any characters and ? for one,
// is the whole of the name. It takes time in proportion to the product of the
// lengths at worst.
func matches(pattern, name []rune) bool {
	p, n := 0, 0
	star, resume := -1, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, resume = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[n]):
			p++
			n++
		case star >= 0:
			resume++
			p, n = star+1, resume
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
