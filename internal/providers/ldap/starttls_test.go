package ldap

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func TestStartTLSAnswers(t *testing.T) {
	t.Parallel()
	result := func(tag, code byte) []byte {
		return answer(tlv(tag, tlv(0x0a, []byte{code}), octetString(""), octetString("because")))
	}
	for name, c := range map[string]struct {
		answer []byte
		want   string
	}{
		"success":        {result(0x78, 0), "<nil>"},
		"refused":        {result(0x78, 52), `LDAP Result Code 52 "Unavailable": because`},
		"something else": {result(0x61, 0), "the server answered something else"},
		"no LDAP":        {[]byte("SSH-2.0-OpenSSH\r\n"), "EOF"},
		"gone":           {nil, "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wire := &canned{answer: bytes.NewReader(append(c.answer, "more"...)), chunk: 100, asked: make(chan struct{})}
			if c.answer == nil {
				wire.answer = bytes.NewReader(nil)
			}
			if got := fmt.Sprint(startTLS(wire)); !strings.HasSuffix(got, c.want) {
				t.Error(got)
			}
			if c.want == "<nil>" && wire.answer.Len() != len("more") {
				t.Errorf("%d octets are left: what follows the answer is TLS", wire.answer.Len())
			}
		})
	}
}
