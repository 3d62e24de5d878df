package ldap

import (
	"context"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/rollcall-cli/rollcall/internal/providers/ldaptest"
)

// resolver asks a DNS server that knows these names alone: SRV records, and of hosts
// that they are this machine.
func resolver(t *testing.T, services map[string][]dnsmessage.SRVResource, hosts ...string) *net.Resolver {
	t.Helper()
	listener, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for buffer := make([]byte, 1<<12); ; {
			n, from, err := listener.ReadFrom(buffer)
			if err != nil {
				return
			}
			if answer := reply(buffer[:n], services, hosts); answer != nil {
				_, _ = listener.WriteTo(answer, from) // or it is asked again
			}
		}
	}()
	t.Cleanup(func() { _ = listener.Close(); <-done })
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", listener.LocalAddr().String())
	}}
}

func reply(question []byte, services map[string][]dnsmessage.SRVResource, hosts []string) []byte {
	var m dnsmessage.Message
	if m.Unpack(question) != nil || len(m.Questions) != 1 {
		return nil
	}
	asked := m.Questions[0]
	name := strings.ToLower(strings.TrimSuffix(asked.Name.String(), "."))
	out := dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, RecursionAvailable: true}, Questions: m.Questions}
	add := func(body dnsmessage.ResourceBody) {
		header := dnsmessage.ResourceHeader{Name: asked.Name, Class: dnsmessage.ClassINET, TTL: 1}
		out.Answers = append(out.Answers, dnsmessage.Resource{Header: header, Body: body})
	}
	switch records := services[name]; {
	case slices.Contains(hosts, name) && asked.Type == dnsmessage.TypeA:
		add(&dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}})
	case slices.Contains(hosts, name):
	case records == nil:
		out.RCode = dnsmessage.RCodeNameError
	case asked.Type == dnsmessage.TypeSRV:
		for i := range records {
			add(&records[i])
		}
	}
	packed, err := out.Pack()
	if err != nil {
		return nil
	}
	return packed
}

func record(priority, port int, target string) dnsmessage.SRVResource {
	return dnsmessage.SRVResource{Priority: uint16(priority), Weight: 1, Port: uint16(port), Target: dnsmessage.MustNewName(target)}
}

func TestServersFromDNS(t *testing.T) {
	t.Parallel()
	r := resolver(t, map[string][]dnsmessage.SRVResource{
		"_ldap._tcp.example.com":              {record(20, 389, "dc2.example.com."), record(10, 1389, "DC1.example.com.")},
		"_ldap._tcp.both.example":             {record(0, 389, "a.both.example.")},
		"_ldaps._tcp.both.example":            {record(0, 10636, "b.both.example.")},
		"_ldap._tcp.dc._msdcs.example.com":    {record(0, 389, "dc1.example.com.")},
		"_ldap._tcp.gc._msdcs.example.com":    {record(0, 3268, "dc1.example.com.")},
		"_ldap._tcp.paris._sites.example.com": {record(0, 389, "dc3.example.com.")},
		"_ldap._tcp.stranger.example":         {record(0, 389, "dc1.example.com.")},
		"_ldap._tcp.prefix.example":           {record(0, 389, "evilprefix.example.")},
		"_ldap._tcp.off.example":              {record(0, 0, ".")},
	})
	for domain, c := range map[string]struct {
		want []string
		err  string
	}{
		"ldap+srv://example.com":               {[]string{"ldap://dc1.example.com:1389", "ldap://dc2.example.com:389"}, ""},
		"ldaps+srv://EXAMPLE.com.":             {[]string{"ldaps://dc1.example.com:636", "ldaps://dc2.example.com:636"}, ""},
		"ldap+srv://both.example":              {[]string{"ldap://a.both.example:389"}, ""},
		"ldaps+srv://both.example":             {[]string{"ldaps://b.both.example:10636"}, ""},
		"ldap+srv://dc._msdcs.example.com":     {[]string{"ldap://dc1.example.com:389"}, ""},
		"ldaps+srv://gc._msdcs.example.com":    {[]string{"ldaps://dc1.example.com:3269"}, ""},
		"ldaps+srv://paris._sites.example.com": {[]string{"ldaps://dc3.example.com:636"}, ""},
		"ldap+srv://stranger.example":          {nil, `the server "dc1.example.com", which is in another domain; DNS is not authenticated, so list it in urls`},
		"ldap+srv://prefix.example":            {nil, "which is in another domain"},
		"ldap+srv://off.example":               {nil, "DNS has no servers of it"},
		"ldaps+srv://nowhere.example":          {nil, "no SRV record _ldap._tcp.nowhere.example; check the domain, or list the servers in urls"},
	} {
		o := Options{URLs: []string{domain}, Encryption: EncryptionStartTLS, Resolver: r}
		if strings.HasPrefix(domain, "ldaps") {
			o.Encryption = EncryptionSSL
		}
		d, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		servers, failures := d.candidates(t.Context())
		var got []string
		for _, s := range servers {
			got = append(got, s.String())
		}
		if !slices.Equal(got, c.want) || (c.err == "") != (failures == nil) {
			t.Errorf("%s: %v, %v", domain, got, failures)
		}
		if c.err != "" && (len(failures) != 1 || !strings.Contains(failures[0].Error(), c.err)) {
			t.Errorf("%s: %v", domain, failures)
		}
	}
}

// A domain's first server is down; its second has a certificate for its name.
func TestReadsAServerFromDNS(t *testing.T) {
	t.Parallel()
	s := ldaptest.StartSlapd(t, ldaptest.SlapdOptions{LDIF: ldaptest.People(10)})
	u, err := url.Parse(s.LDAPSURL)
	if err != nil {
		t.Fatal(err)
	}
	port, err := net.LookupPort("tcp", u.Port())
	if err != nil {
		t.Fatal(err)
	}
	o := options(s)
	o.URLs = []string{"ldaps+srv://localhost"}
	o.Resolver = resolver(t, map[string][]dnsmessage.SRVResource{
		"_ldaps._tcp.localhost": {record(1, 1, "localhost."), record(2, port, "localhost.")},
	})
	_, evidence, err := readAll(t.Context(), o, search())
	if err != nil || evidence.Entries != 10 || evidence.Server != "ldaps://localhost:"+u.Port() {
		t.Errorf("%+v, %v", evidence, err)
	}
}
