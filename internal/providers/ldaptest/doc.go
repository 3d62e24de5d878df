// Package ldaptest starts LDAP servers to test and demonstrate against: a real
// slapd in a folder of its own, and a small server inside the process. All listen
// on loopback only and end with the caller.
package ldaptest
