package ldaptest

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// Person is the LDIF of a person, made to be odd by its number i, from 0:
//
//	i%10 == 3  has no mail
//	i%7  == 2  has two mail values, the first being the usual one
//	i%11 == 5  has a name in another script, and it as RDN
//	i%101== 50 has an RDN with every character that RFC 4514 escapes
//
// Everybody has uid userNNNNNN. The even are in the group vpn, every third in
// the group site; both as memberOf.
func Person(i int) string {
	uid := fmt.Sprintf("user%06d", i)
	name := fmt.Sprintf("User %06d", i)
	rdn := "uid=" + uid
	switch {
	case i%11 == 5:
		scripts := []string{"Zoë Müller", "Łukasz Świątek", "山田 太郎", "Иван Петров", "José Ñandú", "Anaïs 😀 Côté"}
		name = fmt.Sprintf("%s %d", scripts[i%len(scripts)], i)
		rdn = "cn=" + name
	case i%101 == 50:
		name = fmt.Sprintf(`Smith, "Bob" + Sons <%d>;\`, i)
		rdn = "cn=" + escapeDN(name)
	}
	var b strings.Builder
	line := func(attribute, value string) { fmt.Fprintf(&b, "%s\n", Line(attribute, value)) }
	line("dn", rdn+",ou=People,"+BaseDN)
	line("objectClass", "inetOrgPerson")
	line("uid", uid)
	line("cn", name)
	line("sn", "Surname")
	if i%10 != 3 {
		line("mail", uid+"@example.com")
		if i%7 == 2 {
			line("mail", uid+".alias@example.org")
		}
	}
	if i%2 == 0 {
		line("memberOf", "cn=vpn,ou=Groups,"+BaseDN)
	}
	if i%3 == 0 {
		line("memberOf", "cn=site,ou=Groups,"+BaseDN)
	}
	return b.String()
}

// People is the LDIF of n persons.
func People(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(Person(i))
		b.WriteByte('\n')
	}
	return b.String()
}

// Line is a line of an LDIF, in base64 where RFC 2849 wants it.
func Line(attribute, value string) string {
	safe := value != "" && !strings.ContainsAny(value[:1], " :<") && !strings.HasSuffix(value, " ")
	for i := range len(value) {
		safe = safe && value[i] >= ' ' && value[i] < 0x7f
	}
	if safe {
		return attribute + ": " + value
	}
	return attribute + ":: " + base64.StdEncoding.EncodeToString([]byte(value))
}

func escapeDN(value string) string {
	return strings.NewReplacer(`\`, `\\`, `,`, `\,`, `+`, `\+`, `"`, `\"`, `<`, `\<`, `>`, `\>`, `;`, `\;`).Replace(value)
}
