package ldap

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
)

// optionsFor are options by which a server is read over LDAPS.
func optionsFor(a ldaptest.Access) Options {
	return Options{
		URLs: []string{a.LDAPSURL}, Encryption: EncryptionSSL, CAFile: a.CAFile,
		BindDN: a.BindDN, BindPassword: identity.NewSecret(a.BindPassword), Now: time.Now,
	}
}

// overStartTLS is the same over StartTLS.
func overStartTLS(a ldaptest.Access) Options {
	o := optionsFor(a)
	o.URLs, o.Encryption = []string{a.URL}, EncryptionStartTLS
	return o
}

// search asks for all people with what the contract compares.
func (s *subject) search(filters ...string) identity.Search {
	_, people, _ := s.Where()
	return identity.Search{
		BaseDN: people, Scope: identity.ScopeSub, Filters: append([]string{s.everybody}, filters...),
		Attributes: slices.Concat([]string{s.username, s.name, "cn"}, s.mail, s.phones),
	}
}

// colleague is a person as the contract compares them: the same whatever the server.
type colleague struct {
	Name, DN     string
	Mail, Phones []string
}

// expected is the roster that the dataset makes, by username.
func (s *subject) expected(t *testing.T, wanted func(ldaptest.Human) bool) map[string]colleague {
	t.Helper()
	all := map[string]colleague{}
	for _, h := range s.Humans() {
		if wanted == nil || wanted(h) {
			all[h.Username] = colleague{Name: h.Name, DN: plainDN(t, h.DN), Mail: sorted(h.Mail), Phones: sorted(h.Phones)}
		}
	}
	return all
}

// roster reads and returns what came, by username, and the ids.
func (s *subject) roster(t *testing.T, o Options, q identity.Search) (map[string]colleague, map[string]string, identity.Evidence, error) {
	t.Helper()
	d, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	found, ids := map[string]colleague{}, map[string]string{}
	evidence, err := d.Read(t.Context(), q, func(page []identity.Entry) error {
		for _, e := range page {
			username, _ := e.First(s.username)
			if _, again := found[username]; again {
				return fmt.Errorf("%s came twice", username)
			}
			c := colleague{DN: plainDN(t, e.DN)}
			c.Name, _ = e.First(s.name)
			for _, attribute := range s.mail {
				c.Mail = append(c.Mail, e.Values(attribute)...)
			}
			for _, attribute := range s.phones {
				c.Phones = append(c.Phones, e.Values(attribute)...)
			}
			c.Mail, c.Phones = sorted(c.Mail), sorted(c.Phones)
			found[username], ids[username] = c, e.ID
		}
		return nil
	})
	return found, ids, evidence, err
}

func sorted(values []string) []string { return slices.Sorted(slices.Values(values)) }

// plainDN is a DN without its escapes, types of attributes in lower case, and the
// suffix too, which servers write as they were told first. Spaces that follow each other
// are one (RFC 4518, 2.6.1): 389 returns them so.
func plainDN(t *testing.T, dn string) string {
	t.Helper()
	parsed, err := ldap.ParseDN(dn)
	if err != nil {
		t.Errorf("%q: %v", dn, err)
		return dn
	}
	var parts []string
	for i, rdn := range parsed.RDNs {
		var pairs []string
		for _, a := range rdn.Attributes {
			value := regexp.MustCompile(" +").ReplaceAllString(a.Value, " ")
			if i > 0 {
				value = strings.ToLower(value)
			}
			pairs = append(pairs, strings.ToLower(a.Type)+"="+value)
		}
		slices.Sort(pairs)
		parts = append(parts, strings.Join(pairs, "+"))
	}
	return strings.Join(parts, " | ")
}

// The same people make the same roster, whatever the server and the way to it.
func TestContractRoster(t *testing.T) {
	eachServer(t, func(t *testing.T, s *subject, server ldaptest.Server) {
		want := s.expected(t, nil)
		for name, o := range map[string]Options{"ldaps": optionsFor(server.Where()), "starttls": overStartTLS(server.Where())} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				found, ids, evidence, err := s.roster(t, o, s.search())
				if err != nil {
					t.Fatal(err)
				}
				if diff := differ(want, found); diff != "" {
					t.Error(diff)
				}
				if evidence.Entries != contractPeople || evidence.Pages < contractPeople/500 || evidence.Pages > contractPeople/500+1 || !strings.HasPrefix(evidence.Server, o.URLs[0]) {
					t.Errorf("%+v", evidence)
				}
				checkIDs(t, ids)
			})
		}
	})
}

