// Package floor reads directories and LoginTC with as little as can be: what a reader
// costs that does nothing with what it reads.
package floor

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/url"
	"os"
	"os/exec"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/rollcall-cli/rollcall/internal/providers/ldap"
)

// Directory is a search of everybody below a base, in pages.
type Directory struct {
	URL, CAFile, BindDN, BindPassword string
	// Encryption is as in a directory block: "none", "ssl", "starttls".
	Encryption     string
	BaseDN, Filter string
	PageSize       int
	Attributes     []string
}

// Block is a directory block that makes rollcall search so, with the password in
// var.ldap_password and what people of a usual directory have.
func (d Directory) Block() string {
	return fmt.Sprintf(`directory "ldap" "corp" {
  urls          = [%q]
  encryption    = %q
  bind_dn       = %q
  bind_password = var.ldap_password
  ca_file       = %q
  base_dn       = %q
  filter        = %q
  page_size     = %d

  user {
    username = lower(entry.uid)
    name     = coalesce(entry.displayName, entry.cn)
    email    = entry.mail
  }
}
`, d.URL, d.Encryption, d.BindDN, d.CAFile, d.BaseDN, d.Filter, d.PageSize)
}

// Ldapsearch is the search with OpenLDAP's own program, which prints what it finds.
func (d Directory) Ldapsearch() *exec.Cmd {
	args := []string{
		"-x", "-LLL", "-H", d.URL, "-D", d.BindDN, "-w", d.BindPassword,
		"-b", d.BaseDN, "-s", "sub", "-E", fmt.Sprintf("pr=%d/noprompt", d.PageSize),
	}
	if d.Encryption == ldap.EncryptionStartTLS {
		args = append(args, "-ZZ")
	}
	cmd := exec.Command("ldapsearch", append(append(args, d.Filter), d.Attributes...)...)
	cmd.Env = append(os.Environ(), "LDAPTLS_CACERT="+d.CAFile)
	return cmd
}

// Discard searches with go-ldap alone, throws every entry away, and counts them.
func (d Directory) Discard() (entries int, err error) {
	pem, err := os.ReadFile(d.CAFile)
	if err != nil {
		return 0, err
	}
	server, err := url.Parse(d.URL)
	if err != nil {
		return 0, err
	}
	secure := &tls.Config{ServerName: server.Hostname(), RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	secure.RootCAs.AppendCertsFromPEM(pem)
	c, err := goldap.DialURL(d.URL, goldap.DialWithTLSConfig(secure))
	if err != nil {
		return 0, err
	}
	defer func() { _ = c.Close() }() // everything was read
	if d.Encryption == ldap.EncryptionStartTLS {
		if err := c.StartTLS(secure); err != nil {
			return 0, err
		}
	}
	if err := c.Bind(d.BindDN, d.BindPassword); err != nil {
		return 0, err
	}
	paging := goldap.NewControlPaging(uint32(d.PageSize))
	request := goldap.NewSearchRequest(d.BaseDN, goldap.ScopeWholeSubtree, goldap.NeverDerefAliases, 0, 0, false, d.Filter, d.Attributes, []goldap.Control{paging})
	for {
		page, err := c.Search(request)
		if err != nil {
			return 0, err
		}
		entries += len(page.Entries)
		answer, ok := goldap.FindControl(page.Controls, goldap.ControlTypePaging).(*goldap.ControlPaging)
		if !ok || len(answer.Cookie) == 0 {
			return entries, nil
		}
		paging.SetCookie(answer.Cookie)
	}
}
