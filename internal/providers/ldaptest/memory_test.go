package ldaptest

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/go-ldap/ldap/v3"
)

func memory(t *testing.T, n int) *Memory {
	t.Helper()
	m, err := StartMemory(MemoryOptions{BindDN: ReaderDN, BindPassword: ReaderPassword, LDIF: skeleton() + "\n" + People(n)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

// found returns the DNs that a client finds below ou=People, page by page.
func found(t *testing.T, m *Memory, filter string, attributes ...string) ([]*ldap.Entry, error) {
	t.Helper()
	c, err := ldap.DialURL(m.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.Bind(ReaderDN, ReaderPassword); err != nil {
		t.Fatal(err)
	}
	result, err := c.SearchWithPaging(ldap.NewSearchRequest("ou=People,"+BaseDN, ldap.ScopeWholeSubtree, 0, 0, 0, false, filter, attributes, nil), 100)
	if result == nil {
		return nil, err
	}
	return result.Entries, err
}

func TestMemoryPages(t *testing.T) {
	t.Parallel()
	m := memory(t, 1201)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			entries, err := found(t, m, "(objectClass=person)", "uid", "entryUUID")
			if err != nil || len(entries) != 1201 {
				t.Errorf("%d entries, %v", len(entries), err)
			}
			ids := map[string]bool{}
			for _, e := range entries {
				ids[e.GetAttributeValue("entryUUID")] = true
			}
			if len(ids) != 1201 {
				t.Errorf("%d ids", len(ids))
			}
		})
	}
	wg.Wait()
}

func TestMemoryChanges(t *testing.T) {
	t.Parallel()
	m := memory(t, 3)
	name := func(filter string) string {
		entries, err := found(t, m, filter, "cn", "entryUUID")
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range entries {
			names = append(names, e.GetAttributeValue("cn"))
		}
		return strings.Join(names, ",")
	}
	if err := m.Replace("UID=user000001, ou=people,"+BaseDN, "cn", "New"); err != nil {
		t.Error(err)
	}
	if err := m.Delete("uid=user000000,ou=People," + BaseDN); err != nil {
		t.Error(err)
	}
	if err := m.Add(Person(7)); err != nil {
		t.Error(err)
	}
	if got := name("(uid=*)"); got != "User 000002,New,User 000007" && got != "New,User 000002,User 000007" {
		t.Error(got)
	}
	for what, err := range map[string]error{
		"twice": m.Add(Person(7)), "no entry": m.Delete("uid=x," + BaseDN), "nothing to replace": m.Replace("uid=x,"+BaseDN, "cn", "x"),
	} {
		if err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

func TestMemoryRefuses(t *testing.T) {
	t.Parallel()
	m := memory(t, 1)
	c, err := ldap.DialURL(m.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	search := func(base string) error {
		_, err := c.Search(ldap.NewSearchRequest(base, ldap.ScopeWholeSubtree, 0, 0, 0, false, "(uid=*)", nil, nil))
		return err
	}
	if err := search(BaseDN); !ldap.IsErrorWithCode(err, ldap.LDAPResultInsufficientAccessRights) {
		t.Errorf("without bind: %v", err)
	}
	if err := c.Bind(ReaderDN, "wrong"); !ldap.IsErrorWithCode(err, ldap.LDAPResultInvalidCredentials) {
		t.Errorf("wrong password: %v", err)
	}
	if err := c.Bind(ReaderDN, ReaderPassword); err != nil {
		t.Error(err)
	}
	if err := search("ou=Nowhere," + BaseDN); !ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject) {
		t.Errorf("no base: %v", err)
	}
	if err := search(BaseDN); err != nil {
		t.Error(fmt.Errorf("after a bind: %w", err))
	}
}
