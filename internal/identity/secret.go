package identity

import (
	"errors"
	"fmt"
	"log/slog"
)

const hidden = "(sensitive)"

// Secret is a password or key. However it is printed, logged or encoded, it
// says "(sensitive)"; only Reveal gives the value away.
type Secret struct{ value string }

// NewSecret returns value as a secret.
func NewSecret(value string) Secret { return Secret{value} }

// Reveal returns the value, for the one place that sends it.
func (s Secret) Reveal() string { return s.value }

// IsZero reports whether there is no value.
func (s Secret) IsZero() bool { return s.value == "" }

// String implements fmt.Stringer.
func (s Secret) String() string { return hidden }

// Format implements fmt.Formatter, so that no verb prints the value.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hidden)) }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// UnmarshalText implements encoding.TextUnmarshaler, for a secret in an answer.
func (s *Secret) UnmarshalText(text []byte) error {
	s.value = string(text)
	return nil
}

// MarshalJSON refuses: a secret belongs in no file.
func (s Secret) MarshalJSON() ([]byte, error) {
	return nil, errors.New("a secret can not be encoded")
}
