# One OpenLDAP directory over TLS, two domains of one organization.

rollcall {
  required_version = ">= 0.1"

  state {
    path = "rollcall.state.json"
  }

  # Over all domains of a run, whatever their own limits say.
  max_remove_limit = 20
}

variable "ldap_password" {
  sensitive = true
}

variable "logintc_api_key" {
  sensitive = true
}

locals {
  groups = "ou=Groups,dc=example,dc=com"
}

logintc "acme" {
  host                = "cloud.logintc.com"
  api_key             = var.logintc_api_key
  requests_per_second = 20
}

directory "ldap" "corp" {
  urls          = ["ldaps://ldap1.example.com", "ldaps://ldap2.example.com"]
  bind_dn       = "cn=sync,ou=Services,dc=example,dc=com"
  bind_password = var.ldap_password
  base_dn       = "ou=People,dc=example,dc=com"
  filter        = "(objectClass=inetOrgPerson)"

  # Whoever it is that is never away: if this read misses them, it is wrong.
  canaries = ["jane.doe"]

  user {
    username = lower(trimspace(entry.uid))
    name     = coalesce(entry.displayName, entry.cn)
    email    = entry.mail
  }
}

policy "standard" {
  sync_mode        = "remove"
  max_remove_limit = "5%"
  token_mode       = "issue_token_without_email"
  protect          = ["breakglass", "svc-*"]
}

policy "careful" {
  sync_mode        = "remove"
  max_remove_limit = 1
  on_limit         = "fail"
  remove_after     = "72h"
}

domain "vpn" {
  id        = "9120580e94f134cb7c9f27cd1e43dbc82980e152"
  directory = directory.corp
  filter    = "(memberOf=cn=vpn,${local.groups})"
  policy    = policy.standard
}

domain "servers" {
  id        = "1f4a2c7be0935d68a4f1c0b29e7d3856ab90cd12"
  directory = directory.corp
  filter    = "(memberOf=cn=admins,${local.groups})"
  policy    = policy.careful
}
