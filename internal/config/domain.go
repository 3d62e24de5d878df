package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/rollcall-cli/rollcall/internal/identity"
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
		sch := schema("for_each", "id!", "directory", "directories", "filter", "members_of", "policy", "allow_empty", "canaries", "group")
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
	if policy, ok := target(b, "policy", policies); ok {
		d.Policy = policy
	}
	d.Directories = b.directories(directories)
	d.MembersOf = b.groups(d.Directories)
	if value, ok := b.value("allow_empty", cty.Bool); ok {
		allowed := value.True()
		d.AllowEmpty = &allowed
	}
	return d
}

// directories reads directory = directory.a, or directories = [directory.a, directory.b].
func (b *block) directories(known map[string]*Directory) []*Directory {
	const forms = "directory = directory.NAME or, for people of several, directories = [directory.FIRST, directory.SECOND]"
	switch one, several := b.has("directory"), b.has("directories"); {
	case one && several:
		b.fail(b.place, b.content.Attributes["directories"].NameRange, "Both directory and directories", "There may be only one of the two: "+forms+".")
		return nil
	case !one && !several:
		b.fail(b.place, b.rng, "Missing directory", "A domain needs to say where its people are: "+forms+".")
		return nil
	case one:
		if directory, ok := target(b, "directory", known); ok {
			return []*Directory{directory}
		}
		return nil
	}
	all := targets(b, "directories", "directory", known)
	for i, d := range all {
		if slices.Contains(all[:i], d) {
			b.wrong("directories", d.Address()+" stands there twice.")
			return nil
		}
	}
	return all
}

// groups reads the DNs of members_of.
func (b *block) groups(directories []*Directory) []string {
	groups := b.texts("members_of")
	if groups == nil {
		return nil
	}
	if len(groups) == 0 {
		b.wrong("members_of", "members_of has no group, so that nobody would belong to the domain. Name groups, or leave it out for everybody whom the filters match.")
	}
	seen := map[identity.DNKey]bool{}
	for i, dn := range groups {
		key, err := identity.NewDNKey(dn)
		switch {
		case err != nil:
			b.wrong("members_of", fmt.Sprintf("Group %s is not a distinguished name such as \"cn=vpn,ou=Groups,dc=example,dc=com\": %s.", ordinal(i), err))
		case seen[key]:
			b.wrong("members_of", fmt.Sprintf("Group %s is there already: %s.", ordinal(i), dn))
		}
		seen[key] = true
	}
	table := func(d *Directory) bool { return d.Kind == KindCSV }
	if len(directories) > 0 && !slices.ContainsFunc(directories, func(d *Directory) bool { return !table(d) }) {
		b.wrong("members_of", "A table has no groups. Use filter with a column instead, such as filter = \"(site=vpn)\".")
	}
	return groups
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
