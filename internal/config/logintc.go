package config

import (
	"fmt"
	"math"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

const (
	defaultHost        = "cloud.logintc.com"
	defaultConcurrency = 32
	maxConcurrency     = 64
	defaultAPITimeout  = 30 * time.Second
)

func (l *loader) loadLoginTC() {
	first := l.once(place{}, l.blocks["logintc"], "One configuration manages one organization; use a folder for each.")
	if first == nil {
		l.failNowhere("No logintc block", `The configuration does not say which LoginTC organization it manages. `+
			`Add logintc "name" { api_key = var.logintc_api_key }.`)
		return
	}
	at := placeOf(first)
	l.unique(at, first, l.declaredAt)
	sch := schema("host", "api", "execution", "api_key", "api_key_file", "requests_per_second", "concurrency", "timeout", "ca_file")
	sch.Blocks = []hcl.BlockHeaderSchema{{Type: "proxy"}}
	b := l.block(at, first, sch)
	c := &l.config.LoginTC
	c.Name = first.Labels[0]
	c.Host, c.BaseURL = b.host()
	c.APIKey = b.secret("api_key")
	if !b.has("api_key") && !b.has("api_key_file") && b.complete {
		b.fail(at, b.rng, "Missing API key", "Set api_key to a sensitive variable, or api_key_file to the path of a file that has the key.")
	}
	if strings.ContainsFunc(c.APIKey.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }) {
		b.wrong("api_key", "The API key has a blank, a line break or another character that no key has. It is not shown.")
	}
	c.API = b.api()
	c.Execution = b.choice("execution", ExecutionCalls, ExecutionJob)
	if c.Execution == ExecutionJob {
		b.assumed("execution")
		if s := &b.config.Settings; s.State.URL != "" || s.Encryption != nil {
			b.fail(b.place, b.at("execution"), "Unsuitable execution", "A job is noted in the journal beside a state file, and there is none with url in the state block or with an encryption block: execution must be \"calls\".")
		}
	}
	c.RequestsPerSecond = b.rate()
	c.Concurrency = b.whole("concurrency", defaultConcurrency, 1, maxConcurrency)
	c.Timeout = b.duration("timeout", defaultAPITimeout, time.Millisecond)
	c.CAFile = b.path("ca_file", "")
	c.Proxy = b.proxy()
}

// api returns nothing where the attribute is wrong, so that nobody is told to set
// what is set.
func (b *block) api() string {
	switch api := b.text("api", API13); api {
	case API13, APISync:
		return api
	default:
		b.wrong("api", fmt.Sprintf(`api must be "1.3", the documented calls, or "sync", those and the calls of LoginTC's own sync tool; not %q.`, api))
		return ""
	}
}

// proxy reads the proxy block, or returns nil.
func (b *block) proxy() *Proxy {
	raw := b.once(b.place, b.content.Blocks, "There may be only one.")
	if raw == nil {
		return nil
	}
	p := b.block(b.of(raw), raw, schema("url!", "username", "password", "password_file"))
	proxy := &Proxy{URL: p.proxyURL(), Username: p.text("username", ""), Password: p.secret("password")}
	password := p.has("password") || p.has("password_file")
	switch {
	case p.has("username") && !password:
		p.fail(p.place, p.content.Attributes["username"].NameRange, "Missing password", "username needs password or password_file.")
	case password && !p.has("username"):
		p.fail(p.place, p.rng, "Missing username", "There is a password but no username that it belongs to.")
	}
	return proxy
}

func (b *block) proxyURL() string {
	text := b.text("url", "")
	u, err := url.Parse(text)
	switch {
	case text == "":
		if b.complete {
			b.wrong("url", "url is empty.")
		}
		return ""
	case strings.Contains(text, "@"):
		b.wrongHidden("url", "url must not have a user or password in it: they have attributes of their own.")
		return ""
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" ||
		u.RawQuery != "" || u.Fragment != "" || !validPort(u):
		b.wrong("url", fmt.Sprintf(`url must look like "http://proxy.example.com:3128", not %q.`, text))
		return ""
	}
	return u.Scheme + "://" + u.Host
}

func (b *block) rate() float64 {
	value, ok := b.value("requests_per_second", cty.Number)
	if !ok {
		return 0
	}
	rate, _ := value.AsBigFloat().Float64()
	if rate < 0 || math.IsInf(rate, 0) {
		b.wrong("requests_per_second", "requests_per_second must be a number from 0, which is no limit.")
		return 0
	}
	return rate
}

// host reads "host", "host:port", or a URL of either. Only a loopback host may
// be spoken to without TLS.
func (b *block) host() (host, baseURL string) {
	text := b.text("host", defaultHost)
	if strings.Contains(text, "@") {
		b.wrongHidden("host", "host must not have a user or password in it.")
		return "", ""
	}
	full := text
	if !strings.Contains(text, "://") {
		full = "https://" + text
	}
	u, err := url.Parse(full)
	if err != nil || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || !validPort(u) {
		b.wrong("host", fmt.Sprintf("host must be a host name, with a port if need be, such as %q, not %q.", defaultHost, text))
		return "", ""
	}
	switch {
	case u.Scheme == "https":
	case u.Scheme != "http":
		b.wrong("host", fmt.Sprintf("LoginTC is reached by https, not by %q.", u.Scheme))
	case !isLoopback(u.Hostname()):
		b.wrong("host", "http:// would send the API key in the clear, so it is accepted for 127.0.0.1, ::1 and localhost only. Use https.")
	}
	return u.Host, u.Scheme + "://" + u.Host + "/api"
}

func validPort(u *url.URL) bool {
	if strings.HasSuffix(u.Host, ":") {
		return false
	}
	if u.Port() == "" {
		return true
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && port > 0
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
