package explanation

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/30x/dispatcher/pkg/route/table"
	"github.com/30x/dispatcher/pkg/route/value"
)

// Write writes the Explanation for people: the question, then a heading a part, in a
// fixed order, with columns that are aligned. The error is the writer's.
func (e *Explanation) Write(w io.Writer) error {
	t := &text{}
	t.line(e.Question)
	if e.Note != "" {
		t.part("NOTE", [][]string{{e.Note}})
	}
	t.part("ANSWER", [][]string{{e.Answer.word() + e.Answer.Reason}})
	if h := e.Host; h != nil {
		t.part("HOST", h.rows())
	}
	if e.Path != "" {
		t.part("PATH", [][]string{{e.Path}})
	}
	if l := e.Location; l != nil {
		t.part("LOCATION", [][]string{{pathOf(l.Path, l.Match), "Namespace " + l.Namespace, l.Text}})
	}
	var rows [][]string
	for _, l := range e.Lost {
		why := l.Text
		if len(l.By) > 0 {
			why += " (asked for by " + few(l.By) + ")"
		}
		rows = append(rows, []string{pathOf(l.Path, l.Match), "Namespace " + l.Namespace, why})
	}
	t.part("LOST", rows)
	rows = nil
	for _, d := range e.Demands {
		rows = append(rows, []string{string(d.What), map[Met]string{Yes: "met", No: "not met", Unknown: "not told"}[d.Met], d.Text})
	}
	t.part("DEMANDS", rows)
	rows = nil
	for _, l := range e.Limits {
		rows = append(rows, []string{l.Option, l.Value})
	}
	t.part("LIMITS", rows)
	if p := e.Policy; p != nil {
		t.part("POLICY", [][]string{{p.Name, p.Text}})
	}
	if e.Target != "" {
		t.part("TARGET", [][]string{{e.Target}})
	}
	rows = nil
	for _, p := range e.Pods {
		rows = append(rows, p.row())
	}
	t.part("PODS", rows)
	rows = nil
	for _, r := range e.Routes {
		host := r.Host
		if host == "" {
			host = "(any host)"
		}
		by := r.By
		if by == e.Question {
			by = "" // it says so itself
		}
		rows = append(rows, []string{string(r.State), host, pathOf(r.Path, r.Match), by, r.Text})
	}
	t.part("ROUTES", rows)
	rows = nil
	for _, p := range e.Problems {
		at := ""
		if p.Line > 0 {
			at = fmt.Sprintf(", line %d, column %d", p.Line, p.Column)
		}
		rows = append(rows, []string{p.Object + ": " + p.Key + at + ": " + p.Reason})
	}
	t.part("PROBLEMS", rows)
	_, err := io.WriteString(w, t.String())
	return err
}

// word is who answers.
func (a Answer) word() string {
	switch {
	case a.By == Closed:
		return "the connection is closed: "
	case a.Status != 0:
		return strconv.Itoa(a.Status) + ": "
	}
	return ""
}

func (h *Host) rows() [][]string {
	name := h.Name
	if name == "" {
		name = h.Asked
	}
	if h.Match == table.HostCatchAll {
		name = "(any host)"
	}
	rows := [][]string{{name, string(h.Match), h.Text}}
	if h.Owner != "" {
		text := "Namespace " + h.Owner + " owns it"
		if len(h.Namespaces) > 1 {
			text += "; paths of Namespaces " + strings.Join(h.Namespaces, ", ") + " are served"
		}
		rows = append(rows, []string{"", "owner", text})
	}
	switch {
	case h.TLS != nil:
		text := "plain HTTP gets no answer"
		if h.TLS.Redirect {
			text = "plain HTTP is redirected"
		}
		if h.TLS.Clients {
			text += "; clients must show a certificate"
		}
		rows = append(rows, []string{"", "TLS", "the certificate is valid until " + h.TLS.Until + "; " + text})
	case h.Owner != "" && !h.Refused:
		rows = append(rows, []string{"", "TLS", "none: plain HTTP"})
	}
	return rows
}

func (p Pod) row() []string {
	mark, weight := "", ""
	if p.Answers {
		mark = "*"
	}
	if p.Weight > 0 {
		weight = fmt.Sprintf("weight %d", p.Weight)
	}
	address := p.Address
	if address == "" {
		address = "-"
	}
	return []string{mark, p.Name, address, weight, p.Text}
}

func pathOf(path string, m value.Match) string {
	if m == value.Exact {
		return path + " exactly"
	}
	return path
}

// few lists some names.
func few(names []string) string {
	const some = 3
	if len(names) > some {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:some], ", "), len(names)-some)
	}
	return strings.Join(names, ", ")
}

// text is lines in the making.
type text struct{ strings.Builder }

// line adds a line. A path may hold anything, decoded: what a terminal might obey is
// replaced.
func (t *text) line(s string) {
	plain := func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}
	t.WriteString(strings.Map(plain, strings.TrimRight(s, " ")) + "\n")
}

// most is how many rows of a part are written.
const most = 50

// part writes rows below a heading, with columns aligned; nothing without rows. A column
// that is empty everywhere is left out.
func (t *text) part(heading string, rows [][]string) {
	widths := map[int]int{}
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	more := len(rows) - most
	if more > 0 {
		rows = append(rows[:most:most], []string{fmt.Sprintf("... and %d more: see --output=json", more)})
	}
	for n, row := range rows {
		line := fmt.Sprintf("%-9s ", heading)
		if n > 0 {
			line = fmt.Sprintf("%-9s ", "")
		}
		for i, cell := range row {
			switch {
			case i == len(row)-1:
				line += cell
			case widths[i] > 0:
				line += fmt.Sprintf("%-*s  ", widths[i], cell)
			}
		}
		t.line(line)
	}
}
