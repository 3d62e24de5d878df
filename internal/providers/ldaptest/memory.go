package ldaptest

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-ldap/ldap/v3"
	"github.com/go-ldap/ldif"
	"github.com/google/uuid"
	"github.com/hashicorp/go-hclog"
	"github.com/jimlambrt/gldap"

	"github.com/rollcall-cli/rollcall/internal/identity"
	match "github.com/rollcall-cli/rollcall/internal/providers/ldif"
)

// MemoryOptions say what a server in memory serves.
type MemoryOptions struct {
	// BindDN and BindPassword are the one account that may search.
	BindDN, BindPassword string
	// LDIF has the entries, those above them too. Entries without entryUUID get one.
	LDIF string
}

// Memory is a small LDAP server inside the process, for demonstrations and quick
// tests: simple bind and paged searches, without TLS, on loopback.
type Memory struct {
	url    string
	server *gldap.Server
	ended  chan struct{}

	mu       sync.Mutex
	account  MemoryOptions
	bound    map[int]bool // connections
	entries  []identity.Entry
	names    []string                    // canonical DNs, place by place
	searches map[string][]identity.Entry // what is left of paged searches, by cookie
	filters  []string                    // of the searches that were begun
}

// Searches returns the filters of the searches that were begun, in order, however
// many pages they had, and forgets them.
func (m *Memory) Searches() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	filters := m.filters
	m.filters = nil
	return filters
}

// StartMemory starts a server and returns when it answers.
func StartMemory(o MemoryOptions) (*Memory, error) {
	m := &Memory{account: o, bound: map[int]bool{}, searches: map[string][]identity.Entry{}}
	if err := m.Add(o.LDIF); err != nil {
		return nil, err
	}
	// A port that was free a moment ago may be taken now.
	var err error
	for range 5 {
		if err = m.start(); err == nil {
			return m, nil
		}
	}
	return nil, fmt.Errorf("the LDAP server in memory did not start: %w", err)
}

