package ldaptest

import (
	"testing"

	"github.com/go-ldap/ldap/v3"
)

// Every server starts, answers its reader over TLS, and is the same after a restart.
func TestServers(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t *testing.T) Server{
		"slapd": func(t *testing.T) Server { t.Helper(); return StartSlapd(t, SlapdOptions{}) },
		"samba": func(t *testing.T) Server { t.Helper(); return StartSamba(t, SambaOptions{}) },
		"389":   func(t *testing.T) Server { t.Helper(); return Start389(t, DS389Options{}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			t.Logf("%+v", s.Where())
			for range 2 {
				if err := s.Change(func(c *ldap.Conn) error {
					_, err := c.Search(ldap.NewSearchRequest(s.Where().People, ldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", nil, nil))
					return err
				}); err != nil {
					t.Error(err)
				}
				s.Close()
				if err := s.Restart(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
