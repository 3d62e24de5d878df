# One Active Directory, whose domain controllers DNS names, two domains of one organization.

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
  groups = "OU=Groups,DC=corp,DC=example,DC=com"
}

logintc "acme" {
  host                = "cloud.logintc.com"
  api_key             = var.logintc_api_key
  requests_per_second = 20
}

directory "ldap" "corp" {
  # The controllers of the domain, looked up at each run. Each must show a certificate for
  # its own name that this machine trusts; ca_file names another authority.
  urls = ["ldaps+srv://corp.example.com"]

  # An ordinary account, which may read what is below base_dn and the groups.
  bind_dn       = "sync@corp.example.com"
  bind_password = var.ldap_password

  # Or Kerberos, in the place of these two:
  #
  #   bind_method = "gssapi"
  #   kerberos {
  #     principal   = "sync@CORP.EXAMPLE.COM"
  #     keytab_file = "sync.keytab"
  #   }

  # A unit rather than the whole domain, which has accounts of services and references to
  # child domains as well.
  base_dn = "OU=Staff,DC=corp,DC=example,DC=com"
  filter  = "(&(objectCategory=person)(objectClass=user))"

  # A controller sends at most 1,000 entries at a time.
  page_size = 1000

  # Whoever it is that is never away: if this read misses them, it is wrong.
  canaries = ["jane.doe"]

  user {
    username = lower(entry.sAMAccountName)
    name     = coalesce(entry.displayName, entry.cn)
    email    = entry.mail

    # Disabled and expired accounts leave as if their entries were deleted.
    exclude = disabled(entry) || expired(entry)
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
  on_rename        = "withhold"
  remove_after     = "72h"
}

# members_of follows groups in groups, and counts those whose primary group it is.

domain "vpn" {
  id         = "9120580e94f134cb7c9f27cd1e43dbc82980e152"
  directory  = directory.corp
  members_of = ["CN=vpn,${local.groups}"]
  policy     = policy.standard
}

domain "servers" {
  id         = "1f4a2c7be0935d68a4f1c0b29e7d3856ab90cd12"
  directory  = directory.corp
  members_of = ["CN=admins,${local.groups}"]
  policy     = policy.careful
}
