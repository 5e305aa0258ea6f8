package position

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestOf(t *testing.T) {
	t.Parallel()
	const paths = "\n[{\"basePath\": \"/\"},\n {\"basePath\": \"/x\",\n  \"weight\":  0, \"é\": 1, \"weight\": 7, \"odd name\": {}}]"
	const hosts = `{"www.example.com": {"ssl": {"certificate": 1}}, "bad\u0020host": {}}`
	for _, c := range []struct{ text, place, want string }{
		{paths, "", "2:1 ["},
		{paths, "[0]", "2:2 {"},
		{paths, "[1]", "3:2 {"},
		{paths, "[1].basePath", "3:15 \""},
		{paths, "[1].weight", "4:36 7"}, // the last counts, as in JSON
		{paths, `[1]."\u00e9"`, "4:23 1"},
		{paths, `[1]."odd name"`, "4:51 {"},
		{paths, "[1].missing.more", "3:2 {"},
		{paths, "[7].weight", "2:1 ["},
		{paths, `["x"]`, "2:1 ["},
		{hosts, `["www.example.com"].ssl.certificate`, "1:45 1"},
		{hosts, `["bad host"]`, "1:67 {"},
		{hosts, `["bad host`, ""},
		{hosts, "[", ""},
		{hosts, "[-1]", ""},
		{hosts, ".", ""},
		{"80:/x 81:/y", "[1]", ""},
		{`[{"a": 1`, "[0]", ""},
		{"", "", ""},
	} {
		got := ""
		if line, column, ok := Of(c.text, c.place); ok {
			got = fmt.Sprintf("%d:%d %c", line, column, strings.Split(c.text, "\n")[line-1][column-1])
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.place, got, c.want)
		}
	}
}

// FuzzOf: what is found lies in the text, whatever the text and the place.
func FuzzOf(f *testing.F) {
	f.Add(`[{"a": [1, {"b": null}]}]`, "[0].a[1].b")
	f.Add(`{"a.b": {"": 1}}`, `["a.b"]`)
	f.Fuzz(func(t *testing.T, text, place string) {
		line, column, ok := Of(text, place)
		if !ok {
			return
		}
		lines := strings.Split(text, "\n")
		if line < 1 || line > len(lines) || column < 1 || column > len(lines[line-1]) {
			t.Errorf("%d:%d of %q", line, column, text)
		}
		if !json.Valid([]byte(text)) {
			t.Error("found in what is no JSON")
		}
	})
}
