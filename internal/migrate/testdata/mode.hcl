# Written by rollcall migrate from config.cfg. Each setting says where it comes from.
# Next: set the variables, then: rollcall validate, rollcall users, rollcall plan.

variable "logintc_api_key" { sensitive = true } # api_key in [logintc]
variable "ldap_password" { sensitive = true }   # bind_password in [ldap]

logintc "main" {
  api_key = var.logintc_api_key # api_key
}

directory "ldap" "main" {
  urls          = ["ldap://ldap.example.com:389"] # host
  encryption    = "starttls"                      # encryption
  bind_dn       = "cn=x"                          # bind_dn
  bind_password = var.ldap_password               # bind_password
  base_dn       = "dc=example,dc=com"             # base_dn

  user {
    username = entry.uid # attr_username
  }
}

policy "main" {
  sync_mode = "remove" # -m
  # The old tool treated the domain as its own: who is in no directory is removed,
  # whoever put them there. Without this line rollcall leaves such members alone.
  unmanaged        = "remove" # -m remove
  max_remove_limit = 0        # -r
}

domain "main" {
  id        = "9120580e94f134cb7c9f27cd1e43dbc82980e152" # domain_id
  directory = directory.main
  policy    = policy.main
}
