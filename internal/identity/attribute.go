package identity

import "strings"

// matchingRule says how two values of an attribute are compared.
type matchingRule int8

const (
	// caseIgnore is caseIgnoreMatch, and stands for the rules of attributes that are not
	// known.
	caseIgnore matchingRule = iota
	// caseExact is caseExactMatch: spaces and forms of characters as in caseIgnore.
	caseExact
	// octets is octetStringMatch, and stands for bitStringMatch.
	octets
	// numericString leaves spaces out, telephone hyphens as well.
	numericString
	telephone
)

// matching returns the short name of an attribute in lower case, and its equality rule.
// The name is one without case or an object identifier.
func matching(name string) (short string, rule matchingRule) {
	var scratch [64]byte
	lower := append(scratch[:0], name...)
	isLower := true
	for i, c := range lower {
		if c >= 'A' && c <= 'Z' {
			lower[i], isLower = c+'a'-'A', false
		}
	}
	if isOID(name) {
		if known := nameOf(name); known != "" {
			return known, ruleOf(known)
		}
		return name, caseIgnore
	}
	if known := shortName(lower); known != "" {
		return known, ruleOf(known)
	}
	if isLower {
		return name, ruleOf(name)
	}
	name = string(lower)
	return name, ruleOf(name)
}

// HasCase reports whether capitals count where values of the attribute are compared.
func HasCase(attribute string) bool {
	_, rule := matching(attribute)
	return rule == caseExact || rule == octets
}

// ruleOf returns the equality rule of an attribute by its short name in lower case: RFC
// 4519, RFC 4524, RFC 2798 with RFC 2079, RFC 2307 and its successor draft, RFC 3296, and
// the schema of MIT Kerberos. What is not named has case ignored.
func ruleOf(short string) matchingRule {
	switch short {
	case "labeleduri", "ref", "memberurl",
		"homedirectory", "loginshell", "memberuid", "membernisnetgroup", "bootfile", "nismapentry",
		"automountmapname", "automountkey", "automountinformation",
		"krbprincipalname", "krbcanonicalname":
		return caseExact
	case "userpassword", "x500uniqueidentifier":
		return octets
	case "x121address", "internationalisdnnumber":
		return numericString
	case "telephonenumber", "homephone", "mobile", "pager":
		return telephone
	}
	return caseIgnore
}

// shortName returns the short name of an attribute that has a longer one as well, of
// common ones in either case without an allocation, or nothing (RFC 4519, RFC 4524, RFC
// 2985).
func shortName(lower []byte) string {
	switch string(lower) {
	case "cn", "commonname":
		return "cn"
	case "sn", "surname":
		return "sn"
	case "c", "countryname":
		return "c"
	case "l", "localityname":
		return "l"
	case "st", "stateorprovincename":
		return "st"
	case "streetaddress":
		return "street"
	case "o", "organizationname":
		return "o"
	case "ou", "organizationalunitname":
		return "ou"
	case "gn":
		return "givenname"
	case "dc", "domaincomponent":
		return "dc"
	case "uid", "userid":
		return "uid"
	case "mail", "rfc822mailbox":
		return "mail"
	case "favouritedrink":
		return "drink"
	case "hometelephonenumber":
		return "homephone"
	case "mobiletelephonenumber":
		return "mobile"
	case "pagertelephonenumber":
		return "pager"
	case "friendlycountryname":
		return "co"
	case "emailaddress", "pkcs9email", "e":
		return "email"
	}
	return ""
}

// nameOf returns the short name in lower case of an attribute that is given by its object
// identifier, or nothing.
func nameOf(oid string) string {
	const (
		x500     = "2.5.4."
		cosine   = "0.9.2342.19200300.100.1."
		nis      = "1.3.6.1.1.1.1."
		netscape = "2.16.840.1.113730.3.1."
	)
	switch oid {
	case "1.3.6.1.4.1.250.1.57":
		return "labeleduri"
	case "1.2.840.113549.1.9.1":
		return "email"
	}
	if arc, found := strings.CutPrefix(oid, x500); found {
		return x500Name(arc)
	}
	if arc, found := strings.CutPrefix(oid, cosine); found {
		return cosineName(arc)
	}
	if arc, found := strings.CutPrefix(oid, nis); found {
		return map[string]string{
			"0": "uidnumber", "1": "gidnumber", "2": "gecos", "3": "homedirectory", "4": "loginshell", "12": "memberuid",
			"13": "membernisnetgroup", "24": "bootfile", "26": "nismapname", "27": "nismapentry",
		}[arc]
	}
	if arc, found := strings.CutPrefix(oid, netscape); found {
		return map[string]string{
			"1": "carlicense", "2": "departmentnumber", "3": "employeenumber", "4": "employeetype", "39": "preferredlanguage",
			"241": "displayname",
		}[arc]
	}
	return ""
}

// x500Name is the attribute at an arc below 2.5.4 (RFC 4519, 2).
func x500Name(arc string) string {
	return map[string]string{
		"3": "cn", "4": "sn", "5": "serialnumber", "6": "c", "7": "l", "8": "st", "9": "street", "10": "o", "11": "ou", "12": "title",
		"13": "description", "15": "businesscategory", "16": "postaladdress", "17": "postalcode", "18": "postofficebox",
		"19": "physicaldeliveryofficename", "20": "telephonenumber", "24": "x121address", "25": "internationalisdnnumber",
		"27": "destinationindicator", "31": "member", "32": "owner", "33": "roleoccupant", "34": "seealso", "35": "userpassword",
		"41": "name", "42": "givenname", "43": "initials", "44": "generationqualifier", "45": "x500uniqueidentifier",
		"46": "dnqualifier", "49": "distinguishedname", "50": "uniquemember", "51": "houseidentifier",
	}[arc]
}

// cosineName is the attribute at an arc below 0.9.2342.19200300.100.1 (RFC 4524, 2; RFC
// 4519, 2.4 and 2.39).
func cosineName(arc string) string {
	return map[string]string{
		"1": "uid", "3": "mail", "4": "info", "5": "drink", "6": "roomnumber", "8": "userclass", "9": "host", "10": "manager",
		"11": "documentidentifier", "12": "documenttitle", "13": "documentversion", "14": "documentauthor", "15": "documentlocation",
		"20": "homephone", "21": "secretary", "25": "dc", "37": "associateddomain", "38": "associatedname", "39": "homepostaladdress",
		"40": "personaltitle", "41": "mobile", "42": "pager", "43": "co", "44": "uniqueidentifier", "45": "organizationalstatus",
		"48": "buildingname", "56": "documentpublisher",
	}[arc]
}

// isOID reports whether the name of an attribute is an object identifier.
func isOID(name string) bool { return name != "" && name[0] >= '0' && name[0] <= '9' }

// trimOID takes away what RFC 1779 puts before an object identifier.
func trimOID(name string) string {
	if len(name) > 4 && strings.EqualFold(name[:4], "OID.") {
		return name[4:]
	}
	return name
}

// isAttributeName reports whether a name may be one of an attribute (RFC 4512, 1.4: descr
// or numericoid), or has an underscore, which servers take.
func isAttributeName(name string) bool {
	for i := range len(name) {
		c := name[i] | 0x20
		if (c < 'a' || c > 'z') && (name[i] < '0' || name[i] > '9') && name[i] != '-' && name[i] != '.' && name[i] != '_' {
			return false
		}
	}
	return name != ""
}
