// Package position finds where in the JSON text of an annotation something stands. The
// text and a place in it enter, as Problems give it; a line and a column leave. It never
// judges what stands there.
package position

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// Of finds the value at a place like `[1].weight` or `["www.example.com"].ssl`: line and
// column, both from 1, the column in bytes. Where the text has no such value, it is the
// innermost one around it. Of members of one name the last counts. ok is false if the
// text is not JSON, whose errors have a position of their own, or the place is no place.
func Of(text, place string) (line, column int, ok bool) {
	data := []byte(text)
	at := skip(data, 0)
	if !json.Valid(data) {
		return 0, 0, false
	}
	raw := data[at:]
	for place != "" {
		name, index, rest, ok := step(place)
		if !ok {
			return 0, 0, false
		}
		inner, value := within(raw, name, index)
		if value == nil {
			break
		}
		at, raw, place = at+inner, value, rest
	}
	before := data[:at]
	return bytes.Count(before, []byte("\n")) + 1, at - bytes.LastIndexByte(before, '\n'), true
}

// step cuts the first step off a place: the name of a member, or the index of an
// element, -1 if it is a name.
func step(place string) (name string, index int, rest string, ok bool) {
	if after, dot := strings.CutPrefix(place, "."); dot {
		if quoted, err := strconv.QuotedPrefix(after); err == nil {
			name, err = strconv.Unquote(quoted)
			return name, -1, after[len(quoted):], err == nil
		}
		end := strings.IndexAny(after, ".[")
		if end < 0 {
			end = len(after)
		}
		return after[:end], -1, after[end:], end > 0
	}
	after, bracket := strings.CutPrefix(place, "[")
	if !bracket {
		return "", 0, "", false
	}
	if quoted, err := strconv.QuotedPrefix(after); err == nil {
		name, err = strconv.Unquote(quoted)
		rest, closed := strings.CutPrefix(after[len(quoted):], "]")
		return name, -1, rest, closed && err == nil
	}
	number, rest, closed := strings.Cut(after, "]")
	index, err := strconv.Atoi(number)
	return "", index, rest, closed && err == nil && index >= 0
}

// within finds a member, or an element if the index is not -1, of a JSON value, and
// where in it; nil if it has none.
func within(raw []byte, name string, index int) (at int, value json.RawMessage) {
	d := json.NewDecoder(bytes.NewReader(raw))
	open, err := d.Token()
	if err != nil || index < 0 && open != json.Delim('{') || index >= 0 && open != json.Delim('[') {
		return 0, nil
	}
	for n := 0; d.More(); n++ {
		wanted := n == index
		if index < 0 {
			key, err := d.Token()
			if err != nil {
				return 0, nil
			}
			wanted = key == name
		}
		begin := skip(raw, int(d.InputOffset()))
		var v json.RawMessage
		if d.Decode(&v) != nil {
			return 0, nil
		}
		if wanted {
			at, value = begin, v
		}
	}
	return at, value
}

// skip is where the next value begins.
func skip(data []byte, at int) int {
	for at < len(data) && strings.IndexByte(" \t\r\n:,", data[at]) >= 0 {
		at++
	}
	return at
}
