package value

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// DF4, DF12: what is accepted, and the two forms it has.
func TestParsePath(t *testing.T) {
	long := "/" + strings.Repeat("p", 1999)
	longest := "/" + strings.Repeat("p", MaxPath-1)
	for _, c := range []struct{ text, decoded, encoded string }{
		{"/", "/", "/"},
		{"/nodejs", "/nodejs", "/nodejs"},
		{"/a/b/", "/a/b/", "/a/b/"},
		{"/-._~!&()*+,:@=", "/-._~!&()*+,:@=", "/-._~!&()*+,:@="},
		{"/caf%C3%A9", "/café", "/caf%C3%A9"},
		{"/caf%c3%a9", "/café", "/caf%C3%A9"},
		{"/%41%7e", "/A~", "/A~"},
		{"/%E2%82%AC/%F0%9F%90%B3", "/€/🐳", "/%E2%82%AC/%F0%9F%90%B3"},
		{"/%E2%84%AA", "/\u212a", "/%E2%84%AA"}, // the Kelvin sign stays itself
		{"/...", "/...", "/..."},
		{"/.hidden/a.", "/.hidden/a.", "/.hidden/a."},
		{long, long, long},
		{longest, longest, longest},
		{"/" + strings.Repeat("%70", MaxPath-1), longest, longest},
	} {
		p, err := ParsePath(c.text)
		if err != nil {
			t.Errorf("ParsePath(%.60q): %v", c.text, err)
			continue
		}
		if p.String() != c.decoded || p.Encoded() != c.encoded {
			t.Errorf("ParsePath(%.60q) = %.60q, %.60q; want %.60q, %.60q", c.text, p, p.Encoded(), c.decoded, c.encoded)
		}
	}
}

// DX5, DX28: nothing with a meaning in nginx's configuration, as it is or encoded.
func TestParsePathRefuses(t *testing.T) {
	for _, text := range []string{
		"", "x", "x/y", " /x", "= /x", "~ /x", "@x", "http://a/",
		"//", "/a//b", "/a//", "/.", "/..", "/a/.", "/a/../b", "/%2e", "/a/%2E%2e/b",
		"/a%2Fb", "/a%2fb", "/a%", "/a%4", "/a%zz", "/a%25", "/a%0A", "/a%00", "/a%20b", "/a%3B", "/a%7B", "/a%24", "/a%22",
		"/é", "/“x”", "/\u212a", "/a\xff", "/a%FF", "/a%C3", "/a%ED%A0%80",
		"/a%C2%A0b", "/a%E2%80%A8b", "/a%EF%BB%BFb", "/a%E2%80%AEb", // invisible: no-break space, line separator, byte order mark, right-to-left override
		"/" + strings.Repeat("p", MaxPath), "/" + strings.Repeat("%70", MaxPath), "/" + strings.Repeat("%C3%A9", MaxPath/6+1),
	} {
		if p, err := ParsePath(text); err == nil {
			t.Errorf("ParsePath(%.60q) = %.60q, want an error", text, p)
		}
	}
	for c := byte(0); c < utf8.RuneSelf; c++ {
		if IsAlphanumeric(c) || strings.IndexByte(PathPunctuation, c) >= 0 {
			continue
		}
		if _, err := ParsePath("/x" + string(rune(c)) + "41y"); err == nil && c != '%' {
			t.Errorf("a path with %q is accepted", c)
		}
	}
}

func TestPathForms(t *testing.T) {
	for _, c := range []struct {
		text     string
		segments int
		bare     string
	}{
		{"/", 0, "/"}, {"/a", 1, "/a"}, {"/a/", 1, "/a"}, {"/a/b", 2, "/a/b"}, {"/a/b/", 2, "/a/b"},
	} {
		p, err := ParsePath(c.text)
		if err != nil {
			t.Fatal(err)
		}
		if p.Segments() != c.segments || p.WithoutSlash().String() != c.bare {
			t.Errorf("%s: %d segments and %s, want %d and %s", p, p.Segments(), p.WithoutSlash(), c.segments, c.bare)
		}
		if p.IsRoot() != (c.text == "/") || p.IsZero() {
			t.Errorf("%s: root %v, zero %v", p, p.IsRoot(), p.IsZero())
		}
	}
	if !(Path{}).IsZero() || (Path{}).IsRoot() {
		t.Error("the zero Path is not zero")
	}
}

// FuzzParsePath: what is accepted can be written again, and holds nothing that
// nginx gives a meaning.
func FuzzParsePath(f *testing.F) {
	for _, s := range []string{"/", "/a/b/", "/caf%C3%A9", "/%7Eu", "/x { return 200; } location /y", "/a%2Fb", "/..", "/a%0Ab", "/$x", "/(a+)+", "/a%E2%80%A8b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePath(s)
		if err != nil {
			if !isPlainLine(err.Error()) {
				t.Errorf("the error is no line of printable ASCII: %q", err)
			}
			return
		}
		again, err := ParsePath(p.Encoded())
		if err != nil || again != p {
			t.Errorf("%q becomes %q, and that %q (%v)", s, p.Encoded(), again, err)
		}
		if !strings.HasPrefix(p.String(), "/") || !utf8.ValidString(p.String()) || strings.ContainsAny(p.String(), "\x00\t\r\n ;{}#\"'\\$%?<>|^`[]") {
			t.Errorf("%q is accepted as %q", s, p)
		}
		if len(p.Encoded()) > MaxPath || !isPlainLine(p.Encoded()) {
			t.Errorf("%q is sent as %q", s, p.Encoded())
		}
	})
}

// isPlainLine reports whether s is printable ASCII on one line.
func isPlainLine(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}
