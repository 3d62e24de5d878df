package identity

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-ldap/ldap/v3"
	"pgregory.net/rapid"
)

func dnKeyOf(t interface{ Fatalf(string, ...any) }, dn string) DNKey {
	key, err := NewDNKey(dn)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return key
}

func TestDNKey(t *testing.T) {
	t.Parallel()
	for want, same := range map[DNKey][]string{
		// RFC 4514, 2 to 4
		"":                                       {"", " ", "  "},
		"uid=jsmith,dc=example,dc=net":           {"UID=jsmith,DC=example,DC=net", "uid = jsmith , dc=example;  0.9.2342.19200300.100.1.25=net", "userid=JSMITH,domainComponent=example,dc=NET"},
		"cn=j. smith+ou=sales,dc=example,dc=net": {"OU=Sales+CN=J.  Smith,DC=example,DC=net", "CN=J. Smith + organizationalUnitName=Sales,DC=example,DC=net", `2.5.4.3="j. smith"+OID.2.5.4.11=sales;dc=example;dc=net`},
		`cn=james \22jim\22 smith\2c iii,dc=net`: {`CN=James \"Jim\" Smith\, III,DC=net`, `cn="James \"Jim\" Smith, III",dc=net`, `cn=James \22Jim\22 Smith\2C III,dc=net`},
		"cn=before after,dc=net":                 {`CN=Before\0dAfter,DC=net`, `cn=before\0D\0aafter,dc=net`, "cn=Before\tafter,dc=net"},
		"1.3.6.1.4.1.1466.0=hi":                  {"1.3.6.1.4.1.1466.0=#04024869", "1.3.6.1.4.1.1466.0=HI", "OID.1.3.6.1.4.1.1466.0= #04024869 "},
		"cn=lu\u010di\u0107":                     {`CN=Lu\C4\8Di\C4\87`, "cn=LUČIĆ", "cn=Luc\u030cic\u0301", `commonName=#0c074c75c48d69c487`},
		"cn=a=b":                                 {`cn=a=b`, `cn=A\=b`, `cn=a\3db`},
		`cn=\23x\2by\3bz\3c\3e\5c`:               {`cn=\#X\+y\;z\<\>\\`, `cn="#x+y;z<>\\"`},
		"cn=,dc=x":                               {"cn=,dc=x", `cn=\20,dc=x`, `CN="" , dc=x`, "cn=\u00ad,dc=x"},
		"x=#3003020101":                          {"X=#3003020101"},
		// the old forms: RFC 1779, RFC 2253
		"cn=christian huitema,o=inria,c=fr": {`CN="Christian Huitema"; O=INRIA; C=FR`, "CN=Christian Huitema,O=INRIA,countryName=FR"},
		// RFC 4518
		"cn=jane doe":  {"cn=\u2003Jane\u00a0\u3000Doe ", "cn=Ja\u00adne Doe", "cn=\u200bjane\u2028doe", "cn=\ufeffjane doe\ufe0f", `cn=\ Jane Doe\ `, "cn=\uff2aane Doe"},
		"cn=strasse":   {"cn=Straße", "cn=STRASSE", "cn=STRAẞE"},
		"cn=kelvin":    {"cn=\u212aelvin", "cn=KELVIN"},
		"cn=fi":        {"cn=\ufb01", "cn=FI"},
		"cn=a \u0308b": {"cn=a \u0308b", "cn=A \u0308B", "cn=a\u00a8b"},
		"cn=οδοσ":      {"cn=ΟΔΟΣ", "cn=οδος"},
		"cn=ʾ":         {"cn=ʾ"},
		"cn=i\u0307x":  {"cn=İx", "cn=i\u0307X"},
		"cn=1\u2044 2": {"cn=1\u2044  2"},
		// capitals by the attribute's rule
		"homedirectory=/home/Jane":        {"homeDirectory=/home/Jane", "1.3.6.1.1.1.1.3=/home/Jane"},
		"labeleduri=http://x/\u00c1 b":    {"labeledURI=http://x/A\u0301  b", "1.3.6.1.4.1.250.1.57=http://x/\u00c1 b"},
		"userpassword=A\\20":              {`userPassword=A\20`},
		`telephonenumber=\2b49301234`:     {`telephoneNumber=\+49 30 12-34`, `2.5.4.20=\+49 30 12\e2\80\9034`},
		"x121address=12345":               {"x121Address=12 345"},
		"krbprincipalname=HTTP/h@REALM.X": {"krbPrincipalName=HTTP/h@REALM.X"},
	} {
		for _, dn := range same {
			if got := dnKeyOf(t, dn); got != want {
				t.Errorf("%q: %q, want %q", dn, got, want)
			}
		}
	}
	for _, different := range [][2]string{
		{"cn=a,dc=x", "dc=x,cn=a"},
		{"cn=a+sn=b", "cn=a,sn=b"},
		{`cn=a\,dc=x`, "cn=a,dc=x"},
		{"homeDirectory=/Home", "homeDirectory=/home"},
		{"memberUid=Jane", "memberUid=jane"},
		{"loginShell=/bin/SH", "loginShell=/bin/sh"},
		{"userPassword=a", "userPassword=A"},
		{"cn=ab", "cn=a b"},
		{"cn=a", "sn=a"},
		{`cn=\ff`, `cn=\fe`},
		{"mail=a", "email=a"},
		{"cn=a+cn=a", "cn=a"},
		{"cn=o", "cn=ø"},
	} {
		if SameDN(different[0], different[1]) {
			t.Errorf("%q and %q are the same", different[0], different[1])
		}
	}
	for _, bad := range []string{
		"nonsense", "cn", "=a", "cn=a,", ",cn=a", "cn=a,,dc=x", "cn=a+", `cn=a\`, `cn=a\x`, `cn=a\4`, `cn=a"b`, "cn=a<b", `cn="a`, `cn="a"b`, "cn=#zz", "cn=#", "cn=#04", "cn=#040161ff",
		"cn=#1f0161", "cn=#048161", "c n=a", "cn=a\x00", "ä=a",
	} {
		if key, err := NewDNKey(bad); err == nil || !strings.Contains(err.Error(), "is no DN: ") {
			t.Errorf("%q: %q, %v", bad, key, err)
		}
	}
	if !SameDN("nonsense", "nonsense") || SameDN("nonsense", "Nonsense") || SameDN("dc=x", "nonsense") {
		t.Error("what is no DN")
	}
}

func TestDNWithin(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		dn, base string
		within   bool
		depth    int
	}{
		{"uid=a,ou=P,dc=x", "OU=p, DC=X", true, 3},
		{"dc=x", "dc=x", true, 1},
		{"dc=x", "", true, 1},
		{"", "dc=x", false, 0},
		{"dc=ax", "dc=x", false, 1},
		{`cn=a\,dc=x`, "dc=x", false, 1},
		{"dc=x", "ou=a,dc=x", false, 1},
	} {
		dn, base := dnKeyOf(t, c.dn), dnKeyOf(t, c.base)
		if dn.Within(base) != c.within || dn.Depth() != c.depth {
			t.Errorf("%q in %q: %v, depth %d", c.dn, c.base, dn.Within(base), dn.Depth())
		}
	}
}

func TestDNKeyOfPlainNamesCostsLittle(t *testing.T) {
	for dn, most := range map[string]float64{
		"uid=user.000001,ou=people,dc=example,dc=com":           0,
		"CN=Jane Doe,OU=People,DC=corp,DC=example,DC=com":       3,
		`CN=Doe\, Jane,OU=People,DC=corp,DC=example,DC=com`:     4,
		"cn=user 1+uid=user.000001,ou=people,dc=example,dc=com": 8,
	} {
		if n := testing.AllocsPerRun(100, func() { _, _ = NewDNKey(dn) }); n > most {
			t.Errorf("%s: %v allocations", dn, n)
		}
	}
}

// spell writes a DN of types and values in one of many ways.
func spell(t *rapid.T, rdns [][][2]string) string {
	names := map[string][]string{
		"cn": {"cn", "CN", "commonName", "2.5.4.3", "OID.2.5.4.3"}, "ou": {"ou", "OU", "organizationalUnitName", "2.5.4.11"},
		"dc": {"dc", "Dc", "0.9.2342.19200300.100.1.25"}, "memberuid": {"memberUid", "1.3.6.1.1.1.1.12"},
	}
	space := rapid.SampledFrom([]string{"", " ", "  "})
	var parts []string
	for _, rdn := range rdns {
		var pairs []string
		for _, pair := range rdn {
			pairs = append(pairs, space.Draw(t, "space")+rapid.SampledFrom(names[pair[0]]).Draw(t, "name")+space.Draw(t, "space")+"="+
				space.Draw(t, "space")+spellValue(t, pair[1])+space.Draw(t, "space"))
		}
		parts = append(parts, strings.Join(rapid.Permutation(pairs).Draw(t, "order"), "+"))
	}
	return strings.Join(parts, rapid.SampledFrom([]string{",", ";"}).Draw(t, "separator"))
}

func spellValue(t *rapid.T, value string) string {
	if rapid.IntRange(0, 9).Draw(t, "hexadecimal") == 0 && len(value) < 128 {
		return fmt.Sprintf("#0c%02x%x", len(value), value)
	}
	quoted := rapid.IntRange(0, 4).Draw(t, "quoted") == 0
	var b strings.Builder
	for i := range len(value) {
		c := value[i]
		switch {
		case rapid.IntRange(0, 5).Draw(t, "escape") == 0 || c == 0:
			fmt.Fprintf(&b, `\%02x`, c)
		case c == '"' || c == '\\', !quoted && (strings.IndexByte(`+,;<>`, c) >= 0 || c == '#' && i == 0 || c == ' ' && (i == 0 || i == len(value)-1)):
			b.WriteString(`\` + string(c))
		default:
			b.WriteByte(c)
		}
	}
	if quoted {
		return `"` + b.String() + `"`
	}
	return b.String()
}

func TestDNKeyOfEverySpelling(t *testing.T) {
	t.Parallel()
	value := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ a-zA-Z#+,;<>=\\"]{0,9}`), rapid.SampledFrom([]string{"zoe\u0308", "\u00c5 \u0308", " x ", "山田"}))
	rapid.Check(t, func(t *rapid.T) {
		var rdns [][][2]string
		for range rapid.IntRange(1, 4).Draw(t, "rdns") {
			var rdn [][2]string
			for range rapid.IntRange(1, 3).Draw(t, "pairs") {
				rdn = append(rdn, [2]string{rapid.SampledFrom([]string{"cn", "ou", "dc", "memberuid"}).Draw(t, "type"), value.Draw(t, "value")})
			}
			rdns = append(rdns, rdn)
		}
		one, other := spell(t, rdns), spell(t, rdns)
		key := dnKeyOf(t, one)
		if got := dnKeyOf(t, other); got != key {
			t.Fatalf("%q is %q, and %q is %q", one, key, other, got)
		}
		if key.Depth() != len(rdns) {
			t.Fatalf("%q has %d RDNs and not %d", key, key.Depth(), len(rdns))
		}
	})
}

