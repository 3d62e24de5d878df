package logintctest

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
)

// organization is Data with the indexes that calls need. Not safe for
// concurrent use: the emulator's lock guards it.
type organization struct {
	name           string
	authorization  string // the one header that is let in
	apiKey         string
	administrators []string
	domains        map[string]*domain
	domainOrder    []*domain
	byID           map[string]*record
	byName         map[string]*record
	// users is in the order of creation, which is the order of listings: a page is
	// a slice of it, however many users there are.
	users []*record
	next  int // the serial of the next user
	rand  *rand.ChaCha8
	// sync says that the assumed fields are served; jobs are in the order of
	// submission, mails in that of sending.
	sync  bool
	jobs  []*job
	mails []Mail
}

type domain struct {
	Domain
	members []*record // in the order of creation of the users
}

// record is one user.
type record struct {
	User   // without Domains and Tokens: they are below
	serial int
	// domains are sorted.
	domains []string
	tokens  map[string]token
	sync    bool // as in organization
	// wire is the user object as it was last sent; nil after a change.
	wire []byte
}

type token struct {
	State TokenState `json:"state"`
	Code  string     `json:"code,omitempty"`
}

// newOrganization takes data that are valid. Codes of tokens that were pending
// before are kept.
func newOrganization(d Data, random *rand.ChaCha8, before *organization) *organization {
	o := &organization{
		name: d.Name, apiKey: d.APIKey, authorization: `LoginTC key="` + d.APIKey + `"`,
		administrators: slices.Clone(d.Administrators),
		domains:        make(map[string]*domain, len(d.Domains)),
		byID:           make(map[string]*record, len(d.Users)),
		byName:         make(map[string]*record, len(d.Users)),
		rand:           random,
	}
	if before != nil {
		o.sync, o.jobs, o.mails = before.sync, before.jobs, before.mails
	}
	for _, given := range d.Domains {
		own := &domain{Domain: given}
		o.domains[given.ID] = own
		o.domainOrder = append(o.domainOrder, own)
	}
	// Ids that are given come first, so that none that is made is one of them.
	taken := make(map[string]bool, len(d.Users))
	for i := range d.Users {
		taken[d.Users[i].ID] = true
	}
	for i := range d.Users {
		u := d.Users[i].clone()
		for u.ID == "" {
			if id := o.newID(); !taken[id] {
				u.ID = id
			}
		}
		r := o.add(u)
		for _, id := range u.Domains {
			o.join(o.domains[id], r)
		}
		for _, id := range slices.Sorted(maps.Keys(u.Tokens)) {
			r.tokens[id] = o.tokenOf(u.ID, id, u.Tokens[id], before)
		}
	}
	return o
}

func (o *organization) tokenOf(user, domain string, state TokenState, before *organization) token {
	if state == TokenActive {
		return token{State: state}
	}
	if before != nil && before.byID[user] != nil {
		if old := before.byID[user].tokens[domain]; old.State == TokenPending {
			return old
		}
	}
	return token{State: state, Code: o.newCode()}
}

// add appends a user without memberships.
func (o *organization) add(u User) *record {
	r := &record{User: u, serial: o.next, tokens: map[string]token{}}
	r.Domains, r.Tokens, r.sync = nil, nil, o.sync
	o.next++
	o.users = append(o.users, r)
	o.byID[u.ID], o.byName[u.Username] = r, r
	return r
}

// create makes a user with a new id.
func (o *organization) create(username, name, email string) *record {
	id := o.newID()
	for o.byID[id] != nil {
		id = o.newID()
	}
	return o.add(User{ID: id, Username: username, Name: name, Email: email})
}

func (o *organization) delete(r *record) {
	for _, id := range slices.Clone(r.domains) {
		o.leave(o.domains[id], r)
	}
	o.users = removeRecord(o.users, r)
	delete(o.byID, r.ID)
	delete(o.byName, r.Username)
}

func (o *organization) join(d *domain, r *record) {
	at, found := slices.BinarySearch(r.domains, d.ID)
	if found {
		return
	}
	r.domains = slices.Insert(r.domains, at, d.ID)
	at, _ = findRecord(d.members, r)
	d.members = slices.Insert(d.members, at, r)
	r.wire = nil
}

