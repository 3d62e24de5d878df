package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// accountMapping loads a user block with an expression for exclude.
func accountMapping(t *testing.T, exclude string, now time.Time) (*Mapping, Diagnostics) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range minimal("", "", "", "username = entry.uid\n exclude = "+exclude) {
		writeTB(t, dir, name, content)
	}
	config, diags := Load(Options{Dir: dir, Now: now})
	if config == nil {
		return nil, diags
	}
	return config.Directories[0].User, diags
}

func TestExclude(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 3, 0, 0, 500, time.UTC)
	ticks := func(at time.Time) string {
		return fmt.Sprint((at.Unix()+secondsFrom1601)*ticksPerSecond + int64(at.Nanosecond())/100)
	}
	const both = "disabled(entry) || expired(entry)"
	for _, c := range []struct {
		expression string
		entry      []string
		excluded   bool
		problem    string
	}{
		{"disabled(entry)", []string{"userAccountControl", "512"}, false, ""},
		{"disabled(entry)", []string{"USERACCOUNTCONTROL", "514"}, true, ""},
		{"disabled(entry)", []string{"userAccountControl", "66050"}, true, ""},
		{"disabled(entry)", []string{"userAccountControl", "-2147483646"}, true, ""},
		{"disabled(entry)", []string{"userAccountControl", "0x202"}, false, `userAccountControl is "0x202" and not a number`},
		{"disabled(entry)", []string{"userAccountControl", "\xff"}, false, `the value of "userAccountControl" is not UTF-8 text`},
		{"disabled(entry)", []string{"nsAccountLock", "true"}, true, ""},
		{"disabled(entry)", []string{"nsAccountLock", "TRUE", "nsUniqueId", "1"}, true, ""},
		{"disabled(entry)", []string{"nsAccountLock", "false"}, false, ""},
		{"disabled(entry)", []string{"nsAccountLock", "maybe"}, false, `nsAccountLock is "maybe" and neither true nor false`},
		{"disabled(entry)", []string{"nsAccountLock", "TRUE", "userAccountControl", "512"}, true, ""},
		{"disabled(entry)", []string{"nsUniqueId", "1"}, false, ""},
		{"disabled(entry)", []string{"objectGUID", "1"}, false, "the entry shows neither userAccountControl nor nsAccountLock, which the bind account may not be allowed to read"},
		{"disabled(entry)", nil, false, "the entry shows neither"},
		{"try(disabled(entry), false)", nil, false, ""},
		{"try(disabled(entry), true)", nil, true, ""},
		{"!disabled(entry)", []string{"userAccountControl", "512"}, true, ""},
		{"expired(entry)", []string{"accountExpires", "0"}, false, ""},
		{"expired(entry)", []string{"accountExpires", "9223372036854775807"}, false, ""},
		{"expired(entry)", []string{"accountExpires", ticks(now)}, true, ""},
		{"expired(entry)", []string{"accountExpires", ticks(now.Add(100))}, false, ""},
		{"expired(entry)", []string{"accountExpires", ticks(now.AddDate(-30, 0, 0))}, true, ""},
		{"expired(entry)", []string{"accountExpires", "132223104000000000"}, true, ""}, // 2020-01-01
		{"expired(entry)", []string{"accountExpires", "-1"}, false, `accountExpires is "-1" and not a number of 100 ns since 1601`},
		{"expired(entry)", []string{"accountExpires", "9223372036854775808"}, false, "and not a number of 100 ns"},
		{"expired(entry)", []string{"accountExpires", "20261124"}, true, ""}, // some seconds of 1601
		{"expired(entry)", nil, false, "the entry shows no accountExpires"},
		{both, []string{"userAccountControl", "512", "accountExpires", "0"}, false, ""},
		{both, []string{"userAccountControl", "514", "accountExpires", "0"}, true, ""},
		{both, []string{"userAccountControl", "512", "accountExpires", "1"}, true, ""},
		{both, []string{"userAccountControl", "512"}, false, "the entry shows no accountExpires"},
		{`entry.employeeType == "left"`, []string{"employeeType", "left"}, true, ""},
		{`entry.employeeType == "left"`, nil, false, ""},
		{`lower(entry.employeeType) == "left"`, nil, false, "argument must not be null"},
		{`startswith(entry.uid, "svc-")`, nil, false, ""},
		{`jsondecode(entry.uid == "x" ? "1" : "null")`, nil, false, "the expression is neither true nor false"},
	} {
		m, diags := accountMapping(t, c.expression, now)
		if m == nil {
			t.Fatalf("%s: %v", c.expression, diags)
		}
		for _, f := range m.fields { // what is compiled is what is evaluated
			one := entry(append([]string{"uid", "jane"}, c.entry...)...)
			if f.name != fieldExclude || f.truth == nil || f.malformed(one) != nil {
				continue
			}
			compiled, err := f.truth(one.First)
			evaluated := *f
			evaluated.truth = nil
			if want, problem := evaluated.decide(one); err == nil && (problem != nil || want != compiled) {
				t.Errorf("%s of %q: %v compiled, %v, %v evaluated", c.expression, c.entry, compiled, want, problem)
			}
		}
		got := m.Map(entry(append([]string{"uid", "jane"}, c.entry...)...))
		var problem string
		for _, p := range got.Problems {
			problem += p.Field + ": " + p.Text
		}
		if (got.Excluded == c.expression) != c.excluded || (c.problem == "") != (problem == "") || c.problem != "" && (!strings.HasPrefix(problem, "exclude: ") || !strings.Contains(problem, c.problem)) {
			t.Errorf("%s of %q: excluded %q, problem %q", c.expression, c.entry, got.Excluded, problem)
		}
		if got.Username != "jane" {
			t.Errorf("%s of %q: username %q", c.expression, c.entry, got.Username)
		}
	}
	m, _ := accountMapping(t, both, now)
	if got, want := m.Attributes(), []string{"accountExpires", "nsAccountLock", "nsUniqueId", "uid", "userAccountControl"}; !slices.Equal(got, want) {
		t.Errorf("attributes %v", got)
	}
	if source := m.Sources()["exclude"]; source != both {
		t.Errorf("source %q", source)
	}
	m, _ = accountMapping(t, "null", now)
	if got := m.Map(entry("uid", "jane")); got.Excluded != "" || got.Problems != nil {
		t.Errorf("null: %+v", got)
	}
}

