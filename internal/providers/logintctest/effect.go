package logintctest

import (
	"net/http"
	"strings"
	"time"
)

// effect is what a fault does to a request; the zero value does nothing.
type effect struct {
	status     int    // answered instead of acting
	retryAfter string // seconds
	drop       dropFault
	half       bool // the answer breaks off
	delay      time.Duration
	mediaType  string // of the page that is answered instead of acting
	page       pageFault
}

// dropFault is when the connection is closed without an answer.
type dropFault string

// Before acting, or after it.
const (
	dropBefore dropFault = "before"
	dropAfter  dropFault = "after"
)

// pageFault is what is wrong with the pages of a listing after the first.
type pageFault string

// A page has what the page before it has, or begins one user early.
const (
	pageRepeat pageFault = "repeat"
	pageShift  pageFault = "shift"
)

// counted is a fault and how many requests of its method and path there were.
type counted struct {
	Fault
	seen int
}

// hit counts the request with every fault that matches it, and returns the
// effect of the first that is due.
func (e *Emulator) hit(r *http.Request) effect {
	if len(e.faults) == 0 {
		return effect{}
	}
	path := r.URL.RequestURI()
	e.mu.Lock()
	defer e.mu.Unlock()
	var due *counted
	for i := range e.faults {
		f := &e.faults[i]
		if f.method != "" && f.method != r.Method || !strings.HasPrefix(path, f.path) {
			continue
		}
		f.seen++
		if n := f.seen - f.after; due == nil && n > 0 && n%f.every == 0 {
			due = f
		}
	}
	if due == nil {
		return effect{}
	}
	return due.effect
}

// instead returns what is answered instead of acting, if anything is.
func (f effect) instead() (reply, bool) {
	if f.status == 0 && f.mediaType == "" {
		return reply{}, false
	}
	status := f.status
	if status == 0 {
		status = http.StatusOK
	}
	answer := fail(status, "fault", "a fault of the emulator")
	if f.mediaType != "" {
		answer.contentType = f.mediaType
		answer.body = []byte("<!DOCTYPE html><title>Proxy</title><p>A fault of the emulator.</p>\n")
	}
	answer.retryAfter = f.retryAfter
	return answer, true
}

// window returns the users on a page, from 1, of pages of the given size; none
// after the last. With pageRepeat, page n after the first has what page n-1 has.
// With pageShift it has its own users and, before them, the last of page n-1, as
// though a user ahead of them had come in between: nobody is missing, one is
// seen twice, and the page after the last has one user where the last is full.
func (p pageFault) window(all []*record, page, size int) []*record {
	if p == pageRepeat && page > 1 {
		page--
	}
	// Compared in pages, so that no page number overflows.
	if page-1 > len(all)/size {
		return nil
	}
	first := (page - 1) * size
	last := min(first+size, len(all))
	if p == pageShift && page > 1 {
		first--
	}
	return all[first:last]
}
