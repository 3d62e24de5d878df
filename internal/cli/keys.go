package cli

import (
	"bufio"
	"fmt"
	"io"

	"github.com/rollcall-cli/rollcall/internal/config"
	"github.com/rollcall-cli/rollcall/internal/encryption"
	"github.com/rollcall-cli/rollcall/internal/identity"
	"github.com/rollcall-cli/rollcall/internal/state"
)

// identityVariable is the variable of the environment that has identities of age, in the
// place of identity_file.
const identityVariable = "ROLLCALL_AGE_IDENTITY"

// keys returns what state and plans are encrypted with, or nil where they are not.
func (a *app) keys(cfg *config.Config) (*encryption.Keys, error) {
	e := cfg.Settings.Encryption
	if e == nil {
		return nil, nil
	}
	own := e.Identity
	if text, ok := a.lookup(identityVariable); ok {
		own = identity.NewSecret(text)
	}
	keys, err := encryption.New(e.Recipients, own)
	if err != nil {
		return nil, fmt.Errorf("the encryption block: %w", err)
	}
	return keys, nil
}

// cipher is keys for the state.
func (a *app) cipher(cfg *config.Config) (state.Cipher, error) {
	keys, err := a.keys(cfg)
	if keys == nil || err != nil {
		return nil, err // a nil pointer would be no nil interface
	}
	return keys, nil
}

// decrypted returns the content of a saved plan, encrypted or not. The configuration is
// looked at only where the environment has no identity.
func (a *app) decrypted(file io.Reader) (io.Reader, error) {
	in := bufio.NewReader(file)
	if !encryption.IsEncrypted(in) {
		return in, nil
	}
	if text, ok := a.lookup(identityVariable); ok {
		keys, err := encryption.New(nil, identity.NewSecret(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", identityVariable, err)
		}
		return keys.Decrypt(in)
	}
	cfg, err := a.load()
	if err != nil {
		return nil, fmt.Errorf("it is encrypted, and %s is not set, so the configuration was asked for an identity: %w", identityVariable, err)
	}
	keys, err := a.keys(cfg)
	if err != nil {
		return nil, err
	}
	if keys == nil {
		keys = &encryption.Keys{}
	}
	return keys.Decrypt(in)
}
