package logintctest

import (
	"bytes"
	"net/http"
)

func ping(*call) reply { return ok([]byte(`{"status":"OK"}`)) }

func getOrganization(c *call) reply { return encode(map[string]string{"name": c.org.name}) }

// listUsers is GET /users with page or username, or neither, but not both.
func listUsers(c *call) reply {
	username, byName := c.query["username"]
	if !byName {
		return c.list(c.org.users)
	}
	if _, both := c.query["page"]; both {
		return badRequest("badrequest.query", "send either page or username")
	}
	if r := c.org.byName[username]; r != nil {
		return ok(r.encoded())
	}
	return notFound("user", "no user has this username")
}

// list answers one page of a listing. After the last page comes [].
func (c *call) list(all []*record) reply {
	page, valid := c.query.pageNumber()
	if !valid {
		return badRequest("badrequest.page", "page is a number from 1")
	}
	shown := c.page.window(all, page, c.pageSize)
	size := 2
	for _, r := range shown {
		size += len(r.encoded()) + 1
	}
	var b bytes.Buffer
	b.Grow(size)
	b.WriteByte('[')
	for i, r := range shown {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(r.encoded())
	}
	b.WriteByte(']')
	return ok(b.Bytes())
}

func createUser(c *call) reply {
	d, err := parseDocument(c.body, userShape(c.sync, "username", "name", "email"))
	if err != nil {
		return badRequest("badrequest.body", err.Error())
	}
	if c.org.byName[d.texts["username"]] != nil {
		return badRequest("duplicate.username", "another user has this username")
	}
	r := c.org.create(d.texts["username"], d.texts["name"], d.texts["email"])
	r.take(d)
	answer := ok(r.encoded())
	answer.status = http.StatusCreated
	return answer
}

func getUser(c *call) reply { return ok(c.user.encoded()) }

// updateUser changes what is sent; the username can not be changed.
func updateUser(c *call) reply {
	shape := userShape(c.sync, "name", "email")
	shape.required = nil
	d, err := parseDocument(c.body, shape)
	if err != nil {
		return badRequest("badrequest.body", err.Error())
	}
	c.user.take(d)
	return ok(c.user.encoded())
}

func deleteUser(c *call) reply {
	c.org.delete(c.user)
	return done()
}
