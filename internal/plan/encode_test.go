package plan

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// byReflection is the canonical form as encoding/json writes it.
func byReflection(t interface{ Fatal(args ...any) }, v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// fill gives everything that a value holds a value other than zero.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Struct:
		if _, ok := reflect.TypeAssert[time.Time](v); ok {
			v.Set(reflect.ValueOf(readAt))
			return
		}
		for _, field := range v.Fields() {
			fill(field)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i))
		}
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key)
		fill(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString(`<"é">`)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		v.SetFloat(0.5)
	case reflect.Uint64:
		v.SetUint(7)
	default:
		v.SetInt(7)
	}
}

// No field of a plan is left out of what is written, or of what is read.
func TestEveryFieldIsEncoded(t *testing.T) {
	t.Parallel()
	full := &Plan{}
	fill(reflect.ValueOf(full).Elem())
	full.FormatVersion, full.Approval = FormatVersion, nil
	for name, p := range map[string]*Plan{
		"full": full, "empty": {FormatVersion: FormatVersion}, "empty lists": {FormatVersion: FormatVersion, Domains: []Domain{}, Operations: []Operation{}},
		"small": sealed(t), "crowd": crowd(1000),
	} {
		want := byReflection(t, p)
		var got bytes.Buffer
		if err := encode(&got, p); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got.String()); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
		back, err := decode(&got)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(p, back); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

// testdata/plan.json is the document of a plan that an earlier version wrote.
func TestPlansOfEarlierVersions(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("testdata/plan.json")
	if err != nil {
		t.Fatal(err)
	}
	p, err := Decode(bytes.NewReader(pack(t, string(document))))
	if err != nil {
		t.Fatal(err)
	}
	if now := sealed(t); now.ID != p.ID || now.Checksum != p.Checksum {
		t.Errorf("the same plan has id %s and checksum %s, and had %s and %s", now.ID, now.Checksum, p.ID, p.Checksum)
	}
}

func TestEncodingFails(t *testing.T) {
	t.Parallel()
	full := errors.New("no space left")
	reader, writer := io.Pipe()
	_ = reader.CloseWithError(full)
	if err := sealed(t).Encode(writer); !errors.Is(err, full) {
		t.Error(err)
	}
	p := sealed(t)
	p.APISeconds = math.NaN()
	if err := p.Seal(); err == nil {
		t.Error("a number that JSON does not have is sealed")
	}
}

func anyUser(t *rapid.T, name string) *identity.User {
	text := rapid.OneOf(rapid.SampledFrom([]string{"", "jane", "jane@x.example", "<j>\"\\", "\u2028", "\xff"}), rapid.String())
	alias := rapid.SampledFrom([]identity.Alias{"", identity.NoAlias, "jd", "<j>"})
	if rapid.Bool().Draw(t, "no "+name) {
		return nil
	}
	u := &identity.User{Username: text.Draw(t, "username"), Name: text.Draw(t, "name"), Email: text.Draw(t, "email")}
	u.SetAliases([3]identity.Alias{alias.Draw(t, "alias1"), alias.Draw(t, "alias2"), alias.Draw(t, "alias3")})
	return u
}

func TestOperationsAreAsEncodingJSONHasThem(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.SampledFrom([]string{"", "", "jane", "uid=jane", "<j>\"\\", "\xff"}), rapid.String())
		var r operationReader
		for range rapid.IntRange(1, 4).Draw(t, "operations") {
			op := Operation{
				Action: Action(text.Draw(t, "action")), Domain: text.Draw(t, "domain"), DomainID: text.Draw(t, "domain id"), Username: text.Draw(t, "username"),
				UserID: text.Draw(t, "user id"), DN: text.Draw(t, "dn"), EntryID: text.Draw(t, "entry id"), Domains: rapid.SliceOfN(text, 0, 3).Draw(t, "domains"),
				Before: anyUser(t, "before"), After: anyUser(t, "after"), Reason: text.Draw(t, "reason"),
			}
			d := Details{text.Draw(t, "phone"), text.Draw(t, "group"), text.Draw(t, "renamed"), text.Draw(t, "recreated")}
			if d != (Details{}) {
				op.Details = &d
			}
			want := bytes.TrimSuffix(byReflection(t, op), []byte("\n"))
			if got := op.AppendJSON(nil); !bytes.Equal(got, want) {
				t.Fatalf("%s, not %s", got, want)
			}
			var back, read Operation
			if err := json.Unmarshal(want, &back); err != nil {
				t.Fatal(err)
			}
			if !r.canonical(want, &read) {
				t.Fatalf("%s is not taken for canonical", want)
			}
			r.last = read
			if diff := cmp.Diff(back, read); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}

func FuzzOperation(f *testing.F) {
	p := sealed(f)
	for i := range p.Operations {
		f.Add(p.Operations[i].AppendJSON(nil))
	}
	f.Add([]byte(`{"action":"","domain":"","domain_id":"","username":"","domains":["",""],"after":{"username":"","name":"","email":"","alias1":"","alias3":null},"reason":""}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var got Operation
		if !(&operationReader{}).canonical(text, &got) {
			return
		}
		want, err := strictly[Operation](text)
		if err != nil {
			t.Fatalf("%s is taken for an operation: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

// accepted reads a document as encoding/json does, and says whether it is a plan.
func accepted(t testing.TB, document []byte) (*Plan, bool) {
	t.Helper()
	p := &Plan{}
	d := json.NewDecoder(bytes.NewReader(document))
	d.DisallowUnknownFields()
	if d.Decode(p) != nil || p.FormatVersion != FormatVersion || !bytes.Equal(byReflection(t, p), document) || p.wellFormed() != nil {
		return nil, false
	}
	sum := func(p Plan) string {
		digest := sha256.Sum256(byReflection(t, p))
		return hex.EncodeToString(digest[:])
	}
	whole, content := *p, *p
	whole.Checksum = ""
	content.ID, content.Checksum, content.Created, content.Expires, content.Domains = "", "", time.Time{}, time.Time{}, timeless(p.Domains)
	return p, sum(whole) == p.Checksum && sum(content) == p.ID
}

// A document is a plan if encoding/json says so.
func FuzzDocument(f *testing.F) {
	p := sealed(f)
	f.Add(string(byReflection(f, p)))
	p.Operations, p.Withheld, p.Domains[0].Sources, p.Domains[0].Scope = p.Operations[:1], nil, nil, nil
	if err := p.Seal(); err != nil {
		f.Fatal(err)
	}
	f.Add(string(byReflection(f, p)))
	f.Fuzz(func(t *testing.T, document string) {
		want, plan := accepted(t, []byte(document))
		got, err := Decode(bytes.NewReader(pack(t, document)))
		if (err == nil) != plan {
			t.Fatalf("it is a plan: %v, and reading it says %v\n%s", plan, err, document)
		}
		if diff := cmp.Diff(want, got); plan && diff != "" {
			t.Fatal(diff)
		}
	})
}

// A plan of which only the last octet is missing, or has one more, is none.
func TestEndOfTheDocument(t *testing.T) {
	t.Parallel()
	document := string(byReflection(t, sealed(t)))
	for name, c := range map[string]struct {
		document string
		plan     bool
	}{
		"whole":            {document, true},
		"no line feed":     {strings.TrimSuffix(document, "\n"), false},
		"two line feeds":   {document + "\n", false},
		"no brace":         {strings.TrimSuffix(document, "}\n"), false},
		"a comma":          {strings.TrimSuffix(document, "}\n") + ",}\n", false},
		"twice a field":    {strings.TrimSuffix(document, "}\n") + `,"api_calls":1}` + "\n", false},
		"null for a list":  {strings.Replace(document, `"operations":[`, `"operations":null,"operations":[`, 1), false},
		"list not closed":  {document[:strings.LastIndex(document, `"reason"`)], false},
		"nothing in it":    {`{"format_version":2}` + "\n", false},
		"another version":  {`{"format_version":3,"id":`, false},
		"version as text":  {`{"format_version":"2"}` + "\n", false},
		"spaces before it": {" " + document, false},
	} {
		_, err := Decode(bytes.NewReader(pack(t, c.document)))
		if (err == nil) != c.plan {
			t.Errorf("%s: %v", name, err)
		}
	}
}
