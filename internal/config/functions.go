package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/go-ldap/ldap/v3"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/customdecode"
	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// functions returns what expressions may call: cty's standard functions under
// the names that Terraform gives them, and our own. Time and chance are not
// among them: a configuration means the same whenever it is read.
func functions(files *fileCache) map[string]function.Function {
	return map[string]function.Function{
		"abs": stdlib.AbsoluteFunc, "ceil": stdlib.CeilFunc, "chomp": stdlib.ChompFunc, "chunklist": stdlib.ChunklistFunc,
		"coalesce": stdlib.CoalesceFunc, "coalescelist": stdlib.CoalesceListFunc, "compact": stdlib.CompactFunc,
		"concat": stdlib.ConcatFunc, "contains": stdlib.ContainsFunc, "csvdecode": stdlib.CSVDecodeFunc,
		"distinct": stdlib.DistinctFunc, "element": stdlib.ElementFunc, "endswith": affixFunc("suffix", strings.HasSuffix), "flatten": stdlib.FlattenFunc,
		"floor": stdlib.FloorFunc, "format": stdlib.FormatFunc, "formatdate": stdlib.FormatDateFunc,
		"formatlist": stdlib.FormatListFunc, "indent": stdlib.IndentFunc, "join": stdlib.JoinFunc,
		"jsondecode": stdlib.JSONDecodeFunc, "jsonencode": stdlib.JSONEncodeFunc, "keys": stdlib.KeysFunc,
		"length": lengthFunc(), "log": stdlib.LogFunc, "lookup": stdlib.LookupFunc, "lower": stdlib.LowerFunc,
		"max": stdlib.MaxFunc, "merge": stdlib.MergeFunc, "min": stdlib.MinFunc, "parseint": stdlib.ParseIntFunc,
		"pow": stdlib.PowFunc, "range": stdlib.RangeFunc, "regex": stdlib.RegexFunc, "regexall": stdlib.RegexAllFunc,
		"replace": replaceFunc(), "reverse": stdlib.ReverseListFunc, "setintersection": stdlib.SetIntersectionFunc,
		"setproduct": stdlib.SetProductFunc, "setsubtract": stdlib.SetSubtractFunc, "setunion": stdlib.SetUnionFunc,
		"signum": stdlib.SignumFunc, "slice": stdlib.SliceFunc, "sort": stdlib.SortFunc, "split": stdlib.SplitFunc,
		"startswith": affixFunc("prefix", strings.HasPrefix),
		"strrev":     stdlib.ReverseFunc, "substr": stdlib.SubstrFunc, "timeadd": stdlib.TimeAddFunc, "title": stdlib.TitleFunc,
		"trim": stdlib.TrimFunc, "trimprefix": stdlib.TrimPrefixFunc, "trimspace": stdlib.TrimSpaceFunc,
		"trimsuffix": stdlib.TrimSuffixFunc, "upper": stdlib.UpperFunc, "values": stdlib.ValuesFunc, "zipmap": stdlib.ZipmapFunc,

		"tobool": conversion(cty.Bool), "tolist": conversion(cty.List(cty.DynamicPseudoType)),
		"tomap": conversion(cty.Map(cty.DynamicPseudoType)), "tonumber": conversion(cty.Number),
		"toset": conversion(cty.Set(cty.DynamicPseudoType)), "tostring": conversion(cty.String),

		"can": marking(tryfunc.CanFunc, false), "try": marking(tryfunc.TryFunc, true),
		"file": files.function(), "index": indexFunc(), "normalize": normalizeFunc(),
		"filterescape": filterEscapeFunc(),
	}
}

// conversion is the function that converts to a type, or says why it can not.
func conversion(want cty.Type) function.Function { return stdlib.MakeToFunc(want) }

// lengthFunc counts characters of a text as well as elements of a collection,
// as Terraform's does.
func lengthFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowDynamicType: true}},
		Type:   function.StaticReturnType(cty.Number),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if args[0].Type() == cty.String {
				return stdlib.Strlen(args[0])
			}
			return stdlib.Length(args[0])
		},
	})
}

// indexFunc finds the place of a value in a list, as Terraform's does; cty's
// own index reads an element.
func indexFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{
			{Name: "list", Type: cty.DynamicPseudoType}, {Name: "value", Type: cty.DynamicPseudoType},
		},
		Type: function.StaticReturnType(cty.Number),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			list := args[0]
			if !list.Type().IsListType() && !list.Type().IsTupleType() {
				return cty.NilVal, function.NewArgErrorf(0, "a list is required")
			}
			i := int64(0)
			for _, element := range list.Elements() {
				equal, err := stdlib.Equal(element, args[1])
				if err == nil && !equal.IsKnown() {
					return cty.UnknownVal(cty.Number), nil
				}
				if err == nil && equal.True() {
					return cty.NumberIntVal(i), nil
				}
				i++
			}
			return cty.NilVal, function.NewArgErrorf(1, "the list does not have this value")
		},
	})
}