// differ says how a roster differs from the one wanted, or nothing: how many people, and
// the first three of them.
func differ(want, found map[string]colleague) string {
	all := maps.Clone(want)
	maps.Copy(all, found)
	var different []string
	for _, username := range slices.Sorted(maps.Keys(all)) {
		w, wanted := want[username]
		f, came := found[username]
		if !wanted || !came || !cmp.Equal(w, f) {
			different = append(different, fmt.Sprintf("%s: wanted %t, came %t: %s", username, wanted, came, cmp.Diff(w, f)))
		}
	}
	if len(different) == 0 {
		return ""
	}
	return fmt.Sprintf("%d people, want %d, %d of them otherwise:\n%s", len(found), len(want), len(different), strings.Join(different[:min(3, len(different))], "\n"))
}

// checkIDs wants an id for each, all different, in one of the usual text forms:
// a UUID (RFC 4122), or 389's own in four parts.
func checkIDs(t *testing.T, ids map[string]string) {
	t.Helper()
	seen := map[string]bool{}
	for username, id := range ids {
		if digits := strings.ReplaceAll(id, "-", ""); len(digits) != 32 || strings.Trim(strings.ToLower(digits), "0123456789abcdef") != "" || seen[id] {
			t.Errorf("%s has the id %q", username, id)
		}
		seen[id] = true
	}
}

// However the answer is cut into pages, it is the same. OpenLDAP takes none of more than a
// thousand here, and is asked for smaller ones.
func TestContractPages(t *testing.T) {
	eachServer(t, func(t *testing.T, s *subject, server ldaptest.Server) {
		want := s.expected(t, func(h ldaptest.Human) bool { return h.Contractor })
		count := uint32(len(want))
		for _, size := range []uint32{7, 333, count - 1, count, count + 1, 1000, 100_000} {
			o := optionsFor(server.Where())
			o.PageSize = size
			found, _, evidence, err := s.roster(t, o, s.search("(employeeType=contractor)"))
			if diff := differ(want, found); err != nil || diff != "" || evidence.Entries != len(want) {
				t.Errorf("pages of %d: %+v, %v: %s", size, evidence, err, diff)
			}
			// Some servers see that there is no more only when they are asked.
			if pages := int((count + size - 1) / size); evidence.Pages < pages || evidence.Pages > pages+1 {
				t.Errorf("pages of %d: %d, want %d", size, evidence.Pages, pages)
			}
		}
	})
}

// A server that cuts plain searches off does not cut off a read. Samba 4.17 has no such
// limit.
func TestContractLimitOfPlainSearches(t *testing.T) {
	eachServer(t, func(t *testing.T, s *subject, server ldaptest.Server) {
		a := server.Where()
		d, err := New(optionsFor(a))
		if err != nil {
			t.Fatal(err)
		}
		c, err := d.connect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer c.close()
		result, err := c.Search(ldap.NewSearchRequest(a.People, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, s.everybody, []string{"1.1"}, nil))
		t.Logf("a plain search: %d entries, %v", len(result.Entries), err)
		if cut := ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded) && len(result.Entries) == 500; cut == s.AD() {
			t.Errorf("%d entries, %v", len(result.Entries), err)
		}
		if found, _, _, err := s.roster(t, optionsFor(a), s.search()); err != nil || len(found) != contractPeople {
			t.Errorf("%d entries, %v", len(found), err)
		}
	})
}

// Filters of the server's own kind leave out who is disabled or expired.
func TestContractDisabledAndExpired(t *testing.T) {
	eachServer(t, func(t *testing.T, s *subject, server ldaptest.Server) {
		for _, c := range []struct {
			filter string
			wanted func(ldaptest.Human) bool
			some   bool
		}{
			{s.enabled, func(h ldaptest.Human) bool { return !h.Disabled }, s.enabled != ""},
			{s.unexpired, func(h ldaptest.Human) bool { return !h.Expired }, s.unexpired != ""},
		} {
			want := s.expected(t, c.wanted)
			found, _, _, err := s.roster(t, optionsFor(server.Where()), s.search(c.filter))
			if err != nil || !cmp.Equal(want, found) {
				t.Errorf("%s: %d people, want %d, %v", c.filter, len(found), len(want), err)
			}
			if c.some == (len(want) == contractPeople) {
				t.Errorf("%s leaves out nobody, or all stay", c.filter)
			}
		}
	})
}

// Attributes with options (RFC 4512, 2.5) are not the attribute without them.
func TestContractAttributeOptions(t *testing.T) {
	eachServer(t, func(t *testing.T, s *subject, server ldaptest.Server) {
		h := s.Human(9)
		q := s.search("(" + s.username + "=" + h.Username + ")")
		q.Attributes = []string{"CN", "cn;lang-fr"}
		d, err := New(optionsFor(server.Where()))
		if err != nil {
			t.Fatal(err)
		}
		french := []string{h.Name + " en français"}
		if s.AD() {
			french = nil
		}
		evidence, err := d.Read(t.Context(), q, func(page []identity.Entry) error {
			for _, e := range page {
				if !slices.Equal(e.Values("cn"), []string{h.Name}) || !slices.Equal(e.Values("cn;lang-fr"), french) {
					t.Errorf("%v", e.Attributes)
				}
			}
			return nil
		})
		if err != nil || evidence.Entries != 1 {
			t.Errorf("%+v, %v", evidence, err)
		}
	})
}

