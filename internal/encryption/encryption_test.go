package encryption

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

func newIdentity(t *testing.T) *age.X25519Identity {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestKeys(t *testing.T) {
	t.Parallel()
	ada, noor, eve := newIdentity(t), newIdentity(t), newIdentity(t)
	written, err := New([]string{ada.Recipient().String(), noor.Recipient().String()}, identity.Secret{})
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	w, err := written.Encrypt(&file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, "jane.doe"); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	if strings.Contains(file.String(), "jane") || !IsEncrypted(bufio.NewReader(bytes.NewReader(file.Bytes()))) || IsEncrypted(bufio.NewReader(strings.NewReader("{}"))) {
		t.Error(file.String())
	}
	for _, c := range []struct{ identities, want, wrong string }{
		{ada.String(), "jane.doe", ""},
		{"# a comment\n" + noor.String() + "\n", "jane.doe", ""},
		{eve.String(), "", "it is encrypted for others"},
		{"", "", "there is no identity to read it with"},
	} {
		k, err := New(nil, identity.NewSecret(c.identities))
		if err != nil {
			t.Fatal(err)
		}
		var got []byte
		r, err := k.Decrypt(bytes.NewReader(file.Bytes()))
		if err == nil {
			got, err = io.ReadAll(r)
		}
		if string(got) != c.want || (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%q: %q, %v", c.identities, got, err)
		}
	}
	if _, err := New([]string{"age1nobody"}, identity.Secret{}); err == nil || !strings.Contains(err.Error(), `"age1nobody" is no recipient`) {
		t.Error(err)
	}
	if _, err := New(nil, identity.NewSecret("AGE-SECRET-KEY-1WRONG")); err == nil || strings.Contains(err.Error(), "WRONG") {
		t.Error(err)
	}
}
