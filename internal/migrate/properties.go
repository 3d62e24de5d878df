// Package migrate turns the properties file and the options of LoginTC's own sync
// tool into a configuration of rollcall that does the same.
//
// It is pure: text in, text out. Passwords and keys are looked at only to see
// whether there are any; they are in nothing that it returns, errors included.
package migrate

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/agext/levenshtein"
)

// The sections of a properties file.
const (
	sectionLoginTC = "logintc"
	sectionLDAP    = "ldap"
)

// Properties is a properties file: the value of each property and its line.
type Properties struct {
	file   string
	values map[property]setting
}

// property names a property by its section and the first of its spellings.
type property struct{ section, name string }

// setting is a value with the line on which it stands.
type setting struct {
	value string
	line  int
}

// Error is what is wrong with one line of a properties file.
type Error struct {
	File string
	// Line counts from 1; 0 where the file as a whole lacks something.
	Line   int
	Reason string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Reason)
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Reason)
}

// problems are what is wrong with a file.
type problems []*Error

// join returns them by line as one error, or nil where there are none.
func (all problems) join() error {
	slices.SortStableFunc(all, func(a, b *Error) int { return cmp.Compare(a.Line, b.Line) })
	errs := make([]error, len(all))
	for i, e := range all {
		errs[i] = e
	}
	return errors.Join(errs...)
}

// spellings returns the properties of a section; the first spelling of each is its
// name. The public documentation names those of [logintc], and of [ldap] host,
// encryption and bind_dn; the other spellings are those that LoginTC's products and
// their like use.
func spellings(section string) [][]string {
	if section == sectionLoginTC {
		return [][]string{
			{"host"},
			{"api_key"},
			{"domain_id"},
			{"proxy_host"},
			{"proxy_port"},
			{"proxy_user", "proxy_username"},
			{"proxy_pass", "proxy_password"},
		}
	}
	all := [][]string{
		{"host"},
		{"port"},
		{"encryption"},
		{"bind_dn"},
		{"bind_password", "bind_pass"},
		{"base_dn", "query", "query_dn", "search_base"},
		{"filter", "user_filter", "query_filter"},
		{"scope"},
		{"page_size"},
		{"cacert", "ca_cert", "ca_file"},
		{"normalize_alias", "normalize_aliases"},
	}
	for _, field := range []string{"username", "name", "email", "phone", "alias1", "alias2", "alias3"} {
		all = append(all, []string{"attr_" + field, field + "_attr", field + "_attribute", "attribute_" + field})
	}
	for _, n := range []string{"1", "2", "3"} {
		all = append(all, []string{"normalize_alias" + n, "alias" + n + "_normalize", "normalize_alias_" + n})
	}
	return all
}

// Parse reads a properties file. File names it in errors. All that is wrong comes
// out together, each an *Error with its line.
func Parse(file string, text []byte) (*Properties, error) {
	p := &Properties{file: file, values: map[property]setting{}}
	content := strings.TrimPrefix(string(text), "\ufeff")
	if !utf8.ValidString(content) {
		return nil, &Error{file, 0, "it is not UTF-8 text: save it as such"}
	}
	var errs problems
	section, number := "", 0
	for line := range strings.SplitSeq(strings.ReplaceAll(content, "\r\n", "\n"), "\n") {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.ContainsRune("#;!", rune(line[0])) {
			continue
		}
		if name, ok := strings.CutPrefix(line, "["); ok {
			name, closed := strings.CutSuffix(name, "]")
			section = strings.ToLower(strings.TrimSpace(name))
			if !closed || section != sectionLoginTC && section != sectionLDAP {
				errs = append(errs, &Error{file, number, "the sections are [logintc] and [ldap]"})
				section = "?"
			}
			continue
		}
		if reason := p.set(section, line, number); reason != "" {
			errs = append(errs, &Error{file, number, reason})
		}
	}
	return p, errs.join()
}

// set takes one line in, or says what is wrong with it. Its value may be a password
// and is not repeated.
func (p *Properties) set(section, line string, number int) string {
	at := strings.IndexAny(line, "=:")
	if at < 0 {
		return "this is neither a section nor a property such as name = value"
	}
	key, value := strings.ToLower(strings.TrimSpace(line[:at])), strings.TrimSpace(line[at+1:])
	switch section {
	case "":
		return "a property before the first section; the sections are [logintc] and [ldap]"
	case "?":
		return "" // the section is reported already
	}
	var known []string
	for _, names := range spellings(section) {
		known = append(known, names...)
		if !slices.Contains(names, key) {
			continue
		}
		name := property{section, names[0]}
		if earlier, twice := p.values[name]; twice {
			return fmt.Sprintf("%s is set already, on line %d", key, earlier.line)
		}
		if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return fmt.Sprintf("the value of %s has a control character", key)
		}
		if value != "" {
			p.values[name] = setting{value, number}
		}
		return ""
	}
	return fmt.Sprintf("%q is not a property of [%s] that rollcall knows.%s Take it out if it is of no use", key, section, suggest(key, known))
}

func suggest(key string, known []string) string {
	best := slices.MinFunc(known, func(a, b string) int {
		return cmp.Compare(levenshtein.Distance(key, a, nil), levenshtein.Distance(key, b, nil))
	})
	if levenshtein.Distance(key, best, nil) > 3 {
		return ""
	}
	return fmt.Sprintf(" Did you mean %q?", best)
}

// get returns a value, or nothing where it is not set or empty.
func (p *Properties) get(section, name string) string { return p.values[property{section, name}].value }

func (p *Properties) has(section, name string) bool { return p.get(section, name) != "" }

// wrong is an error at a property, or about the file where it is not set.
func (p *Properties) wrong(section, name, reason string) *Error {
	s := p.values[property{section, name}]
	return &Error{p.file, s.line, fmt.Sprintf("%s in [%s] %s", name, section, reason)}
}
