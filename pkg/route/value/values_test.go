package value

import (
	"strings"
	"testing"
)

// DF3, DX30.
func TestParseHost(t *testing.T) {
	long := strings.Repeat(strings.Repeat("a", 63)+".", 3) + strings.Repeat("b", 61) // 253 bytes
	for _, c := range []struct {
		text, name string
		wildcard   bool
		parent     string
	}{
		{"a.example", "a.example", false, ".example"},
		{"A.Example", "a.example", false, ".example"},
		{"a.example.", "a.example", false, ".example"},
		{"localhost", "localhost", false, ""},
		{"10.1.2.3", "10.1.2.3", false, ".1.2.3"},
		{"xn--bcher-kva.example", "xn--bcher-kva.example", false, ".example"},
		{"*.A.example", "*.a.example", true, ".a.example"},
		{strings.Repeat("a", 63) + ".example", strings.Repeat("a", 63) + ".example", false, ".example"},
		{long, long, false, long[63:]},
		{long + ".", long, false, long[63:]},
	} {
		h, err := ParseHost(c.text)
		if err != nil {
			t.Errorf("ParseHost(%q): %v", c.text, err)
			continue
		}
		if h.String() != c.name || h.Wildcard() != c.wildcard || h.Parent() != c.parent {
			t.Errorf("ParseHost(%q) = %s, wildcard %v, parent %s", c.text, h, h.Wildcard(), h.Parent())
		}
	}
}

// DX7: nothing that is not a name.
func TestParseHostRefuses(t *testing.T) {
	for _, text := range []string{
		"", ".", "..", "a..b", ".a", "a.b..", "-a.b", "a-.b", "a_b.c", "_", "*", "*.", "*.com", "*a.b.c", "a.*.b", "*.*.b", "**.a.b",
		"a b", " a.b", "a.b ", "a.b\n", "a.b\x00", "a;b", "a{b", "$host", "~^a$", "a/b", "../a", "http://a.b", "a.b:80", "[::1]", "::1",
		"bücher.example", "\u212a.example", "ａ.example", "“a”", `"a"`, "a'b", "a\\b", "#a", "a.b%41",
		strings.Repeat("a", 64) + ".example", strings.Repeat(strings.Repeat("a", 63)+".", 3) + strings.Repeat("b", 62), strings.Repeat("a.", 200) + "b",
	} {
		if h, err := ParseHost(text); err == nil {
			t.Errorf("ParseHost(%q) = %q, want an error", text, h)
		}
	}
}

// DX3: a port is digits only.
func TestParsePort(t *testing.T) {
	for text, want := range map[string]Port{"1": 1, "80": 80, "443": 443, "65535": 65535} {
		if got, err := ParsePort(text); err != nil || got != want {
			t.Errorf("ParsePort(%q) = %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "0", "65536", "-1", "+443", "0443", " 443", "443 ", "443\n", "4_43", "0x1bb", "443.0", "4e2", "٤٤٣", "99999999999999999999", "http"} {
		if got, err := ParsePort(text); err == nil {
			t.Errorf("ParsePort(%q) = %d, want an error", text, got)
		}
	}
}

// DF7.
func TestParseWeight(t *testing.T) {
	for text, want := range map[string]int{"1": 1, "7": 7, "65535": MaxWeight} {
		if got, err := ParseWeight(text, MaxWeight); err != nil || got != want {
			t.Errorf("ParseWeight(%q) = %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "0", "-1", "+1", "01", "1.0", "65536", "many", "1e3"} {
		if got, err := ParseWeight(text, MaxWeight); err == nil {
			t.Errorf("ParseWeight(%q) = %d, want an error", text, got)
		}
	}
}

// DF32.
func TestParseLabel(t *testing.T) {
	for _, text := range []string{"", "a", "some-org", "v1.2_3", strings.Repeat("a", 63)} {
		if l, err := ParseLabel(text); err != nil || l.String() != text {
			t.Errorf("ParseLabel(%q) = %q, %v", text, l, err)
		}
	}
	for _, text := range []string{" ", "a b", "a\n", "-a", "a-", "é", "a;", "#", strings.Repeat("a", 64)} {
		if l, err := ParseLabel(text); err == nil {
			t.Errorf("ParseLabel(%q) = %q, want an error", text, l)
		}
	}
}

// Every error says in plain ASCII what is wrong, with the text cut.
func TestErrorsAreSafe(t *testing.T) {
	bad := "“\n\x1b[31m;" + strings.Repeat("x", 10000)
	_, host := ParseHost(bad)
	_, path := ParsePath("/" + bad)
	_, port := ParsePort(bad)
	_, weight := ParseWeight(bad, MaxWeight)
	_, label := ParseLabel(bad)
	for _, err := range []error{host, path, port, weight, label} {
		if err == nil || !isPlainLine(err.Error()) || len(err.Error()) > 500 {
			t.Errorf("the error is %.600q", err)
		}
	}
}

// FuzzParseHost: what is accepted is its own normal form, of harmless letters.
func FuzzParseHost(f *testing.F) {
	for _, s := range []string{"a.example", "A.b.", "*.a.b", "10.0.0.1", "x; } server {", "../x", "\u212a.b", "a_b", strings.Repeat("a.", 126) + "b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, err := ParseHost(s)
		if err != nil {
			if !isPlainLine(err.Error()) {
				t.Errorf("the error is no line of printable ASCII: %q", err)
			}
			return
		}
		if again, err := ParseHost(h.String()); err != nil || again != h {
			t.Errorf("%q becomes %q, and that %q (%v)", s, h, again, err)
		}
		name := strings.TrimPrefix(h.String(), "*.")
		foreign := func(r rune) bool { return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789-.", r) }
		if name == "" || len(h.String()) > 253 || strings.ContainsFunc(name, foreign) {
			t.Errorf("%q is accepted as %q", s, h)
		}
	})
}
