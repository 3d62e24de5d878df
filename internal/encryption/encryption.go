// Package encryption encrypts what names people at rest, with age
// (https://age-encryption.org/v1): the state, and saved plans.
package encryption

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// header is how every file of age begins.
const header = "age-encryption.org/v1\n"

// Keys are who can read, and what one reads with.
type Keys struct {
	recipients []age.Recipient
	identities []age.Identity
}

// New returns the keys of recipients such as "age1…", and of identities in the form of
// a file of age-keygen. Either may be missing: then nothing can be written, or read.
func New(recipients []string, identities identity.Secret) (*Keys, error) {
	k := &Keys{}
	for _, text := range recipients {
		r, err := age.ParseRecipients(strings.NewReader(text))
		if err != nil || len(r) != 1 {
			return nil, fmt.Errorf("%q is no recipient such as \"age1…\", which age-keygen prints as the public key", text)
		}
		k.recipients = append(k.recipients, r...)
	}
	if identities.IsZero() {
		return k, nil
	}
	var err error
	if k.identities, err = age.ParseIdentities(strings.NewReader(identities.Reveal())); err != nil {
		return nil, errors.New("the identity is none such as AGE-SECRET-KEY-1…, which age-keygen writes; it is not shown") // age's error may quote it
	}
	return k, nil
}

// Encrypt returns a writer whose content the recipients can read once it is closed.
func (k *Keys) Encrypt(out io.Writer) (io.WriteCloser, error) {
	return age.Encrypt(out, k.recipients...)
}

// Decrypt returns the content.
func (k *Keys) Decrypt(in io.Reader) (io.Reader, error) {
	if len(k.identities) == 0 {
		return nil, errors.New("it is encrypted, and there is no identity to read it with: set identity_file in the encryption block, or ROLLCALL_AGE_IDENTITY in the environment")
	}
	content, err := age.Decrypt(in, k.identities...)
	if _, none := errors.AsType[*age.NoIdentityMatchError](err); none {
		return nil, errors.New("it is encrypted for others: the identity is none of its recipients")
	}
	return content, err
}

// IsEncrypted reports whether what is to be read is a file of age's, and leaves it
// unread.
func IsEncrypted(in *bufio.Reader) bool {
	begin, _ := in.Peek(len(header)) // what is shorter is none
	return bytes.Equal(begin, []byte(header))
}
