package migrate

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-ldap/ldap/v3"
)

// Options are the old tool's command line, each as it was given; empty where it
// was not.
type Options struct {
	// SyncMode is -m, MaxRemoveLimit -r, TokenMode -t, Notify -l, Group -g,
	// DefaultEmail -e, DefaultName -n.
	SyncMode, MaxRemoveLimit, TokenMode, Notify, Group, DefaultEmail, DefaultName string
	// LocalValidation is -a, IgnoreReferral -i.
	LocalValidation, IgnoreReferral bool
}

// check holds the options against what rollcall takes.
func (o *Options) check() error {
	var errs []error
	wrong := func(option, value, form string) {
		errs = append(errs, fmt.Errorf("%s: %q is not %s", option, value, form))
	}
	oneOf := func(option, value string, words ...string) {
		if value != "" && !slices.Contains(words, value) {
			wrong(option, value, "one of "+strings.Join(words, ", "))
		}
	}
	oneOf("-m", o.SyncMode, "add_only", "remove", "delete")
	oneOf("-t", o.TokenMode, "do_not_issue_token", "issue_token_without_email", "issue_token_with_email")
	if _, err := strconv.ParseUint(o.MaxRemoveLimit, 10, 31); o.MaxRemoveLimit != "" && err != nil {
		wrong("-r", o.MaxRemoveLimit, "a number of removals such as 10")
	}
	for _, address := range [][2]string{{"-e", o.DefaultEmail}, {"-l", o.Notify}} {
		if parsed, err := mail.ParseAddress(address[1]); address[1] != "" && (err != nil || parsed.Address != address[1]) {
			wrong(address[0], address[1], "an e-mail address")
		}
	}
	for _, name := range [][2]string{{"-g", o.Group}, {"-n", o.DefaultName}} {
		if !isName(name[1]) {
			wrong(name[0], name[1], "a name of at most 128 characters without blanks at its ends")
		}
	}
	return errors.Join(errs...)
}

func isName(s string) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= 128 && strings.TrimSpace(s) == s && !strings.ContainsFunc(s, unicode.IsControl)
}

// removes reports whether the old mode removed people.
func (o *Options) removes() bool { return o.SyncMode == "remove" || o.SyncMode == "delete" }

// needsAssumed says whether the settings need calls that LoginTC does not document.
func needsAssumed(p *Properties, o *Options) bool {
	for _, name := range []string{"attr_phone", "attr_alias1", "attr_alias2", "attr_alias3"} {
		if p.has(sectionLDAP, name) {
			return true
		}
	}
	return o.Group != "" || o.Notify != "" || o.TokenMode == "issue_token_with_email"
}

