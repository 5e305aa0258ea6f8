package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
)

// record is what the demo reads of a line of Dispatcher's log.
type record struct {
	Level string `json:"level"`
	Msg   string `json:"msg"`

	// of "configuration live", and of "endpoints live"
	Changed   []string `json:"changed"` // "Pod/ns/name added"
	Hosts     int      `json:"hosts"`
	Locations int      `json:"locations"`
	Endpoints int      `json:"endpoints"`
	Problems  int      `json:"problems"`
	Took      any      `json:"took"` // nanoseconds, or a duration as text

	// of "problem"
	Object string `json:"object"`
	Key    string `json:"key"`
	Reason string `json:"reason"`
}

// narrate tells a line of Dispatcher's log (or of nginx's, which writes to the
// same stream) in one line for people; empty if it is no news for them. live
// reports that a configuration has just gone live.
func narrate(line string) (text string, live bool) {
	var r record
	err := json.Unmarshal([]byte(line), &r)
	lives := r.Msg == "configuration live" || r.Msg == "endpoints live"
	if _, other := errors.AsType[*json.UnmarshalTypeError](err); err != nil && (!other || lives) || r.Msg == "" {
		return plain(withoutTime(line)), false
	}
	switch {
	case lives:
		return plain(r.live()), true
	case r.Msg == "problem":
		return plain(fmt.Sprintf("problem: %s: %s: %s", r.Object, r.Key, r.Reason)), false
	case r.Msg == "problem solved":
		return plain(fmt.Sprintf("solved: %s: %s", r.Object, r.Key)), false
	case r.Msg == "manifest file is good again":
		return plain(r.Msg + attributes(line)), false
	case r.Level == "WARN" || r.Level == "ERROR":
		return plain(strings.ToLower(r.Level) + ": " + r.Msg + attributes(line)), false
	}
	return "", false
}

func (r record) live() string {
	what := "first configuration"
	if len(r.Changed) > 0 {
		const limit = 4
		what = strings.Join(r.Changed[:min(len(r.Changed), limit)], ", ")
		if n := len(r.Changed) - limit; n > 0 {
			what += fmt.Sprintf(" and %d more", n)
		}
	}
	took := fmt.Sprint(r.Took)
	precision, how := time.Millisecond, ""
	if r.Msg == "endpoints live" {
		precision, how = 100*time.Microsecond, " without a reload"
	}
	if ns, ok := r.Took.(float64); ok {
		took = time.Duration(ns).Round(precision).String()
	}
	took += how
	return fmt.Sprintf("live in %s: %s (now %s, %s, %s, %s)", took, what,
		count(r.Hosts, "host"), count(r.Locations, "location"), count(r.Endpoints, "endpoint"), count(r.Problems, "problem"))
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// attributes lists what else a log line holds, in a fixed order.
func attributes(line string) string {
	var all map[string]any
	d := json.NewDecoder(strings.NewReader(line))
	d.UseNumber() // large numbers as they stand there
	if err := d.Decode(&all); err != nil {
		return ""
	}
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if key != "time" && key != "level" && key != "msg" {
			fmt.Fprintf(&b, " %s=%v", key, all[key])
		}
	}
	return b.String()
}

// withoutTime cuts the date and time off a line of nginx's, and says whose it is.
func withoutTime(line string) string {
	const layout = "2006/01/02 15:04:05 "
	if len(line) > len(layout) {
		if _, err := time.Parse(layout, line[:len(layout)]); err == nil {
			return "nginx: " + line[len(layout):]
		}
	}
	return line
}

// plain keeps a text on its line and away from the terminal's controls.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}
