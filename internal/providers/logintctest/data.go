package logintctest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Data is an organization: what `rollcall emulator --data` reads and what
// GET /emulator/data returns.
type Data struct {
	// Name is the name of the organization.
	Name string `json:"name"`
	// APIKey has 64 characters, visible ASCII without quote and backslash.
	APIKey         string   `json:"api_key"`
	Administrators []string `json:"administrators"`
	Domains        []Domain `json:"domains"`
	Users          []User   `json:"users"`
}

// Domain is a LoginTC domain.
type Domain struct {
	// ID has 40 lower-case hexadecimal characters.
	ID   string `json:"id"`
	Name string `json:"name"`
}

// User is a user of the organization, with its memberships and tokens.
type User struct {
	// ID has 40 lower-case hexadecimal characters; one is made where it is empty.
	ID string `json:"id"`
	// Username has 1 to 128 characters and is compared by its exact spelling.
	Username string `json:"username"`
	// Name has 1 to 128 characters.
	Name   string   `json:"name"`
	Email  string   `json:"email"`
	Alias1 *string  `json:"alias1"`
	Alias2 *string  `json:"alias2"`
	Alias3 *string  `json:"alias3"`
	Phones []string `json:"phones"`
	Groups []string `json:"groups"`
	// Domains are the ids of the domains that the user is a member of.
	Domains []string `json:"domains"`
	// Tokens are by the id of the domain. Their activation codes are never here.
	Tokens map[string]TokenState `json:"tokens"`
}

// TokenState says whether a token's activation code has been used.
type TokenState string

// The states of a token.
const (
	TokenActive  TokenState = "active"
	TokenPending TokenState = "pending"
)

// SampleData is the organization of an emulator that is given none: one domain
// and no users.
func SampleData() Data {
	return Data{
		Name:           "Example",
		APIKey:         strings.Repeat("example-", 8),
		Administrators: []string{"admin@example.com"},
		Domains:        []Domain{{ID: "9120580e94f134cb7c9f27cd1e43dbc82980e152", Name: "VPN"}},
	}
}

// LoadData reads one JSON document. A field that it does not know, a missing or
// malformed value, an id or username that is there twice and a membership or
// token of an unknown domain are errors that name it.
func LoadData(r io.Reader) (Data, error) {
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	var d Data
	if err := dec.Decode(&d); err != nil {
		return Data{}, fmt.Errorf("the organization is not the JSON document of docs/emulator.md: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Data{}, errors.New("something follows the JSON document of the organization: leave one document in the file")
	}
	if err := d.validate(); err != nil {
		return Data{}, err
	}
	return d, nil
}

func (d *Data) validate() error {
	if d.Name == "" {
		return errors.New("the organization has no name: give it one")
	}
	if len(d.APIKey) != keyLength || !headerSafe(d.APIKey) {
		return fmt.Errorf("api_key is not %d characters of visible ASCII without quote and backslash", keyLength)
	}
	for _, address := range d.Administrators {
		if problem := checkEmail(address); problem != "" {
			return fmt.Errorf("administrator %q %s", address, problem)
		}
	}
	domains := make(map[string]bool, len(d.Domains))
	for _, domain := range d.Domains {
		switch {
		case !isID(domain.ID):
			return fmt.Errorf("domain %q: its id %q is not %s", domain.Name, domain.ID, idForm)
		case domains[domain.ID]:
			return fmt.Errorf("domain %s is there twice", domain.ID)
		case domain.Name == "":
			return fmt.Errorf("domain %s has no name", domain.ID)
		}
		domains[domain.ID] = true
	}
	ids, names := make(map[string]bool, len(d.Users)), make(map[string]bool, len(d.Users))
	for i := range d.Users {
		u := &d.Users[i]
		if err := u.validate(domains); err != nil {
			return fmt.Errorf("user %q (number %d): %w", u.Username, i+1, err)
		}
		if names[u.Username] {
			return fmt.Errorf("username %q is there twice", u.Username)
		}
		if u.ID != "" && ids[u.ID] {
			return fmt.Errorf("user %q: its id %s is another user's", u.Username, u.ID)
		}
		names[u.Username], ids[u.ID] = true, true
	}
	return nil
}

func (u *User) validateAssumed() error {
	for i, alias := range []*string{u.Alias1, u.Alias2, u.Alias3} {
		if alias != nil {
			if problem := (field{"alias", *alias}).check(); problem != "" {
				return fmt.Errorf("alias%d %s", i+1, problem)
			}
		}
	}
	for _, list := range []struct {
		name   string
		values []string
	}{{"number", u.Phones}, {"group", u.Groups}} {
		seen := map[string]bool{}
		for _, value := range list.values {
			if problem := (field{list.name, value}).check(); problem != "" {
				return fmt.Errorf("%s %q %s", list.name, value, problem)
			}
			if seen[value] {
				return fmt.Errorf("%s %q is there twice", list.name, value)
			}
			seen[value] = true
		}
	}
	return nil
}

func (u *User) validate(domains map[string]bool) error {
	if u.ID != "" && !isID(u.ID) {
		return fmt.Errorf("its id %q is not %s", u.ID, idForm)
	}
	fields := []field{{"username", u.Username}, {"name", u.Name}, {"email", u.Email}}
	for _, f := range fields {
		if problem := f.check(); problem != "" {
			return fmt.Errorf("%s %s", f.name, problem)
		}
	}
	if err := u.validateAssumed(); err != nil {
		return err
	}
	member := make(map[string]bool, len(u.Domains))
	for _, id := range u.Domains {
		switch {
		case !domains[id]:
			return fmt.Errorf("it is a member of %q, which is none of the domains", id)
		case member[id]:
			return fmt.Errorf("it is a member of %s twice", id)
		}
		member[id] = true
	}
	for id, state := range u.Tokens {
		if !member[id] {
			return fmt.Errorf("it has a token on %q without being a member of it", id)
		}
		if state != TokenActive && state != TokenPending {
			return fmt.Errorf("its token on %s is %q, which is neither %q nor %q", id, state, TokenActive, TokenPending)
		}
	}
	return nil
}
