package render

import (
	"bufio"
	"errors"
	"html/template"
	"strings"
)

// write writes the rows, those of one table between what the template opens and closes it with.
// There may be a million, so they are not written by html/template, which takes twenty times
// as long for each, and none is kept.
func (p *pageTable) write(out *bufio.Writer, tmpl *template.Template) error {
	var opened, closed strings.Builder
	if err := errors.Join(tmpl.ExecuteTemplate(&opened, "open", nil), tmpl.ExecuteTemplate(&closed, "close", nil)); err != nil {
		return err
	}
	w := newTableWriter(out)
	rows := 0
	p.each(func(row *pageRow) {
		if rows%rowsInChunk == 0 {
			if rows > 0 {
				w.html(closed.String())
			}
			w.html(opened.String())
		}
		rows++
		w.row(row)
	})
	if rows > 0 {
		w.html(closed.String())
	}
	return nil
}

// tableWriter writes rows of a table. Its writer keeps the first error.
type tableWriter struct {
	*bufio.Writer
	escape *strings.Replacer
}

func newTableWriter(out *bufio.Writer) *tableWriter {
	// What html/template escapes in text and in quoted attributes.
	return &tableWriter{out, strings.NewReplacer("\x00", "\ufffd", `"`, "&#34;", "&", "&amp;", "'", "&#39;", "+", "&#43;", "<", "&lt;", ">", "&gt;")}
}

// html writes what is HTML, which must be a constant.
func (w *tableWriter) html(constant string) { _, _ = w.WriteString(constant) }

// text writes a text between two pieces of HTML. Every value goes through it.
func (w *tableWriter) text(before, text, after string) {
	w.html(before)
	_, _ = w.escape.WriteString(w.Writer, text)
	w.html(after)
}

func (w *tableWriter) row(row *pageRow) {
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
	w.html("<td>")
	for _, part := range row.What {
		w.text("", part, "")
	}
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
