package config

import (
	"slices"

	"github.com/zclconf/go-cty/cty"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// newPolicy returns the policy of a domain that names none: nobody is removed,
// and nobody gets a token.
func newPolicy() *Policy {
	return &Policy{
		SyncMode: "add_only", TokenMode: "do_not_issue_token", OnLimit: "withhold",
		MaxShrink: identity.Limit{Value: 30, Percent: true},
	}
}

func (l *loader) loadPolicies() map[string]*Policy {
	known := map[string]*Policy{}
	for _, b := range l.blocks["policy"] {
		at := placeOf(b)
		if !l.unique(at, b, l.declaredAt) {
			continue
		}
		p := l.block(at, b, schema("sync_mode", "max_remove_limit", "on_limit", "token_mode", "protect", "unmanaged", "max_shrink",
			"remove_after", "local_validation", "default_name", "default_email")).policy()
		p.Name = b.Labels[0]
		known[p.Name] = p
		l.config.Policies = append(l.config.Policies, p)
	}
	byName(l.config.Policies, func(p *Policy) string { return p.Name })
	return known
}

func (b *block) policy() *Policy {
	p := newPolicy()
	p.SyncMode = b.choice("sync_mode", "add_only", "remove", "delete")
	p.MaxRemoveLimit = b.limit("max_remove_limit", p.MaxRemoveLimit)
	p.OnLimit = b.choice("on_limit", "withhold", "fail")
	p.TokenMode = b.tokenMode()
	p.Protect = b.texts("protect")
	p.RemoveUnmanaged = b.choice("unmanaged", "ignore", "remove") == "remove"
	p.MaxShrink = b.limit("max_shrink", p.MaxShrink)
	p.RemoveAfter = b.duration("remove_after", 0, 0)
	p.LocalValidation = b.bool("local_validation", false)
	p.DefaultName = b.text("default_name", "")
	p.DefaultEmail = b.text("default_email", "")
	slices.Sort(p.Protect)
	return p
}

func (b *block) tokenMode() string {
	modes := []string{"do_not_issue_token", "issue_token_without_email"}
	if value, ok := b.value("token_mode", cty.String); ok && value.AsString() == "issue_token_with_email" {
		b.wrong("token_mode", "The documented API 1.3 of LoginTC has no call that e-mails a token. "+
			`Use "issue_token_without_email" and send people their codes another way.`)
		return modes[0]
	}
	return b.choice("token_mode", modes...)
}
