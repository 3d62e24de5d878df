package render

import (
	"bufio"
	"io"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// Users lists people the way LoginTC's own tool does: how many, and a table.
func Users(out io.Writer, people []identity.Person) error {
	w := &writer{Writer: bufio.NewWriter(out)}
	w.line("Fetched %d user(s)", len(people))
	if len(people) == 0 {
		return w.Flush()
	}
	head := []string{"USERNAME", "NAME", "EMAIL"}
	username, name := widest(head[0]), widest(head[1])
	for i := range people {
		username = max(username, widest(value(people[i].Username)))
		name = max(name, widest(value(people[i].Name)))
	}
	w.line("")
	w.line("%s  %s  %s", pad(head[0], username), pad(head[1], name), head[2])
	for i := range people {
		p := &people[i]
		w.line("%s  %s  %s", pad(value(p.Username), username), pad(value(p.Name), name), value(p.Email))
	}
	return w.Flush()
}
