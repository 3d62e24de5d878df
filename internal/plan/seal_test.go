package plan

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// sealed is a plan with an addition, a removal and something withheld.
func sealed(t testing.TB) *Plan {
	t.Helper()
	d := setup{roster: "a", live: "b", state: "b"}.domain("vpn")
	d.Unmapped = []identity.Unmapped{{Person: identity.Person{DN: "uid=<c>"}, Reason: "no email"}}
	p := Compute(Input{Domains: []DomainInput{d}})
	p.RollcallVersion, p.ConfigDigest, p.Lineage, p.Serial = "0.1.0", "sha256:c", "lineage", 7
	p.Created, p.Expires = readAt, readAt.Add(24*time.Hour)
	if err := p.Seal(); err != nil {
		t.Fatal(err)
	}
	return p
}

func encoded(t testing.TB, p *Plan) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := p.Encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestDecodeOfEncodeIsTheSame(t *testing.T) {
	t.Parallel()
	p := sealed(t)
	got, err := Decode(bytes.NewReader(encoded(t, p)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, got); diff != "" {
		t.Error(diff)
	}
}

func TestIDIsOfContentAlone(t *testing.T) {
	t.Parallel()
	base := sealed(t)
	for name, c := range map[string]struct {
		change func(*Plan)
		same   bool
	}{
		"created":   {func(p *Plan) { p.Created = p.Created.Add(time.Hour) }, true},
		"expires":   {func(p *Plan) { p.Expires = p.Expires.Add(time.Hour) }, true},
		"server":    {func(p *Plan) { p.Domains[0].Sources[0].Evidence.Server = "ldap://other" }, true},
		"entries":   {func(p *Plan) { p.Domains[0].Sources[0].Evidence.Entries++ }, false},
		"operation": {func(p *Plan) { p.Operations[0].Username = "x" }, false},
		"serial":    {func(p *Plan) { p.Serial++ }, false},
		"config":    {func(p *Plan) { p.ConfigDigest = "other" }, false},
	} {
		p := sealed(t)
		c.change(p)
		if err := p.Seal(); err != nil {
			t.Fatal(err)
		}
		if same := p.ID == base.ID; same != c.same {
			t.Errorf("%s: same id: %v", name, same)
		}
		if p.Checksum == base.Checksum {
			t.Errorf("%s: the checksum does not cover it", name)
		}
	}
}

// pack gzips a document that somebody edited.
func pack(t testing.TB, document string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, document); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestEditedPlanIsRefused(t *testing.T) {
	t.Parallel()
	file := encoded(t, sealed(t))
	z, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	document := string(raw)
	for name, edited := range map[string][]byte{
		"another user":        pack(t, strings.Replace(document, `"username":"b"`, `"username":"c"`, 1)),
		"another expiry":      pack(t, strings.Replace(document, `"expires":"2026`, `"expires":"2027`, 1)),
		"a space":             pack(t, strings.Replace(document, `,`, `, `, 1)),
		"a new field":         pack(t, strings.Replace(document, `{`, `{"x":1,`, 1)),
		"a field in capitals": pack(t, strings.Replace(document, `"id":`, `"ID":`, 1)),
		"a second document":   pack(t, document+document),
		"no checksum":         pack(t, strings.Replace(document, `"checksum":`, `"other":`, 1)),
		"half the file":       file[:len(file)/2],
		"a flipped bit":       flip(file, len(file)-6),
		"unpacked":            []byte(document),
		"no JSON":             pack(t, "hello"),
	} {
		_, err := Decode(bytes.NewReader(edited))
		if _, ok := errors.AsType[*DamagedError](err); !ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Decode(bytes.NewReader(pack(t, document))); err != nil {
		t.Errorf("unedited and packed anew: %v", err)
	}
}

func flip(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 1
	return b
}

// Whoever computes the digests anew still can not smuggle these in.
func TestForgedPlanIsRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Plan){
		"unknown action":   func(p *Plan) { p.Operations[0].Action = "frobnicate" },
		"foreign domain":   func(p *Plan) { p.Operations[0].Domain = "other" },
		"foreign id":       func(p *Plan) { p.Operations[0].DomainID = "other" },
		"nothing to write": func(p *Plan) { p.Operations[0].After = nil },
		"nobody":           func(p *Plan) { p.Operations[0].Username = "" },
		"nothing expected": func(p *Plan) { p.Operations[2].Before = nil },
	} {
		p := sealed(t)
		change(p)
		if err := p.Seal(); err != nil {
			t.Fatal(err)
		}
		if _, err := Decode(bytes.NewReader(encoded(t, p))); err == nil {
			t.Errorf("%s: accepted", name)
		} else if _, damaged := errors.AsType[*DamagedError](err); !damaged {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOtherFilesAreNoPlans(t *testing.T) {
	t.Parallel()
	for name, content := range map[string][]byte{
		"nothing": nil, "text": []byte("domain \"vpn\" {}"), "other JSON": pack(t, `{"a":1}`),
	} {
		if _, err := Decode(bytes.NewReader(content)); !errors.Is(err, ErrNotPlan) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var version *VersionError
	if _, err := Decode(bytes.NewReader(pack(t, `{"format_version":99,"x":1}`))); !errors.As(err, &version) || version.Version != 99 {
		t.Errorf("newer: %v", err)
	}
	// A plan of the version whose domains had one directory is not damaged.
	older := `{"format_version":1,"id":"a","domains":[{"name":"vpn","directory":"directory.corp","evidence":{}}]}`
	if _, err := Decode(bytes.NewReader(pack(t, older))); !errors.As(err, &version) || version.Version != 1 {
		t.Errorf("older: %v", err)
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	fits := func() Present {
		return Present{
			ConfigDigest: "sha256:c", Lineage: "lineage", Serial: 7, Now: readAt.Add(time.Hour),
			Domains: map[string]PresentDomain{"vpn": {"id-of-vpn", Policy{SyncMode: Remove, MaxRemoveLimit: identity.Limit{Value: 1}}}},
		}
	}
	if err := sealed(t).Verify(fits()); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*Plan, *Present)
		want   string
	}{
		"applied":        {func(_ *Plan, n *Present) { n.Applied = true }, "applied already"},
		"expired":        {func(_ *Plan, n *Present) { n.Now = readAt.Add(24 * time.Hour) }, "expired at 2026-11-25T03:00:00Z"},
		"configuration":  {func(_ *Plan, n *Present) { n.ConfigDigest = "x" }, "the configuration has changed"},
		"lineage":        {func(_ *Plan, n *Present) { n.Lineage = "x" }, "another lineage"},
		"first state":    {func(p *Plan, _ *Present) { p.Lineage = "" }, "a state was written"},
		"serial":         {func(_ *Plan, n *Present) { n.Serial = 8 }, "serial 7 then, 8 now"},
		"limit lowered":  {func(_ *Plan, n *Present) { n.Domains["vpn"] = PresentDomain{"id-of-vpn", Policy{SyncMode: Remove}} }, "removes 1 members of domain.vpn"},
		"domain gone":    {func(_ *Plan, n *Present) { n.Domains = nil }, `no domain "vpn"`},
		"another domain": {func(p *Plan, _ *Present) { p.Domains[0].ID = "id-of-hr" }, "for another LoginTC domain (id-of-hr)"},
		"protected": {func(_ *Plan, n *Present) {
			n.Domains["vpn"] = PresentDomain{"id-of-vpn", Policy{SyncMode: Remove, MaxRemoveLimit: identity.Limit{Value: 1}, Protect: []string{"b"}}}
		}, `domain.vpn["b"] would leave and is protected`},
		"changed and protected elsewhere": {func(p *Plan, n *Present) {
			p.Operations[0].Action = UpdateUser
			n.Domains["site"] = PresentDomain{Policy: Policy{Protect: []string{"a"}}}
		}, `domain.vpn["a"] would be changed or deleted and is protected`},
		"nobody may be removed": {func(_ *Plan, n *Present) { n.Domains["vpn"] = PresentDomain{"id-of-vpn", Policy{SyncMode: AddOnly}} }, `and sync_mode is "add_only"`},
		"nobody may be deleted": {func(p *Plan, _ *Present) { p.Operations[2].Action = DeleteUser }, `(delete_user), and sync_mode is "remove"`},
		"run limit":             {func(_ *Plan, n *Present) { n.RunLimit = &identity.Limit{} }, "removes 1 members over all domains"},
		"smuggled removal":      {func(p *Plan, _ *Present) { p.Operations[2].Domain = "other" }, "domains that it does not list"},
	} {
		p, now := sealed(t), fits()
		c.change(p, &now)
		var stale *StaleError
		if err := p.Verify(now); !errors.As(err, &stale) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzDecode reads documents as if somebody had packed them.
func FuzzDecode(f *testing.F) {
	z, err := gzip.NewReader(bytes.NewReader(encoded(f, sealed(f))))
	if err != nil {
		f.Fatal(err)
	}
	document, err := io.ReadAll(z)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(document))
	f.Add(`{"format_version":2}`)
	f.Fuzz(func(t *testing.T, document string) {
		p, err := Decode(bytes.NewReader(pack(t, document)))
		if err != nil {
			return
		}
		again, err := Decode(bytes.NewReader(encoded(t, p)))
		if err != nil || again.ID != p.ID {
			t.Fatalf("an accepted plan does not survive: %v", err)
		}
	})
}

// A small file that holds a gigabyte is refused before it fills the memory; a plan
// that says the same thing very often is not.
func TestBombs(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	zeros := make([]byte, 1<<20)
	for range 64 {
		if _, err := z.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	file := bytes.NewReader(bomb.Bytes())
	var damaged *DamagedError
	if _, err := Decode(file); !errors.As(err, &damaged) || !strings.Contains(err.Error(), " bytes of it hold more than ") {
		t.Errorf("%v", err)
	}
	if read := bomb.Len() - file.Len(); read > bomb.Len()/2 {
		t.Errorf("%d of %d bytes were read", read, bomb.Len())
	}
	p := sealed(t)
	for i := range 60_000 {
		name := fmt.Sprintf("u%06d", i)
		p.Withheld = append(p.Withheld, Withheld{Domain: "vpn", Username: name, DN: "uid=" + name + ",ou=People,ou=Department of Very Long Names,ou=Somewhere,ou=Far,ou=Away,o=Example Incorporated,dc=corp,dc=example,dc=com", Guard: GuardData, Reason: "no email: the attribute mail is not there, nor is any of those that the expression names beside it"})
	}
	if err := p.Seal(); err != nil {
		t.Fatal(err)
	}
	var same bytes.Buffer
	if err := p.Encode(&same); err != nil {
		t.Fatal(err)
	}
	if _, err := Decode(&same); err != nil {
		t.Error(err)
	}
}
