// Package config turns the *.hcl files of a folder into one checked Config, and
// compiles the user blocks into mappings from directory entries to users.
//
// It is the only importer of hcl and cty: no other package sees an expression.
// It reads files, and neither directories nor LoginTC; which removals a
// configuration allows is decided by the plan, from what stands here.
//
// Everything that is wrong comes out as Diagnostics. No secret ever reaches one:
// see secrets.go.
package config
