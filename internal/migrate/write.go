package migrate

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Result is what is to be written.
type Result struct {
	// Configuration is HCL, not yet formatted. Variables are lines for a shell that
	// name every variable that is to be set, without a value.
	Configuration, Variables string
}

// Configuration writes the configuration that does what the old tool did with the
// properties and options. An error names every property and option that rollcall
// does not take.
func Configuration(p *Properties, o Options) (Result, error) {
	if err := errors.Join(p.check(), o.check()); err != nil {
		return Result{}, err
	}
	w := &writer{p: p, o: &o}
	w.head()
	w.logintc()
	w.directory()
	w.policy()
	w.domain()
	return Result{w.hcl.String(), w.variables.String()}, nil
}

type writer struct {
	p   *Properties
	o   *Options
	hcl strings.Builder
	// variables are the lines of Result.Variables.
	variables strings.Builder
}

func (w *writer) line(format string, args ...any) { fmt.Fprintf(&w.hcl, format+"\n", args...) }

// attribute writes one attribute, with where it comes from.
func (w *writer) attribute(name, expression, origin string) {
	if origin != "" {
		origin = " # " + origin
	}
	w.line("%s = %s%s", name, expression, origin)
}

// text writes an attribute whose value is a property, if it is set.
func (w *writer) text(name, section, property string) {
	if w.p.has(section, property) {
		w.attribute(name, quote(w.p.get(section, property)), property)
	}
}

// option writes an attribute whose value is an option, if it was given.
func (w *writer) option(name, option, value string) {
	if value != "" {
		w.attribute(name, quote(value), option)
	}
}

func (w *writer) head() {
	w.line("# Written by rollcall migrate from %s. Each setting says where it comes from.", strings.Map(oneLine, w.p.file))
	w.line("# Next: set the variables, then: rollcall validate, rollcall users, rollcall plan.")
	w.line("")
	fmt.Fprintf(&w.variables, "# The variables of the configuration. Set them where the old tool's properties file\n"+
		"# had them, and keep them out of the repository: source this file, or set them in\n# the environment of cron or CI.\n")
	w.variable("logintc_api_key", "api_key in [logintc]", true)
	w.variable("ldap_password", "bind_password in [ldap]", w.p.has(sectionLDAP, "bind_password"))
	w.variable("proxy_password", "proxy_pass in [logintc]", w.p.has(sectionLoginTC, "proxy_pass"))
	w.line("")
}

// variable declares a sensitive variable where the old file had a secret.
func (w *writer) variable(name, origin string, needed bool) {
	if needed {
		w.line("variable %q { sensitive = true } # %s", name, origin)
		fmt.Fprintf(&w.variables, "\n# %s\nexport ROLLCALL_VAR_%s=\n", origin, name)
	}
}

func (w *writer) logintc() {
	w.line(`logintc "main" {`)
	w.text("host", sectionLoginTC, "host")
	if needsAssumed(w.p, w.o) {
		w.line("# Aliases, phones, groups, mailed tokens and notifications take calls that LoginTC")
		w.line("# does not document; rollcall's form of them is assumed.")
		w.attribute("api", `"sync"`, "")
	}
	w.attribute("api_key", "var.logintc_api_key", "api_key")
	if w.p.has(sectionLoginTC, "proxy_host") {
		port := w.p.get(sectionLoginTC, "proxy_port")
		if port == "" {
			port = "80"
		}
		w.line("proxy {")
		w.attribute("url", quote("http://"+w.p.get(sectionLoginTC, "proxy_host")+":"+port), "proxy_host, proxy_port")
		w.text("username", sectionLoginTC, "proxy_user")
		if w.p.has(sectionLoginTC, "proxy_pass") {
			w.attribute("password", "var.proxy_password", "proxy_pass")
		}
		w.line("}")
	}
	w.line("}\n")
}

