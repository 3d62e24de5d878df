package ldif

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
	"golang.org/x/text/unicode/norm"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// Filter is a search filter (RFC 4515) that entries can be held against without a
// schema: values are compared without case (unless it is known that the attribute's
// count), with inner spaces squeezed and in Unicode NFC, as DNs where both are DNs, and for >= and <= as numbers where both
// are numbers.
type Filter struct{ root *ber.Packet }

// CompileFilter reads a filter. The error names it.
func CompileFilter(filter string) (*Filter, error) {
	root, err := ldap.CompileFilter(filter)
	if err != nil {
		return nil, fmt.Errorf("the filter %q is wrong: %w", filter, err)
	}
	if err := check(root); err != nil {
		return nil, fmt.Errorf("the filter %q: %w", filter, err)
	}
	return &Filter{root}, nil
}

// truth is what a filter is for an entry: a part that can not be evaluated is
// neither true nor false (RFC 4511, 4.5.1.7).
type truth int8

const (
	no truth = iota - 1
	undefined
	yes
)

func is(b bool) truth {
	if b {
		return yes
	}
	return no
}

// Match reports whether the filter is true for the entry.
func (f *Filter) Match(e *identity.Entry) bool { return match(f.root, e) == yes }

func match(p *ber.Packet, e *identity.Entry) truth {
	switch p.Tag {
	case ldap.FilterAnd:
		result := yes
		for _, child := range p.Children {
			result = min(result, match(child, e))
		}
		return result
	case ldap.FilterOr:
		result := no
		for _, child := range p.Children {
			result = max(result, match(child, e))
		}
		return result
	case ldap.FilterNot:
		return -match(p.Children[0], e)
	case ldap.FilterPresent:
		return is(len(e.Values(text(p))) > 0)
	case ldap.FilterEqualityMatch, ldap.FilterApproxMatch:
		return anyValue(e, text(p.Children[0]), equals(text(p.Children[0]), text(p.Children[1])))
	case ldap.FilterGreaterOrEqual:
		return anyValue(e, text(p.Children[0]), func(v string) bool { return order(v, text(p.Children[1])) >= 0 })
	case ldap.FilterLessOrEqual:
		return anyValue(e, text(p.Children[0]), func(v string) bool { return order(v, text(p.Children[1])) <= 0 })
	case ldap.FilterSubstrings:
		return anyValue(e, text(p.Children[0]), func(v string) bool { return substrings(p.Children[1].Children, v) })
	case ldap.FilterExtensibleMatch:
		a := assertionOf(p)
		return anyValue(e, a.attribute, a.matches())
	default:
		return undefined
	}
}

// text is the content of a primitive packet.
func text(p *ber.Packet) string { return p.Data.String() }

func anyValue(e *identity.Entry, attribute string, matches func(string) bool) truth {
	return is(slices.ContainsFunc(e.Values(attribute), matches))
}

// equals returns how a value of the attribute is compared with the asserted one.
func equals(attribute, asserted string) func(value string) bool {
	form := func(value string) string { return prepare(identity.ValueText(attribute, value)) }
	if identity.HasCase(attribute) {
		form = prepareExact
	}
	wanted := form(asserted)
	dn, err := identity.NewDNKey(asserted)
	isDN := err == nil && strings.Contains(asserted, "=")
	isClass := strings.EqualFold(attribute, "objectClass")
	return func(value string) bool {
		if isDN && strings.Contains(value, "=") {
			if other, err := identity.NewDNKey(value); err == nil && other == dn {
				return true
			}
		}
		return form(value) == wanted || isClass && superior(value, wanted)
	}
}

// superior reports whether the wanted class is above a class of the entry:
// servers that know the schema match it even where an export does not list it.
func superior(class, wanted string) bool {
	for above := prepare(class); above != ""; {
		switch above {
		case "inetorgperson", "user":
			above = "organizationalperson"
		case "organizationalperson", "residentialperson":
			above = "person"
		case "computer":
			above = "user"
		case "top":
			above = ""
		default:
			above = "top"
		}
		if above == wanted {
			return true
		}
	}
	return false
}

// prepare brings a string into the form in which it is compared (after RFC 4518:
// composed, without case, insignificant space squeezed).
func prepare(s string) string {
	return squeezed(string(identity.NewKey(s)))
}

