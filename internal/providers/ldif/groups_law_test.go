package ldif_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/providers/ldap"
	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
	"github.com/rollcall-cli/rollcall/internal/providers/ldif"
)

// crowd is a directory of people and groups made by chance, with what it is made of.
type crowd struct {
	text   string
	people []string // DNs; the last ones are outside ou=People
	inside int      // how many are in it
	groups []madeGroup
}

type madeGroup struct {
	dn             string
	people, groups []int
	dangling       []string
	uids, found    []int // by memberUid and by memberURL
	unknown        int   // values of memberUid that nobody has
}

const peopleDN = "ou=People," + ldaptest.BaseDN

func dnOf(ldif string) string {
	line, _, _ := strings.Cut(ldif, "\n")
	entry := line
	if encoded, ok := strings.CutPrefix(line, "dn:: "); ok {
		entry = "dn: " + decode(encoded)
	}
	return strings.TrimPrefix(entry, "dn: ")
}

// spell writes a DN in another way that means the same.
func spell(r *rand.Rand, dn string) string {
	if r.IntN(3) == 0 {
		dn = norm.NFD.String(dn)
	}
	if at := strings.LastIndex(dn, ",ou="); at > 0 && r.IntN(3) == 0 {
		dn = dn[:at] + ", OU=" + dn[at+len(",ou="):]
	}
	if r.IntN(3) == 0 {
		kind, rest, _ := strings.Cut(dn, "=")
		dn = strings.ToUpper(kind) + "=" + rest
	}
	return dn
}

func newCrowd(r *rand.Rand, people, groups int) *crowd {
	c := &crowd{inside: people - people/5}
	var text strings.Builder
	text.WriteString("dn: ou=Others," + ldaptest.BaseDN + "\nobjectClass: organizationalUnit\nou: Others\n\n")
	for i := range people {
		person := strings.ReplaceAll(ldaptest.Person(i), "memberOf: ", "description: ")
		if i >= c.inside {
			person = fmt.Sprintf("dn: uid=user%06d,ou=Others,%s\nobjectClass: inetOrgPerson\nuid: user%06d\ncn: x\nsn: x\n", i, ldaptest.BaseDN, i)
		}
		c.people = append(c.people, dnOf(person))
		text.WriteString(person + "\n")
	}
	for i := range groups {
		name := []string{"Group %d", "Zoë, \"%d\"", "a+b=%d", "#%d"}[i%4]
		dn := "cn=" + escape(fmt.Sprintf(name, i)) + ",ou=Groups," + ldaptest.BaseDN
		if i%5 == 4 {
			dn = "cn=" + escape(fmt.Sprintf(name, i)) + "," + peopleDN
		}
		c.groups = append(c.groups, madeGroup{dn: dn})
	}
	for i := range c.groups {
		g := &c.groups[i]
		for range r.IntN(6) {
			g.people = append(g.people, r.IntN(people))
		}
		for range r.IntN(3) {
			g.groups = append(g.groups, r.IntN(groups))
		}
		for range r.IntN(2) {
			g.dangling = append(g.dangling, fmt.Sprintf("uid=gone%d,ou=%s,%s", r.IntN(5), []string{"People", "Groups"}[r.IntN(2)], []string{ldaptest.BaseDN, "dc=elsewhere"}[r.IntN(2)]))
		}
		text.WriteString(g.ldif(r, i, c) + "\n")
	}
	c.text = text.String()
	return c
}

