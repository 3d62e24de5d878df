package config

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

func (l *loader) loadDomains(policies map[string]*Policy) {
	directories := map[string]*Directory{}
	for _, d := range l.config.Directories {
		directories[d.Name] = d
	}
	ids := map[string]hcl.Range{}
	for _, raw := range l.blocks["domain"] {
		at := placeOf(raw)
		if !l.unique(at, raw, l.declaredAt) {
			continue
		}
		sch := schema("for_each", "id!", "directory!", "filter", "policy", "allow_empty", "canaries", "group")
		for _, b := range l.block(at, raw, sch).instances() {
			d := b.domain(ids, directories, policies)
			d.Block = raw.Labels[0]
			d.Name = strings.TrimPrefix(b.address, "domain.")
			l.config.Domains = append(l.config.Domains, d)
		}
	}
	byName(l.config.Domains, func(d *Domain) string { return d.Name })
	if len(l.config.Domains) == 0 && !l.hasErrors() {
		l.failNowhere("No domain", `The configuration manages no domain. Add domain "name" { id = "...", directory = directory.name }, `+
			"with the id that LoginTC shows for the domain.")
	}
}

func (b *block) domain(ids map[string]hcl.Range, directories map[string]*Directory, policies map[string]*Policy) *Domain {
	d := &Domain{ID: b.domainID(ids), Filter: b.filter("filter", ""), Canaries: b.texts("canaries"), Policy: newPolicy(), Group: b.group()}
	if policy, ok := target(b, "policy", "policy", policies); ok {
		d.Policy = policy
	}
	inherited := false
	if directory, ok := target(b, "directory", "directory", directories); ok {
		d.Directory, inherited = directory, directory.AllowEmpty
	}
	d.AllowEmpty = b.bool("allow_empty", inherited)
	return d
}

// maxGroup is the greatest length of the name of a group, in characters: that of a
// user's name.
const maxGroup = 128

func (b *block) group() string {
	group := b.text("group", "")
	if !b.has("group") {
		return ""
	}
	b.assumed("group")
	if n := utf8.RuneCountInString(group); n > maxGroup || strings.TrimSpace(group) != group || strings.ContainsFunc(group, unicode.IsControl) {
		b.wrong("group", fmt.Sprintf("group is the name of a LoginTC group: 1 to %d characters, without blanks at its ends.", maxGroup))
	}
	return group
}

// domainID reads the id of a LoginTC domain, which may be managed only once.
func (b *block) domainID(taken map[string]hcl.Range) string {
	value, ok := b.value("id", cty.String)
	if !ok {
		return ""
	}
	id := strings.ToLower(value.AsString())
	if !regexp.MustCompile(`^[0-9a-f]{40}$`).MatchString(id) {
		b.wrong("id", fmt.Sprintf("The id of a LoginTC domain has 40 hexadecimal characters; this one has %d characters.", len(id)))
		return id
	}
	if earlier, found := taken[id]; found {
		b.wrong("id", fmt.Sprintf("The domain with this id is managed already, on %s line %d. Two blocks would undo each other's work.",
			earlier.Filename, earlier.Start.Line))
	} else {
		taken[id] = b.at("id")
	}
	return id
}
