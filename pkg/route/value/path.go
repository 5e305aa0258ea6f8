package value

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/30x/dispatcher/pkg/cluster"
)

// MaxPath is the longest path, in the bytes of its encoded form. nginx refuses a
// whole configuration for one parameter of more than 4,096 bytes.
const MaxPath = 2048

// Path is a path of a URL in the form that nginx compares requests with: percent
// encodings decoded, no empty and no dot segments. It holds nothing that has a
// meaning in nginx's configuration. Made only by ParsePath.
type Path struct{ text string }

// PathPunctuation are the characters beside letters and digits that may stand
// in a path as they are. RFC 3986 also allows ' $ ; and they are left out:
// nginx gives them a meaning.
const PathPunctuation = "-._~!&()*+,:@=/"

// ParsePath accepts an absolute path, percent-encoded where needed. It refuses
// what nginx would never match (empty and dot segments, which nginx resolves
// first) and every character with a meaning in nginx's configuration, encoded or not.
func ParsePath(s string) (Path, error) {
	bad := func(why string) (Path, error) {
		return Path{}, fmt.Errorf("%s is not a usable path: %s", cluster.Quote(s), why)
	}
	if len(s) > 3*MaxPath {
		return bad(fmt.Sprintf("it is longer than %d bytes", MaxPath))
	}
	if !strings.HasPrefix(s, "/") {
		return bad("it must start with a slash")
	}
	text, why := decode(s)
	if why != "" {
		return bad(why)
	}
	if len(Path{text}.Encoded()) > MaxPath {
		return bad(fmt.Sprintf("it is longer than %d bytes", MaxPath))
	}
	if !utf8.ValidString(text) {
		return bad("it is not valid UTF-8")
	}
	for _, r := range text {
		if r >= utf8.RuneSelf && !unicode.IsPrint(r) {
			return bad(fmt.Sprintf("it holds the invisible character %U", r))
		}
	}
	for i, segment := range strings.Split(text[1:], "/") {
		last := i == strings.Count(text, "/")-1
		switch {
		case segment == "" && !last:
			return bad("it has an empty segment (//)")
		case segment == "." || segment == "..":
			return bad("it has a dot segment, which is resolved before paths are compared")
		}
	}
	return Path{text}, nil
}

// decode resolves percent encodings and says why a byte may not stand there.
func decode(s string) (text, why string) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c, encoded := s[i], false
		if c == '%' {
			hi, lo := -1, -1
			if i+2 < len(s) {
				hi, lo = hexDigit(s[i+1]), hexDigit(s[i+2])
			}
			if hi < 0 || lo < 0 {
				return "", "a percent sign must be followed by two hexadecimal digits"
			}
			c, encoded = byte(hi<<4|lo), true
			i += 2
		}
		switch {
		case encoded && c == '/':
			return "", "it holds an encoded slash (%2F), which is compared as a plain one"
		case IsAlphanumeric(c) || strings.IndexByte(PathPunctuation, c) >= 0 || (encoded && c >= utf8.RuneSelf):
			b.WriteByte(c)
		case c >= utf8.RuneSelf:
			return "", "write characters outside ASCII percent-encoded"
		default:
			return "", fmt.Sprintf("it holds %+q; letters, digits and %s are allowed, and percent-encoded UTF-8", rune(c), PathPunctuation)
		}
	}
	return b.String(), ""
}

// IsAlphanumeric reports whether c is an ASCII letter or digit.
func IsAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// String is the decoded path, as nginx compares it.
func (p Path) String() string { return p.text }

// Encoded is the path as it stands in a request line: what is not ASCII is
// percent-encoded.
func (p Path) Encoded() string {
	var b strings.Builder
	for i := range len(p.text) {
		if c := p.text[i]; c < utf8.RuneSelf {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// IsZero reports whether p is no path at all.
func (p Path) IsZero() bool { return p.text == "" }

// IsRoot reports whether p is "/".
func (p Path) IsRoot() bool { return p.text == "/" }

// Segments counts the segments: 0 for "/", 2 for "/a/b" and "/a/b/".
func (p Path) Segments() int {
	if p.IsRoot() {
		return 0
	}
	return strings.Count(p.WithoutSlash().text, "/")
}

// WithoutSlash drops a trailing slash, except from "/".
func (p Path) WithoutSlash() Path {
	if len(p.text) > 1 {
		return Path{strings.TrimSuffix(p.text, "/")}
	}
	return p
}
