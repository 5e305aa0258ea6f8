package nginxlex

import (
	"fmt"
	"strings"
	"testing"
)

// show writes a tree on one line: words separated by spaces, quoted ones in
// brackets, blocks in braces.
func show(nodes []*Node) string {
	var b strings.Builder
	for _, n := range nodes {
		if len(n.Words) == 0 {
			fmt.Fprintf(&b, "#%s# ", n.Comment)
			continue
		}
		for i, w := range n.Words {
			if i > 0 {
				b.WriteByte(' ')
			}
			if w.Quoted {
				fmt.Fprintf(&b, "[%s]", w.Text)
			} else {
				b.WriteString(w.Text)
			}
		}
		if n.IsBlock {
			fmt.Fprintf(&b, " { %s} ", show(n.Block))
		} else {
			b.WriteString("; ")
		}
	}
	return b.String()
}

func TestParse(t *testing.T) {
	long := strings.Repeat("x", MaxToken-1)
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{" \t\r\n", ""},
		{"a;", "a; "},
		{"a b\tc\nd;", "a b c d; "},
		{"a{}b;", "a { } b; "},
		{"a { b { c; } }", "a { b { c; } } "},
		{"a; # b; {\nc;", "a; # b; {# c; "},
		{"a#b c#;", "a#b c#; "},
		{`a "b;{}#" 'c"d';`, `a [b;{}#] [c"d]; `},
		{`a "b\"c\\" d\;e;`, `a [b"c\] d\;e; `},
		{`a "\r\n\t\x";`, "a [\r\n\t\\x]; "},
		{"if ($a = \"\") { b; }", "if ($a = [] ) { b; } "},
		{"a ${b}c $d{}", "a ${b}c $d { } "},
		{`a b\${c;}`, "a b\\$ { c; } "},
		{"a b}c;", "a b}c; "},
		{`a b"c d;`, `a b"c d; `},
		{"a " + long + ";", "a " + long + "; "},
	} {
		nodes, err := Parse(c.text)
		if err != nil {
			t.Errorf("Parse(%q): %v", c.text, err)
		} else if got := show(nodes); got != c.want {
			t.Errorf("Parse(%q) = %q, want %q", c.text, got, c.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{
		"a", "a b", "a {", "a { b;", "}", "a; }", "a { b }", ";", "{}", "a { ; }",
		`a "b`, `a "b\"`, `a "b"c;`, `a "b"}`, `a "b""c";`, `a\`,
		"a " + strings.Repeat("x", MaxToken) + ";", "#" + strings.Repeat("x", MaxToken),
	} {
		if nodes, err := Parse(text); err == nil {
			t.Errorf("Parse(%q) = %q, want an error", text, show(nodes))
		}
	}
}

func TestLines(t *testing.T) {
	nodes, err := Parse("a;\n\n# b\nc {\n  d 'e\nf';\n}\ng;")
	if err != nil {
		t.Fatal(err)
	}
	got := []int{nodes[0].Line, nodes[1].Line, nodes[2].Line, nodes[2].Block[0].Line, nodes[3].Line}
	if want := []int{1, 3, 4, 5, 8}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("lines %v, want %v", got, want)
	}
	if _, err := Parse("a;\n\n}"); err == nil || !strings.HasPrefix(err.Error(), "line 3: ") {
		t.Errorf("the error is %v, want one on line 3", err)
	}
}
