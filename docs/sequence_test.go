package docs_test

import (
	"encoding/xml"
	"fmt"
	"os"
	"strings"
	"testing"
)

// sequence draws a sequence diagram as SVG. Its lines are "lanes: A; B", then
// "A -> B: text" for an arrow and "note A: text" for a remark.
func sequence(text string) (string, error) {
	const width, step, top = 190, 44, 70
	lines := strings.Split(strings.TrimSpace(text), "\n")
	names, ok := strings.CutPrefix(lines[0], "lanes: ")
	if !ok {
		return "", fmt.Errorf("line 1 names no lanes: %q", lines[0])
	}
	x := map[string]int{}
	lanes := strings.Split(names, "; ")
	for i, lane := range lanes {
		x[lane] = width/2 + i*width
	}
	height := top + step*len(lines)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13" role="img">`+"\n", width*len(lanes), height)
	b.WriteString(`<style>.l{stroke:#8899aa}.a{stroke:#1f6feb;stroke-width:1.5;marker-end:url(#h)}.t{fill:#24292f}.b{fill:#eef4ff;stroke:#1f6feb}.n{fill:#fff8dc;stroke:#c9a227}` +
		`@media(prefers-color-scheme:dark){svg{background:#0d1117}.free{fill:#e6edf3}}</style>` + "\n")
	b.WriteString(`<defs><marker id="h" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L10 5L0 10z" fill="#1f6feb"/></marker></defs>` + "\n")
	for _, lane := range lanes {
		fmt.Fprintf(&b, `<line class="l" x1="%d" y1="46" x2="%d" y2="%d"/>`+"\n", x[lane], x[lane], height-16)
		fmt.Fprintf(&b, `<rect class="b" x="%d" y="14" width="120" height="32" rx="6"/><text class="t" x="%d" y="35" text-anchor="middle">%s</text>`+"\n", x[lane]-60, x[lane], escape(lane))
	}
	for i, line := range lines[1:] {
		y := top + step*i + 16
		head, words, _ := strings.Cut(line, ": ")
		if lane, ok := strings.CutPrefix(head, "note "); ok {
			at, known := x[lane]
			if !known {
				return "", fmt.Errorf("no such lane: %q", line)
			}
			length := 14 + 7*len([]rune(words))
			at = min(max(at, length/2+4), width*len(lanes)-length/2-4)
			fmt.Fprintf(&b, `<rect class="n" x="%d" y="%d" width="%d" height="24" rx="4"/><text class="t" x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", at-length/2, y-17, length, at, y, escape(words))
			continue
		}
		from, to, ok := strings.Cut(head, " -> ")
		a, known := x[from]
		z, knownToo := x[to]
		if !ok || !known || !knownToo {
			return "", fmt.Errorf("neither an arrow nor a note: %q", line)
		}
		fmt.Fprintf(&b, `<line class="a" x1="%d" y1="%d" x2="%d" y2="%d"/><text class="t free" x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", a, y, z, y, (a+z)/2, y-6, escape(words))
	}
	b.WriteString("</svg>\n")
	return b.String(), nil
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder takes everything
	return b.String()
}

// The picture is drawn from its text.
func TestPicture(t *testing.T) {
	text, err := os.ReadFile("how-endpoints-change.txt")
	if err != nil {
		t.Fatal(err)
	}
	want, err := sequence(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := xml.Unmarshal([]byte(want), new(struct{})); err != nil {
		t.Errorf("it is no XML: %v", err)
	}
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile("how-endpoints-change.svg", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile("how-endpoints-change.svg"); err != nil || string(got) != want {
		t.Errorf("docs/how-endpoints-change.svg is not what how-endpoints-change.txt makes it (%v): run UPDATE=1 make test", err)
	}
	for _, bad := range []string{"nothing", "lanes: A; B\nA -> C: x", "lanes: A; B\nnote C: x", "lanes: A\nx"} {
		if _, err := sequence(bad); err == nil {
			t.Errorf("%q was drawn", bad)
		}
	}
}
