package config

import (
	"time"

	"github.com/rollcall-cli/rollcall/internal/identity"
)

// Config is a whole configuration, evaluated and checked.
type Config struct {
	// Dir is the folder that it was read from; relative paths are resolved
	// against it.
	Dir string
	// Files are the names in Dir of the files that it was read from, without those of
	// variables.
	Files    []string
	Settings Settings
	LoginTC  LoginTC
	// Directories, Policies and Domains are each sorted by name.
	Directories []*Directory
	Policies    []*Policy
	Domains     []*Domain
	// Digest is "sha256:" and the hexadecimal digest of what the configuration
	// means: not of comments, formatting or secrets.
	Digest string

	// written are the resolved paths as the configuration has them.
	written map[string]string
}

// asWritten undoes the resolution of a path: the folder may be elsewhere when a
// plan is applied.
func (c *Config) asWritten(path string) string {
	if text, found := c.written[path]; found {
		return text
	}
	return path
}

// Settings is the rollcall block.
type Settings struct {
	RequiredVersion string
	State           State
	// Encryption is nil where state and plans are not encrypted.
	Encryption *Encryption
	// MaxRemoveLimit bounds the removals of the whole run; nil is no bound.
	MaxRemoveLimit *identity.Limit
	// PlanExpiry is how long a saved plan may be applied.
	PlanExpiry time.Duration
}

// Encryption is the encryption block: who can read state and plans.
type Encryption struct {
	// Recipients are public keys of age.
	Recipients []string
	// Identity is the content of a file of age-keygen, or nothing.
	Identity identity.Secret
}

// State is the state block: where the state is kept.
type State struct {
	// Path is the path of the state file, resolved against Config.Dir; empty where URL
	// is set.
	Path string
	// URL names an object of a bucket (s3, gs, azblob, file) or an address of an HTTP
	// server; empty where Path is set.
	URL string
	// The others are for an HTTP server.
	LockAddress, LockMethod     string
	UnlockAddress, UnlockMethod string
	Username                    string
	Password                    identity.Secret
}

// LoginTC is the logintc block: the one organization that is managed.
type LoginTC struct {
	Name string
	// Host is the host, with its port where one is given.
	Host string
	// BaseURL is scheme://host/api. The scheme is http for loopback hosts alone.
	BaseURL string
	APIKey  identity.Secret
	// RequestsPerSecond is 0 where there is no bound.
	RequestsPerSecond float64
	// Concurrency is how many calls may be under way at once.
	Concurrency int
	// Timeout bounds each call.
	Timeout time.Duration
	// CAFile is the path of the certificates to trust; empty for the system's.
	CAFile string
	// API is "1.3", the documented calls alone, or "sync", those and the assumed ones.
	API string
	// Execution is "calls", one for each operation, or "job", one job for each domain.
	Execution string
	// Proxy is what the API is reached through; nil for what the environment says.
	Proxy *Proxy
}

// The calls of LoginTC that may be used.
const (
	API13   = "1.3"
	APISync = "sync"
)

// The ways to carry operations out.
const (
	ExecutionCalls = "calls"
	ExecutionJob   = "job"
)

// Proxy is a proxy block: an HTTP proxy.
type Proxy struct {
	// URL is http://host:port or https://host:port.
	URL string
	// Username and Password are both empty where the proxy asks for none.
	Username string
	Password identity.Secret
}

// The kinds of directories.
const (
	KindLDAP = "ldap"
	KindLDIF = "ldif"
	KindCSV  = "csv"
)

// The ways to reach an LDAP server.
const (
	EncryptionNone     = "none"
	EncryptionSSL      = "ssl"
	EncryptionStartTLS = "starttls"
)

// The ways to bind to an LDAP server.
const (
	BindSimple   = "simple"
	BindGSSAPI   = "gssapi"
	BindExternal = "external"
)

// Kerberos is a kerberos block: who binds with a ticket.
type Kerberos struct {
	// Principal is name@REALM or a name in the default realm; it may be empty with
	// CCacheFile.
	Principal string
	// One of KeytabFile, CCacheFile and Password is there.
	KeytabFile, CCacheFile string
	Password               identity.Secret
	ConfigFile             string
	// ServicePrincipal is empty for ldap/HOST.
	ServicePrincipal string
}

// What is done with LDAP referrals.
const (
	ReferralsFollow = "follow"
	ReferralsIgnore = "ignore"
)

