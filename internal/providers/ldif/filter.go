package ldif

import (
	"fmt"
	"math/big"
	"slices"
	"strings"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
	"golang.org/x/text/unicode/norm"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// Filter is a search filter (RFC 4515) that entries can be held against without a
// schema: values are compared without case, with inner spaces squeezed and in
// Unicode NFC, as DNs where both are DNs, and for >= and <= as numbers where both
// are numbers.
type Filter struct{ root *ber.Packet }

// CompileFilter reads a filter. The error names it.
func CompileFilter(filter string) (*Filter, error) {
	root, err := ldap.CompileFilter(filter)
	if err != nil {
		return nil, fmt.Errorf("the filter %q is wrong: %w", filter, err)
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
		return equality(text(p.Children[0]), text(p.Children[1]), e)
	case ldap.FilterGreaterOrEqual:
		return anyValue(e, text(p.Children[0]), func(v string) bool { return order(v, text(p.Children[1])) >= 0 })
	case ldap.FilterLessOrEqual:
		return anyValue(e, text(p.Children[0]), func(v string) bool { return order(v, text(p.Children[1])) <= 0 })
	case ldap.FilterSubstrings:
		return anyValue(e, text(p.Children[0]), func(v string) bool { return substrings(p.Children[1].Children, v) })
	case ldap.FilterExtensibleMatch:
		return extensible(p, e)
	default:
		return undefined
	}
}

// text is the content of a primitive packet.
func text(p *ber.Packet) string { return p.Data.String() }

func anyValue(e *identity.Entry, attribute string, matches func(string) bool) truth {
	return is(slices.ContainsFunc(e.Values(attribute), matches))
}

func equality(attribute, asserted string, e *identity.Entry) truth {
	wanted := prepare(asserted)
	dn, err := ldap.ParseDN(asserted)
	isDN := err == nil && strings.Contains(asserted, "=")
	return anyValue(e, attribute, func(value string) bool {
		if prepare(value) == wanted {
			return true
		}
		if isDN && strings.Contains(value, "=") {
			other, err := ldap.ParseDN(value)
			return err == nil && dn.EqualFold(other)
		}
		return strings.EqualFold(attribute, "objectClass") && superior(value, wanted)
	})
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

// extensible knows the matching rules that compare as equality does here.
func extensible(p *ber.Packet, e *identity.Entry) truth {
	var rule, attribute, value string
	for _, child := range p.Children {
		switch child.Tag {
		case ldap.MatchingRuleAssertionMatchingRule:
			rule = text(child)
		case ldap.MatchingRuleAssertionType:
			attribute = text(child)
		case ldap.MatchingRuleAssertionMatchValue:
			value = text(child)
		default: // dnAttributes: a DN's own attributes are not searched
		}
	}
	switch strings.ToLower(rule) {
	case "", "caseignorematch", "2.5.13.2", "distinguishednamematch", "2.5.13.1", "caseignoreia5match", "1.3.6.1.4.1.1466.109.114.2":
		if attribute != "" {
			return equality(attribute, value, e)
		}
	case "caseexactmatch", "2.5.13.5":
		if attribute != "" {
			return anyValue(e, attribute, func(v string) bool { return squeezed(norm.NFC.String(v)) == squeezed(norm.NFC.String(value)) })
		}
	}
	return undefined
}
