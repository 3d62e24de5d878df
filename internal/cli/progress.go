package cli

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress shows what is being read, on standard error and only if that is a
// terminal.
type progress struct {
	mu    sync.Mutex
	bar   *progressbar.ProgressBar // nil where nothing is shown
	names []string
	read  map[string]int
}

func (a *app) startProgress() *progress {
	p := &progress{read: map[string]int{}}
	if a.ErrTerminal {
		p.bar = progressbar.NewOptions(-1, progressbar.OptionSetWriter(a.Err), progressbar.OptionSpinnerType(14),
			progressbar.OptionSetDescription("Reading"), progressbar.OptionClearOnFinish(),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetElapsedTime(true))
	}
	return p
}

// add notes that n more of something were read.
func (p *progress) add(what string, n int) {
	if p.bar == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Contains(p.names, what) {
		p.names = append(p.names, what)
		slices.Sort(p.names)
	}
	p.read[what] += n
	parts := make([]string, len(p.names))
	for i, name := range p.names {
		parts[i] = fmt.Sprintf("%s %d", name, p.read[name])
	}
	p.bar.Describe("Reading " + strings.Join(parts, ", "))
	_ = p.bar.Add(n)
}

func (p *progress) stop() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}

// startBar shows how many of the operations are done.
func (a *app) startBar(total int) *progressbar.ProgressBar {
	if !a.ErrTerminal || total == 0 {
		return nil
	}
	return progressbar.NewOptions(total, progressbar.OptionSetWriter(a.Err), progressbar.OptionSetDescription("Applying"),
		progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond))
}