func FuzzDNKey(f *testing.F) {
	for _, seed := range [][2]string{
		{"cn=a,dc=x", "CN=A, DC=X"},
		{`cn=\c3\a9`, "CN=É"},
		{`ou=a\,b+cn=c`, "CN=c+OU=A\\2cb"},
		{"cn=#0c0161", "cn=a"},
		{"cn=\u1e9e", "cn=ß"},
		{"cn=\u00a8 \u0308", "x=\uab83"},
		{"memberUid=A", "memberUid=a"},
		{"telephoneNumber=1-2", "telephoneNumber=12"},
		{"cn=\" a\"", "cn=\\ a"},
		{"cn=\ufdfa", "cn=\u0345"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		x, errX := NewDNKey(a)
		y, errY := NewDNKey(b)
		if errX != nil || errY != nil {
			return
		}
		if again, err := NewDNKey(string(x)); err != nil || again != x {
			t.Errorf("%q has the key %q, and that %q, %v", a, x, again, err)
		}
		one, err1 := ldap.ParseDN(a)
		other, err2 := ldap.ParseDN(b)
		// go-ldap takes all octets that are no UTF-8 for one, and values with parts for nothing.
		if err1 != nil || err2 != nil || strings.Contains(a+b, "#") || !one.EqualFold(other) || !isText(one) || !isText(other) {
			return
		}
		if x != y {
			t.Errorf("%q has the key %q, and %q, which is the same, %q", a, x, b, y)
		}
	})
}

// isText reports whether all values are UTF-8, and of attributes whose capitals do not count.
func isText(dn *ldap.DN) bool {
	return !slices.ContainsFunc(dn.RDNs, func(rdn *ldap.RelativeDN) bool {
		return slices.ContainsFunc(rdn.Attributes, func(a *ldap.AttributeTypeAndValue) bool {
			return !utf8.ValidString(a.Value) || strings.ContainsRune(a.Value, utf8.RuneError) || HasCase(trimOID(a.Type))
		})
	})
}

func BenchmarkDNKey(b *testing.B) {
	for name, dn := range map[string]string{
		"own key":  "uid=user.000001,ou=people,dc=example,dc=com",
		"capitals": "CN=Jane Doe,OU=People,DC=corp,DC=example,DC=com",
		"escaped":  `CN=Doe\, Jane,OU=People,DC=corp,DC=example,DC=com`,
		"Unicode":  "CN=Zoë Müller,OU=People,DC=corp,DC=example,DC=com",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := NewDNKey(dn); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("go-ldap", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ldap.ParseDN("CN=Jane Doe,OU=People,DC=corp,DC=example,DC=com"); err != nil {
				b.Fatal(err)
			}
		}
	})
}
