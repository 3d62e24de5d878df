package ldif

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// readText reads an LDIF below dc=x with the filter, and returns the entries.
func readText(text, filter string, attributes ...string) ([]identity.Entry, identity.Evidence, error) {
	d := New("test.ldif", time.Now)
	var evidence identity.Evidence
	var entries []identity.Entry
	err := d.read(context.Background(), strings.NewReader(text), identity.Search{BaseDN: "dc=x", Scope: identity.ScopeSub, Filters: []string{filter}, Attributes: attributes},
		&evidence, func(page []identity.Entry) error { entries = append(entries, page...); return nil })
	return entries, evidence, err
}

func TestForms(t *testing.T) {
	t.Parallel()
	text := "# a comment\n that goes on\nversion: 1\n\n" +
		"dn: uid=a,dc=x\nobjectClass: person\ncn: Anna\n  B\ncn:: Wm/Dqw==\nDescription: one: two\n# between\nmail:a@x.example\nempty:\n\n\n" +
		"dn:: dWlkPXrDtixkYz14\r\nobjectClass: person\r\ncn;lang-fr: Zoé\r\nentryUUID: 0B1C6F0A-0001-4C6E-9D3B-6A1F0E000001\r\nobjectGUID:: AAECAwQFBgcICQoLDA0ODw==\r\n" +
		"objectSid:: AQUAAAAAAAUVAAAAIldjXSlXY1spV2Nd6QMAAA==\r\nmail: z@x.example\r\nmail: A@x.example\r\ncn;LANG-fr;lang-de: Zoe\r\n"
	got, evidence, err := readText(text, "", "CN", "mail", "description", "cn;lang-fr", "empty", "objectguid", "OBJECTSID", "CN;Lang-de;lang-FR")
	if err != nil {
		t.Fatal(err)
	}
	want := []identity.Entry{
		{DN: "uid=a,dc=x", Attributes: []identity.Attribute{
			{Name: "cn", Values: []string{"Anna B", "Zoë"}},
			{Name: "Description", Values: []string{"one: two"}},
			{Name: "mail", Values: []string{"a@x.example"}},
			{Name: "empty", Values: []string{""}},
		}},
		{DN: "uid=zö,dc=x", ID: "03020100-0504-0706-0809-0a0b0c0d0e0f", Attributes: []identity.Attribute{
			{Name: "cn;lang-fr", Values: []string{"Zoé"}},
			{Name: "objectGUID", Values: []string{"03020100-0504-0706-0809-0a0b0c0d0e0f"}},
			{Name: "objectSid", Values: []string{"S-1-5-21-1566791458-1533237033-1566791465-1001"}},
			{Name: "mail", Values: []string{"A@x.example", "z@x.example"}},
			{Name: "cn;LANG-fr;lang-de", Values: []string{"Zoe"}},
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" || evidence.Entries != 2 || evidence.Pages != 1 {
		t.Errorf("%s\n%+v", diff, evidence)
	}
}

// Octets are found by their text form, by themselves, and not by another.
func TestFiltersOverOctets(t *testing.T) {
	t.Parallel()
	text := "dn: uid=a,dc=x\nuid: a\nobjectGUID:: AAECAwQFBgcICQoLDA0ODw==\nobjectSid:: AQUAAAAAAAUVAAAAIldjXSlXY1spV2Nd6QMAAA==\nhomeDirectory: /home/Jane\n" +
		"seeAlso: CN=Jane\\, Doe,  OU=X+cn=y,dc=x\n\n"
	for filter, want := range map[string]int{
		"(objectGUID=03020100-0504-0706-0809-0A0B0C0D0E0F)":             1,
		`(objectGUID=\00\01\02\03\04\05\06\07\08\09\0a\0b\0c\0d\0e\0f)`: 1,
		"(objectGUID=13020100-0504-0706-0809-0A0B0C0D0E0F)":             0,
		"(objectSid=S-1-5-21-1566791458-1533237033-1566791465-1001)":    1,
		"(objectSid=S-1-5-21-1566791458-1533237033-1566791465-1002)":    0,
		"(homeDirectory=/home/Jane)":                                    1,
		"(homeDirectory=/home/jane)":                                    0,
		`(seeAlso=cn=jane\5c2c doe,CN=Y+ou=x,DC=X)`:                     1,
		`(seeAlso=cn=jane\5c2c doe,CN=Y,ou=x,DC=X)`:                     0,
	} {
		if got, _, err := readText(text, filter); err != nil || len(got) != want {
			t.Errorf("%s: %d, %v", filter, len(got), err)
		}
	}
}

func TestErrorsNameTheLine(t *testing.T) {
	t.Parallel()
	good := "dn: uid=a,dc=x\ncn: a\n\n"
	for name, c := range map[string]struct{ text, want string }{
		"no dn":            {good + "cn: a\n", `test.ldif:4: an entry begins with dn, not with "cn"`},
		"bad base64":       {good + "dn: uid=b,dc=x\ncn:: !!!\n", "test.ldif:4: the value of cn is not base64"},
		"no colon":         {good + "\n\ndn: uid=b,dc=x\nnonsense\n", `test.ldif:6: "nonsense" is no line`},
		"a URL":            {good + "dn: uid=b,dc=x\ncn:< file:///etc/passwd\n", "test.ldif:4: the value of cn is to be read from a URL"},
		"a change":         {"dn: uid=b,dc=x\nchangetype: delete\n", "test.ldif:1: it is a change record"},
		"a bad DN":         {"dn: nonsense\ncn: a\n", `test.ldif:1: "nonsense" is no DN`},
		"only a dn":        {"dn: uid=b,dc=x\n", "was the export cut off?"},
		"cut in a line":    {good + "dn: uid=b,dc=x\nmemberOf: cn=v", "test.ldif:5: the last line has no end: was the export cut off?"},
		"no base":          {"dn: dc=y\ncn: a\n", `the base DN does not exist there: "dc=x"`},
		"nothing at all":   {"", `the base DN does not exist there: "dc=x"`},
		"continues naught": {" cn: a\n", "test.ldif:1: a line that continues another"},
		"other version":    {"version: 2\n\n" + good, `version "2" of LDIF is not known`},
		"too large":        {"dn: uid=b,dc=x\ncn: " + strings.Repeat("a", maxRecord) + "\n", "test.ldif:2: the entry is larger than"},
		"too many lines":   {"dn: uid=b,dc=x\ncn: a\n" + strings.Repeat(" aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", maxRecord/39+1), "the entry is larger than"},
	} {
		if _, _, err := readText(c.text, ""); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := readText(good, "(cn=*"); err == nil || !strings.Contains(err.Error(), `the filter "(cn=*" is wrong`) {
		t.Errorf("%v", err)
	}
	if _, _, err := readText(good, "(&(cn=*)(memberOf:1.2.840.113556.1.4.1941:=cn=vpn,dc=example,dc=com))"); err == nil || !strings.Contains(err.Error(), "name the group in members_of") {
		t.Errorf("in chain: %v", err)
	}
}

func TestReadFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "people.ldif")
	var b strings.Builder
	for i := range 1201 {
		fmt.Fprintf(&b, "dn: uid=u%d,ou=P,dc=x\nobjectClass: person\nuid: u%d\n\n", i, i)
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	pages := 0
	evidence, err := New(path, time.Now).Read(t.Context(), identity.Search{BaseDN: "OU=p, DC=x", Scope: identity.ScopeOne, Attributes: []string{"uid"}}, func([]identity.Entry) error {
		pages++
		return nil
	})
	if err != nil || evidence.Entries != 1201 || evidence.Pages != 3 || pages != 3 || evidence.Server != path || evidence.Ended.IsZero() {
		t.Errorf("%+v %d %v", evidence, pages, err)
	}
	if e, err := New(path, time.Now).Read(t.Context(), identity.Search{BaseDN: "dc=x", Scope: identity.ScopeSub}, func([]identity.Entry) error { return io.ErrNoProgress }); !errors.Is(err, io.ErrNoProgress) || e.Entries != 0 {
		t.Errorf("%+v %v", e, err)
	}
	if _, err := New(path+"x", time.Now).Read(t.Context(), identity.Search{BaseDN: "dc=x"}, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"version: 1\ndn: cn=Barbara Jensen, ou=Product Development, dc=airius, dc=com\nobjectclass: top\ncn: Barbara Jensen\ndescription:Babs is a big sailing fan, and travels extensively in sea\n rch of perfect sailing conditions.\n",
		"dn:: b3U95Za25qWt6YOoLG89QWlyaXVz\n# dn:: ou=営業部,o=Airius\nobjectclass: top\nou:: 5Za25qWt6YOo\nou;lang-ja:: 5Za25qWt6YOo\n",
		"dn: dc=x\njpegphoto:< file:///usr/local/directory/photos/fiona.jpg\n", "dn: dc=x\nchangetype: delete\n", " \n", "dn: dc=x\ncn:: AA==\n",
	} {
		f.Add(seed, "(|(cn=*b*)(!(ou>=5))(objectClass:caseIgnoreMatch:=top))")
	}
	f.Fuzz(func(t *testing.T, text, filter string) {
		entries, evidence, err := readText(text, filter, "cn")
		if err == nil && len(entries) != evidence.Entries {
			t.Fatalf("%d entries, %+v", len(entries), evidence)
		}
	})
}

func TestGroupsOfAnExport(t *testing.T) {
	t.Parallel()
	text := "dn: dc=x\ndc: x\n\n" +
		"dn: cn=late,dc=x\nmember: cn=all,dc=x\nmember:\n\n" +
		"dn: uid=a,dc=x\nuid: a\n\ndn: uid=b,dc=x\nuid: b\nprimaryGroupID: 513\nobjectSid: S-1-5-21-1-2-3-9\n\ndn: uid=c,ou=far,dc=x\nuid: c\n\n" +
		"dn: cn=all,dc=x\nmember: UID=A, dc=x\nmember: uid=c,ou=far,dc=x\nmember: nonsense\nobjectSid: S-1-5-21-1-2-3-513\n\n" +
		"dn: cn=part,dc=x\nmember;range=0-1499: uid=a,dc=x\n"
	read := func(r io.Reader, groups ...string) ([]string, *identity.GroupEvidence, error) {
		var evidence identity.Evidence
		var found []string
		err := New("test.ldif", time.Now).read(t.Context(), r, identity.Search{BaseDN: "dc=x", Scope: identity.ScopeOne, Filters: []string{"(uid=*)"}, Attributes: []string{"uid"}, MembersOf: groups},
			&evidence, func(page []identity.Entry) error {
				for _, e := range page {
					found = append(found, e.DN)
				}
				return nil
			})
		return found, evidence.Groups, err
	}
	got, g, err := read(strings.NewReader(text), "CN=late, dc=x", "cn=none,dc=x")
	want := &identity.GroupEvidence{
		MembersOf: []string{"CN=late, dc=x", "cn=none,dc=x"}, Missing: []string{"cn=none,dc=x"}, Read: 2, Depth: 2, Members: 4,
		Searches: 2, Unmatched: 1, Elsewhere: 1, ElsewhereSome: []string{"uid=c,ou=far,dc=x"}, Outside: 1, OutsideSome: []string{"nonsense"},
	}
	if diff := cmp.Diff([]string{"uid=a,dc=x", "uid=b,dc=x"}, got) + cmp.Diff(want, g); err != nil || diff != "" {
		t.Error(diff, err)
	}
	for group, want := range map[string]string{
		"cn=part,dc=x": `test.ldif:25: the group "cn=part,dc=x" has a part of its members only`,
		"uid=a,dc=x":   `test.ldif:8: "uid=a,dc=x" is no group`,
		"nonsense":     `the group "nonsense" is no DN`,
	} {
		if _, _, err := read(strings.NewReader(text), group); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", group, err)
		}
	}
	if _, _, err := read(io.MultiReader(strings.NewReader(text)), "cn=all,dc=x"); err == nil || !strings.Contains(err.Error(), "is read twice") {
		t.Errorf("%v", err)
	}
}

// Two readings of an export that was written to between them are not of one export.
func TestExportIsWrittenToWhileItIsRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "people.ldif")
	if err := os.WriteFile(path, []byte("dn: dc=x\ncn: g\nmember: uid=a,dc=x\n\ndn: uid=a,dc=x\nuid: a\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := New(path, time.Now).Read(t.Context(), identity.Search{BaseDN: "dc=x", Scope: identity.ScopeSub, Filters: []string{"(uid=*)"}, MembersOf: []string{"dc=x"}}, func([]identity.Entry) error {
		return os.WriteFile(path, []byte("dn: dc=x\ncn: g\n"), 0o600)
	})
	if err == nil || !strings.Contains(err.Error(), "was written to while it was read") {
		t.Errorf("%v", err)
	}
}