func (m *Memory) start() error {
	mux, err := gldap.NewMux()
	if err == nil {
		err = errors.Join(mux.Bind(m.bind), mux.Search(m.search))
	}
	if err != nil {
		return err
	}
	if m.server, err = gldap.NewServer(gldap.WithLogger(hclog.New(&hclog.LoggerOptions{Output: io.Discard})), gldap.WithDisablePanicRecovery()); err != nil {
		return err
	}
	if err := m.server.Router(mux); err != nil {
		return err
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	address := "127.0.0.1:" + strconv.Itoa(port)
	m.url, m.ended = "ldap://"+address, make(chan struct{})
	failed := make(chan error, 1)
	go func() {
		defer close(m.ended)
		failed <- m.server.Run(address)
	}()
	for deadline := time.After(patience); !m.server.Ready(); {
		select {
		case err := <-failed:
			return err
		case <-deadline:
			return errors.New("it does not answer")
		case <-time.After(time.Millisecond):
		}
	}
	return nil
}

// URL is the server's, without TLS.
func (m *Memory) URL() string { return m.url }

// Close ends the server.
func (m *Memory) Close() {
	_ = m.server.Stop() // it only says what was closed already
	<-m.ended
}

// Add adds the entries of an LDIF.
func (m *Memory) Add(entries string) error {
	parsed, err := ldif.Parse(entries)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	there := map[string]bool{}
	for _, name := range m.names {
		there[name] = true
	}
	for _, e := range parsed.AllEntries() {
		name := canonical(e.DN)
		if there[name] {
			return fmt.Errorf("%s is there already", e.DN)
		}
		there[name] = true
		entry := identity.Entry{DN: e.DN}
		for _, a := range e.Attributes {
			entry.Attributes = append(entry.Attributes, identity.Attribute{Name: a.Name, Values: a.Values})
		}
		if entry.Values("entryUUID") == nil {
			entry.Attributes = append(entry.Attributes, identity.Attribute{Name: "entryUUID", Values: []string{uuid.NewString()}})
		}
		m.entries, m.names = append(m.entries, entry), append(m.names, name)
	}
	return nil
}

// Delete deletes an entry.
func (m *Memory) Delete(dn string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := m.find(dn)
	if at < 0 {
		return fmt.Errorf("there is no %s", dn)
	}
	m.entries = slices.Delete(slices.Clone(m.entries), at, at+1) // searches under way hold the old list
	m.names = slices.Delete(m.names, at, at+1)
	return nil
}

// Replace replaces the values of an attribute, or takes it away where there are none.
func (m *Memory) Replace(dn, attribute string, values ...string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := m.find(dn)
	if at < 0 {
		return fmt.Errorf("there is no %s", dn)
	}
	entry := identity.Entry{DN: m.entries[at].DN}
	for _, a := range m.entries[at].Attributes {
		if !strings.EqualFold(a.Name, attribute) {
			entry.Attributes = append(entry.Attributes, a)
		}
	}
	if len(values) > 0 {
		entry.Attributes = append(entry.Attributes, identity.Attribute{Name: attribute, Values: values})
	}
	m.entries = slices.Clone(m.entries)
	m.entries[at] = entry
	return nil
}

// find returns the place of an entry, or -1.
func (m *Memory) find(dn string) int { return slices.Index(m.names, canonical(dn)) }

// canonical is one form of a DN for all its spellings.
func canonical(dn string) string {
	parsed, err := ldap.ParseDN(dn)
	if err != nil {
		return dn
	}
	return strings.ToLower(parsed.String())
}

func (m *Memory) bind(w *gldap.ResponseWriter, r *gldap.Request) {
	response := r.NewBindResponse(gldap.WithResponseCode(gldap.ResultInvalidCredentials))
	defer func() { _ = w.Write(response) }() // who does not listen has gone
	message, err := r.GetSimpleBindMessage()
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil && strings.EqualFold(message.UserName, m.account.BindDN) && string(message.Password) == m.account.BindPassword {
		m.bound[r.ConnectionID()] = true
		response.SetResultCode(gldap.ResultSuccess)
	}
}

// search answers one page. What is left of the search waits under a cookie.
func (m *Memory) search(w *gldap.ResponseWriter, r *gldap.Request) {
	done := r.NewSearchDoneResponse(gldap.WithResponseCode(gldap.ResultSuccess))
	defer func() { _ = w.Write(done) }() // who does not listen has gone
	message, err := r.GetSearchMessage()
	if err != nil {
		done.SetResultCode(gldap.ResultProtocolError)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if message.BaseDN == "" && message.Scope == gldap.BaseObject {
		m.filters = append(m.filters, message.Filter)
		_ = w.Write(m.rootDSE(r)) // who does not listen has gone
		return
	}
	if !m.bound[r.ConnectionID()] {
		done.SetResultCode(gldap.ResultInsufficientAccessRights)
		return
	}
	paging := pagingOf(message)
	var found []identity.Entry
	if paging != nil && len(paging.Cookie) > 0 {
		found = m.searches[string(paging.Cookie)]
		delete(m.searches, string(paging.Cookie))
	} else {
		m.filters = append(m.filters, message.Filter)
		var code int
		if found, code = m.matching(message); code != gldap.ResultSuccess {
			done.SetResultCode(code)
			return
		}
	}
	if paging != nil && paging.PagingSize > 0 {
		answer := &gldap.ControlPaging{}
		if len(found) > int(paging.PagingSize) {
			cookie := rand.Text()
			m.searches[cookie] = found[paging.PagingSize:]
			found = found[:paging.PagingSize]
			answer.Cookie = []byte(cookie)
		}
		done.SetControls(answer)
	}
	for _, e := range found {
		entry := r.NewSearchResponseEntry(e.DN)
		for _, a := range e.Attributes {
			if slices.ContainsFunc(message.Attributes, func(name string) bool { return strings.EqualFold(name, a.Name) }) {
				entry.AddAttribute(a.Name, a.Values)
			}
		}
		_ = w.Write(entry) // who does not listen has gone
	}
}

// rootDSE is what the server says of itself (RFC 4512, 5.1).
func (m *Memory) rootDSE(r *gldap.Request) *gldap.SearchResponseEntry {
	entry := r.NewSearchResponseEntry("")
	entry.AddAttribute("objectClass", []string{"top"})
	entry.AddAttribute("vendorName", []string{"rollcall's server in memory"})
	entry.AddAttribute("supportedControl", []string{ldap.ControlTypePaging})
	entry.AddAttribute("namingContexts", m.contexts())
	return entry
}

func pagingOf(message *gldap.SearchMessage) *gldap.ControlPaging {
	for _, c := range message.Controls {
		if paging, ok := c.(*gldap.ControlPaging); ok {
			return paging
		}
	}
	return nil
}

// matching returns the entries that a search finds, with its result code.
func (m *Memory) matching(message *gldap.SearchMessage) ([]identity.Entry, int) {
	scope := map[gldap.Scope]identity.Scope{gldap.BaseObject: identity.ScopeBase, gldap.SingleLevel: identity.ScopeOne, gldap.WholeSubtree: identity.ScopeSub}[message.Scope]
	found, err := match.Select(m.entries, identity.Search{BaseDN: message.BaseDN, Scope: scope, Filters: []string{message.Filter}})
	switch {
	case errors.Is(err, match.ErrNoBase):
		return nil, gldap.ResultNoSuchObject
	case err != nil:
		return nil, gldap.ResultProtocolError
	}
	return found, gldap.ResultSuccess
}

// contexts are the naming contexts: the entries that no other is above.
func (m *Memory) contexts() []string {
	there := map[string]bool{}
	for _, name := range m.names {
		there[name] = true
	}
	var contexts []string
	for i, name := range m.names {
		below := false
		for rest, more := name, true; more && !below; {
			_, rest, more = strings.Cut(rest, ",")
			below = there[rest]
		}
		if !below {
			contexts = append(contexts, m.entries[i].DN)
		}
	}
	return contexts
}
