package ldap

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
)

// contractPeople is how many are in each server of the contract.
const contractPeople = 5000

// subject is a kind of server that the contract is held against: what a directory
// returns does not depend on whose it is.
type subject struct {
	ldaptest.Dataset
	// mail and phones are where the addresses are, and the attributes in which this
	// server has what the dataset calls so.
	username, name string
	mail, phones   []string
	// everybody is a filter for all people, enabled one for those who are not disabled,
	// and unexpired one for those whose account did not expire.
	everybody, enabled, unexpired string
	// shared starts the server that all tests of this package read and none disturbs,
	// own one for a test alone.
	shared func() (ldaptest.Server, error)
	own    func(t *testing.T) ldaptest.Server
}

// subjects are started when a test first wants them, and end with the tests.
var subjects []*subject

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "rollcall-ldap-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var mu sync.Mutex
	var servers []ldaptest.Server
	share := func(start func() (ldaptest.Server, error)) func() (ldaptest.Server, error) {
		return sync.OnceValues(func() (ldaptest.Server, error) {
			s, err := start()
			if err == nil {
				mu.Lock()
				defer mu.Unlock()
				servers = append(servers, s)
			}
			return s, err
		})
	}
	subjects = []*subject{contractSlapd(folder), contractSamba(folder), contract389(folder)}
	for _, s := range subjects {
		s.shared = share(s.shared)
	}
	code := m.Run()
	for _, s := range servers {
		s.Close()
	}
	if err := os.RemoveAll(folder); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func folderIn(parent, name string) (string, error) {
	folder := filepath.Join(parent, name)
	return folder, os.Mkdir(folder, 0o700)
}

func contractSlapd(folder string) *subject {
	s := &subject{Dataset: ldaptest.Dataset{Server: "OpenLDAP", People: contractPeople}}
	s.username, s.name, s.mail, s.phones = "uid", "displayName", []string{"mail"}, []string{"telephoneNumber"}
	s.everybody, s.enabled, s.unexpired = "(objectClass=inetOrgPerson)", "", ""
	s.shared = func() (ldaptest.Server, error) {
		at, err := folderIn(folder, "slapd")
		if err != nil {
			return nil, err
		}
		return ldaptest.NewSlapd(at, ldaptest.SlapdOptions{LDIF: s.LDIF()})
	}
	s.own = func(t *testing.T) ldaptest.Server {
		t.Helper()
		return ldaptest.StartSlapd(t, ldaptest.SlapdOptions{LDIF: s.LDIF()})
	}
	return s
}

func contractSamba(folder string) *subject {
	s := &subject{Dataset: ldaptest.Dataset{Server: "Samba", People: contractPeople}}
	s.username, s.name, s.mail, s.phones = "sAMAccountName", "displayName", []string{"mail", "otherMailbox"}, []string{"otherTelephone"}
	s.everybody = "(&(objectCategory=person)(objectClass=user))"
	s.enabled = "(!(userAccountControl:1.2.840.113556.1.4.803:=2))"
	s.unexpired = "(|(accountExpires=0)(accountExpires>=134000000000000000))" // some day of 2025
	template := sync.OnceValues(func() (string, error) {
		at, err := folderIn(folder, "samba-template")
		if err != nil {
			return "", err
		}
		return at, ldaptest.ProvisionSamba(at, s.LDIF(), s.Changes())
	})
	s.shared = func() (ldaptest.Server, error) {
		from, err := template()
		if err != nil {
			return nil, err
		}
		at, err := folderIn(folder, "samba")
		if err != nil {
			return nil, err
		}
		return ldaptest.NewSamba(at, ldaptest.SambaOptions{Template: from})
	}
	s.own = func(t *testing.T) ldaptest.Server {
		t.Helper()
		from, err := template()
		if err != nil {
			t.Fatal(err)
		}
		return ldaptest.StartSamba(t, ldaptest.SambaOptions{Template: from})
	}
	return s
}

func contract389(folder string) *subject {
	s := &subject{Dataset: ldaptest.Dataset{Server: "389", People: contractPeople}}
	s.username, s.name, s.mail, s.phones = "uid", "displayName", []string{"mail"}, []string{"telephoneNumber"}
	s.everybody, s.enabled = "(objectClass=inetOrgPerson)", "(!(nsAccountLock=true))"
	template := sync.OnceValues(func() (string, error) {
		at, err := folderIn(folder, "389-template")
		if err != nil {
			return "", err
		}
		return at, ldaptest.Provision389(at, s.LDIF())
	})
	s.shared = func() (ldaptest.Server, error) {
		from, err := template()
		if err != nil {
			return nil, err
		}
		at, err := folderIn(folder, "389")
		if err != nil {
			return nil, err
		}
		return ldaptest.New389(at, ldaptest.DS389Options{Template: from})
	}
	s.own = func(t *testing.T) ldaptest.Server {
		t.Helper()
		from, err := template()
		if err != nil {
			t.Fatal(err)
		}
		return ldaptest.Start389(t, ldaptest.DS389Options{Template: from})
	}
	return s
}

// eachServer runs a test over every kind of server.
func eachServer(t *testing.T, test func(t *testing.T, s *subject, server ldaptest.Server)) {
	t.Helper()
	t.Parallel()
	for _, s := range subjects {
		t.Run(s.Server, func(t *testing.T) {
			t.Parallel()
			server, err := s.shared()
			if err != nil {
				t.Fatal(err)
			}
			test(t, s, server)
		})
	}
}
