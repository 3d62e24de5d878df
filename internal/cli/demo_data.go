package cli

import (
	"strings"

	"github.com/rollcall-cli/rollcall/internal/providers/logintctest"
)

const (
	demoBase     = "dc=example,dc=com"
	demoBindDN   = "cn=sync,ou=Services,dc=example,dc=com"
	demoDomainID = "9120580e94f134cb7c9f27cd1e43dbc82980e152"
)

// demoConfiguration takes the URLs of LoginTC and LDAP, the bind DN and the base.
const demoConfiguration = `rollcall {
  required_version = ">= 0.1"
}

variable "ldap_password" {
  sensitive = true
}

variable "logintc_api_key" {
  sensitive = true
}

logintc "acme" {
  host    = %q
  api_key = var.logintc_api_key
}

directory "ldap" "corp" {
  urls          = [%q]
  encryption    = "none" # it runs inside this process
  bind_dn       = %q
  bind_password = var.ldap_password
  base_dn       = "ou=People,%s"
  filter        = "(objectClass=person)"

  user {
    username = lower(entry.uid)
    name     = entry.cn
    email    = entry.mail
  }
}

policy "standard" {
  sync_mode        = "remove"
  max_remove_limit = 1
  max_shrink       = "50%%"
  token_mode       = "issue_token_without_email"
}

domain "vpn" {
  id        = "9120580e94f134cb7c9f27cd1e43dbc82980e152"
  directory = directory.corp
  filter    = "(memberOf=cn=vpn,ou=Groups,dc=example,dc=com)"
  policy    = policy.standard
}
`

// demoPerson is the LDIF of somebody in the VPN group.
func demoPerson(uid, name string) string {
	surname := name[strings.LastIndex(name, " ")+1:]
	return "dn: uid=" + uid + ",ou=People," + demoBase + "\n" +
		"objectClass: inetOrgPerson\nuid: " + uid + "\ncn: " + name + "\nsn: " + surname + "\nmail: " + uid + "@example.com\n" +
		"memberOf: cn=vpn,ou=Groups," + demoBase + "\n"
}

func demoPeople() string {
	people := []string{
		"dn: " + demoBase + "\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n",
		"dn: ou=People," + demoBase + "\nobjectClass: organizationalUnit\nou: People\n",
		demoPerson("jane.doe", "Jane Doe"), demoPerson("bob.lee", "Bob Lee"), demoPerson("kim.park", "Kim Park"),
		demoPerson("lee.chan", "Lee Chan"), demoPerson("zoe.muller", "Zoe Muller"),
		// in the group, but without a mail address
		strings.Replace(demoPerson("tom.tbd", "Tom Tbd"), "mail: tom.tbd@example.com\n", "", 1),
	}
	return strings.Join(people, "\n")
}

// demoOrganization has a member with a typing error and one for emergencies.
func demoOrganization(apiKey string) logintctest.Data {
	active := map[string]logintctest.TokenState{demoDomainID: logintctest.TokenActive}
	return logintctest.Data{
		Name: "Acme", APIKey: apiKey, Administrators: []string{"admin@example.com"},
		Domains: []logintctest.Domain{{ID: demoDomainID, Name: "VPN"}},
		Users: []logintctest.User{
			{Username: "jane.doe", Name: "Jane Do", Email: "jane.doe@example.com", Domains: []string{demoDomainID}, Tokens: active},
			{Username: "breakglass", Name: "Emergency access", Email: "admin@example.com", Domains: []string{demoDomainID}, Tokens: active},
		},
	}
}
