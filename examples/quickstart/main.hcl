# Everything that rollcall does, with a directory export and the emulator in the
# place of servers. README.md says how to run it.

rollcall {
  required_version = ">= 0.1"
}

variable "logintc_api_key" {
  sensitive = true
}

variable "logintc_host" {
  default = "http://127.0.0.1:8800"
}

logintc "acme" {
  host    = var.logintc_host
  api_key = var.logintc_api_key
}

directory "ldif" "export" {
  path    = "people.ldif"
  base_dn = "ou=People,dc=example,dc=com"
  filter  = "(objectClass=person)"

  user {
    username = lower(entry.uid)
    name     = coalesce(entry.displayName, entry.cn)
    email    = entry.mail
  }
}

policy "standard" {
  sync_mode        = "remove"
  max_remove_limit = 1
  token_mode       = "issue_token_without_email"
  protect          = ["breakglass"]
}

domain "vpn" {
  id        = "9120580e94f134cb7c9f27cd1e43dbc82980e152"
  directory = directory.export
  filter    = "(memberOf=cn=vpn,ou=Groups,dc=example,dc=com)"
  policy    = policy.standard
}
