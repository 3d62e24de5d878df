// Package identity holds the nouns of rollcall: what a directory says of a
// person (Entry), what LoginTC knows of one (User, Account), what a domain
// should have (Person), and what rollcall remembers of it (Member); and the one
// rule by which two usernames are the same (Key).
//
// It does no input or output and imports nothing else of this project. Read it
// first.
package identity
