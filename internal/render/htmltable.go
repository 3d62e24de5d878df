package render

import (
	"bytes"
	"html/template"
	"iter"
	"strings"
)

// chunks are the rows as HTML, those of one table together. There may be a million, so they
// are not written by html/template, which takes twenty times as long for each.
func (p *pageTable) chunks() iter.Seq[template.HTML] {
	return func(yield func(template.HTML) bool) {
		w := newTableWriter()
		going := true
		show := func() {
			going = yield(template.HTML(w.String()))
			w.Reset()
			w.rows = 0
		}
		p.each(func(row pageRow) {
			if !going {
				return
			}
			if w.row(&row); w.rows == rowsInChunk {
				show()
			}
		})
		if going && w.rows > 0 {
			show()
		}
	}
}

// tableWriter writes rows of a table.
type tableWriter struct {
	bytes.Buffer
	escape *strings.Replacer
	rows   int
}

func newTableWriter() *tableWriter {
	// What html/template escapes in text and in quoted attributes.
	return &tableWriter{escape: strings.NewReplacer("\x00", "\ufffd", `"`, "&#34;", "&", "&amp;", "'", "&#39;", "+", "&#43;", "<", "&lt;", ">", "&gt;")}
}

// html writes what is HTML, which must be a constant.
func (w *tableWriter) html(constant string) { _, _ = w.WriteString(constant) }

// text writes a text between two pieces of HTML. Every value goes through it.
func (w *tableWriter) text(before, text, after string) {
	w.html(before)
	_, _ = w.escape.WriteString(w, text)
	w.html(after)
}

func (w *tableWriter) row(row *pageRow) {
	w.rows++
	w.text("\n<tr class=\"", row.Kind, `"`)
	w.text(` data-kind="`, row.Kind, `"`)
	w.text(` data-domain="`, row.Domain, "\">\n")
	w.text(`<td><span class="tag">`, row.Kind, "</span></td>\n")
	w.text(`<td><span class="who">`, row.Who, "</span>")
	w.small(row.DN)
	w.html("</td>\n<td>")
	for _, value := range row.Values {
		w.text(`<span class="pair">`, value, "</span>")
	}
	for _, change := range row.Changes {
		w.text(`<span class="pair"><span class="label">`, change.Label, "</span> ")
		w.segments("<del>", change.From, "</del>")
		if len(change.From) > 0 && len(change.To) > 0 {
			w.html(" → ")
		}
		w.segments("<ins>", change.To, "</ins>")
		w.html("</span>")
	}
	w.text("</td>\n<td>", row.Domain, "</td>\n")
	w.text("<td>", row.What, "")
	w.small(row.Why)
	w.html("</td>\n</tr>")
}

func (w *tableWriter) small(text string) {
	if text != "" {
		w.text(`<span class="small">`, text, "</span>")
	}
}

// segments writes a value, and marks what the other one has not.
func (w *tableWriter) segments(before string, segments []segment, after string) {
	for _, s := range segments {
		if s.Differs {
			w.text(before, s.Text, after)
		} else {
			w.text("", s.Text, "")
		}
	}
}
