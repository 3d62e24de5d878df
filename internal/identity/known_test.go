package identity

import (
	"testing"
	"unsafe"
)

func TestKnownUnifies(t *testing.T) {
	t.Parallel()
	known := Known{
		{UserID: "1", User: User{Username: "ann", Name: "Ann", Email: "ann@example.com"}, DN: "uid=ann", EntryID: "e1"},
		{UserID: "2", User: User{Username: "Émile", Name: "Emile", Email: "emile@example.com"}, DN: "uid=emile", EntryID: "e2"},
	}
	copied := func(s string) string { return string([]byte(s)) }
	shared := func(a, b string) bool { return unsafe.StringData(a) == unsafe.StringData(b) }

	p := Person{User: User{Username: copied("ann"), Name: copied("Other"), Email: copied("ann@example.com")}, DN: copied("uid=ann"), EntryID: copied("e1")}
	want := p
	known.UnifyPerson(NewKey(p.Username), &p)
	if p != want {
		t.Errorf("its texts are others: %+v", p)
	}
	m := &known[0]
	if !shared(p.Username, m.Username) || shared(p.Name, m.Name) || !shared(p.Email, m.Email) || !shared(p.DN, m.DN) || !shared(p.EntryID, m.EntryID) {
		t.Errorf("not in common: %+v", p)
	}

	a := Account{ID: copied("2"), User: User{Username: copied("émile"), Name: copied("Emile"), Email: "new@example.com"}}
	known.UnifyAccount(&a)
	m = &known[1]
	if a.Username != "émile" || a.Email != "new@example.com" || !shared(a.ID, m.UserID) || !shared(a.Name, m.Name) {
		t.Errorf("%+v", a)
	}

	stranger := Account{ID: "3", User: User{Username: "zoe"}}
	Known(nil).UnifyAccount(&stranger)
	known.UnifyAccount(&stranger)
	if stranger.ID != "3" || stranger.Username != "zoe" {
		t.Errorf("%+v", stranger)
	}
}
