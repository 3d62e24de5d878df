package ldap

import (
	"net"
	"testing"
	"time"
)

// answering is a server that answers each request with the next of the answers, and is gone
// then.
func answering(t *testing.T, answers ...[]byte) (url string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { _ = c.Close() }()
		request := make([]byte, 4096)
		for _, a := range answers {
			if _, err := c.Read(request); err != nil {
				return
			}
			if _, err := c.Write(a); err != nil {
				return
			}
		}
		_, _ = c.Read(request)
	}()
	return "ldap://" + l.Addr().String()
}

// Whether nobody is below a base, or there is no base, must be known: a server that is gone
// or busy when it is asked has not said that nobody is there.
func TestNobodyIsThereOnlyIfTheBaseIs(t *testing.T) {
	t.Parallel()
	second := func(code byte) []byte { // the answer to the second request
		octets := done(code)
		octets[4] = 2
		return octets
	}
	for name, c := range map[string]struct {
		answers   [][]byte
		fails     bool
		retryable bool
	}{
		"there":       {[][]byte{done(0), second(0)}, false, false},
		"not to read": {[][]byte{done(0), second(50)}, false, false},
		"not there":   {[][]byte{done(0), second(32)}, true, false},
		"busy":        {[][]byte{done(0), second(51)}, true, true},
		"gone":        {[][]byte{done(0)}, true, true},
	} {
		o := Options{URLs: []string{answering(t, c.answers...)}, Encryption: EncryptionNone, Now: time.Now}
		if found, _, err := readAll(t.Context(), o, search()); (err != nil) != c.fails || Retryable(err) != c.retryable || len(found) > 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
