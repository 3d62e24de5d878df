# Written by rollcall migrate from config.cfg. Each setting says where it comes from.
# Next: set the variables, then: rollcall validate, rollcall users, rollcall plan.

variable "logintc_api_key" { sensitive = true } # api_key in [logintc]
variable "ldap_password" { sensitive = true }   # bind_password in [ldap]
variable "proxy_password" { sensitive = true }  # proxy_pass in [logintc]

logintc "main" {
  host = "logintc.example.com:8443" # host
  # Aliases, phones, groups, mailed tokens and notifications take calls that LoginTC
  # does not document; rollcall's form of them is assumed.
  api     = "sync"
  api_key = var.logintc_api_key # api_key
  proxy {
    url      = "http://proxy.example.com:3128" # proxy_host, proxy_port
    username = "me"                            # proxy_user
    password = var.proxy_password              # proxy_pass
  }
}

directory "ldap" "main" {
  urls          = ["ldaps://dc1.example.com:636", "ldaps://dc2.example.com:3269"] # host
  encryption    = "ssl"                                                           # encryption
  bind_dn       = "cn=a\\, \\\"b\\\",dc=example,dc=com"                           # bind_dn
  bind_password = var.ldap_password                                               # bind_password
  ca_file       = "/etc/ca.pem"                                                   # cacert
  base_dn       = "dc=example,dc=com"                                             # base_dn
  scope         = "one"                                                           # scope
  filter        = "(|(uid=$${a})(cn=%%{b}*))"                                     # filter
  referrals     = "ignore"                                                        # -i
  page_size     = 100                                                             # page_size

  user {
    username = entry.sAMAccountName               # attr_username
    name     = entry.displayName                  # attr_name
    email    = entry.mail                         # attr_email
    alias1   = normalize(entry.userPrincipalName) # attr_alias1, normalize_alias
    alias2   = entry["cn;lang-fr"]                # attr_alias2
    alias3   = entry["2.5.4.3"]                   # attr_alias3
    phone    = entry.mobile                       # attr_phone
  }
}

policy "main" {
  sync_mode = "delete" # -m
  # The old tool treated the domain as its own: who is in no directory is removed,
  # whoever put them there. Without this line rollcall leaves such members alone.
  unmanaged        = "remove"                 # -m delete
  max_remove_limit = 10                       # -r
  token_mode       = "issue_token_with_email" # -t
  notify           = "admin@example.com"      # -l
  default_name     = "Some\\body"             # -n
  default_email    = "desk@example.com"       # -e
  local_validation = true                     # -a
  # Numbers without a country code are understood only with: phone_region = "DE"
}

domain "main" {
  id        = "9120580E94F134CB7C9F27CD1E43DBC82980E152" # domain_id
  directory = directory.main
  policy    = policy.main
  group     = "Sales \"North\" $${x}" # -g
}