// A run whose time is not known takes nobody for expired, nor for one who is not.
func TestExpiredWithoutTime(t *testing.T) {
	t.Parallel()
	m, diags := accountMapping(t, "expired(entry)", time.Time{})
	if m == nil {
		t.Fatal(diags)
	}
	var got identity.Mapped = m.Map(entry("uid", "jane", "accountExpires", "132223104000000000"))
	if got.Excluded != "" || len(got.Problems) != 1 || !strings.Contains(got.Problems[0].Text, "the time is not known") {
		t.Errorf("%+v", got)
	}
}

// The digest of a configuration does not depend on when it is read, and does on exclude.
func TestDigestOfExclude(t *testing.T) {
	t.Parallel()
	digest := func(exclude string, now time.Time) string {
		dir := t.TempDir()
		for name, content := range minimal("", "", "", "username = entry.uid\n exclude = "+exclude) {
			writeTB(t, dir, name, content)
		}
		config, diags := Load(Options{Dir: dir, Now: now})
		if config == nil {
			t.Fatal(diags)
		}
		return config.Digest
	}
	now := time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)
	one := digest("expired(entry)", now)
	if digest("expired(entry)", now.AddDate(1, 0, 0)) != one {
		t.Error("the time is in the digest")
	}
	if digest("disabled(entry)", now) == one {
		t.Error("exclude is not in the digest")
	}
}
