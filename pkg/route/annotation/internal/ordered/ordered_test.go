package ordered

import (
	"fmt"
	"strings"
	"testing"
)

// DX7: order and duplicates survive.
func TestObject(t *testing.T) {
	members, err := Object([]byte(` { "z": {}, "a": [1, {"b": 2}], "z": null, "\u0061": "x" } `))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range members {
		got = append(got, fmt.Sprintf("%s=%s", m.Name, m.Value))
	}
	if want := `z={} a=[1, {"b": 2}] z=null a="x"`; strings.Join(got, " ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, " "), want)
	}
}

func TestArray(t *testing.T) {
	elements, err := Array([]byte("[1,\n\"a\", {\"b\": [2]}, null]"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprintf("%s", elements), `[1 "a" {"b": [2]} null]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// DF5: the message says what is wrong and where, in ASCII.
func TestErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "it is not JSON: the text ends too early"},
		{"  ", "it is not JSON: the text ends too early"},
		{`{"a": 1`, "it is not JSON: the text ends too early"},
		{`{"a": "x`, "it is not JSON: the text ends too early"},
		{`{"a"`, "it is not JSON: the text ends too early"},
		{`[1]`, "it must be an object"},
		{`null`, "it must be an object"},
		{`"a"`, "it must be an object"},
		{`{"a": 1} x`, "it is not JSON: invalid character 'x' after top-level value at line 1, column 10"},
		{`{"a": 1}{}`, "it is not JSON: invalid character '{' after top-level value at line 1, column 9"},
		{`a`, "it is not JSON: invalid character 'a' looking for beginning of value at line 1, column 1"},
		{"{\n  \"a\": 1,\n  \"b\": oops\n}", "it is not JSON: invalid character 'o' looking for beginning of value at line 3, column 8"},
		{"{\n  \"a\": [{}, {],\n}", "it is not JSON: invalid character ']' looking for beginning of object key string at line 2, column 14"},
		{"{\"a\": 1,}", "it is not JSON: invalid character '}' looking for beginning of object key string at line 1, column 9"},
		{"{'a': 1}", `it is not JSON: invalid character '\'' looking for beginning of object key string at line 1, column 2`},
		{"{\"a\n\": 1}", `it is not JSON: invalid character '\n' in string literal at line 1, column 4`},
		{"{“a”: 1}", `it is not JSON: invalid character '\u201c' at line 1, column 2; it holds typographic quotes, write straight ones (")`},
		{"{\"a\": é}", `it is not JSON: invalid character '\u00e9' at line 1, column 7`},
		{"{\"a\": \xff}", `it is not JSON: invalid character '\ufffd' at line 1, column 7`},
	} {
		if members, err := Object([]byte(c.text)); err == nil || err.Error() != c.want {
			t.Errorf("Object(%q) = %v, %v\nwant %s", c.text, members, err, c.want)
		}
	}
	for text, want := range map[string]string{
		`{}`: "it must be an array", `null`: "it must be an array", `"x"`: "it must be an array", `7`: "it must be an array",
		`[1] 2`:  "it is not JSON: invalid character '2' after top-level value at line 1, column 5",
		"[1,\n2": "it is not JSON: the text ends too early",
	} {
		if _, err := Array([]byte(text)); err == nil || err.Error() != want {
			t.Errorf("Array(%q): %v, want %s", text, err, want)
		}
	}
	if empty, err := Array([]byte("[]")); err != nil || len(empty) != 0 {
		t.Errorf("Array of nothing: %v, %v", empty, err)
	}
	if _, err := Array([]byte(strings.Repeat("[", 1_000_000))); err == nil {
		t.Error("an array that never ends is accepted")
	}
}

// DX31: people write ports and weights as numbers and as strings.
func TestScalars(t *testing.T) {
	for raw, want := range map[string]string{`3000`: "3000", `"3000"`: "3000", `-1`: "-1", `1.5`: "1.5", `"http"`: "http", `""`: ""} {
		if got, err := NumberText([]byte(raw)); err != nil || got != want {
			t.Errorf("NumberText(%s) = %q, %v", raw, got, err)
		}
	}
	for _, raw := range []string{`true`, `null`, `[1]`, `{}`, ``} {
		if got, err := NumberText([]byte(raw)); err == nil {
			t.Errorf("NumberText(%s) = %q, want an error", raw, got)
		}
	}
	if got, err := String([]byte(`"\u0061\n"`)); err != nil || got != "a\n" {
		t.Errorf("String = %q, %v", got, err)
	}
	if _, err := String([]byte(`1`)); err == nil {
		t.Error("a number is accepted as a string")
	}
	if !IsNull([]byte("null")) || IsNull([]byte(`"null"`)) {
		t.Error("IsNull is wrong")
	}
}
