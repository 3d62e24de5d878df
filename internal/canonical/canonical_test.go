package canonical

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// encoded is a value as encoding/json writes it.
func encoded(t testing.TB, v any, html bool) string {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(html)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func FuzzString(f *testing.F) {
	for _, text := range []string{"", "jane.doe", "Zoë Müller", "박지민", `a"b\c`, "<b> & c", "\u2028\u2029", "\x00\x1f\x7f\u0085", "a\xffb", "\ud7ff\U0010ffff", strings.Repeat("x", 100)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, html := range []bool{false, true} {
			got := string(AppendString([]byte("x"), text, html))
			if want := "x" + encoded(t, text, html); got != want {
				t.Fatalf("%q: %s, not %s", text, got, want)
			}
			o := NewObject([]byte(got))
			o.Want("x")
			if back := string(o.Text()); !o.Done() || back != strings.ToValidUTF8(text, "\ufffd") && utf8.ValidString(text) {
				t.Fatalf("%q comes back as %q", text, back)
			}
		}
	})
}

// What is taken for a text is one, and the one that encoding/json takes it for.
func FuzzText(f *testing.F) {
	for _, text := range []string{`"a"`, `"\u00e9\ud83d\ude00\""`, `"\ud800"`, `"\x"`, `"a`, `"\`, `"\"`, "\"\x01\"", "\"\xff\"", `""`, `a"`, `"a" `, "\"\xe9\\n\""} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var want string
		wrong := json.Unmarshal(text, &want)
		o := NewObject(text)
		got := o.Text()
		switch {
		case o.Done() && (wrong != nil || string(got) != want):
			t.Fatalf("%q is taken for %q, with encoding/json %q, %v", text, got, want, wrong)
		case !o.Done() && wrong == nil && utf8.Valid(text) && text[0] == '"' && text[len(text)-1] == '"':
			t.Fatalf("%q is not taken, with encoding/json %q", text, want)
		}
	})
}

func TestUsers(t *testing.T) {
	t.Parallel()
	var keep Strings
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.SampledFrom([]string{"", "jane", "jane@x.example", "<j>"}), rapid.String())
		alias := rapid.SampledFrom([]identity.Alias{"", identity.NoAlias, "jd", "<j>"})
		u := identity.User{Username: text.Draw(t, "username"), Name: text.Draw(t, "name"), Email: text.Draw(t, "email")}
		u.SetAliases([3]identity.Alias{alias.Draw(t, "alias1"), alias.Draw(t, "alias2"), alias.Draw(t, "alias3")})
		for _, html := range []bool{false, true} {
			var b bytes.Buffer
			e := json.NewEncoder(&b)
			e.SetEscapeHTML(html)
			if err := e.Encode(u); err != nil {
				t.Fatal(err)
			}
			got := append(AppendUser([]byte("{"), &u, html), "}\n"...)
			if !bytes.Equal(got, b.Bytes()) {
				t.Fatalf("%s, not %s", got, b.Bytes())
			}
			var back identity.User
			o := NewObject(got)
			o.Want("{")
			o.User(&back, &keep, &identity.User{Username: "jane", Name: "<j>", Email: "jane@x.example"})
			o.Want("}\n")
			if diff := cmp.Diff(u, back); !o.Done() || diff != "" {
				t.Fatal(diff)
			}
		}
	})
}

func TestObject(t *testing.T) {
	t.Parallel()
	o := NewObject([]byte(`{"a":"1","b":2`))
	o.Want(`{"a":`)
	if raw := o.Raw(); string(raw) != "1" || o.Take("x") || !o.Take(`,"b":2`) || !o.Done() {
		t.Errorf("%q %+v", raw, o)
	}
	for _, text := range []string{"", "1", `"a`} {
		o := NewObject([]byte(text))
		if raw := o.Raw(); raw != nil || o.Done() || o.Take(text) || o.Text() != nil {
			t.Errorf("%q: %q", text, raw)
		}
	}
}

