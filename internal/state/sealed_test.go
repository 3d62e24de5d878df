package state

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/rollcall-cli/rollcall/internal/encryption"
	"github.com/rollcall-cli/rollcall/internal/identity"
)

func keys(t *testing.T) Cipher {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	k, err := encryption.New([]string{id.Recipient().String()}, identity.NewSecret(id.String()))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func encrypted(t *testing.T, s *State, cipher Cipher) string {
	t.Helper()
	sealed := *s
	sealed.cipher = cipher
	var b strings.Builder
	if err := sealed.Encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// plainText is the state as Encode writes it without a cipher.
func plainText(t *testing.T, s *State) string {
	t.Helper()
	var b strings.Builder
	if err := s.EncodePlain(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestEncryptedStates(t *testing.T) {
	t.Parallel()
	cipher := keys(t)
	for name, s := range map[string]*State{"few": sample(), "many": crowd(3000)} {
		s.Lineage = "6fa459ea-ee8a-4ca4-894e-db77e160355e"
		file := encrypted(t, s, cipher)
		for how, text := range map[string]string{
			"as written":     file,
			"without spaces": strings.NewReplacer("\n", "", ": ", ":", "  ", "").Replace(file),
			"with escapes":   strings.NewReplacer("/", `\/`, "+", `\u002b`, "A", `A\n`).Replace(file),
			"with spaces":    strings.ReplaceAll(file, `"encrypted": `, "\"encrypted\" \n\t: \r"),
		} {
			got, err := Decode("state", strings.NewReader(text), cipher)
			if err != nil {
				t.Errorf("%s %s: %v", name, how, err)
			} else if plainText(t, got) != plainText(t, s) {
				t.Errorf("%s %s: it says something else", name, how)
			}
		}
	}
}

func TestDamagedEncryptedStates(t *testing.T) {
	t.Parallel()
	cipher := keys(t)
	s := crowd(3000)
	file := encrypted(t, s, cipher)
	middle := len(file) / 2
	inner := func(text string) string {
		var sealed bytes.Buffer
		base := base64.NewEncoder(base64.StdEncoding, &sealed)
		w, err := cipher.Encrypt(base)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil || w.Close() != nil || base.Close() != nil {
			t.Fatal(err)
		}
		begin, _, _ := strings.Cut(file, `"encrypted": "`)
		return begin + `"encrypted": "` + sealed.String() + "\"\n}\n"
	}
	plain := plainText(t, s)
	for name, c := range map[string]struct {
		text, want string
		cipher     Cipher
		damaged    bool
	}{
		"cut off":           {file[:middle], "it ends too early", cipher, true},
		"cut before":        {file[:strings.Index(file, `ed": "`)+4], "it ends too early", cipher, true},
		"cut behind":        {strings.TrimRight(file, "}\n"), "it ends too early", cipher, true},
		"not Base64":        {file[:middle] + "*" + file[middle+1:], "illegal base64 data", cipher, true},
		"a line end":        {file[:middle] + "\n" + file[middle:], "invalid character '\\n' in string literal", cipher, true},
		"a wrong escape":    {file[:middle] + `\x` + file[middle:], "invalid escape", cipher, true},
		"a number":          {strings.Replace(file, `"encrypted": "`, `"encrypted": 7, "`, 1), "'7' stands where '\"' should", cipher, true},
		"two documents":     {file + file, "something stands after its end", cipher, true},
		"a field behind":    {strings.Replace(file, "\"\n}", "\",\n\"x\": 1\n}", 1), "x stands where } should", cipher, true},
		"another serial":    {strings.Replace(file, `"serial": 0`, `"serial": 1`, 1), "somebody changed it", cipher, true},
		"other content":     {file[:middle] + string('A'+(file[middle]-'A'+1)%26) + file[middle+1:], "failed to decrypt", cipher, true},
		"for others":        {file, "it is encrypted for others", keys(t), false},
		"no cipher":         {file, "it is encrypted: give its encryption block", nil, false},
		"half inside":       {inner(plain[:len(plain)/2]), "it ends too early", cipher, true},
		"more inside":       {inner(plain + "x"), "something stands after its end", cipher, true},
		"encrypted inside":  {inner(file), "it is encrypted: give", cipher, false},
		"nothing encrypted": {file[:strings.Index(file, `ed": "`)+6] + "\"\n}", "can not be read", cipher, false},
	} {
		_, err := Decode("state", strings.NewReader(c.text), c.cipher)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		d, damaged := errors.AsType[*DamagedError](err)
		if damaged != c.damaged {
			t.Errorf("%s: damaged: %v: %v", name, damaged, err)
		}
		if damaged && (d.Offset < int64(strings.Index(file, "rollcall_version")) || d.Offset > int64(len(c.text))) {
			t.Errorf("%s: at octet %d of %d", name, d.Offset, len(c.text))
		}
	}
}
