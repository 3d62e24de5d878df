# Everything that LoginTC's own sync tool does. Aliases, phones, groups, tokens by
# e-mail, jobs and notifications take calls that LoginTC does not document: see
# docs/sync.md before you rely on them.

variable "ldap_password" { sensitive = true }
variable "logintc_api_key" { sensitive = true }

logintc "acme" {
  api       = "sync"
  execution = "job"
  api_key   = var.logintc_api_key
}

directory "ldap" "corp" {
  urls          = ["ldaps://dc1.example.com", "ldaps://dc2.example.com"]
  bind_dn       = "cn=sync,ou=Services,dc=example,dc=com"
  bind_password = var.ldap_password
  base_dn       = "ou=People,dc=example,dc=com"
  filter        = "(objectClass=person)"

  user {
    username = normalize(entry.sAMAccountName)
    name     = coalesce(entry.displayName, entry.cn)
    email    = entry.mail
    alias1   = normalize(entry.userPrincipalName)
    phone    = entry.mobile
    phones   = values.otherMobile
  }
}

policy "standard" {
  sync_mode        = "remove"
  max_remove_limit = 10
  token_mode       = "issue_token_with_email"
  notify           = "admin@example.com"
  phone_region     = "DE"
  local_validation = false
  default_email    = "desk@example.com"
}

# One domain for each site, all in the group of that site.
domain "site" {
  for_each = {
    berlin = "9120580e94f134cb7c9f27cd1e43dbc82980e152"
    paris  = "1f4a2c7be0935d68a4f1c0b29e7d3856ab90cd12"
  }
  id        = each.value
  directory = directory.corp
  filter    = "(l=${each.key})"
  policy    = policy.standard
  group     = "Site ${each.key}"
}
