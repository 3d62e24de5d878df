package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// The attributes that the functions over an account read.
const (
	// userAccountControl is Active Directory's (MS-ADTS, 2.2.16).
	userAccountControl = "userAccountControl"
	// nsAccountLock is 389's. An account that was never locked does not have it.
	nsAccountLock = "nsAccountLock"
	// nsUniqueID says that an entry is one of 389.
	nsUniqueID = "nsUniqueId"
	// accountExpires is Active Directory's (MS-ADA1, 2.2).
	accountExpires = "accountExpires"
)

// accountDisable is ADS_UF_ACCOUNTDISABLE (MS-ADTS, 2.2.16).
const accountDisable = 0x2

// What accountExpires counts: units of 100 ns since 1601.
const (
	ticksPerSecond  = 10_000_000
	secondsFrom1601 = 11_644_473_600 // to 1970
	never           = 1<<63 - 1      // so is 0
)

// accountFunctions are those over an entry as a whole, each with the attributes that it
// reads. Now is the time of the run.
func accountFunctions(now time.Time) map[string]accountFunction {
	return map[string]accountFunction{
		"disabled": {[]string{userAccountControl, nsAccountLock, nsUniqueID}, isDisabled},
		"expired": {[]string{accountExpires}, func(e accountEntry) (bool, error) {
			return isExpired(e, now)
		}},
	}
}

type accountFunction struct {
	reads []string
	says  func(accountEntry) (bool, error)
}

// accountEntry gives the first value of an attribute, and whether there is one.
type accountEntry func(attribute string) (string, bool)

// function returns it for expressions.
func (f accountFunction) function() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "entry", Type: cty.DynamicPseudoType}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if !args[0].IsWhollyKnown() {
				return cty.UnknownVal(cty.Bool), nil
			}
			says, err := f.says(func(attribute string) (string, bool) {
				value := args[0].GetAttr(attribute)
				if value.IsNull() {
					return "", false
				}
				return value.AsString(), true
			})
			if err != nil {
				return cty.NilVal, err
			}
			return cty.BoolVal(says), nil
		},
	})
}

// isDisabled reports whether an account is disabled. What says nothing of it is an error:
// a bind account that may not read the attributes sees just that, and nobody is to be
// taken for one who may log in, nor for one who left, on that ground. An entry of 389 has
// nothing to say unless it was locked.
func isDisabled(entry accountEntry) (bool, error) {
	control, hasControl := entry(userAccountControl)
	lock, hasLock := entry(nsAccountLock)
	disabled := false
	if hasControl {
		bits, err := strconv.ParseInt(control, 10, 64)
		if err != nil {
			return false, fmt.Errorf("%s is %q and not a number", userAccountControl, control)
		}
		disabled = bits&accountDisable != 0
	}
	if hasLock {
		switch {
		case strings.EqualFold(lock, "true"):
			disabled = true
		case !strings.EqualFold(lock, "false"):
			return false, fmt.Errorf("%s is %q and neither true nor false", nsAccountLock, lock)
		}
	}
	if _, is389 := entry(nsUniqueID); !hasControl && !hasLock && !is389 {
		return false, fmt.Errorf("the entry shows neither %s nor %s, which the bind account may not be allowed to read; "+
			"try(disabled(entry), false) takes such an account for one that is not disabled", userAccountControl, nsAccountLock)
	}
	return disabled, nil
}

// isExpired reports whether an account has expired by now. An account without a word
// about it is an error, as with isDisabled.
func isExpired(entry accountEntry, now time.Time) (bool, error) {
	text, has := entry(accountExpires)
	if !has {
		return false, fmt.Errorf("the entry shows no %s, which the bind account may not be allowed to read; "+
			"try(expired(entry), false) takes such an account for one that does not expire", accountExpires)
	}
	ticks, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil || ticks < 0:
		return false, fmt.Errorf("%s is %q and not a number of 100 ns since 1601", accountExpires, text)
	case ticks == 0 || ticks == never:
		return false, nil
	case now.IsZero():
		return false, errors.New("the time is not known")
	}
	return ticks <= (now.Unix()+secondsFrom1601)*ticksPerSecond+int64(now.Nanosecond())/100, nil
}

// account lets a function have the entry as a whole, and takes note of what it reads.
func (a *analysis) account(n *hclsyntax.FunctionCallExpr) {
	f, found := accountFunctions(time.Time{})[n.Name]
	if !found {
		return
	}
	var entry *hclsyntax.ScopeTraversalExpr
	if len(n.Args) == 1 && !n.ExpandFinal {
		entry, _ = n.Args[0].(*hclsyntax.ScopeTraversalExpr)
	}
	if entry == nil || len(entry.Traversal) != 1 || entry.Traversal.RootName() != "entry" {
		a.refuse(n.Range(), fmt.Sprintf("%s takes the entry as a whole: %s(entry).", n.Name, n.Name))
		return
	}
	a.constant[entry.Range()] = true
	for _, name := range f.reads {
		if !slices.Contains(a.field.account, name) {
			a.field.account = append(a.field.account, name)
		}
	}
}

// withAccounts adds the functions over an account.
func withAccounts(functions map[string]function.Function, now time.Time) map[string]function.Function {
	functions = maps.Clone(functions)
	for name, f := range accountFunctions(now) {
		functions[name] = f.function()
	}
	return functions
}

// decide reports whether an entry is excluded. Whatever fails is a problem of the person,
// and so is an answer that is none: nobody is taken for gone on such ground.
func (f *field) decide(e *identity.Entry) (bool, *identity.Problem) {
	if problem := f.malformed(e); problem != nil {
		return false, problem
	}
	if f.truth != nil {
		if excluded, err := f.truth(e.First); err == nil {
			return excluded, nil
		}
	}
	value, diags := f.expr.Value(f.entryContext(e))
	switch {
	case diags.HasErrors():
		return false, f.problem(said(diags))
	case value.IsNull() || !value.IsKnown() || value.Type() != cty.Bool:
		return false, f.problem("the expression is neither true nor false")
	}
	return value.True(), nil
}

// compileTruth returns what gives an answer without the evaluator, or nil for an
// expression that must be evaluated. Where it fails the evaluator has the word.
func compileTruth(expr hclsyntax.Expression, now time.Time) func(accountEntry) (bool, error) {
	switch x := expr.(type) {
	case *hclsyntax.ParenthesesExpr:
		return compileTruth(x.Expression, now)
	case *hclsyntax.TemplateWrapExpr:
		return compileTruth(x.Wrapped, now)
	case *hclsyntax.FunctionCallExpr:
		return accountFunctions(now)[x.Name].says
	case *hclsyntax.BinaryOpExpr:
		left, right := compileTruth(x.LHS, now), compileTruth(x.RHS, now)
		if x.Op != hclsyntax.OpLogicalOr || left == nil || right == nil {
			return nil
		}
		return func(e accountEntry) (bool, error) {
			one, err1 := left(e)
			other, err2 := right(e)
			return one || other, errors.Join(err1, err2)
		}
	}
	return nil
}
