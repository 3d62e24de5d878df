package config

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Three nets keep secrets out of diagnostics, since a diagnostic is written to
// logs of pipelines that many people read:
//
//  1. The shown line is masked where an attribute's name sounds like a secret,
//     and what the parser or evaluator says about such a line is not passed on:
//     both quote what they stumble over.
//  2. What evaluation says of an expression that uses a sensitive variable is
//     not passed on either (evaluate.go).
//  3. Every text is searched for the secrets that are known by then.

const hiddenText = "(sensitive)"

// shortestSecret is the least number of characters that the third net looks
// for: shorter ones would match by chance everywhere.
const shortestSecret = 4

// masker hides, line by line, the values of attributes that may be secret. It
// knows just enough syntax to see where such a value ends, and holds for files
// that have errors: when in doubt it hides more.
type masker struct {
	names *regexp.Regexp
	// hiding says that a value that began on an earlier line goes on.
	hiding   bool
	heredoc  string
	inString bool
	depth    int
}

// secretNames finds attributes whose value may be secret, up to the "=" or ":"
// or, where that was forgotten, the quotation mark. A default counts since it may be that of a
// sensitive variable.
func secretNames() *regexp.Regexp {
	const name = `[\w-]*(?:pas+w|pass|pwd|secret|token|key|credential|bind_p)[\w-]*|default`
	return regexp.MustCompile(`(?i)(?:^|[\s{,(\["])(?:` + name + `)"?\s*[=:]|(?:^|[\s{,(\[])(?:` + name + `)\s*["<]`)
}

// innocentNames are attributes that secretNames would find.
func innocentNames() []string {
	return []string{"token_mode", "bind_password_file", "api_key_file", "client_key_file", "keytab_file"}
}

// anyName finds the value of every attribute.
func anyName() *regexp.Regexp { return regexp.MustCompile(`[=:]`) }

// harmless is the rest of a line that shows no value.
func harmless() *regexp.Regexp {
	return regexp.MustCompile(`^\s*(?:(?:var|local)\.[\w-]+|true|false|null)?[\s,}]*$`)
}

// line returns the next line of the file as it may be shown, and the offset
// where the hidden part begins, or -1.
func (m *masker) line(text string) (shown string, from int) {
	if !m.hiding {
		if from = m.find(text); from < 0 {
			return text, -1
		}
		m.depth = 0
	}
	m.advance(text[from:])
	m.hiding = m.heredoc != "" || m.inString || m.depth > 0
	if !m.hiding && harmless().MatchString(text[from:]) {
		return text, -1
	}
	gap := ""
	if from > 0 && !strings.HasSuffix(text[:from], " ") {
		gap = " "
	}
	return text[:from] + gap + hiddenText, from
}

// find returns where the first value to hide begins.
func (m *masker) find(text string) int {
	for offset := 0; ; {
		loc := m.names.FindStringIndex(text[offset:])
		if loc == nil {
			return -1
		}
		match, end := text[offset+loc[0]:offset+loc[1]], offset+loc[1]
		name := strings.Trim(match, " \t\"=:{,([<")
		if !slices.Contains(innocentNames(), name) {
			if last := match[len(match)-1]; last == '"' || last == '<' {
				end--
			}
			return end
		}
		offset = end
	}
}

// advance follows a value to the end of its line.
func (m *masker) advance(text string) {
	if m.heredoc != "" {
		if strings.TrimSpace(text) == m.heredoc {
			m.heredoc = ""
		}
		return
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case m.inString && c == '\\':
			i++
		case c == '"':
			m.inString = !m.inString
		case m.inString:
		case c == '#' || strings.HasPrefix(text[i:], "//"):
			return
		case c == '(' || c == '[' || c == '{':
			m.depth++
		case c == ')' || c == ']' || c == '}':
			m.depth--
		case strings.HasPrefix(text[i:], "<<"):
			m.heredoc = strings.TrimSpace(strings.TrimPrefix(text[i+2:], "-"))
			return
		}
	}
}

// scrubber replaces known secrets.
type scrubber struct {
	secrets []string
}

// add makes a value known, in the forms that a message may quote it in.
func (s *scrubber) add(secret string) {
	quoted := strconv.Quote(secret)
	for _, form := range []string{secret, strings.TrimSpace(secret), quoted[1 : len(quoted)-1]} {
		if utf8.RuneCountInString(form) >= shortestSecret && !slices.Contains(s.secrets, form) {
			s.secrets = append(s.secrets, form)
		}
	}
	// The longest first: one secret may be a part of another.
	slices.SortFunc(s.secrets, func(x, y string) int {
		return cmp.Or(cmp.Compare(len(y), len(x)), cmp.Compare(x, y))
	})
}

func (s *scrubber) scrub(text string) string {
	for _, secret := range s.secrets {
		text = strings.ReplaceAll(text, secret, hiddenText)
	}
	return text
}
