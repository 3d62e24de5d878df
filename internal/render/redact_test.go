package render

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
)

// personal are the values of a plan that say who somebody is.
func personal(p *plan.Plan) (values []string) {
	add := func(all ...string) {
		for _, s := range all {
			if len(s) > 3 { // shorter ones stand in words
				values = append(values, s, Escape(s))
			}
		}
	}
	user := func(u *identity.User) {
		if u != nil {
			add(u.Username, u.Name, u.Email)
			for _, alias := range u.Aliases() {
				if name, ok := alias.Name(); ok {
					add(name)
				}
			}
		}
	}
	operation := func(op *plan.Operation) {
		add(op.Username, op.DN, op.EntryID, op.UserID, op.Phone(), op.Renamed())
		user(op.Before)
		user(op.After)
	}
	for i := range p.Operations {
		operation(&p.Operations[i])
	}
	for i := range p.Withheld {
		add(p.Withheld[i].Username, p.Withheld[i].DN)
		if p.Withheld[i].Operation != nil {
			operation(p.Withheld[i].Operation)
		}
	}
	for i := range p.Drift {
		add(p.Drift[i].Username, p.Drift[i].UserID)
		user(p.Drift[i].Before)
		user(p.Drift[i].After)
	}
	for i := range p.Domains {
		add(p.Domains[i].Notify)
		add(p.Domains[i].Others...)
	}
	return values
}

// A redacted plan names nobody in any format, and says the same otherwise.
func TestRedact(t *testing.T) {
	t.Parallel()
	key := []byte("a key that nobody knows")
	schema := planSchema(t, true)
	for name, p := range plans() {
		if name == "hostile" {
			continue // its values stand in its settings as well
		}
		redacted := Redact(p, key)
		if diff := cmp.Diff(p.Summarize(""), redacted.Summarize("")); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		var b strings.Builder
		if err := JSON(&b, redacted); err != nil {
			t.Fatal(err)
		}
		if err := valid(schema, b.String()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		shown := b.String() + textOf(t, redacted, TextOptions{}) + markdownOf(t, redacted, DefaultMarkdown) + htmlOf(t, redacted)
		for _, value := range personal(p) {
			if strings.Contains(shown, value) {
				t.Errorf("%s: %q is still there", name, value)
			}
		}
		if again := Redact(p, key); cmp.Diff(redacted, again) != "" {
			t.Errorf("%s: not stable", name)
		}
	}
	// One person is the same in every plan, whatever the spelling; another key hides it.
	r, other := redactor{key}, redactor{[]byte("another key of somebody")}
	if r.user("Jane.Doe") != r.user("jane.doe") || r.user("jane.doe") == other.user("jane.doe") || r.user("jane.doe") == r.user("john.roe") {
		t.Error(r.user("jane.doe"), other.user("jane.doe"))
	}
}