// affixFunc is startswith or endswith.
func affixFunc(affix string, has func(text, affix string) bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "text", Type: cty.String}, {Name: affix, Type: cty.String}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(has(args[0].AsString(), args[1].AsString())), nil
		},
	})
}

// replaceFunc replaces a text, or a regular expression written as "/…/".
func replaceFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{
			{Name: "text", Type: cty.String}, {Name: "search", Type: cty.String}, {Name: "replacement", Type: cty.String},
		},
		Type: function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			search := args[1].AsString()
			if len(search) > 2 && strings.HasPrefix(search, "/") && strings.HasSuffix(search, "/") {
				return stdlib.RegexReplace(args[0], cty.StringVal(search[1:len(search)-1]), args[2])
			}
			return stdlib.Replace(args[0], args[1], args[2])
		},
	})
}

// marking is can or try, with the marks of everything that its arguments refer
// to: whether an expression over a secret succeeds says something about it.
func marking(inner function.Function, variadic bool) function.Function {
	spec := &function.Spec{
		Type: func(args []cty.Value) (cty.Type, error) {
			value, err := inner.Call(args)
			if err != nil {
				return cty.NilType, err
			}
			return value.Type(), nil
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			value, err := inner.Call(args)
			if err != nil {
				return cty.NilVal, err
			}
			for _, arg := range args {
				value = value.WithMarks(marksOf(customdecode.ExpressionClosureFromVal(arg)))
			}
			return value, nil
		},
	}
	parameter := function.Parameter{Name: "expression", Type: customdecode.ExpressionClosureType}
	if variadic {
		spec.VarParam = &parameter
	} else {
		spec.Params = []function.Parameter{parameter}
	}
	return function.New(spec)
}

func marksOf(closure *customdecode.ExpressionClosure) cty.ValueMarks {
	marks := cty.ValueMarks{}
	for _, t := range closure.Expression.Variables() {
		value, diags := t.TraverseAbs(closure.EvalContext)
		if diags.HasErrors() {
			// What is there as far as it goes.
			value, diags = hcl.Traversal{t[0]}.TraverseAbs(closure.EvalContext)
		}
		if !diags.HasErrors() {
			_, found := value.UnmarkDeep()
			maps.Copy(marks, found)
		}
	}
	return marks
}

// filterEscapeFunc makes of any text a value in an LDAP filter (RFC 4515, 3).
func filterEscapeFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "text", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.StringVal(ldap.EscapeFilter(args[0].AsString())), nil
		},
	})
}

// normalizeFunc makes one of CORP\jane, jane@corp.example and jane.
func normalizeFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "text", Type: cty.String, AllowNull: true}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if args[0].IsNull() {
				return args[0], nil
			}
			return cty.StringVal(normalize(args[0].AsString())), nil
		},
	})
}

func normalize(text string) string {
	text, _, _ = strings.Cut(text, "@")
	return strings.ToLower(strings.TrimSpace(text[strings.LastIndexByte(text, '\\')+1:]))
}

// fileCache reads each file of the configuration's folder once, so that an
// expression means the same for every entry.
type fileCache struct {
	dir  string
	mu   sync.Mutex
	read map[string]fileContent
	// frozen says that no other file may be read any more.
	frozen bool
}

type fileContent struct {
	text string
	err  error
}

func (c *fileCache) function() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			content := c.get(args[0].AsString())
			if content.err != nil {
				return cty.NilVal, function.NewArgError(0, content.err)
			}
			return cty.StringVal(content.text), nil
		},
	})
}

func (c *fileCache) get(path string) fileContent {
	c.mu.Lock()
	defer c.mu.Unlock()
	content, found := c.read[path]
	if found {
		return content
	}
	if c.frozen {
		return fileContent{err: errors.New("a file can not be chosen by what an entry says")}
	}
	content.text, content.err = readInside(c.dir, path)
	if c.read == nil {
		c.read = map[string]fileContent{}
	}
	c.read[path] = content
	return content
}

// readInside reads a file of UTF-8 text in or below a folder. os.Root refuses
// a path or symbolic link that leads out of it.
func readInside(dir, path string) (string, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer root.Close() //nolint:errcheck // nothing was written
	info, err := root.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is not a regular file")
	}
	var text []byte
	if err == nil {
		text, err = readBounded(func() (*os.File, error) { return root.Open(path) })
	}
	if err != nil {
		return "", fmt.Errorf("%s can not be read in the configuration's folder: %s", path, reason(err))
	}
	if !utf8.Valid(text) {
		return "", fmt.Errorf("%s is not UTF-8 text", path)
	}
	return string(text), nil
}
