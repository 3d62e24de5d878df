package config

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/go-version"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

const (
	defaultStatePath  = "rollcall.state.json"
	defaultPlanExpiry = 24 * time.Hour
)

// versionSuffices checks required_version before anything else is looked at: an
// older program does not know what a newer configuration says.
func (l *loader) versionSuffices(bodies []hcl.Body) bool {
	for _, body := range bodies {
		content, _, _ := body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "rollcall"}}})
		for _, b := range content.Blocks {
			inner, _, _ := b.Body.PartialContent(schema("required_version"))
			value, ok := l.constant(placeOf(b), inner.Attributes["required_version"], cty.String)
			if !ok {
				continue
			}
			l.config.Settings.RequiredVersion = value.AsString()
			l.checkVersion(placeOf(b), inner.Attributes["required_version"].Expr.Range(), value.AsString())
		}
	}
	return !l.hasErrors()
}

func (l *loader) checkVersion(at place, rng hcl.Range, required string) {
	constraints, err := version.NewConstraint(required)
	if err != nil {
		l.fail(at, rng, "Invalid value for required_version", fmt.Sprintf(
			`%q is not a version constraint such as ">= 0.1" or "~> 1.2".`, required))
		return
	}
	// A build that does not know its version is somebody's own.
	running, err := version.NewVersion(l.opts.Version)
	if err != nil || constraints.Check(running.Core()) {
		return
	}
	l.fail(at, rng, "Unsuitable version of rollcall", fmt.Sprintf(
		"This configuration requires rollcall %s, and this is %s. Install another version, or change required_version.", required, l.opts.Version))
}

func (l *loader) loadSettings() {
	s := &l.config.Settings
	s.State.Path, s.PlanExpiry = l.resolvePath(defaultStatePath), defaultPlanExpiry
	first := l.once(place{}, l.blocks["rollcall"], "There may be only one.")
	if first == nil {
		return
	}
	sch := schema("required_version", "max_remove_limit", "plan_expiry")
	sch.Blocks = []hcl.BlockHeaderSchema{{Type: "state"}, {Type: "encryption"}}
	b := l.block(placeOf(first), first, sch)
	s.PlanExpiry = b.duration("plan_expiry", defaultPlanExpiry, time.Second)
	if b.has("max_remove_limit") {
		limit := b.limit("max_remove_limit", identity.Limit{})
		s.MaxRemoveLimit = &limit
	}
	blocks := b.content.Blocks.ByType()
	if raw := l.once(b.place, blocks["encryption"], "There may be only one."); raw != nil {
		s.Encryption = l.block(b.of(raw), raw, schema("recipients!", "identity_file")).atRest()
	}
	if state := l.once(b.place, blocks["state"], "There may be only one."); state != nil {
		s.State = l.block(b.of(state), state, stateSchema()).state()
	}
}

// atRest reads the encryption block.
func (b *block) atRest() *Encryption {
	e := &Encryption{Recipients: b.texts("recipients")}
	if len(e.Recipients) == 0 && b.has("recipients") && b.complete {
		b.wrong("recipients", "recipients is empty: nobody could read what is written.")
	}
	for _, recipient := range e.Recipients {
		if !strings.HasPrefix(recipient, "age1") {
			b.wrong("recipients", fmt.Sprintf(`recipients are public keys such as "age1…", which age-keygen prints, not %q.`, recipient))
		}
	}
	if b.has("identity_file") {
		e.Identity = b.secretFile("identity_file")
	}
	return e
}

func stateSchema() *hcl.BodySchema {
	return schema("path", "url", "lock_address", "lock_method", "unlock_address", "unlock_method", "username", "password", "password_file")
}

// state reads the state block: a path, or a URL.
func (b *block) state() State {
	if b.has("url") && b.has("path") {
		b.fail(b.place, b.at("path"), "Conflicting attributes", "Either path or url may be set, not both.")
	}
	s := State{}
	if b.has("url") {
		s.URL = b.stateURL()
	} else {
		s.Path = b.path("path", defaultStatePath)
	}
	if !strings.HasPrefix(s.URL, "http") {
		for _, name := range []string{"lock_address", "lock_method", "unlock_address", "unlock_method", "username", "password", "password_file"} {
			if b.has(name) && b.complete {
				b.fail(b.place, b.at(name), "Unsuitable attribute", name+" is about a state behind an HTTP server: set url to its address, or leave it out.")
			}
		}
		return s
	}
	// GitLab's managed state is locked so; other servers say otherwise.
	s.LockAddress = b.text("lock_address", lockAddress(s.URL))
	s.UnlockAddress = b.text("unlock_address", s.LockAddress)
	s.LockMethod, s.UnlockMethod = b.text("lock_method", "POST"), b.text("unlock_method", "DELETE")
	s.Username, s.Password = b.text("username", ""), b.secret("password")
	return s
}

// lockAddress is where GitLab locks the state at the address.
func lockAddress(address string) string {
	path, query, found := strings.Cut(address, "?")
	if found {
		return path + "/lock?" + query
	}
	return path + "/lock"
}

func (b *block) stateURL() string {
	text := b.text("url", "")
	u, err := url.Parse(text)
	switch {
	case strings.Contains(text, "@"):
		b.wrongHidden("url", "url must not have a user or password in it: set username and password, or what the provider of the bucket documents.")
		return ""
	case err != nil || u.Path == "" || u.Path == "/":
		b.wrong("url", fmt.Sprintf(`url must name an object, such as "s3://bucket/rollcall.state.json?region=eu-west-1", not %q.`, text))
		return ""
	}
	switch u.Scheme {
	case "s3", "gs", "azblob", "https":
		if u.Host == "" {
			b.wrong("url", "url has no bucket or host.")
			return ""
		}
	case "file":
		if u.Host != "" {
			b.wrong("url", `url must have three slashes, as in "file:///srv/rollcall/state.json".`)
			return ""
		}
	case "http":
		if !isLoopback(u.Hostname()) {
			b.wrong("url", "Without TLS only a loopback host may be spoken to: the state names people. Use https.")
			return ""
		}
	default:
		b.wrong("url", fmt.Sprintf("url must begin with s3, gs, azblob, file, http or https, not %q.", u.Scheme))
		return ""
	}
	return text
}
