#!/usr/bin/env bash
# Measures what reading 10,000 and 100,000 people from slapd costs: ldapsearch, go-ldap
# alone and rollcall in turn, with and without TLS. It takes about three minutes.
#
#   bench/ldapread.sh                                   both sizes, 5 rounds
#   bench/ldapread.sh -n 300000 -encryption ssl         another size, over LDAPS alone
#   bench/ldapread.sh -rounds 11 -json readings.json    more rounds, every reading kept
#   bench/ldapread.sh -profile .                        cpu.prof and allocs.prof of rollcall
#
# It needs Linux, Go, and OpenLDAP's server and tools (Debian: slapd, ldap-utils). The
# server is its own, on loopback, in a temporary folder. See docs/performance.md.
set -euo pipefail

# Debian keeps servers here, and leaves it out of the PATH of ordinary users.
export PATH=$PATH:/usr/sbin
for program in go slapd slapadd ldapsearch; do
  command -v "$program" >/dev/null || {
    printf 'bench/ldapread.sh: there is no %s; on Debian: apt-get install golang slapd ldap-utils\n' "$program" >&2
    exit 1
  }
done

built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT
(cd "$(dirname "${BASH_SOURCE[0]}")/.." && go build -o "$built/ldapread" ./bench/ldapread)
"$built/ldapread" "$@"
