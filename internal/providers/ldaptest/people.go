package ldaptest

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// Person is the LDIF of a person, made to be odd by its number i, from 0:
//
//	i%10 == 3  has no mail
//	i%7  == 2  has two mail values: the usual one, and one that sorts before it
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
		line("memberOf", Group("vpn"))
	}
	if i%3 == 0 {
		line("memberOf", Group("site"))
	}
	return b.String()
}

// People is the LDIF of n persons and of their groups, cn=vpn and cn=site below
// ou=Groups. The persons have memberOf written out, as slapd's overlay keeps it
// from then on.
func People(n int) string {
	var people strings.Builder
	groups := map[string]*strings.Builder{"vpn": {}, "site": {}}
	for i := range n {
		person := Person(i)
		people.WriteString(person + "\n")
		dn, _, _ := strings.Cut(person, "\n")
		for name, group := range groups {
			if strings.Contains(person, "memberOf: "+Group(name)+"\n") {
				group.WriteString("member" + strings.TrimPrefix(dn, "dn") + "\n")
			}
		}
	}
	for _, name := range []string{"site", "vpn"} {
		if groups[name].Len() > 0 {
			fmt.Fprintf(&people, "dn: %s\nobjectClass: groupOfNames\ncn: %s\n%s\n", Group(name), name, groups[name])
		}
	}
	return people.String()
}

// Group is the DN of a group.
func Group(name string) string { return "cn=" + name + ",ou=Groups," + BaseDN }

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
