package apply

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/plan"
)

// The journal and the state are read by earlier versions too.
func TestBegunIsAsEncodingJSONHasIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.SampledFrom([]string{"", "jane", "uid=jane", `<j>&"\`, "\u2028", "\xff"}), rapid.String())
		user := func(name string) *identity.User {
			if rapid.Bool().Draw(t, "no "+name) {
				return nil
			}
			u := &identity.User{Username: text.Draw(t, name), Name: text.Draw(t, name), Email: text.Draw(t, name)}
			u.SetAliases([3]identity.Alias{identity.Alias(text.Draw(t, name)), identity.NoAlias})
			return u
		}
		op := plan.Operation{
			Action: plan.Action(text.Draw(t, "action")), Domain: text.Draw(t, "domain"), DomainID: text.Draw(t, "domain id"),
			Username: text.Draw(t, "username"), UserID: text.Draw(t, "planned id"), DN: text.Draw(t, "dn"), EntryID: text.Draw(t, "entry id"),
			Before: user("before"), After: user("after"), Reason: text.Draw(t, "reason"),
		}
		step := Step{7, text.Draw(t, "user id"), &op}
		due := rapid.Bool().Draw(t, "due")
		want, err := json.Marshal(begun{step.WithUser(), due})
		if err != nil {
			t.Fatal(err)
		}
		if got := appendBegun([]byte("<x"), &step, due); string(got) != "<x"+string(want) {
			t.Fatalf("%s, not %s", got, want)
		}
	})
}
