package config

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// object is a JSON object; encoding/json writes its keys in order.
type object = map[string]any

// digest is over a canonical JSON document of everything that the
// configuration means. Secrets are not in it, so that one may be rotated
// between plan and apply; nor is where the folder is.
func (c *Config) digest() string {
	document, err := json.Marshal(object{
		"rollcall": c.Settings.meaning(c), "logintc": c.LoginTC.meaning(c),
		"directories": meanings(c, c.Directories), "policies": meanings(c, c.Policies), "domains": meanings(c, c.Domains),
	})
	if err != nil {
		panic("config: a configuration can not be encoded: " + err.Error())
	}
	sum := sha256.Sum256(document)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func meanings[T interface{ meaning(*Config) object }](c *Config, items []T) []object {
	all := make([]object, len(items))
	for i, item := range items {
		all[i] = item.meaning(c)
	}
	return all
}

func (s *Settings) meaning(c *Config) object {
	return object{
		"state_url": s.State.URL, "encryption": s.Encryption.meaning(),
		"required_version": s.RequiredVersion, "state": c.asWritten(s.State.Path),
		"max_remove_limit": s.MaxRemoveLimit, "plan_expiry": s.PlanExpiry,
	}
}

func (e *Encryption) meaning() object {
	if e == nil {
		return nil
	}
	return object{"recipients": e.Recipients}
}

func (l *LoginTC) meaning(c *Config) object {
	return object{
		"name": l.Name, "base_url": l.BaseURL, "requests_per_second": l.RequestsPerSecond,
		"concurrency": l.Concurrency, "timeout": l.Timeout, "ca_file": c.asWritten(l.CAFile),
		"api": l.API, "execution": l.Execution, "proxy": l.Proxy.meaning(),
	}
}

func (p *Proxy) meaning() object {
	if p == nil {
		return nil
	}
	return object{"url": p.URL, "username": p.Username}
}

func (d *Directory) meaning(c *Config) object {
	return object{
		"name": d.Name, "kind": d.Kind, "urls": d.URLs, "encryption": d.Encryption, "bind_method": d.BindMethod, "bind_dn": d.BindDN,
		"kerberos": d.Kerberos.meaning(c), "client_cert_file": c.asWritten(d.ClientCertFile), "client_key_file": c.asWritten(d.ClientKeyFile),
		"ca_file": c.asWritten(d.CAFile), "insecure_skip_verify": d.InsecureSkipVerify, "max_age": d.MaxAge, "separator": d.Separator, "referrals": d.Referrals,
		"page_size": d.PageSize, "connect_timeout": d.ConnectTimeout, "bind_timeout": d.BindTimeout, "search_timeout": d.SearchTimeout,
		"path": c.asWritten(d.Path), "base_dn": d.BaseDN, "scope": d.Scope, "filter": d.Filter,
		"allow_empty": d.AllowEmpty, "canaries": append([]string{}, d.Canaries...), "user": d.User.meaning(),
	}
}

func (k *Kerberos) meaning(c *Config) object {
	if k == nil {
		return nil
	}
	return object{
		"principal": k.Principal, "keytab_file": c.asWritten(k.KeytabFile), "ccache_file": c.asWritten(k.CCacheFile),
		"config_file": c.asWritten(k.ConfigFile), "service_principal": k.ServicePrincipal,
	}
}

func (m *Mapping) meaning() object {
	fields := object{}
	for _, f := range m.fields {
		fields[f.name] = object{"source": f.source, "constants": f.constants}
	}
	files := map[string]string{}
	for path, content := range m.files.read {
		files[path] = content.text
	}
	return object{"fields": fields, "files": files}
}

func (p *Policy) meaning(*Config) object {
	return object{
		"name": p.Name, "sync_mode": p.SyncMode, "token_mode": p.TokenMode, "on_limit": p.OnLimit, "on_rename": p.OnRename,
		"max_remove_limit": p.MaxRemoveLimit, "max_shrink": p.MaxShrink, "protect": append([]string{}, p.Protect...),
		"remove_unmanaged": p.RemoveUnmanaged, "remove_after": p.RemoveAfter, "max_errors": p.MaxErrors, "local_validation": p.LocalValidation,
		"default_name": p.DefaultName, "default_email": p.DefaultEmail, "notify": p.Notify, "phone_region": p.PhoneRegion,
	}
}

func (d *Domain) meaning(c *Config) object {
	names := make([]string, len(d.Directories))
	for i, directory := range d.Directories {
		names[i] = directory.Name
	}
	return object{
		"name": d.Name, "id": d.ID, "group": d.Group, "directories": names, "filter": d.Filter, "members_of": append([]string{}, d.MembersOf...), "policy": d.Policy.meaning(c),
		"allow_empty": d.AllowEmpty, "canaries": append([]string{}, d.Canaries...),
	}
}
