package render

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/rollcall-cli/rollcall/internal/plan"
)

// browser is a tab that shows a page, and everything that it complained of, asked for
// or opened.
type browser struct {
	context.Context
	folder     string
	mu         sync.Mutex
	complaints []string
}

// browse starts Chromium.
func browse(t *testing.T) *browser {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("there is no chromium; scripts/test installs it")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.NoSandbox)
	allocator, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	tab, cancelTab := chromedp.NewContext(allocator)
	t.Cleanup(cancelTab)
	if err := chromedp.Run(tab); err != nil { // it lives as long as the first context
		t.Fatal(err)
	}
	b := &browser{Context: tab, folder: t.TempDir()}
	chromedp.ListenTarget(tab, func(event any) {
		switch e := event.(type) {
		case *runtime.EventConsoleAPICalled:
			b.complain("console: %v", e.Args)
		case *runtime.EventExceptionThrown:
			b.complain("exception: %s", e.ExceptionDetails.Error())
		case *log.EventEntryAdded:
			b.complain("log: %s", e.Entry.Text)
		case *network.EventRequestWillBeSent:
			if e.Request.URL != b.pageURL() {
				b.complain("request: %s", e.Request.URL)
			}
		case *cdpage.EventJavascriptDialogOpening:
			b.complain("dialog: %s", e.Message)
		}
	})
	b.do(t, log.Enable(), network.Enable())
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if len(b.complaints) > 0 {
			t.Errorf("the browser complains: %s", strings.Join(b.complaints, "\n"))
		}
	})
	return b
}

func (b *browser) path() string { return filepath.Join(b.folder, "plan.html") }

func (b *browser) pageURL() string { return (&url.URL{Scheme: "file", Path: b.path()}).String() }

// open shows the plan's page as wide as a desktop or a phone, and waits until all its
// rows are there.
func (b *browser) open(t *testing.T, p *plan.Plan, width int64) {
	t.Helper()
	if err := os.WriteFile(b.path(), []byte(htmlOf(t, p)), 0o600); err != nil {
		t.Fatal(err)
	}
	b.do(t, emulation.SetDeviceMetricsOverride(width, 1000, 1, width < 600), chromedp.Navigate(b.pageURL()))
	rows := len(rowsOf(p))
	b.shows(t, fmt.Sprintf("%d shown", rows), rows)
}

func (b *browser) complain(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.complaints = append(b.complaints, fmt.Sprintf(format, args...))
}

func (b *browser) do(t *testing.T, actions ...chromedp.Action) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b, time.Minute)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

// eval returns what an expression of JavaScript comes to.
func eval[T any](t *testing.T, b *browser, expression string) T {
	t.Helper()
	var out T
	b.do(t, chromedp.Evaluate(expression, &out))
	return out
}

// shows waits until the page says how many rows are shown, and holds that against the
// rows themselves.
func (b *browser) shows(t *testing.T, want string, rows int) {
	t.Helper()
	b.do(t, chromedp.Poll(fmt.Sprintf("document.getElementById('count').textContent === %q", want), nil, chromedp.WithPollingTimeout(20*time.Second)))
	if got := eval[int](t, b, "[...document.querySelectorAll('.chunk tbody tr')].filter(row => !row.hidden && !row.closest('.chunk').hidden).length"); got != rows {
		t.Errorf("%s, and %d rows are", want, got)
	}
}

func TestPageFilters(t *testing.T) {
	t.Parallel()
	p := large(1000)
	s := p.Summarize("")
	rows := len(rowsOf(p))
	b := browse(t)
	b.open(t, p, 1280)

	b.do(t, chromedp.Click("button[data-kind=remove]"))
	b.shows(t, fmt.Sprintf("%d of %d shown", s.Remove, rows), s.Remove)
	b.do(t, chromedp.SendKeys("#search", "USER.00003"))
	b.shows(t, fmt.Sprintf("1 of %d shown", rows), 1)
	b.do(t, chromedp.KeyEvent(kb.Escape))
	b.shows(t, fmt.Sprintf("%d shown", rows), rows)

	// With the keyboard alone: / goes to the search, Tab and Space press a button.
	b.do(t, chromedp.Evaluate("document.activeElement.blur()", nil), chromedp.KeyEvent("/"), chromedp.KeyEvent("jane"), chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(" "))
	if got := eval[string](t, b, "document.querySelector('[aria-pressed=true]').dataset.kind"); got != "remove" {
		t.Errorf("pressed: %s", got)
	}
	b.do(t, chromedp.KeyEvent(kb.Escape), chromedp.SetValue("#domain", "site"), chromedp.Evaluate("document.getElementById('domain').dispatchEvent(new Event('change'))", nil))
	site := 0
	for _, row := range rowsOf(p) {
		if row.Domain == "site" {
			site++
		}
	}
	b.shows(t, fmt.Sprintf("%d of %d shown", site, rows), site)
	b.do(t, chromedp.SendKeys("#search", "nobody at all"))
	b.shows(t, fmt.Sprintf("0 of %d shown", rows), 0)
	if !eval[bool](t, b, "document.getElementById('none').checkVisibility()") {
		t.Error("it does not say that nobody fits")
	}
}

