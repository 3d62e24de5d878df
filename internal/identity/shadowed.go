package identity

// Shadowed is an entry whose username a directory that comes before its own has too. It
// counts for nothing: the person is who the earlier directory says.
type Shadowed struct {
	Username string `json:"username"`
	// Directory is the reference of the entry's directory, DN the entry's.
	Directory string `json:"directory"`
	DN        string `json:"dn"`
	// By is the reference of the directory that comes before, ByDN the DN of its entry.
	By   string `json:"by"`
	ByDN string `json:"by_dn"`
}
