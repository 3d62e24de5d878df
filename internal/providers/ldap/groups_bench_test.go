package ldap

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
)

// nest are four groups of many members each, in one another and in a cycle, over the first
// people; every second has the same members again.
func nest(many, members int) (text string, all []string) {
	var b strings.Builder
	for i := range many {
		fmt.Fprintf(&b, "dn: uid=u%06d,%s\nobjectClass: inetOrgPerson\nuid: u%06d\ncn: U %06d\nsn: x\nmail: u%06d@example.com\n\n", i, people, i, i, i)
	}
	for level := range 4 {
		fmt.Fprintf(&b, "dn: %s\nobjectClass: groupOfNames\ncn: level%d\nmember: %s\n", ldaptest.Group(fmt.Sprint("level", level)), level, ldaptest.Group(fmt.Sprint("level", (level+1)%4)))
		for i := range members {
			dn := fmt.Sprintf("uid=u%06d,%s", (level*members+i)%many, people)
			all = append(all, dn)
			fmt.Fprintf(&b, "member: %s\n", dn)
		}
		b.WriteString("\n")
	}
	return b.String(), all
}

// What groups of 3,000, nested four deep with a cycle, cost: by names, by reading everybody,
// and, to compare, with a search for each member.
func BenchmarkGroups(b *testing.B) {
	for _, many := range []int{5_000, 100_000} {
		text, members := nest(many, 3_000)
		server := ldaptest.StartSlapd(b, ldaptest.SlapdOptions{LDIF: text})
		q := search()
		q.MembersOf = []string{ldaptest.Group("level0")}
		want := min(many, len(members))
		for _, way := range []struct {
			name         string
			names, whole int
		}{{"names", maxNames, 1 << 30}, {"whole", maxNames, 0}, {"as it is", maxNames, wholeAbove}} {
			b.Run(fmt.Sprintf("%d people/%s", many, way.name), func(b *testing.B) {
				for b.Loop() {
					d, err := New(options(server))
					if err != nil {
						b.Fatal(err)
					}
					d.maxNames, d.wholeAbove = way.names, way.whole
					e, err := d.Read(b.Context(), q, func([]identity.Entry) error { return nil })
					if err != nil || e.Entries != want || len(e.Groups.Cycles) != 1 || e.Groups.Depth != 4 {
						b.Fatalf("%+v, %+v, %v", e, e.Groups, err)
					}
					b.ReportMetric(float64(e.Groups.Searches), "searches")
				}
			})
		}
		b.Run(fmt.Sprintf("%d people/one by one", many), func(b *testing.B) {
			for b.Loop() {
				err := server.Change(func(c *ldap.Conn) error {
					for _, dn := range members {
						r, err := c.Search(ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, 0, 0, 0, false, q.Filter(), attributes(q.Attributes), nil))
						if err != nil || len(r.Entries) != 1 {
							return fmt.Errorf("%s: %w", dn, err)
						}
					}
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(len(members)), "searches")
			}
		})
	}
}
