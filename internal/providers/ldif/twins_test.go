package ldif

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// Entries of "ß" and "ss", which an export of OpenLDAP may have, do not take each other's place.
func TestTwins(t *testing.T) {
	t.Parallel()
	const text = `dn: dc=x
objectClass: domain

dn: cn=strauß,dc=x
entryUUID: 1

dn: cn=strauss,dc=x
entryUUID: 2

dn: cn=both,dc=x
member: cn=strauss,dc=x
member: cn=strauß,dc=x

dn: cn=one,dc=x
member: cn=strauss,dc=x

dn: cn=spaß,dc=x
member: cn=strauß,dc=x

dn: cn=spass,dc=x
member: cn=strauss,dc=x

dn: cn=nested,dc=x
member: cn=spaß,dc=x
`
	path := filepath.Join(t.TempDir(), "export.ldif")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for group, want := range map[string][]string{"both": {"1", "2"}, "one": nil, "nested": nil, "spass": nil} {
		var found []string
		s := identity.Search{BaseDN: "dc=x", Scope: identity.ScopeSub, Filters: []string{"(entryUUID=*)"}, MembersOf: []string{"cn=" + group + ",dc=x"}}
		_, err := New(path, time.Now).Read(t.Context(), s, func(page []identity.Entry) error {
			for _, e := range page {
				found = append(found, e.ID)
			}
			return nil
		})
		if want != nil && (err != nil || !slices.Equal(found, want)) || want == nil && (err == nil || !strings.Contains(err.Error(), "several entries")) {
			t.Errorf("%s: %q, %v", group, found, err)
		}
	}
}