// The suffix of each server has one reference: an entry that refers to a server that is not
// there, which is an error where references are followed; or the configuration of the
// forest, which has no people.
func TestContractReferrals(t *testing.T) {
	eachServer(t, func(t *testing.T, s *subject, server ldaptest.Server) {
		a := server.Where()
		q := s.search("(" + s.username + "=" + s.Human(1).Username + ")")
		q.BaseDN = a.BaseDN
		found, _, evidence, err := s.roster(t, optionsFor(a), q)
		if err != nil || len(found) != 1 || evidence.ReferralsIgnored != 1 {
			t.Errorf("%d entries, %+v, %v", len(found), evidence, err)
		}
		o := optionsFor(a)
		o.FollowReferrals = true
		found, _, _, err = s.roster(t, o, q)
		if dead := err != nil && strings.Contains(err.Error(), `set referrals = "ignore"`); dead == s.AD() || s.AD() && (err != nil || len(found) != 1) {
			t.Errorf("a referral that can not be read: %d entries, %v", len(found), err)
		}
	})
}

// A base that is not there is an error, never an empty roster.
func TestContractNoBase(t *testing.T) {
	eachServer(t, func(t *testing.T, s *subject, server ldaptest.Server) {
		q := s.search()
		q.BaseDN = "ou=Nowhere," + server.Where().People
		if found, _, evidence, err := s.roster(t, optionsFor(server.Where()), q); err == nil || !strings.Contains(err.Error(), q.BaseDN) || evidence.Entries != 0 {
			t.Errorf("%d entries, %v", len(found), err)
		}
	})
}

// The unique id of an entry stays when it is renamed and moved, and is another one when
// the entry was deleted and made again.
func TestContractIDs(t *testing.T) {
	eachServer(t, func(t *testing.T, s *subject, server ldaptest.Server) {
		moves := "ou=Moves," + server.Where().BaseDN
		add := func(c *ldap.Conn, dn string, attributes map[string]string) error {
			request := ldap.NewAddRequest(dn, nil)
			for name, value := range attributes {
				request.Attribute(name, []string{value})
			}
			return c.Add(request)
		}
		person := map[string]string{"objectClass": "inetOrgPerson", "uid": "mover", "cn": "Mover", "sn": "Surname"}
		if s.AD() {
			person = map[string]string{"objectClass": "user", "sAMAccountName": "mover", "cn": "Mover"}
		}
		q := s.search("(" + s.username + "=mover)")
		q.BaseDN = moves
		id := func(step, dn string, change func(*ldap.Conn) error) string {
			t.Helper()
			if err := server.Change(change); err != nil {
				t.Fatalf("%s: %v", step, err)
			}
			found, ids, _, err := s.roster(t, optionsFor(server.Where()), q)
			if err != nil || len(found) != 1 || found["mover"].DN != plainDN(t, dn) {
				t.Fatalf("%s: %v, %v, want %s", step, found, err, dn)
			}
			return ids["mover"]
		}
		first := id("added", "cn=Mover,"+moves, func(c *ldap.Conn) error {
			unit := map[string]string{"objectClass": "organizationalUnit"}
			return errors.Join(add(c, moves, unit), add(c, "ou=Inner,"+moves, unit), add(c, "cn=Mover,"+moves, person))
		})
		if renamed := id("renamed", `cn=Zoë\, renamed,`+moves, func(c *ldap.Conn) error {
			return c.ModifyDN(ldap.NewModifyDNRequest("cn=Mover,"+moves, `cn=Zoë\, renamed`, true, ""))
		}); renamed != first {
			t.Errorf("renamed: %s, was %s", renamed, first)
		}
		if moved := id("moved", `cn=Zoë\, renamed,ou=Inner,`+moves, func(c *ldap.Conn) error {
			return c.ModifyDN(ldap.NewModifyDNRequest(`cn=Zoë\, renamed,`+moves, `cn=Zoë\, renamed`, true, "ou=Inner,"+moves))
		}); moved != first {
			t.Errorf("moved: %s, was %s", moved, first)
		}
		if again := id("made again", "cn=Mover,"+moves, func(c *ldap.Conn) error {
			return errors.Join(c.Del(ldap.NewDelRequest(`cn=Zoë\, renamed,ou=Inner,`+moves, nil)), add(c, "cn=Mover,"+moves, person))
		}); again == first || again == "" {
			t.Errorf("made again: %q, was %q", again, first)
		}
	})
}