// Directory is a directory block: a source of entries.
type Directory struct {
	Name string
	// Kind is "ldap", "ldif" or "csv".
	Kind string

	// URLs are ldap:// or ldaps:// URLs of servers that hold the same, tried in
	// order; all have one scheme. With +srv they name a domain.
	URLs []string
	// Encryption is "none", "ssl" or "starttls".
	Encryption string
	// BindMethod is "simple", "gssapi" or "external".
	BindMethod string
	// BindDN and BindPassword are both empty for an anonymous bind.
	BindDN       string
	BindPassword identity.Secret
	// Kerberos is nil except with "gssapi".
	Kerberos *Kerberos
	// ClientCertFile and ClientKeyFile are both empty where no certificate is shown.
	ClientCertFile, ClientKeyFile string
	// CAFile is the path of the certificates to trust; empty for the system's.
	CAFile             string
	InsecureSkipVerify bool
	// Referrals is "follow" or "ignore".
	Referrals string
	PageSize  int
	// ConnectTimeout bounds reaching one server, BindTimeout its bind, SearchTimeout
	// reading one page.
	ConnectTimeout, BindTimeout, SearchTimeout time.Duration

	// Path is the LDIF export or the table, resolved against Config.Dir.
	Path string
	// Separator divides the columns of a table.
	Separator rune

	// BaseDN, Scope and Filter say where to search; they were checked.
	BaseDN string
	Scope  identity.Scope
	Filter string
	// AllowEmpty says that no users is an answer to believe.
	AllowEmpty bool
	// Canaries are usernames whose absence proves that a read is wrong.
	Canaries []string
	// MaxAge is how old a snapshot of the directory may be.
	MaxAge time.Duration
	// User maps an entry to a user. It is never nil.
	User *Mapping
}

// Address is the reference of the directory, such as "directory.corp".
func (d *Directory) Address() string { return "directory." + d.Name }

// Policy is a policy block: what may be done to a domain.
type Policy struct {
	// Name is empty for the default policy, that of a domain that names none.
	Name string
	// SyncMode is "add_only", "remove" or "delete".
	SyncMode string
	// TokenMode is "do_not_issue_token", "issue_token_without_email" or
	// "issue_token_with_email".
	TokenMode string
	// OnLimit is "withhold" or "fail".
	OnLimit string
	// OnRename is "replace" or "withhold".
	OnRename string
	// MaxRemoveLimit bounds removals of a domain, MaxShrink the part of a roster
	// that may be gone since the last look.
	MaxRemoveLimit, MaxShrink identity.Limit
	// Protect are patterns of usernames: * stands for any characters, ? for one.
	Protect []string
	// RemoveUnmanaged is unmanaged = "remove".
	RemoveUnmanaged bool
	// RemoveAfter is how long a member must be missing before it is removed.
	RemoveAfter time.Duration
	// MaxErrors is how many users may fail before a run stops; at least 1.
	MaxErrors int
	// LocalValidation says that a user with missing data fails the run.
	LocalValidation bool
	// DefaultName and DefaultEmail stand in where the directory has none.
	DefaultName, DefaultEmail string
	// Notify is the administrator who is told of new and removed users; empty for none.
	Notify string
	// PhoneRegion is the country of phone numbers without a country code, as two
	// letters (ISO 3166-1); empty where there are none.
	PhoneRegion string
}

// Address is the reference of the policy, such as "policy.standard", or "the
// default policy".
func (p *Policy) Address() string {
	if p.Name == "" {
		return "the default policy"
	}
	return "policy." + p.Name
}

// Domain is a domain block, or one of those that for_each makes of it: a LoginTC
// domain and who belongs there.
type Domain struct {
	// Name is "vpn", or with for_each "site[\"berlin\"]".
	Name string
	// Block is the name of the block alone: "vpn", "site".
	Block string
	// ID has 40 lower-case hexadecimal characters.
	ID string
	// Directories are where its people are, at least one. Of several the first that has a
	// username wins.
	Directories []*Directory
	// Filter is added to each directory's own; it may be empty.
	Filter string
	// MembersOf are the DNs of groups whose members belong to the domain, those of nested
	// groups too; nil for everybody whom the filters match. A table has no groups: of its
	// people all whom the filters match belong to the domain.
	MembersOf []string
	// Policy is never nil.
	Policy *Policy
	// AllowEmpty is the domain's own setting; nil where it has none.
	AllowEmpty *bool
	// Canaries are the domain's own, beside those of its directories.
	Canaries []string
	// Group is the LoginTC group that all its users are in; empty for none.
	Group string
}

// MayBeEmpty reports whether it is to be believed that the directory has nobody for the
// domain: as the domain says or, where it does not, the directory.
func (d *Domain) MayBeEmpty(directory *Directory) bool {
	if d.AllowEmpty != nil {
		return *d.AllowEmpty
	}
	return directory.AllowEmpty
}

// Address is the reference of the domain, such as "domain.vpn".
func (d *Domain) Address() string { return "domain." + d.Name }