func TestTextsAreKept(t *testing.T) {
	t.Parallel()
	var s Strings
	var kept, want []string
	buffer := make([]byte, 0, 2*blockSize)
	for i := range 1000 {
		text := strings.Repeat(string(rune('a'+i%26)), i%77)
		if i == 500 {
			text = strings.Repeat("long", blockSize/3)
		}
		buffer = append(buffer[:0], text...)
		kept, want = append(kept, s.Keep(buffer), s.Common(buffer), s.Common(buffer), s.Within(buffer, "", "bbb", text+"x")), append(want, text, text, text, text)
	}
	if !slices.Equal(kept, want) {
		t.Error("a text changed")
	}
	if len(s.common) != maxCommon {
		t.Errorf("%d are remembered", len(s.common))
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	var l List[int]
	for _, n := range []int{0, 1, listBlock, 3*listBlock + 1} {
		var want []int
		for i := range n {
			l.Add(i)
			want = append(want, i)
		}
		if got := l.Slice(); !slices.Equal(got, want) || cap(got) != n {
			t.Errorf("%d: %d, room for %d", n, len(got), cap(got))
		}
	}
}

func TestWriter(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	w := NewWriter(&out, true)
	w.Field(`{"a":`, "<")
	w.Raw(`,"b":`)
	WriteList(w, []int{1, 2}, func(i *int) { w.Value(*i) })
	w.Raw(`,"c":`)
	WriteList(w, []int(nil), nil)
	w.Raw(`,"d":`)
	WriteList(w, []int{}, nil)
	w.Field(`,"e":`, strings.Repeat("x", pieceSize))
	w.Append(append(w.Pending(), '}'))
	want := `{"a":"\u003c","b":[1,2],"c":null,"d":[],"e":"` + strings.Repeat("x", pieceSize) + `"}`
	if err := w.Flush(); err != nil || out.String() != want {
		t.Errorf("%v: %s", err, out.String())
	}

	w.Value(make(chan int))
	if w.Raw("x"); w.Flush() == nil || out.String() != want {
		t.Error("what can not be encoded is")
	}
	w.Fail(io.EOF)
	if err := w.Flush(); errors.Is(err, io.EOF) {
		t.Error("the first error is not kept")
	}
}

// FuzzReader holds the elements of a list against those that encoding/json finds, however
// the document comes in.
func FuzzReader(f *testing.F) {
	for _, document := range []string{"[]\n", "null", `[1,"a\"]","\\",{"b":[{}],"c":"}"},[[]],true,null]`, `[1`, `[1 ,2]`, `["`, `["\`, `[{]`, `[1}`, `{}`, `[,]`, `[1,]`, ``} {
		f.Add(document)
	}
	f.Fuzz(func(t *testing.T, document string) {
		element := func(value []byte) (string, error) {
			if !json.Valid(value) {
				return "", ErrForm
			}
			return string(value), nil
		}
		r := NewReader(strings.NewReader(document))
		got, err := ReadList(r, element)
		rest, wrong := io.ReadAll(r.Rest())
		slow := NewReader(iotest.OneByteReader(strings.NewReader(document)))
		slow.buffer = make([]byte, 0, 1)
		again, wrongAgain := ReadList(slow, element)
		if !slices.Equal(got, again) || (err == nil) != (wrongAgain == nil) || wrong != nil {
			t.Fatalf("%q is %q, %v; octet by octet %q, %v", document, got, err, again, wrongAgain)
		}
		if err != nil {
			return
		}
		read, ok := strings.CutSuffix(document, string(rest))
		var want []json.RawMessage
		if wrong := json.Unmarshal([]byte(read), &want); wrong != nil || !ok || len(got) != len(want) || (got == nil) != (want == nil) {
			t.Fatalf("%q is %q, with encoding/json %q, %v", document, got, want, wrong)
		}
		for i := range want {
			if strings.TrimSpace(got[i]) != string(want[i]) {
				t.Fatalf("%q is %q, with encoding/json %q", document, got, want)
			}
		}
	})
}

func TestReader(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	r := NewReader(io.MultiReader(strings.NewReader(`{"a":1,"b":"2"`), iotest.ErrReader(broken)))
	if r.Take("x") || !r.Take(`{"a":`) || r.Ended() {
		t.Error("another beginning")
	}
	for _, want := range []string{"1", `"b"`, `"2"`} {
		if got, err := r.Value(); err != nil || string(got) != want {
			t.Errorf("%s, %v, not %s", got, err, want)
		}
		_ = r.Take(",") || r.Take(":")
	}
	if value, err := r.Value(); !errors.Is(err, broken) || r.Take("}") || r.Ended() {
		t.Errorf("%s, %v", value, err)
	}
	if r = NewReader(strings.NewReader("1,")); r.Take("1") && r.Ended() || !r.Take(",") || !r.Ended() {
		t.Error("the end is not where it is")
	}
}
