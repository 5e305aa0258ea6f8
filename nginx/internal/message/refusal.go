package message

import (
	"fmt"
	"strconv"
	"strings"
)

// Refusal says that nginx refuses the text of a configuration. The last good one is
// still on disk and in service.
type Refusal struct {
	Message string // nginx's own words, cut, without time and process id
	Line    int    // the line that nginx names, 0 if it names none
	Path    string // where the refused text is kept; "" if it isn't
}

// Refuse makes a Refusal of messages with which nginx refuses the text at path.
func Refuse(messages []string, path, kept string) *Refusal {
	r := &Refusal{Path: kept}
	words := make([]string, len(messages))
	for i, m := range messages {
		words[i] = m
		rest, where, line := Locate(m)
		if where != path {
			continue
		}
		words[i] = rest
		if r.Line == 0 {
			r.Line = line
		}
	}
	r.Message = Tidy(strings.Join(words, "; "))
	return r
}

// Refused reports that the text is at fault, so that only another text helps.
func (r *Refusal) Refused() bool { return true }

// Words gives nginx's own words, and the line that it names, 0 if none.
func (r *Refusal) Words() (words string, line int) { return r.Message, r.Line }

func (r *Refusal) Error() string {
	where, kept := "", ""
	if r.Line > 0 {
		where = " in line " + strconv.Itoa(r.Line)
	}
	if r.Path != "" {
		kept = ", the refused one is kept in " + r.Path
	}
	return fmt.Sprintf("nginx refuses the configuration%s: %s; the last good one stays in service%s: %s", where, r.Message, kept, Hint(r.Message))
}
