package cli_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
)

// staffed is how many people the Active Directory has.
const staffed = 300

// staff is person i of an Active Directory, as the configuration of
// examples/activedirectory should see them. The last is the one who is never away.
type staff struct {
	account, name, display, mail, dn string
	disabled, expired                bool
}

func staffOf(i int) staff {
	p := staff{account: fmt.Sprintf("Staff%03d", i), name: fmt.Sprintf("Staff %03d", i), disabled: i%20 == 7, expired: i%40 == 9}
	switch {
	case i == staffed-1:
		p.account, p.name = "Jane.Doe", "Jane Doe"
	case i%11 == 5:
		p.name = fmt.Sprintf(`Zoë "M" Müller, %03d`, i)
	}
	if i%4 != 0 {
		p.display = p.name + " (Corp)"
	}
	if i%50 != 13 {
		p.mail = p.account + "@corp.example.com"
	}
	site := []string{"Berlin", "Ottawa"}[i%2]
	p.dn = "CN=" + ldaptest.EscapeDN(p.name) + ",OU=" + site + ",OU=Staff," + ldaptest.SambaBaseDN
	return p
}

// ldif is the person's entry.
func (p staff) ldif() string {
	control := 512 + 32 // an ordinary account that needs no password here (MS-ADTS 2.2.16)
	if p.disabled {
		control += 2
	}
	lines := []string{
		ldaptest.Line("dn", p.dn), "objectClass: user", "sAMAccountName: " + p.account, fmt.Sprintf("userAccountControl: %d", control),
	}
	if p.display != "" {
		lines = append(lines, ldaptest.Line("displayName", p.display))
	}
	if p.mail != "" {
		lines = append(lines, "mail: "+p.mail)
	}
	if p.expired {
		lines = append(lines, "accountExpires: "+filetime(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)))
	}
	return strings.Join(lines, "\n") + "\n"
}

// member is the person's line among the members of a domain; nothing for whom it should not have.
func (p staff) member(token string) string {
	if p.disabled || p.expired || p.mail == "" {
		return ""
	}
	name := p.display
	if name == "" {
		name = p.name
	}
	return fmt.Sprintf("%s | %s | %s | %s\n", strings.ToLower(p.account), name, p.mail, token)
}

// filetime is a time in units of 100 ns since 1601 (MS-DTYP 2.3.3).
func filetime(t time.Time) string { return fmt.Sprint((t.Unix() + 11644473600) * 10_000_000) }

// inGroups are the numbers of those who are in a group directly, and the groups in it:
//
//	vpn > engineering > platform, admins > operators
func inGroups(name string) (people []int, groups []string) {
	switch name {
	case "platform":
		return numbers(0, 100), nil
	case "engineering":
		return numbers(100, 200), []string{"platform"}
	case "vpn":
		return append(numbers(200, 250), staffed-1), []string{"engineering"}
	case "operators":
		return numbers(0, 10), nil
	}
	return []int{10, 11, staffed - 1}, []string{"operators"} // admins
}

func numbers(first, end int) (all []int) {
	for i := first; i < end; i++ {
		all = append(all, i)
	}
	return all
}

func groupOf(name string) string { return "CN=" + name + ",OU=Groups," + ldaptest.SambaBaseDN }

func staffLDIF() string {
	var b strings.Builder
	for _, ou := range []string{"OU=Staff", "OU=Berlin,OU=Staff", "OU=Ottawa,OU=Staff"} {
		b.WriteString("dn: " + ou + "," + ldaptest.SambaBaseDN + "\nobjectClass: organizationalUnit\n\n")
	}
	for i := range staffed {
		b.WriteString(staffOf(i).ldif() + "\n")
	}
	for _, name := range []string{"platform", "engineering", "vpn", "operators", "admins"} {
		people, groups := inGroups(name)
		b.WriteString("dn: " + groupOf(name) + "\nobjectClass: group\nsAMAccountName: " + name + "\n")
		for _, i := range people {
			b.WriteString(ldaptest.Line("member", staffOf(i).dn) + "\n")
		}
		for _, group := range groups {
			b.WriteString("member: " + groupOf(group) + "\n")
		}
		b.WriteString("\n")
	}
	return b.String()
}
