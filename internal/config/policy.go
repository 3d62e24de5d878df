package config

import (
	"fmt"
	"net/mail"
	"slices"

	"github.com/nyaruka/phonenumbers"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// newPolicy returns the policy of a domain that names none: nobody is removed,
// and nobody gets a token.
func newPolicy() *Policy {
	return &Policy{
		SyncMode: "add_only", TokenMode: "do_not_issue_token", OnLimit: "withhold", OnRename: "replace",
		MaxShrink: identity.Limit{Value: 30, Percent: true}, MaxErrors: 10,
	}
}

func (l *loader) loadPolicies() map[string]*Policy {
	known := map[string]*Policy{}
	for _, b := range l.blocks["policy"] {
		at := placeOf(b)
		if !l.unique(at, b, l.declaredAt) {
			continue
		}
		p := l.block(at, b, schema("sync_mode", "max_remove_limit", "on_limit", "on_rename", "token_mode", "protect", "unmanaged", "max_shrink",
			"remove_after", "max_errors", "local_validation", "default_name", "default_email", "notify", "phone_region")).policy()
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
	p.OnRename = b.choice("on_rename", "replace", "withhold")
	p.TokenMode = b.tokenMode()
	p.Protect = b.texts("protect")
	p.RemoveUnmanaged = b.choice("unmanaged", "ignore", "remove") == "remove"
	p.MaxShrink = b.limit("max_shrink", p.MaxShrink)
	p.RemoveAfter = b.duration("remove_after", 0, 0)
	p.MaxErrors = b.whole("max_errors", p.MaxErrors, 1, 1_000_000)
	p.LocalValidation = b.bool("local_validation", false)
	p.DefaultName = b.text("default_name", "")
	p.DefaultEmail = b.text("default_email", "")
	p.Notify = b.notify()
	p.PhoneRegion = b.phoneRegion()
	slices.Sort(p.Protect)
	return p
}

func (b *block) tokenMode() string {
	const withEmail = "issue_token_with_email"
	mode := b.choice("token_mode", "do_not_issue_token", "issue_token_without_email", withEmail)
	if mode == withEmail && b.documentedAlone() {
		b.wrong("token_mode", "The documented API 1.3 of LoginTC has no call that e-mails a token. "+
			`Set api = "sync" in the logintc block, or use "issue_token_without_email": apply --activation-codes FILE then writes the codes down.`)
	}
	return mode
}

// notify reads the address of an administrator.
func (b *block) notify() string {
	address := b.text("notify", "")
	if !b.has("notify") {
		return ""
	}
	b.assumed("notify")
	if parsed, err := mail.ParseAddress(address); address != "" && (err != nil || parsed.Address != address) {
		b.wrong("notify", fmt.Sprintf("notify must be an address such as \"admin@example.com\", not %q.", address))
	}
	return address
}

// phoneRegion reads a country that has numbers.
func (b *block) phoneRegion() string {
	region := b.text("phone_region", "")
	if region != "" && !phonenumbers.GetSupportedRegions()[region] {
		b.wrong("phone_region", fmt.Sprintf("phone_region must be a country in two capital letters such as \"DE\" (ISO 3166-1), not %q.", region))
	}
	return region
}
