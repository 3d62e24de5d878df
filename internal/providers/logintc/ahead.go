package logintc

// freelyAhead is how many pages may be fetched ahead of a listing of any length.
const freelyAhead = 8

// ahead is how many pages of a listing are fetched before the present one was read. What
// is fetched after the end is for nothing, so it is the more, the longer the listing
// proves to be: twice as many with each page, up to freelyAhead, then half as many as
// were read.
//
// A page that is shorter than another one before it is likely the last one. That is no
// more than a hint, as it is not documented: nothing is fetched ahead until the next page
// was read, and if there is one, the hint is not taken again.
type ahead struct {
	size, most int
	longest    int // of the pages, in users
	hint       bool
	deceptive  bool // pages have any length
}

// open is how many pages may be under way.
func (a *ahead) open() int {
	if a.hint {
		return 1
	}
	return a.size
}

// read notes that the page of the number was read, with so many users.
func (a *ahead) read(number, users int) {
	a.deceptive = a.deceptive || a.hint
	a.hint = users < a.longest && !a.deceptive
	a.longest = max(a.longest, users)
	if number > 1 { // so that one page costs two calls
		a.size = min(max(min(2*a.size, freelyAhead), number/2), a.most)
	}
}
