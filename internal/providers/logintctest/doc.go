// Package logintctest is a LoginTC organization in memory, for tests, for the
// demonstration and for `rollcall emulator`: an http.Handler (New), a server on
// a free loopback port in the way of net/http/httptest (Start), and faults to
// test against (ParseFault).
//
// It answers the documented calls of REST API 1.3 and refuses everything that
// the documentation does not have: it is held against the documentation and
// imports no client, so that a mistake about the wire is not made twice. It
// serves no sessions, bypass codes or hardware tokens, keeps nothing on disk and
// sends nothing. docs/emulator.md says what it chooses where the documentation
// is silent.
package logintctest