// ldif writes the group as one of the kinds that there are, and keeps what that kind can say.
func (g *madeGroup) ldif(r *rand.Rand, i int, c *crowd) string {
	var b strings.Builder
	line := func(attribute, value string) { b.WriteString(ldaptest.Line(attribute, value) + "\n") }
	line("dn", g.dn)
	line("cn", fmt.Sprintf([]string{"Group %d", "Zoë, \"%d\"", "a+b=%d", "#%d"}[i%4], i))
	kind := r.IntN(5)
	switch kind {
	case 3:
		line("objectClass", "posixGroup")
		line("gidNumber", fmt.Sprint(1000+i))
		g.uids, g.people, g.groups, g.dangling = g.people, nil, nil, nil
		slices.Sort(g.uids)
		g.uids = slices.Compact(g.uids)
		for _, p := range g.uids {
			uid := fmt.Sprintf("user%06d", p)
			if r.IntN(3) == 0 {
				uid = strings.ToUpper(uid)
			}
			line("memberUid", uid)
		}
		if r.IntN(2) == 0 {
			g.unknown = 1
			line("memberUid", fmt.Sprintf("nobody%d", i))
		}
		return b.String()
	case 4:
		line("objectClass", "groupOfURLs")
		g.found, g.people, g.groups, g.dangling = g.people, nil, nil, nil
		if len(g.found) > 0 {
			filter := "(|"
			for _, p := range g.found {
				filter += fmt.Sprintf("(uid=user%06d)", p)
			}
			base, scope := ldaptest.BaseDN, "sub"
			if r.IntN(2) == 0 {
				base, scope = peopleDN, "one"
				g.found = slices.DeleteFunc(g.found, func(p int) bool { return p >= c.inside })
			}
			line("memberURL", "ldap:///"+strings.ReplaceAll(base, ",", "%2C")+"?cn?"+scope+"?"+filter+")")
		}
		return b.String()
	}
	attribute, class := "member", "groupOfNames"
	if kind == 1 {
		attribute, class = "uniqueMember", "groupOfUniqueNames"
	}
	line("objectClass", class)
	members := map[string]bool{}
	for _, p := range g.people {
		members[c.people[p]] = true
	}
	for _, s := range g.groups {
		members[c.groups[s].dn] = true
	}
	for _, d := range g.dangling {
		members[d] = true
	}
	if len(members) == 0 {
		g.dangling = []string{"cn=nobody,dc=elsewhere"}
		members[g.dangling[0]] = true
	}
	for dn := range members {
		value := spell(r, dn)
		if kind == 1 && r.IntN(3) == 0 {
			value += "#'0101'B"
		}
		line(attribute, value)
	}
	return b.String()
}

// expectation is what a naive closure gives.
type expectation struct {
	uids                          []string // of the people, and the DNs of the groups
	read, unmatched, outside, all int
}

// closure goes through the groups one by one.
func (c *crowd) closure(tops []int, base string, withMail, withGroups bool) expectation {
	seen, queue := map[int]bool{}, slices.Clone(tops)
	named, uids, found, subs, out := map[int]bool{}, map[int]bool{}, map[int]bool{}, map[int]bool{}, map[string]bool{}
	e := expectation{}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		if seen[at] {
			continue
		}
		seen[at] = true
		g := c.groups[at]
		for _, p := range g.people {
			named[p] = true
		}
		for _, p := range g.uids {
			uids[p] = true
		}
		for _, p := range g.found {
			found[p] = true
		}
		for _, d := range g.dangling {
			out[d] = true
		}
		e.outside += g.unknown
		for _, s := range g.groups {
			subs[s] = true
			queue = append(queue, s)
		}
	}
	e.read = len(seen)
	e.outside += len(out)
	for p := range c.people {
		in := base == ldaptest.BaseDN || p < c.inside
		hasMail := p%10 != 3 && p < c.inside
		switch matches := in && (hasMail || !withMail); {
		case matches && (named[p] || uids[p] || found[p]):
			e.uids = append(e.uids, fmt.Sprintf("user%06d", p))
		case named[p] || uids[p]:
			e.unmatched++
		}
	}
	e.all = len(e.uids) + e.unmatched + e.outside
	for s := range subs {
		if withGroups && (base == ldaptest.BaseDN || strings.HasSuffix(c.groups[s].dn, peopleDN)) {
			e.uids = append(e.uids, fmt.Sprintf("group %d", s))
		}
	}
	slices.Sort(e.uids)
	return e
}

type reader interface {
	Read(ctx context.Context, s identity.Search, yield func([]identity.Entry) error) (identity.Evidence, error)
}