func (w *writer) directory() {
	p := w.p
	w.line(`directory "ldap" "main" {`)
	kind := encryption(p.get(sectionLDAP, "encryption"))
	scheme, port := "ldap://", "389"
	if kind == "ssl" {
		scheme, port = "ldaps://", "636"
	}
	if p.has(sectionLDAP, "port") {
		port = p.get(sectionLDAP, "port")
	}
	var urls []string
	for _, host := range ldapHosts(p.get(sectionLDAP, "host")) {
		if _, _, found := cutPort(host); !found {
			host += ":" + port
		}
		urls = append(urls, quote(scheme+host))
	}
	w.attribute("urls", "["+strings.Join(urls, ", ")+"]", "host")
	w.attribute("encryption", quote(kind), "encryption")
	w.text("bind_dn", sectionLDAP, "bind_dn")
	if p.has(sectionLDAP, "bind_password") {
		w.attribute("bind_password", "var.ldap_password", "bind_password")
	}
	w.text("ca_file", sectionLDAP, "cacert")
	w.text("base_dn", sectionLDAP, "base_dn")
	w.text("scope", sectionLDAP, "scope")
	if p.has(sectionLDAP, "filter") {
		w.attribute("filter", quote(parenthesized(p.get(sectionLDAP, "filter"))), "filter")
	}
	if w.o.IgnoreReferral {
		w.attribute("referrals", `"ignore"`, "-i")
	}
	if p.has(sectionLDAP, "page_size") {
		w.attribute("page_size", number(p.get(sectionLDAP, "page_size")), "page_size")
	}
	w.line("\nuser {")
	for _, field := range []string{"username", "name", "email", "alias1", "alias2", "alias3", "phone"} {
		w.field(field)
	}
	w.line("}\n}\n")
}

// field writes a field of the user block.
func (w *writer) field(field string) {
	name := w.p.get(sectionLDAP, "attr_"+field)
	if name == "" {
		return
	}
	expression, origin := "entry."+name, "attr_"+field
	if !regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]*$`).MatchString(name) {
		expression = "entry[" + quote(name) + "]"
	}
	if number, ok := strings.CutPrefix(field, "alias"); ok {
		all, _ := truth(w.p.get(sectionLDAP, "normalize_alias"))
		one, _ := truth(w.p.get(sectionLDAP, "normalize_alias"+number))
		if all || one {
			expression, origin = "normalize("+expression+")", origin+", normalize_alias"
		}
	}
	w.attribute(field, expression, origin)
}

func (w *writer) policy() {
	o := w.o
	w.line(`policy "main" {`)
	w.option("sync_mode", "-m", o.SyncMode)
	if o.removes() {
		w.line("# The old tool treated the domain as its own: who is in no directory is removed,")
		w.line("# whoever put them there. Without this line rollcall leaves such members alone.")
		w.attribute("unmanaged", `"remove"`, "-m "+o.SyncMode)
	}
	if o.MaxRemoveLimit != "" {
		w.attribute("max_remove_limit", number(o.MaxRemoveLimit), "-r")
	}
	w.option("token_mode", "-t", o.TokenMode)
	w.option("notify", "-l", o.Notify)
	w.option("default_name", "-n", o.DefaultName)
	w.option("default_email", "-e", o.DefaultEmail)
	if o.LocalValidation {
		w.attribute("local_validation", "true", "-a")
	}
	if w.p.has(sectionLDAP, "attr_phone") {
		w.line("# Numbers without a country code are understood only with: phone_region = \"DE\"")
	}
	w.line("}\n")
}

func (w *writer) domain() {
	w.line(`domain "main" {`)
	w.text("id", sectionLoginTC, "domain_id")
	w.attribute("directory", "directory.main", "")
	w.attribute("policy", "policy.main", "")
	w.option("group", "-g", w.o.Group)
	w.line("}")
}

// number writes a number without zeros before it.
func number(digits string) string {
	if n := strings.TrimLeft(digits, "0"); n != "" {
		return n
	}
	return "0"
}

// quote writes a text as HCL does, so that nothing in it is a template.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case (r == '$' || r == '%') && strings.HasPrefix(s[i+1:], "{"):
			b.WriteRune(r)
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func oneLine(r rune) rune {
	if r < ' ' || r == 0x7f {
		return '?'
	}
	return r
}
