// Package identity holds the nouns of rollcall: what a directory says of a
// person (Entry), what LoginTC knows of one (User, Account), what a domain
// should have (Person), and what rollcall remembers of it (Member); and the rules
// by which two usernames (Key), two distinguished names (DNKey) and two texts
// (SameText) are the same, and values of an attribute have an order (NewAttribute).
//
// It does no input or output and imports nothing else of this project. Read it
// first.
package identity
