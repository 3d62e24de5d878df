package ldap

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
)

// bundle writes the certificates of several files into one.
func bundle(t *testing.T, files ...string) string {
	t.Helper()
	var all []byte
	for _, file := range files {
		pem, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, pem...)
	}
	path := filepath.Join(t.TempDir(), "bundle.crt")
	if err := os.WriteFile(path, all, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// refer is an entry that refers to a URL.
func refer(name, url string) string {
	return "dn: ou=" + name + "," + people + "\nobjectClass: referral\nobjectClass: extensibleObject\nou: " + name + "\nref: " + url + "\n\n"
}

func TestReferrals(t *testing.T) {
	t.Parallel()
	other := ldaptest.StartSlapd(t, ldaptest.SlapdOptions{LDIF: ldaptest.Person(500) + "\n" + ldaptest.Person(501)})
	for name, c := range map[string]struct {
		refs              func(*ldaptest.Slapd) string
		ignore            bool
		uids              int
		followed, ignored int
		want              string
	}{
		"followed": {refs: func(*ldaptest.Slapd) string { return refer("remote", other.LDAPSURL+"/"+people) }, uids: 12, followed: 1},
		"to one entry": {refs: func(*ldaptest.Slapd) string {
			return refer("remote", other.LDAPSURL+"/uid=user000501,"+people+"??base")
		}, uids: 11, followed: 1},
		"with a filter":    {refs: func(*ldaptest.Slapd) string { return refer("remote", other.LDAPSURL+"/"+people+"???(uid=user000500)") }, uids: 11, followed: 1},
		"ignored":          {refs: func(*ldaptest.Slapd) string { return refer("remote", other.LDAPSURL+"/"+people) }, ignore: true, uids: 10, ignored: 1},
		"dead":             {refs: func(*ldaptest.Slapd) string { return refer("remote", "ldaps://127.0.0.1:1/"+people) }, want: `set referrals = "ignore"`},
		"dead but ignored": {refs: func(*ldaptest.Slapd) string { return refer("remote", "ldaps://127.0.0.1:1/"+people) }, ignore: true, uids: 10, ignored: 1},
		"loop":             {refs: func(s *ldaptest.Slapd) string { return refer("loop", s.LDAPSURL+"/"+people+"??sub") }, uids: 10},
		"without TLS":      {refs: func(*ldaptest.Slapd) string { return refer("remote", other.URL+"/"+people) }, want: "is without TLS"},
		"not LDAP":         {refs: func(*ldaptest.Slapd) string { return refer("remote", "http://x.example/") }, want: "is no LDAP URL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := ldaptest.StartSlapd(t, ldaptest.SlapdOptions{LDIF: ldaptest.People(10)})
			if err := s.Add(c.refs(s)); err != nil {
				t.Fatal(err)
			}
			o := options(s)
			o.FollowReferrals = !c.ignore
			// Two servers of one test have two authorities.
			o.CAFile = bundle(t, s.CAFile, other.CAFile)
			found, evidence, err := readAll(t.Context(), o, search())
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil || len(found) != c.uids || len(evidence.Referrals) != c.followed || evidence.ReferralsIgnored != c.ignored {
				t.Errorf("%d entries, %+v, %v", len(found), evidence, err)
			}
		})
	}
}

// A chain of servers' entries that refer on and on ends.
func TestReferralsAreNotFollowedForEver(t *testing.T) {
	t.Parallel()
	s := ldaptest.StartSlapd(t, ldaptest.SlapdOptions{LDIF: ldaptest.People(1)})
	for i := range 15 {
		name := fmt.Sprintf("chain%d", i)
		ou := "dn: ou=" + name + "," + ldaptest.BaseDN + "\nobjectClass: organizationalUnit\nou: " + name + "\n\n"
		ref := "dn: ou=next,ou=" + name + "," + ldaptest.BaseDN + "\nobjectClass: referral\nobjectClass: extensibleObject\nou: next\nref: " +
			s.LDAPSURL + fmt.Sprintf("/ou=chain%d,", i+1) + ldaptest.BaseDN + "??sub\n"
		if err := s.Add(ou + ref); err != nil {
			t.Fatal(err)
		}
	}
	q := search()
	q.BaseDN = "ou=chain0," + ldaptest.BaseDN
	if _, _, err := readAll(t.Context(), options(s), q); err == nil || !strings.Contains(err.Error(), "more than 10 deep") {
		t.Errorf("%v", err)
	}
	q.BaseDN = "ou=chain8," + ldaptest.BaseDN // seven more, the last to what does not exist
	if _, _, err := readAll(t.Context(), options(s), q); err == nil || !strings.Contains(err.Error(), "ou=chain15") {
		t.Errorf("%v", err)
	}
}

// A subtree that a server refers to itself for is held by nobody: who is below it must not
// look gone, whether the search begins there or comes there.
func TestReferralsInACircleAreAnError(t *testing.T) {
	t.Parallel()
	s := ldaptest.StartSlapd(t, ldaptest.SlapdOptions{LDIF: ldaptest.People(10)})
	if err := s.Add(refer("lost", s.LDAPSURL+"/ou=lost,"+people+"??sub")); err != nil {
		t.Fatal(err)
	}
	q := search()
	for _, base := range []string{people, "ou=lost," + people} {
		q.BaseDN = base
		if found, evidence, err := readAll(t.Context(), options(s), q); err == nil || !strings.Contains(err.Error(), "leads in a circle") {
			t.Errorf("%s: %d entries, %+v, %v", base, len(found), evidence, err)
		}
	}
}

func TestCredentialsStayWhereTheyBelong(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		encryption, url string
		insecure        bool
		want, anonymous string // encryption or error, with a bind DN and without
	}{
		{EncryptionSSL, "ldaps://other.example", false, "ssl", "ssl"},
		{EncryptionSSL, "ldap://other.example", false, "error", "error"},
		{EncryptionSSL, "ldaps://other.example", true, "error", "ssl"},
		{EncryptionSSL, "ldaps://own.example", true, "ssl", "ssl"},
		{EncryptionStartTLS, "ldap://other.example", false, "starttls", "starttls"},
		{EncryptionStartTLS, "ldap://other.example", true, "error", "starttls"},
		{EncryptionStartTLS, "ldaps://other.example", false, "ssl", "ssl"},
		{EncryptionNone, "ldap://other.example", false, "error", "none"},
		{EncryptionNone, "ldap://OWN.example:389", false, "none", "none"},
	} {
		for bindDN, want := range map[string]string{"cn=reader": c.want, "": c.anonymous} {
			own := "ldap://own.example"
			if c.encryption == EncryptionSSL {
				own = "ldaps://own.example"
			}
			d, err := New(Options{URLs: []string{own}, Encryption: c.encryption, InsecureSkipVerify: c.insecure, BindDN: bindDN})
			if err != nil {
				t.Fatal(err)
			}
			server, err := parseServer(c.url)
			if err != nil {
				t.Fatal(err)
			}
			got, err := (&read{Directory: d}).trust(server)
			if err != nil {
				got = "error"
			}
			if got != want {
				t.Errorf("%s, %s, insecure %v, bind DN %q: %s, want %s", c.encryption, c.url, c.insecure, bindDN, got, want)
			}
		}
	}
}
