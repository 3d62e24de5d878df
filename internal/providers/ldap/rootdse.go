package ldap

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// RootDSE is what a server says of itself (RFC 4512, 5.1).
type RootDSE struct {
	// Time is the server's clock, which Active Directory alone tells; else zero.
	Time time.Time
	// Read is when this was, by the own clock.
	Read       time.Time
	attributes map[string][]string
}

// What a server says that it can, by OID.
const (
	oidStartTLS        = "1.3.6.1.4.1.1466.20037" // RFC 4511, 4.14.1: the name of the operation too
	oidActiveDirectory = "1.2.840.113556.1.4.800" // MS-ADTS, 3.1.1.3.4.3
	oidLightweight     = "1.2.840.113556.1.4.1851"
)

func (r *RootDSE) first(name string) string {
	if values := r.attributes[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

func (r *RootDSE) has(name, value string) bool { return slices.Contains(r.attributes[name], value) }

// Pages reports whether the server says that it answers in pages (RFC 2696).
func (r *RootDSE) Pages() bool { return r.has("supportedControl", ldap.ControlTypePaging) }

// IsActiveDirectory reports whether it is Active Directory, Microsoft's or Samba's.
func (r *RootDSE) IsActiveDirectory() bool { return r.has("supportedCapabilities", oidActiveDirectory) }

// Product is what the server is, as far as it says so: "OpenLDAP", "Active Directory
// (Samba 4.17.12)", "389 Project 389-Directory/2.3.1".
func (r *RootDSE) Product() string {
	vendor := strings.TrimSpace(r.first("vendorName") + " " + r.first("vendorVersion"))
	switch {
	case r.IsActiveDirectory():
		details := []string{}
		if vendor != "" {
			vendor, _, _ = strings.Cut(strings.ReplaceAll(vendor, " Team (https://www.samba.org)", ""), " (")
			details = append(details, vendor)
		}
		if level := functionalLevel(r.first("forestFunctionality")); level != "" {
			details = append(details, "functional level "+level)
		}
		if host := r.first("dnsHostName"); host != "" {
			details = append(details, host)
		}
		if r.first("isGlobalCatalogReady") == "TRUE" {
			details = append(details, "global catalog")
		}
		if len(details) == 0 {
			return "Active Directory"
		}
		return fmt.Sprintf("Active Directory (%s)", strings.Join(details, ", "))
	case r.has("supportedCapabilities", oidLightweight):
		return "Active Directory Lightweight Directory Services"
	case slices.ContainsFunc(r.attributes["objectClass"], func(s string) bool { return strings.EqualFold(s, "OpenLDAProotDSE") }):
		return "OpenLDAP"
	}
	return cmp.Or(vendor, "a server that does not say what it is")
}

// functionalLevel is the name of a level (MS-ADTS, 6.1.4.4).
func functionalLevel(level string) string {
	names := map[string]string{"0": "2000", "1": "2003 interim", "2": "2003", "3": "2008", "4": "2008 R2", "5": "2012", "6": "2012 R2", "7": "2016", "10": "2025"}
	return cmp.Or(names[level], level)
}

// Supports names what matters of that which the server says that it can: "paging",
// "StartTLS" and mechanisms of SASL.
func (r *RootDSE) Supports() []string {
	var names []string
	if r.Pages() {
		names = append(names, "paging")
	}
	if r.has("supportedExtension", oidStartTLS) {
		names = append(names, "StartTLS")
	}
	for _, mechanism := range []string{"GSSAPI", "GSS-SPNEGO", "EXTERNAL"} {
		if r.has("supportedSASLMechanisms", mechanism) {
			names = append(names, mechanism)
		}
	}
	return names
}