// prepareExact does the same with capitals kept.
func prepareExact(s string) string { return squeezed(norm.NFC.String(s)) }

func squeezed(s string) string { return strings.Join(strings.Fields(s), " ") }

// order compares two values as numbers where both are, else as strings.
func order(a, b string) int {
	x, isX := new(big.Int).SetString(strings.TrimSpace(a), 10)
	y, isY := new(big.Int).SetString(strings.TrimSpace(b), 10)
	if isX && isY {
		return x.Cmp(y)
	}
	return strings.Compare(prepare(a), prepare(b))
}

// substrings matches the parts in their order.
func substrings(parts []*ber.Packet, value string) bool {
	rest := prepare(value)
	for _, part := range parts {
		wanted := squeeze(text(part))
		switch part.Tag {
		case ldap.FilterSubstringsInitial:
			after, ok := strings.CutPrefix(rest, strings.TrimLeft(wanted, " "))
			if !ok {
				return false
			}
			rest = after
		case ldap.FilterSubstringsFinal:
			return strings.HasSuffix(rest, strings.TrimRight(wanted, " "))
		default:
			_, after, ok := strings.Cut(rest, wanted)
			if !ok {
				return false
			}
			rest = after
		}
	}
	return true
}

// squeeze prepares a part of a value, whose outer spaces may matter.
func squeeze(s string) string {
	prepared := prepare(s)
	if strings.HasPrefix(s, " ") {
		prepared = " " + prepared
	}
	if strings.HasSuffix(s, " ") && prepared != " " {
		prepared += " "
	}
	return prepared
}

// assertion is an extensible match: attribute:rule:=value.
type assertion struct{ rule, attribute, value string }

func assertionOf(p *ber.Packet) assertion {
	var a assertion
	for _, child := range p.Children {
		switch child.Tag {
		case ldap.MatchingRuleAssertionMatchingRule:
			a.rule = strings.ToLower(text(child))
		case ldap.MatchingRuleAssertionType:
			a.attribute = text(child)
		case ldap.MatchingRuleAssertionMatchValue:
			a.value = text(child)
		default: // dnAttributes: a DN's own attributes are not searched
		}
	}
	return a
}

// matches returns how the rule compares a value with the asserted one, or nil if
// the rule is not known.
func (a assertion) matches() func(value string) bool {
	switch a.rule {
	case "caseexactmatch", "2.5.13.5":
		return func(v string) bool { return prepareExact(v) == prepareExact(a.value) }
	case "1.2.840.113556.1.4.803": // Active Directory: every bit is set
		return bits(a.value, func(have, wanted int64) bool { return have&wanted == wanted })
	case "1.2.840.113556.1.4.804": // Active Directory: one of the bits is set
		return bits(a.value, func(have, wanted int64) bool { return have&wanted != 0 })
	case "", "caseignorematch", "2.5.13.2", "distinguishednamematch", "2.5.13.1", "caseignoreia5match", "1.3.6.1.4.1.1466.109.114.2":
		return equals(a.attribute, a.value)
	}
	return nil
}

func bits(asserted string, holds func(have, wanted int64) bool) func(string) bool {
	wanted, wrong := strconv.ParseInt(asserted, 10, 64)
	return func(value string) bool {
		have, err := strconv.ParseInt(value, 10, 64)
		return wrong == nil && err == nil && holds(have, wanted)
	}
}

// check finds a matching rule that is not known: to leave that part of a filter
// out would find other people than a server does.
func check(p *ber.Packet) error {
	switch p.Tag {
	case ldap.FilterAnd, ldap.FilterOr, ldap.FilterNot:
		for _, child := range p.Children {
			if err := check(child); err != nil {
				return err
			}
		}
	case ldap.FilterExtensibleMatch:
		a := assertionOf(p)
		if a.rule == "1.2.840.113556.1.4.1941" { // Active Directory: in chain
			return fmt.Errorf("exports are not searched for groups in groups with %s:%s:=; name the group in members_of", a.attribute, a.rule)
		}
		if a.attribute == "" || a.matches() == nil {
			return fmt.Errorf("exports are not searched with the matching rule %q", a.attribute+":"+a.rule)
		}
	default:
	}
	return nil
}