// ask returns who is found, as closure names them.
func (c *crowd) ask(t *testing.T, from reader, s identity.Search) ([]string, *identity.GroupEvidence) {
	t.Helper()
	var found []string
	evidence, err := from.Read(t.Context(), s, func(page []identity.Entry) error {
		for i := range page {
			uid, ok := page[i].First("uid")
			if !ok {
				uid = "no group"
				for n, g := range c.groups {
					a, _ := identity.NewDNKey(g.dn)
					if b, _ := identity.NewDNKey(page[i].DN); a == b {
						uid = fmt.Sprintf("group %d", n)
					}
				}
			}
			found = append(found, uid)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if evidence.Entries != len(found) {
		t.Errorf("%d entries, and evidence of %d", len(found), evidence.Entries)
	}
	slices.Sort(found)
	return found, evidence.Groups
}

// Whatever the groups are, an export and a server give what a naive closure gives.
func TestGroupsAgreeWithANaiveClosureAndSlapd(t *testing.T) {
	t.Parallel()
	found, read, cycles := 0, 0, 0
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 7))
		c := newCrowd(r, 20+r.IntN(130), 2+r.IntN(14))
		path := filepath.Join(t.TempDir(), "export.ldif")
		skeleton := "dn: ou=People," + ldaptest.BaseDN + "\nobjectClass: organizationalUnit\nou: People\n\n"
		if err := os.WriteFile(path, []byte(skeleton+c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		var server reader
		if seed%4 == 0 {
			server = slapdOf(t, c.text)
		}
		for _, base := range []string{peopleDN, ldaptest.BaseDN} {
			for _, filter := range []string{"(objectClass=inetOrgPerson)", "(&(uid=*)(mail=*))", "(|(uid=*)(gidNumber=*)(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=groupOfURLs))"} {
				tops := []int{r.IntN(len(c.groups)), r.IntN(len(c.groups))}
				want := c.closure(tops, base, strings.Contains(filter, "mail"), strings.Contains(filter, "gidNumber"))
				s := identity.Search{
					BaseDN: base, Scope: identity.ScopeSub, Filters: []string{filter}, Attributes: []string{"uid"},
					MembersOf: []string{spell(r, c.groups[tops[0]].dn), spell(r, c.groups[tops[1]].dn)},
				}
				got, evidence := c.ask(t, ldif.New(path, time.Now), s)
				if diff := cmp.Diff(want.uids, got); diff != "" {
					t.Fatalf("seed %d, %s, %s: naive -, export +\n%s\n%v\n%s", seed, base, filter, diff, s.MembersOf, c.text)
				}
				found, read, cycles = found+len(got), read+evidence.Read, cycles+len(evidence.Cycles)
				counts := expectation{got, evidence.Read, evidence.Unmatched, evidence.Outside, evidence.Members}
				if diff := cmp.Diff(want, counts, cmp.AllowUnexported(expectation{})); diff != "" {
					t.Errorf("seed %d, %s, %s: naive -, export +\n%s%+v", seed, base, filter, diff, evidence)
				}
				if server == nil {
					continue
				}
				others, same := c.ask(t, server, s)
				evidence.Searches, same.Searches = 0, 0
				for _, e := range []*identity.GroupEvidence{evidence, same} { // a server writes DNs its way
					e.OutsideSome, e.ElsewhereSome = nil, nil
					e.Cycles = []string{fmt.Sprint(len(e.Cycles))}
				}
				if diff := cmp.Diff(got, others) + cmp.Diff(evidence, same); diff != "" {
					t.Errorf("seed %d, %s, %s: export -, slapd +\n%s", seed, base, filter, diff)
				}
			}
		}
	}
	if found < 1000 || read < 500 || cycles < 50 {
		t.Errorf("the cases say little: %d entries through %d groups, %d cycles", found, read, cycles)
	}
}

// slapdOf starts a server with the entries.
func slapdOf(t *testing.T, text string) reader {
	t.Helper()
	s := ldaptest.StartSlapd(t, ldaptest.SlapdOptions{LDIF: text})
	d, err := ldap.New(ldap.Options{
		URLs: []string{s.LDAPSURL}, Encryption: ldap.EncryptionSSL, CAFile: s.CAFile,
		BindDN: ldaptest.ReaderDN, BindPassword: identity.NewSecret(ldaptest.ReaderPassword), Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func escape(value string) string {
	value = strings.NewReplacer(`\`, `\\`, `,`, `\,`, `+`, `\+`, `"`, `\"`).Replace(value)
	if strings.HasPrefix(value, "#") {
		value = `\` + value
	}
	return value
}

func decode(encoded string) string {
	decoded, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		panic(err)
	}
	return string(decoded)
}
