package render

import (
	"bufio"
	"io"
	"strings"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// column is one column of the table of users.
type column struct {
	head  string
	value func(*identity.Person) string
	// optional columns are left out where nobody has a value.
	optional bool
}

func columns() []column {
	alias := func(i int) func(*identity.Person) string {
		return func(p *identity.Person) string {
			name, ok := p.Aliases()[i].Name()
			if !ok && p.Aliases()[i] == identity.NoAlias {
				return "(cleared)"
			}
			return value(name)
		}
	}
	return []column{
		{"USERNAME", func(p *identity.Person) string { return value(p.Username) }, false},
		{"NAME", func(p *identity.Person) string { return value(p.Name) }, false},
		{"EMAIL", func(p *identity.Person) string { return value(p.Email) }, false},
		{"ALIAS1", alias(0), true},
		{"ALIAS2", alias(1), true},
		{"ALIAS3", alias(2), true},
		{"PHONES", func(p *identity.Person) string { return value(strings.Join(p.Phones(), ", ")) }, true},
	}
}

// Users lists people the way LoginTC's own tool does: how many, and a table.
func Users(out io.Writer, people []identity.Person) error {
	w := &writer{Writer: bufio.NewWriter(out)}
	w.line("Fetched %d user(s)", len(people))
	if len(people) == 0 {
		return w.Flush()
	}
	var shown []column
	var widths []int
	for _, c := range columns() {
		width, used := widest(c.head), !c.optional
		for i := range people {
			text := c.value(&people[i])
			width, used = max(width, widest(text)), used || text != ""
		}
		if used {
			shown, widths = append(shown, c), append(widths, width)
		}
	}
	w.line("")
	row := func(cell func(column) string) {
		var line strings.Builder
		for i, c := range shown {
			line.WriteString(pad(cell(c), widths[i]) + "  ")
		}
		w.line("%s", line.String())
	}
	row(func(c column) string { return c.head })
	for i := range people {
		row(func(c column) string { return c.value(&people[i]) })
	}
	return w.Flush()
}