// leave ends a membership and revokes the token on the domain.
func (o *organization) leave(d *domain, r *record) {
	at, found := slices.BinarySearch(r.domains, d.ID)
	if !found {
		return
	}
	r.domains = slices.Delete(r.domains, at, at+1)
	d.members = removeRecord(d.members, r)
	delete(r.tokens, d.ID)
	r.wire = nil
}

func (r *record) isMember(d *domain) bool {
	_, found := slices.BinarySearch(r.domains, d.ID)
	return found
}

func findRecord(list []*record, r *record) (int, bool) {
	return slices.BinarySearchFunc(list, r, func(a, b *record) int { return cmp.Compare(a.serial, b.serial) })
}

func removeRecord(list []*record, r *record) []*record {
	at, found := findRecord(list, r)
	if !found {
		return list
	}
	return slices.Delete(list, at, at+1)
}

// newID returns 40 hexadecimal characters.
func (o *organization) newID() string {
	var b [idBytes]byte
	_, _ = o.rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// newCode returns an activation code.
func (o *organization) newCode() string {
	const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
	random := rand.New(o.rand)
	b := make([]byte, codeLength)
	for i := range b {
		b[i] = alphabet[random.IntN(len(alphabet))]
	}
	return string(b)
}

// object is a user as REST API 1.3 returns it.
type object struct {
	ID          string   `json:"id"`
	Username    string   `json:"username"`
	Name        string   `json:"name"`
	Email       string   `json:"email"`
	Domains     []string `json:"domains"`
	BypassCodes []string `json:"bypasscodes"`
	Hardware    *string  `json:"hardware"`
}

// assumedObject is a user with the assumed fields.
type assumedObject struct {
	object
	Alias1 *string  `json:"alias1"`
	Alias2 *string  `json:"alias2"`
	Alias3 *string  `json:"alias3"`
	Phones []string `json:"phones"`
	Groups []string `json:"groups"`
}

// encoded returns the user object. It is kept until the user changes: encoding a
// page of users anew would be most of the cost of a listing.
func (r *record) encoded() []byte {
	if r.wire != nil {
		return r.wire
	}
	documented := object{
		ID: r.ID, Username: r.Username, Name: r.Name, Email: r.Email,
		Domains: append([]string{}, r.domains...), BypassCodes: []string{},
	}
	if r.sync { // strings alone: it can not fail
		r.wire, _ = json.Marshal(assumedObject{
			documented, r.Alias1, r.Alias2, r.Alias3, append([]string{}, r.Phones...), append([]string{}, r.Groups...),
		})
	} else {
		r.wire, _ = json.Marshal(documented)
	}
	return r.wire
}

// data returns a copy, its users in the order of listings.
func (o *organization) data() Data {
	d := Data{
		Name: o.name, APIKey: o.apiKey,
		Administrators: append([]string{}, o.administrators...),
		Domains:        make([]Domain, 0, len(o.domainOrder)),
		Users:          make([]User, 0, len(o.users)),
	}
	for _, own := range o.domainOrder {
		d.Domains = append(d.Domains, own.Domain)
	}
	for _, r := range o.users {
		u := r.User
		u.Domains = r.domains
		u = u.clone()
		for id, t := range r.tokens {
			u.Tokens[id] = t.State
		}
		d.Users = append(d.Users, u)
	}
	return d
}

// clone returns a deep copy whose lists are not nil, so that they encode as [].
func (u User) clone() User {
	u.Alias1, u.Alias2, u.Alias3 = clonePointer(u.Alias1), clonePointer(u.Alias2), clonePointer(u.Alias3)
	u.Phones = append([]string{}, u.Phones...)
	u.Groups = append([]string{}, u.Groups...)
	u.Domains = append([]string{}, u.Domains...)
	tokens := make(map[string]TokenState, len(u.Tokens))
	maps.Copy(tokens, u.Tokens)
	u.Tokens = tokens
	return u
}

func clonePointer(s *string) *string {
	if s == nil {
		return nil
	}
	return new(*s)
}
