package ldaptest

import (
	"fmt"
	"slices"
	"strings"
)

// Dataset is the same people and groups as every kind of server wants them written.
//
// Person i, from 0, is called userNNNNNN; what is odd is made by the number:
//
//	i%10 == 3   has no mail
//	i%7  == 2   has two addresses; the second is another attribute on Active Directory,
//	            where mail has one value
//	i%6  == 1   has two phones, and every other one of them the other way round
//	i%11 == 5   has a name in another script, and it as RDN; i%33 == 5 the same name
//	            composed (NFC) and i%33 == 16 decomposed (NFD)
//	i%23 == 8   has an RDN with what RFC 4514 escapes, and more that is odd in one
//	i%17 == 4   has capitals in the username
//	i%19 == 9   has the name in French as well (cn;lang-fr); not on Active Directory,
//	            which has no attribute options
//	i%20 == 7   is disabled; OpenLDAP has no such thing
//	i%40 == 9   is an account that expired, on Active Directory alone
//	i%9  == 1   is a contractor (employeeType)
//	i%59 == 30  has an RDN of two attributes; not on Active Directory, which takes one
type Dataset struct {
	// Server is the Name of the server's Access.
	Server string
	// People is how many.
	People int
}

// Human is a person of a dataset.
type Human struct {
	Number         int
	Username, Name string
	// DN is as generated: the server may write it in another form.
	DN string
	// Mail and Phones are in no order.
	Mail, Phones                  []string
	Disabled, Expired, Contractor bool
}

// AD says that the server is an Active Directory.
func (d Dataset) AD() bool { return d.Server == "Samba" }

// Where returns the suffix and the containers.
func (d Dataset) Where() (base, people, groups string) {
	if d.AD() {
		return SambaBaseDN, "OU=People," + SambaBaseDN, "OU=Groups," + SambaBaseDN
	}
	return BaseDN, "ou=People," + BaseDN, "ou=Groups," + BaseDN
}

// oddNames are values of which the RDN needs escapes, or that are odd otherwise.
func oddNames() []string {
	return []string{
		`Smith, "Bob" + Sons <%d>;\`, `# hash %d`, ` a space first %d`, `a space last %d `, `a=b %d`, `A/B*(c)|&! %d`, `two  spaces %d`, `\2C not a comma %d`,
		"Ⅷ ﬁ ß İ %d", "👩‍🚀 %d", "عربى %d",
	}
}

// Human returns person i.
func (d Dataset) Human(i int) Human {
	h := Human{
		Number: i, Username: fmt.Sprintf("user%06d", i), Name: fmt.Sprintf("User %06d", i),
		Disabled: i%20 == 7 && d.Server != "OpenLDAP", Expired: i%40 == 9 && d.AD(), Contractor: i%9 == 1,
	}
	scripts := []string{"Łukasz Świątek", "山田 太郎", "Иван Петров", "Anaïs 😀 Côté"}
	named := true
	switch {
	case i%33 == 5:
		h.Name = fmt.Sprintf("Zo\u00eb M\u00fcller %d", i)
	case i%33 == 16:
		h.Name = fmt.Sprintf("Zoe\u0308 Mu\u0308ller %d", i)
	case i%11 == 5:
		h.Name = fmt.Sprintf("%s %d", scripts[i%len(scripts)], i)
	case i%23 == 8:
		odd := oddNames()
		h.Name = strings.Replace(odd[i/23%len(odd)], "%d", fmt.Sprint(i), 1)
	default:
		named = false
	}
	if i%17 == 4 {
		h.Username = fmt.Sprintf("User%06dX", i)
	}
	if i%10 != 3 {
		h.Mail = append(h.Mail, h.Username+"@example.com")
		if i%7 == 2 {
			h.Mail = append(h.Mail, h.Username+".alias@example.org")
		}
	}
	if i%6 == 1 {
		h.Phones = []string{fmt.Sprintf("+1 613 555 %04d", i%10000), fmt.Sprintf("+44 20 7946 %04d", i%10000)}
		if i%12 == 1 {
			slices.Reverse(h.Phones)
		}
	}
	_, people, _ := d.Where()
	switch {
	case d.AD():
		// Samba's tools read no "=" in a value, which RFC 4514 lets be.
		h.DN = "CN=" + strings.ReplaceAll(EscapeDN(h.Name), "=", `\3D`) + "," + people
	case named:
		h.DN = "cn=" + EscapeDN(h.Name) + "," + people
	case i%59 == 30:
		h.DN = "cn=" + EscapeDN(h.Name) + "+uid=" + h.Username + "," + people
	default:
		h.DN = "uid=" + h.Username + "," + people
	}
	return h
}