// Every golden plan, at the width of a desktop and a phone: nothing is wider than the
// screen, and nothing of it acts.
func TestPagesAreHarmless(t *testing.T) {
	t.Parallel()
	all := plans()
	all["spiteful"] = spitefulPlan()
	b := browse(t)
	for name, p := range all {
		for _, width := range []int64{390, 1280} {
			b.open(t, p, width)
			if wide := eval[int64](t, b, "document.documentElement.scrollWidth"); wide > width {
				t.Errorf("%s: %d pixels wide on a screen of %d", name, wide, width)
			}
			if narrow := eval[float64](t, b, "Math.min(...[...document.querySelectorAll('tbody tr')].map(row => row.getBoundingClientRect().width))"); narrow < 0.9*float64(width)-50 {
				t.Errorf("%s: a row is %.0f pixels wide on a screen of %d", name, narrow, width)
			}
			if n := eval[int](t, b, "document.querySelectorAll('a, img, iframe, form, object, embed, link, base').length + document.scripts.length - 1"); n != 0 {
				t.Errorf("%s: %d elements that could act", name, n)
			}
		}
	}
}

// spitefulPlan has texts that would act in a page.
func spitefulPlan() *plan.Plan {
	var people []string
	for i, s := range append(spiteful(), `"><script>console.log(1)</script>`, "</script><script>console.log(2)</script>", "<!--", "]]>", `' onmouseover='console.log(3)`, "{{.}}", "</style><style>*{display:none}") {
		people = append(people, fmt.Sprintf("u%d%s | %s | %s", i, strings.ReplaceAll(s, "|", ""), strings.ReplaceAll(s, "|", ""), strings.ReplaceAll(s, "|", "")))
	}
	d := domain("vpn", people[:10], people[10:], people[10:])
	d.Policy.MaxRemoveLimit.Value = 100
	d.Title, d.Sources[0].Evidence.Filter = people[3], people[16]
	p := compute(plan.Input{Domains: []plan.DomainInput{d}})
	p.Warnings, p.Failures, p.ID, p.RollcallVersion = people, people, people[3]+people[16], people[17]
	return p
}

// A page of 20,000 operations is laid out, searched and filtered while one looks.
func TestPageOfManyIsQuick(t *testing.T) {
	t.Parallel()
	p := large(20_000)
	rows := len(rowsOf(p))
	b := browse(t)
	b.open(t, p, 1280)
	took := eval[float64](t, b, "performance.getEntriesByType('navigation')[0].duration")
	filter := eval[float64](t, b, `(() => {
		const began = performance.now();
		document.querySelector("button[data-kind=remove]").click();
		document.body.getBoundingClientRect(); // lays it out
		return performance.now() - began;
	})()`)
	t.Logf("%d rows: %.0f ms until loaded, %.0f ms to filter", rows, took, filter)
	b.shows(t, fmt.Sprintf("%d of %d shown", p.Summarize("").Remove, rows), p.Summarize("").Remove)
}

// What is printed is everything, without the filters.
func TestPageIsPrinted(t *testing.T) {
	t.Parallel()
	b := browse(t)
	b.open(t, large(1000), 1280)
	b.do(t, emulation.SetEmulatedMedia().WithMedia("print"))
	if eval[bool](t, b, "document.getElementById('filters').checkVisibility()") {
		t.Error("the filters are printed")
	}
	b.do(t, chromedp.ActionFunc(func(ctx context.Context) error {
		pdf, _, err := cdpage.PrintToPDF().Do(ctx)
		if err == nil && len(pdf) < 10_000 {
			t.Errorf("%d bytes of PDF", len(pdf))
		}
		return err
	}))
}