// check holds the properties against what rollcall takes, so that what is written
// can be loaded.
func (p *Properties) check() error {
	var errs problems
	need := func(section string, names ...string) {
		for _, name := range names {
			if !p.has(section, name) {
				errs = append(errs, &Error{p.file, 0, fmt.Sprintf("[%s] has no %s", section, name)})
			}
		}
	}
	must := func(section, name string, is func(string) bool, form string) {
		if p.has(section, name) && !is(p.get(section, name)) {
			errs = append(errs, p.wrong(section, name, "is not "+form))
		}
	}
	need(sectionLoginTC, "api_key", "domain_id")
	need(sectionLDAP, "host", "base_dn", "attr_username")
	must(sectionLoginTC, "domain_id", regexp.MustCompile(`^[0-9a-fA-F]{40}$`).MatchString, "40 hexadecimal characters")
	must(sectionLoginTC, "host", isLoginTCHost, "a host such as cloud.logintc.com")
	must(sectionLoginTC, "proxy_host", isHost, "a host such as proxy.example.com")
	must(sectionLoginTC, "proxy_port", isPort, "a port such as 3128")
	must(sectionLDAP, "port", isPort, "a port such as 389")
	must(sectionLDAP, "host", func(s string) bool { return len(ldapHosts(s)) > 0 }, "a host such as ldap.example.com or ldap.example.com:636")
	must(sectionLDAP, "encryption", func(s string) bool { return encryption(s) != "" }, "none, ssl or startTLS")
	must(sectionLDAP, "base_dn", isDN, "a DN such as ou=People,dc=example,dc=com")
	must(sectionLDAP, "bind_dn", isDN, "a DN such as cn=sync,dc=example,dc=com")
	must(sectionLDAP, "scope", func(s string) bool { return s == "sub" || s == "one" || s == "base" }, "sub, one or base")
	must(sectionLDAP, "page_size", isPageSize, "a number from 1")
	must(sectionLDAP, "filter", func(s string) bool { _, err := ldap.CompileFilter(parenthesized(s)); return err == nil }, "a filter such as (objectClass=person)")
	for _, names := range spellings(sectionLDAP) {
		switch name := names[0]; {
		case strings.HasPrefix(name, "attr_"):
			must(sectionLDAP, name, isAttribute, "the name of an attribute such as uid")
		case strings.HasPrefix(name, "normalize_"):
			must(sectionLDAP, name, func(s string) bool { _, known := truth(s); return known }, "true or false")
		}
	}
	if p.has(sectionLDAP, "bind_dn") != p.has(sectionLDAP, "bind_password") {
		errs = append(errs, &Error{p.file, 0, "[ldap] has only one of bind_dn and bind_password"})
	}
	if p.has(sectionLoginTC, "proxy_user") != p.has(sectionLoginTC, "proxy_pass") {
		errs = append(errs, &Error{p.file, 0, "[logintc] has only one of proxy_user and proxy_pass"})
	}
	if p.has(sectionLoginTC, "proxy_user") && !p.has(sectionLoginTC, "proxy_host") {
		errs = append(errs, &Error{p.file, 0, "[logintc] has proxy_user and no proxy_host"})
	}
	return errs.join()
}

func isDN(s string) bool { _, err := ldap.ParseDN(s); return err == nil }

func isPort(s string) bool { n, err := strconv.ParseUint(s, 10, 16); return err == nil && n > 0 }

func isPageSize(s string) bool { n, err := strconv.ParseUint(s, 10, 31); return err == nil && n > 0 }

// isHost accepts names, IPv4 and, in brackets, IPv6 addresses.
func isHost(s string) bool {
	if inner, ok := strings.CutPrefix(s, "["); ok {
		return net.ParseIP(strings.TrimSuffix(inner, "]")) != nil
	}
	return regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`).MatchString(s)
}

// isLoginTCHost accepts a port, and http:// for the emulator.
func isLoginTCHost(s string) bool {
	s = strings.TrimPrefix(strings.TrimPrefix(s, "https://"), "http://")
	host, port, found := cutPort(s)
	return isHost(host) && (!found || isPort(port))
}

func cutPort(s string) (host, port string, found bool) {
	at := strings.LastIndexByte(s, ':')
	if at < 0 || strings.HasSuffix(s, "]") {
		return s, "", false
	}
	return s[:at], s[at+1:], true
}

// ldapHosts splits a list of hosts with or without ports; nothing where one is wrong.
func ldapHosts(s string) []string {
	hosts := strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' })
	for _, each := range hosts {
		host, port, found := cutPort(each)
		if !isHost(host) || found && !isPort(port) {
			return nil
		}
	}
	return hosts
}

// encryption returns rollcall's word, or nothing for one that is unknown.
func encryption(s string) string {
	switch strings.ToLower(s) {
	case "", "none":
		return "none"
	case "ssl":
		return "ssl"
	case "starttls":
		return "starttls"
	}
	return ""
}

// isAttribute accepts an attribute description (RFC 4512, 2.5).
func isAttribute(s string) bool {
	return regexp.MustCompile(`^([A-Za-z][A-Za-z0-9-]*|[0-9]+(\.[0-9]+)+)(;[A-Za-z0-9-]+)*$`).MatchString(s)
}

func truth(s string) (is, known bool) {
	switch strings.ToLower(s) {
	case "true", "yes", "1", "on":
		return true, true
	case "false", "no", "0", "off", "":
		return false, true
	}
	return false, false
}

// parenthesized gives a filter the parentheses that the old tool did not need.
func parenthesized(filter string) string {
	if strings.HasPrefix(filter, "(") {
		return filter
	}
	return "(" + filter + ")"
}
