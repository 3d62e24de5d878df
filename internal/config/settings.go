package config

import (
	"fmt"
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
	s.StatePath, s.PlanExpiry = l.resolvePath(defaultStatePath), defaultPlanExpiry
	first := l.once(place{}, l.blocks["rollcall"], "There may be only one.")
	if first == nil {
		return
	}
	sch := schema("required_version", "max_remove_limit", "plan_expiry")
	sch.Blocks = []hcl.BlockHeaderSchema{{Type: "state"}}
	b := l.block(placeOf(first), first, sch)
	s.PlanExpiry = b.duration("plan_expiry", defaultPlanExpiry, time.Second)
	if b.has("max_remove_limit") {
		limit := b.limit("max_remove_limit", identity.Limit{})
		s.MaxRemoveLimit = &limit
	}
	if state := l.once(b.place, b.content.Blocks, "There may be only one."); state != nil {
		s.StatePath = l.block(b.of(state), state, schema("path")).path("path", defaultStatePath)
	}
}