// Humans returns everybody.
func (d Dataset) Humans() []Human {
	all := make([]Human, d.People)
	for i := range all {
		all[i] = d.Human(i)
	}
	return all
}

// LDIF has everybody and all groups, and, where the server knows such a thing, an entry
// that refers to a server that is not there: ou=Remote below the suffix.
func (d Dataset) LDIF() string {
	var b strings.Builder
	of := d.memberOf()
	for _, h := range d.Humans() {
		b.WriteString(d.person(h, of[h.DN]) + "\n")
	}
	for _, g := range d.Groups() {
		b.WriteString(d.group(g, of[g.DN]) + "\n")
	}
	if !d.AD() {
		b.WriteString("dn: ou=Remote," + BaseDN + "\nobjectClass: referral\nobjectClass: extensibleObject\nou: Remote\nref: ldaps://127.0.0.1:1/ou=Remote," + BaseDN + "\n\n")
	}
	return b.String()
}

func (d Dataset) person(h Human, of []string) string {
	var b strings.Builder
	line := func(attribute string, values ...string) {
		for _, value := range values {
			b.WriteString(Line(attribute, value) + "\n")
		}
	}
	line("dn", h.DN)
	if d.AD() {
		d.account(h, line)
	} else {
		line("objectClass", "inetOrgPerson")
		if d.Server == "389" {
			line("objectClass", "inetUser")
		}
		line("uid", h.Username)
		line("cn", h.Name)
		line("sn", "Surname")
		line("mail", h.Mail...)
		line("telephoneNumber", h.Phones...)
		line("memberOf", of...)
		if h.Number%19 == 9 {
			line("cn;lang-fr", h.Name+" en français")
		}
		if h.Disabled {
			line("nsAccountLock", "true")
		}
	}
	line("displayName", h.Name)
	if h.Contractor {
		line("employeeType", "contractor")
	}
	return b.String()
}

// account writes what a person has on Active Directory in another way.
func (Dataset) account(h Human, line func(string, ...string)) {
	line("objectClass", "user")
	line("sAMAccountName", h.Username)
	line("userPrincipalName", h.Username+"@"+strings.ToLower(SambaRealm))
	control := 512 + 32 // an ordinary account ([MS-ADTS] 2.2.16), which needs no password here
	if h.Disabled {
		control += 2
	}
	line("userAccountControl", fmt.Sprint(control))
	if h.Expired {
		line("accountExpires", "132223104000000000") // 2020-01-01, in 100 ns since 1601
	}
	for i, address := range h.Mail {
		line([]string{"mail", "otherMailbox"}[i], address)
	}
	line("otherTelephone", h.Phones...)
}

// EscapeDN escapes a value for a DN (RFC 4514, 2.4).
func EscapeDN(value string) string {
	escaped := escapeDN(value)
	if strings.HasPrefix(escaped, " ") || strings.HasPrefix(escaped, "#") {
		escaped = `\` + escaped
	}
	if before, spaced := strings.CutSuffix(escaped, " "); spaced {
		escaped = before + `\ `
	}
	return escaped
}
