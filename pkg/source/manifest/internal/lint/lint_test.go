package lint

import (
	"fmt"
	"slices"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
)

// TestIndentation: EX2. What the keys of a line's neighbours tell.
func TestIndentation(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"the blog's", "kind: Ingress\nmetadata:\nname: restaurant-proxy\nspec:\nrules:\n  - host: myapp-proxy.somehost.net\n  http:\n    paths:\n    - path: /\n        backend:\n          serviceName: myapp-proxy\n", []string{
			`7: "name" stands beside "metadata", which is empty: indent it, and all that is below it, by 2 more`,
			`9: "rules" stands beside "spec", which is empty: indent it, and all that is below it, by 2 more`,
			`11: "http" stands beside the list item of line 10: indent it, and all that is below it, by 2 more, to stand under "host"`,
			`14: "backend" is indented as if it were part of "path", which has a value: indent it, and all that is below it, by 2 less`,
		}},
		{"right", "# x\n---\na:\n- b: 1\n  c:\n    - d: 2\n    - e\n    -   f:\n          g: 1\n        h: 2\n    - - i: 1\n        j: 2\nk: |\n    l: 1\n  m: 2\nn: 'o: p'\nq: a plain\n  text\nspec:\nstatus: {}\n", nil},
		{"between", "a:\n    b: 1\n  c: 2\n", []string{`7: "c" stands under nothing: indent it by 4, or by 0 if it is not part of "a"`}},
		{"a tab", "a:\n\tb: 1\n  c: 2\n d: 1", []string{"6: it is indented with a tab: write spaces"}},
		{"nothing is known within braces", "a: {b: 1,\n    c: 2\n  d: 3}\n", nil},
		{"a comment is no value", "a: # b\n  c: 1\n", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, h := range Indentation([]byte(c.text), 5) {
				got = append(got, fmt.Sprintf("%d: %s", h.Line, h.Text))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestPlace(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"name": "metadata", "annotations": "metadata", "rules": "spec", "ingressClassName": "spec", "host": "", "": "", "spec": ""} {
		if got := Place(&networkingv1.Ingress{}, name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// FuzzIndentation: any text is followed to its end.
func FuzzIndentation(f *testing.F) {
	for _, text := range []string{"a:\n- b: 1\n c: 2\n", "- - - a: 1\n  b:\n", "-\n- a:\n   - b", "a: |\n\n b\n-", "---\n...\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, h := range Indentation(text, 1) {
			for _, r := range h.Text {
				if r < ' ' || r > '~' {
					t.Errorf("raw text in %q", h.Text)
				}
			}
		}
	})
}
