package cli_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
	"github.com/rollcall-cli/rollcall/internal/providers/logintctest"
)

// What somebody changed in LoginTC between plan and apply is left alone, and said;
// the rest is done.
func TestChangedSinceThePlan(t *testing.T) {
	t.Parallel()
	s := newSite(t, ldaptest.People(30))
	s.configure(s.slapd.LDAPSURL, 9)
	s.run(0, "apply", "--auto-approve")
	for _, i := range []int{2, 4, 6} { // leavers
		if err := s.slapd.Delete(dnOf(ldaptest.Person(i))); err != nil {
			t.Fatal(err)
		}
	}
	for _, i := range []int{8, 10} { // others get another name
		if err := s.slapd.Replace(dnOf(ldaptest.Person(i)), "displayName", "Another Name"); err != nil {
			t.Fatal(err)
		}
	}
	s.run(0, "plan", "--out", "reviewed.plan")
	change := func(d *logintctest.Data) {
		for i := range d.Users {
			switch u := &d.Users[i]; u.Username {
			case "user000002": // gone by hand already
				u.Domains = slices.DeleteFunc(u.Domains, func(id string) bool { return id == vpnID })
				delete(u.Tokens, vpnID)
			case "user000004":
				u.Name = "Kept By Hand"
			case "user000008":
				u.Email = "by.hand@example.com"
			}
		}
	}
	if err := s.logintc.Update(change); err != nil {
		t.Fatal(err)
	}
	s.logintc.Reset()
	out := s.run(4, "apply", "reviewed.plan", "--receipt", "receipt.jsonl")
	for _, want := range []string{
		`domain.vpn["user000002"]: leave_domain was not done, since LoginTC changed after the plan was made: it is no member any more`,
		`domain.vpn["user000004"]: leave_domain was not done, since LoginTC changed after the plan was made: it has name "Kept By Hand"`,
		`["user000008"]: update_user was not done, since LoginTC changed after the plan was made: it has name`,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("nothing says %s in\n%s", want, out)
		}
	}
	var paths []string
	for _, call := range writesOf(s.logintc.Emulator) {
		paths = append(paths, call.Method)
	}
	slices.Sort(paths)
	if !slices.Equal(paths, []string{"DELETE", "DELETE", "PUT"}) { // user000006 leaves both domains, user000010 is renamed
		t.Errorf("%v", paths)
	}
	for _, u := range s.logintc.Data().Users {
		switch u.Username {
		case "user000004":
			if !slices.Contains(u.Domains, vpnID) || u.Name != "Kept By Hand" {
				t.Errorf("%+v", u)
			}
		case "user000006":
			if slices.Contains(u.Domains, vpnID) {
				t.Errorf("%+v", u)
			}
		case "user000010":
			if u.Name != "Another Name" {
				t.Errorf("%+v", u)
			}
		}
	}
	// The next plan has what is left, with what there is now.
	s.run(0, "apply", "--auto-approve")
	if got := string(membersOf(s.logintc.Data(), vpnID)); strings.Contains(got, "user000004") || strings.Contains(got, "by.hand") {
		t.Error(got)
	}
}
