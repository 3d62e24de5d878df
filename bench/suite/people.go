package main

import (
	"fmt"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
)

// username of the person with a number, from 0.
func username(i int) string { return fmt.Sprintf("user%07d", i) }

func dn(i int) string { return "uid=" + username(i) + ",ou=People," + ldaptest.BaseDN }

// attributes of a person: what rollcall asks for and more, as directories have it.
func attributes(i int) [][2]string {
	return [][2]string{
		{"objectClass", "inetOrgPerson"},
		{"uid", username(i)},
		{"cn", fmt.Sprintf("Given%d Surname%d", i%997, i)},
		{"displayName", fmt.Sprintf("Given%d Surname%d", i%997, i)},
		{"givenName", fmt.Sprintf("Given%d", i%997)},
		{"sn", fmt.Sprintf("Surname%d", i)},
		{"mail", username(i) + "@example.com"},
		{"telephoneNumber", fmt.Sprintf("+1 555 %07d", i)},
		{"title", "Engineer"},
		{"departmentNumber", fmt.Sprint(i % 50)},
	}
}

// people is the LDIF of n persons.
func people(n int) string {
	var b strings.Builder
	b.Grow(n * 400)
	for i := range n {
		b.WriteString("dn: " + dn(i) + "\n")
		for _, a := range attributes(i) {
			b.WriteString(a[0] + ": " + a[1] + "\n")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// changeOne changes one person in a hundred: a third of these have another name, a third
// are gone, and as many are new.
func changeOne(n int) func(*goldap.Conn) error {
	return func(c *goldap.Conn) error {
		for i := 0; i < n; i += 100 {
			if err := change(c, n, i); err != nil {
				return fmt.Errorf("%s: %w", dn(i), err)
			}
		}
		return nil
	}
}

func change(c *goldap.Conn, n, i int) error {
	switch i / 100 % 3 {
	case 0:
		request := goldap.NewModifyRequest(dn(i), nil)
		request.Replace("displayName", []string{fmt.Sprintf("Given%d Newname%d", i%997, i)})
		return c.Modify(request)
	case 1:
		return c.Del(goldap.NewDelRequest(dn(i), nil))
	default:
		request := goldap.NewAddRequest(dn(n+i), nil)
		for _, a := range attributes(n + i) {
			request.Attribute(a[0], []string{a[1]})
		}
		return c.Add(request)
	}
}
