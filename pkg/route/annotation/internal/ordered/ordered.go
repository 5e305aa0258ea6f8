// Package ordered reads JSON objects and arrays without losing the order of
// their members or a duplicate among them. Text enters; raw members leave, or an
// error that says what is wrong and in which line and column. It never decides
// what a member means.
package ordered

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Member is one name and value of a JSON object, in the order of the text.
type Member struct {
	Name  string
	Value json.RawMessage
}

// Object reads a JSON object without losing order or duplicates, which
// decoding into a map or struct would hide.
func Object(text []byte) ([]Member, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	first, err := dec.Token()
	if err != nil {
		return nil, jsonError(text, err)
	}
	if first != json.Delim('{') {
		return nil, errors.New("it must be an object")
	}
	var out []Member
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, jsonError(text, err)
		}
		m := Member{Name: name.(string)} // the decoder allows nothing else here
		if err := dec.Decode(&m.Value); err != nil {
			return nil, jsonError(text, err)
		}
		out = append(out, m)
	}
	if _, err := dec.Token(); err != nil {
		return nil, jsonError(text, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, jsonError(text, err)
	}
	return out, nil
}

// Array reads the elements of a JSON array.
func Array(text []byte) ([]json.RawMessage, error) {
	var out []json.RawMessage
	err := json.Unmarshal(text, &out)
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok || err == nil && out == nil {
		return nil, errors.New("it must be an array")
	}
	if err != nil {
		return nil, jsonError(text, err)
	}
	return out, nil
}

// jsonError says what is wrong with a JSON text and where.
func jsonError(text []byte, err error) error {
	hint := ""
	if bytes.ContainsAny(text, "“”„") {
		hint = "; it holds typographic quotes, write straight ones (\")"
	}
	// A decoder counts from where it last stopped; this counts from the start.
	if whole := json.Unmarshal(text, new(json.RawMessage)); whole != nil {
		err = whole
	}
	syntax, ok := errors.AsType[*json.SyntaxError](err)
	if !ok {
		return fmt.Errorf("it is not JSON: %w%s", err, hint)
	}
	at := int(syntax.Offset) - 1
	if at < 0 || strings.Contains(syntax.Error(), "unexpected end") {
		return fmt.Errorf("it is not JSON: the text ends too early%s", hint)
	}
	what := syntax.Error()
	if text[at] >= utf8.RuneSelf {
		// It shows the first byte of the character as if it were one.
		r, _ := utf8.DecodeRune(text[at:])
		what = fmt.Sprintf("invalid character %+q", r)
	}
	line := bytes.Count(text[:at], []byte("\n")) + 1
	column := at - bytes.LastIndexByte(text[:at], '\n')
	return fmt.Errorf("it is not JSON: %s at line %d, column %d%s", what, line, column, hint)
}

// String reads a JSON string.
func String(raw json.RawMessage) (string, error) {
	var s string
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return "", errors.New("it must be a string")
	}
	return s, nil
}

// NumberText returns the text of a JSON number, or of a string that
// should hold one: people write ports both ways.
func NumberText(raw json.RawMessage) (string, error) {
	if len(raw) > 0 && (raw[0] == '-' || '0' <= raw[0] && raw[0] <= '9') {
		return string(raw), nil
	}
	s, err := String(raw)
	if err != nil {
		return "", errors.New("it must be a number or a string")
	}
	return s, nil
}

// List returns a JSON string, or the strings of an array with commas between them: a
// list may be written either way.
func List(raw json.RawMessage) (string, error) {
	if text, err := String(raw); err == nil {
		return text, nil
	}
	var list []string
	if json.Unmarshal(raw, &list) != nil || list == nil {
		return "", errors.New("it must be a string or an array of strings")
	}
	return strings.Join(list, ","), nil
}

// IsNull reports whether the value is a JSON null.
func IsNull(raw json.RawMessage) bool { return string(raw) == "null" }
