// Package lint guesses what is meant by a manifest that is no YAML, or whose fields
// stand in the wrong place. Text and objects enter; Hints leave, which say what to
// write. It never decides whether a manifest is right: it is asked about those that
// are wrong.
package lint

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Hint is a likely mistake and its correction.
type Hint struct {
	Line int // of the file, from 1
	Text string
}

// mapping is a mapping or a list of the text that is open, with what it holds so far.
type mapping struct {
	column int
	list   bool
	line   int    // of its last entry
	key    string // its last
	valued bool   // that key has a value on its own line
	child  int    // column of what is below that key; -1: nothing yet
}

// Indentation looks for lines of a YAML document that are indented by too much or too
// little, by the keys of their neighbours. It stops where it can't follow. first is
// which line of the file the document begins with, from 1.
func Indentation(text []byte, first int) (hints []Hint) {
	// The dashes of list items, a key and its value.
	w := &walk{block: -1, entry: regexp.MustCompile(`^ *((?:- +)*)(?:["']?([A-Za-z0-9_./-]{1,100})["']?:(?: +(.*))?$)?`)}
	n := first
	for line := range bytes.Lines(text) {
		if !w.line(n, strings.TrimRight(string(line), " \t\r\n")) {
			break
		}
		n++
	}
	return w.hints
}

// walk is an Indentation on its way.
type walk struct {
	entry *regexp.Regexp
	open  []mapping
	block int // column of the key whose value is a block of text; -1: none
	hints []Hint
}

func (w *walk) hint(line int, format string, args ...any) {
	w.hints = append(w.hints, Hint{line, fmt.Sprintf(format, args...)})
}

// line takes a line; false if nothing after it can be followed.
func (w *walk) line(n int, text string) bool {
	bare := strings.TrimLeft(text, " ")
	column := len(text) - len(bare)
	if bare == "" || bare[0] == '#' || column == 0 && strings.HasPrefix(bare, "---") || w.block >= 0 && column > w.block {
		return true
	}
	w.block = -1
	if bare[0] == '\t' {
		w.hint(n, "it is indented with a tab: write spaces")
		return false
	}
	m := w.entry.FindStringSubmatch(text)
	dashes, key, value := m[1], m[2], m[3]
	for dashes != "" {
		w.item(n, column)
		rest := strings.TrimLeft(dashes[1:], " ")
		column += len(dashes) - len(rest)
		dashes = rest
	}
	if key == "" {
		return true // a plain value, or more of one
	}
	w.key(n, column, key)
	last := &w.open[len(w.open)-1]
	value, _, _ = strings.Cut(" "+value, " #")
	value = strings.TrimSpace(value)
	last.valued = value != "" && value[0] != '&' && value[0] != '!'
	if value != "" && strings.ContainsRune("|>", rune(value[0])) {
		w.block = column
	}
	return value == "" || !strings.ContainsRune("{[\"'", rune(value[0])) || strings.ContainsRune("}]\"'", rune(value[len(value)-1]))
}

// close closes what is right of a column, and gives what is open then; nil if nothing is.
func (w *walk) close(column int) *mapping {
	for len(w.open) > 0 && w.open[len(w.open)-1].column > column {
		w.open = w.open[:len(w.open)-1]
	}
	if len(w.open) == 0 {
		return nil
	}
	return &w.open[len(w.open)-1]
}

// item takes the dash of a list item.
func (w *walk) item(n, column int) {
	last := w.close(column)
	if last != nil && last.list && last.column == column {
		last.line, last.child = n, -1
		return
	}
	if last != nil {
		last.child = column
	}
	w.open = append(w.open, mapping{column: column, list: true, line: n, child: -1})
}

// key takes a key.
func (w *walk) key(n, column int, key string) {
	was := slices.Clone(w.open)
	last := w.close(column)
	if last != nil && last.list && last.column == column {
		under := w.open[:len(w.open)-1]
		if len(under) > 0 && under[len(under)-1].column == column {
			w.open = under // a list may stand right below its key
			last = &w.open[len(w.open)-1]
		}
	}
	switch {
	case last == nil:
	case last.list && last.column == column:
		if len(was) > len(w.open) {
			first := was[len(w.open)]
			w.hint(n, "%q stands beside the list item of line %d: indent it, and all that is below it, by %d more, to stand under %q", key, last.line, first.column-column, first.key)
		}
	case last.column == column:
		if slices.Contains([]string{"metadata", "spec"}, last.key) && column == 0 && !last.valued && last.child < 0 && !atTop(key) {
			w.hint(n, "%q stands beside %q, which is empty: indent it, and all that is below it, by 2 more", key, last.key)
		}
		last.key, last.line, last.valued, last.child = key, n, false, -1
		return
	case last.valued && !last.list:
		w.hint(n, "%q is indented as if it were part of %q, which has a value: indent it, and all that is below it, by %d less", key, last.key, column-last.column)
	case last.child >= 0 && last.child != column:
		w.hint(n, "%q stands under nothing: indent it by %d, or by %d if it is not part of %q", key, last.child, last.column, last.key)
	}
	if last != nil {
		last.child = column
	}
	w.open = append(w.open, mapping{column: column, line: n, key: key, child: -1})
}

// atTop reports whether a field may stand at the top level of an object.
func atTop(key string) bool {
	return slices.Contains([]string{"apiVersion", "kind", "metadata", "spec", "status", "data", "items"}, key)
}
