package logintctest

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"slices"
)

// domainObject is a domain as it is returned. What Domain does not hold is the
// same for each.
type domainObject struct {
	ID                       string `json:"id"`
	Name                     string `json:"name"`
	Type                     string `json:"type"`
	KeyType                  string `json:"keyType"`
	MaxAllowedRetries        int    `json:"maxAllowedRetries"`
	RequestTimeout           int    `json:"requestTimeout"`
	ActivationCodeExpiration int    `json:"activationCodeExpiration"`
	RequestPollingEnabled    bool   `json:"requestPollingEnabled"`
	BypassEnabled            bool   `json:"bypassEnabled"`
}

func getDomain(c *call) reply {
	return encode(domainObject{
		ID: c.domain.ID, Name: c.domain.Name, Type: "RADIUS", KeyType: "PIN",
		MaxAllowedRetries: 3, RequestTimeout: 60, ActivationCodeExpiration: 14,
		RequestPollingEnabled: true, BypassEnabled: true,
	})
}

// getImage answers a PNG of one pixel.
func getImage(*call) reply {
	pixel := image.NewGray(image.Rect(0, 0, 1, 1))
	pixel.SetGray(0, 0, color.Gray{Y: 128})
	var b bytes.Buffer
	if err := png.Encode(&b, pixel); err != nil {
		return fail(http.StatusInternalServerError, "internal", err.Error())
	}
	return reply{status: http.StatusOK, contentType: "image/png", body: b.Bytes()}
}

func listMembers(c *call) reply { return c.list(c.domain.members) }

func getMember(c *call) reply {
	if !c.user.isMember(c.domain) {
		return notMember()
	}
	return ok(c.user.encoded())
}

// joinDomain changes nothing where the user is a member.
func joinDomain(c *call) reply {
	c.org.join(c.domain, c.user)
	return done()
}

func leaveDomain(c *call) reply {
	if !c.user.isMember(c.domain) {
		return notMember()
	}
	c.org.leave(c.domain, c.user)
	return done()
}

// setMembers makes the domain's members those of the list and nobody else: who
// is not in it leaves, with the token; who is unknown to the organization is
// created; who is known joins and keeps name and email.
func setMembers(c *call) reply {
	list, err := parseList(c.body, "username", "name", "email")
	if err != nil {
		return badRequest("badrequest.body", err.Error())
	}
	wanted := make(map[string]bool, len(list))
	for _, f := range list {
		if wanted[f["username"]] {
			return badRequest("duplicate.username", "a username is in the list twice")
		}
		wanted[f["username"]] = true
	}
	for _, r := range slices.Clone(c.domain.members) {
		if !wanted[r.Username] {
			c.org.leave(c.domain, r)
		}
	}
	for _, f := range list {
		r := c.org.byName[f["username"]]
		if r == nil {
			r = c.org.create(f["username"], f["name"], f["email"])
		}
		c.org.join(c.domain, r)
	}
	return done()
}

func getToken(c *call) reply {
	t, there := c.user.tokens[c.domain.ID]
	if !there {
		return noToken()
	}
	return encode(t)
}

// issueToken creates the token, or issues it anew: then it is pending again,
// with another code, until its person has activated it.
func issueToken(c *call) reply {
	if !c.user.isMember(c.domain) {
		return notMember()
	}
	if email, given := c.query["email"]; given {
		if email != "true" {
			return badRequest("badrequest.query", "email is true, or left out")
		}
		return encode(c.org.mailToken(c.domain, c.user))
	}
	return encode(c.org.issueToken(c.domain, c.user))
}

func (o *organization) issueToken(d *domain, r *record) token {
	t := token{State: TokenPending, Code: o.newCode()}
	r.tokens[d.ID] = t
	return t
}

func revokeToken(c *call) reply {
	if _, there := c.user.tokens[c.domain.ID]; !there {
		return noToken()
	}
	delete(c.user.tokens, c.domain.ID)
	return done()
}

func notMember() reply { return notFound("member", "the user is no member of the domain") }

func noToken() reply { return notFound("token", "the user has no token on the domain") }
