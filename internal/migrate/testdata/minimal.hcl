# Written by rollcall migrate from config.cfg. Each setting says where it comes from.
# Next: set the variables, then: rollcall validate, rollcall users, rollcall plan.

variable "logintc_api_key" { sensitive = true } # api_key in [logintc]

logintc "main" {
  api_key = var.logintc_api_key # api_key
}

directory "ldap" "main" {
  urls       = ["ldap://ldap.example.com:389"] # host
  encryption = "none"                          # encryption
  base_dn    = "dc=example,dc=com"             # base_dn

  user {
    username = entry.uid # attr_username
  }
}

policy "main" {
}

domain "main" {
  id        = "9120580e94f134cb7c9f27cd1e43dbc82980e152" # domain_id
  directory = directory.main
  policy    = policy.main
}
