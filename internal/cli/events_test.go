package cli_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rollcall-cli/rollcall/internal/plan"
	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
)

// line is an event as a program reads it.
type line struct {
	Timestamp string `json:"@timestamp"`
	Level     string `json:"@level"`
	Message   string `json:"@message"`
	Type      string
	Plan      string
	Operation struct{ Address, Action, Username, Reason string }
	Elapsed   *float64 `json:"elapsed_seconds"`
	Error     string
	Changes   plan.Summary
	Problem   struct{ Severity, Summary string } `json:"diagnostic"`
	Version   struct{ Rollcall string }
}

func readEvents(t *testing.T, out string) (events []line, types map[string]int) {
	t.Helper()
	types = map[string]int{}
	for text := range strings.Lines(out) {
		var one line
		if err := json.Unmarshal([]byte(text), &one); err != nil {
			t.Fatalf("%v in %q", err, text)
		}
		if one.Timestamp == "" || one.Level == "" || one.Message == "" {
			t.Errorf("incomplete: %s", text)
		}
		events, types[one.Type] = append(events, one), types[one.Type]+1
	}
	return events, types
}

// Plan, show and apply of one plan agree on every count, in every format.
func TestCountsAgree(t *testing.T) {
	t.Parallel()
	s := newSite(t, ldaptest.People(40))
	s.configure(s.slapd.LDAPSURL, 9)
	s.run(0, "apply", "--auto-approve")
	for _, i := range []int{2, 6, 8} {
		if err := s.slapd.Delete(dnOf(ldaptest.Person(i))); err != nil {
			t.Fatal(err)
		}
	}
	for _, i := range []int{10, 12} {
		if err := s.slapd.Replace(dnOf(ldaptest.Person(i)), "displayName", "Another Name"); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.slapd.Add(strings.ReplaceAll(ldaptest.Person(7), "user000007", "newcomer")); err != nil {
		t.Fatal(err)
	}
	if err := s.slapd.Join(ldaptest.Group("vpn"), dnOf(strings.ReplaceAll(ldaptest.Person(7), "user000007", "newcomer"))); err != nil {
		t.Fatal(err)
	}
	text := s.run(0, "plan", "--out", "p.plan", "--json-into", "p.json")
	var document struct{ Summary plan.Summary }
	if err := json.Unmarshal([]byte(s.run(0, "show", "p.plan", "--json")), &document); err != nil {
		t.Fatal(err)
	}
	beside, err := os.ReadFile(filepath.Join(s.folder, "p.json"))
	if err != nil || string(beside) != s.run(0, "show", "p.plan", "--json") {
		t.Errorf("--json-into: %v", err)
	}
	want := document.Summary
	if want.Add != 1 || want.Change != 2 || want.Remove != 4 { // user000006 leaves both domains
		t.Fatalf("%+v", want)
	}
	counts := fmt.Sprintf("Plan: %d to add, %d to change, %d to remove.", want.Add, want.Change, want.Remove)
	for what, shown := range map[string]string{
		"plan": text, "show": s.run(0, "show", "p.plan"), "compact": s.run(0, "show", "p.plan", "--compact"),
		"a part": s.run(0, "show", "p.plan", "--only", "remove"),
	} {
		if !strings.Contains(shown, counts) {
			t.Errorf("%s: no %q in\n%s", what, counts, shown)
		}
	}
	comment := s.run(0, "show", "p.plan", "--markdown")
	plain := regexp.MustCompile(`&#(\d+);`).ReplaceAllStringFunc(comment, func(ref string) string {
		var r rune
		_, _ = fmt.Sscanf(ref, "&#%d;", &r)
		return string(r)
	})
	if !strings.Contains(plain, counts) || len(regexp.MustCompile(`(?m)^- domain\.`).FindAllString(plain, -1)) != want.Remove {
		t.Error(comment)
	}
	s.run(0, "show", "p.plan", "--html", "p.html")
	page, err := os.ReadFile(filepath.Join(s.folder, "p.html"))
	if err != nil || !strings.Contains(string(page), counts) || strings.Count(string(page), `<tr class="remove"`) != want.Remove ||
		strings.Count(string(page), `<tr class="change"`) != want.Change || strings.Count(string(page), `<tr class="add"`) != want.Add {
		t.Errorf("%v\n%s", err, page)
	}
	for what, c := range map[string]struct{ only, line string }{
		"removals":  {"remove", `(?m)^  - user`},
		"changes":   {"change", `(?m)^  ~ user`},
		"additions": {"add", `(?m)^  \+ newcomer`},
	} {
		lines := len(regexp.MustCompile(c.line).FindAllString(s.run(0, "show", "p.plan", "--only", c.only), -1))
		if wanted := map[string]int{"remove": want.Remove, "change": want.Change, "add": want.Add}[c.only]; lines != wanted {
			t.Errorf("%s: %d lines, want %d", what, lines, wanted)
		}
	}
	events, types := readEvents(t, s.run(0, "apply", "p.plan", "--json"))
	last := events[len(events)-1]
	done := last.Changes
	if last.Type != "change_summary" || done.Add != want.Add || done.Change != want.Change || done.Remove != want.Remove || done.Tokens != want.Tokens || done.Create != want.Create {
		t.Errorf("%+v, want %+v", last, want)
	}
	if events[0].Type != "version" || types["apply_start"] != types["apply_complete"] || types["planned_change"] != types["apply_complete"] || types["apply_errored"] != 0 {
		t.Errorf("%v", types)
	}
}

// What fails is an event as well, and nothing else is printed.
func TestEventsOfFailures(t *testing.T) {
	t.Parallel()
	s := newSite(t, ldaptest.People(4))
	events, _ := readEvents(t, s.run(1, "apply", "--json"))
	if last := events[len(events)-1]; last.Type != "diagnostic" || last.Problem.Severity != "error" || !strings.Contains(last.Problem.Summary, "--auto-approve") {
		t.Errorf("%+v", last)
	}
	s.run(0, "plan", "--out", "p.plan")
	s.run(0, "apply", "p.plan", "--json")
	events, _ = readEvents(t, s.run(4, "apply", "p.plan", "--json"))
	if last := events[len(events)-1]; last.Type != "diagnostic" || !strings.Contains(last.Problem.Summary, "it was applied already") {
		t.Errorf("%+v", last)
	}
	write(t, s.folder, "wrong.hcl", []byte("policy \"x\" { sync_mode = \"x\" }\npolicy \"y\" { frob = 1 }\n"))
	events, types := readEvents(t, s.run(1, "apply", "--auto-approve", "--json"))
	if types["diagnostic"] != 2 {
		t.Errorf("%+v", events)
	}
}
