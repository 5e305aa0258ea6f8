package request

import (
	"strings"
	"testing"
)

// What locations are compared with is what nginx makes of a path (DF11, DX27).
func TestNormalise(t *testing.T) {
	for uri, want := range map[string]string{
		"/": "/", "/a": "/a", "/a/": "/a/", "//a///b": "/a/b", "/a?b=/../c": "/a", "/a?": "/a",
		"/%61%2Fb": "/a/b", "/a%2fb": "/a/b", "/caf%C3%A9": "/caf\xc3\xa9", "/a%20b": "/a b", "/%3f%23%25": "/?#%", "/%2561": "/%61",
		"/./a": "/a", "/a/.": "/a/", "/a/./b": "/a/b", "/a/..": "/", "/a/../b": "/b", "/a/b/../../c": "/c", "/a/%2e%2E/b": "/b", "/a/.%2e": "/", "/a%2f..%2fb": "/b",
		"/a//../b": "/b", "/...": "/...", "/.a": "/.a", "/a..": "/a..", "/a./b": "/a./b", "/..a": "/..a", "/a/..?x": "/", "/a/.?x": "/a/",
		"/a+b": "/a+b", `/a\b`: `/a\b`, "/a;b": "/a;b",
	} {
		if path, _, why := normalise(uri); path != want || why != "" {
			t.Errorf("%s becomes %q (%s), want %q", uri, path, why, want)
		}
	}
	for _, uri := range []string{"/..", "/../a", "/a/../..", "/a/../../b", "/%2e%2e", "/%00", "/a%0", "/a%", "/%zz", "/a%2?b", "/a%g0"} {
		if path, _, why := normalise(uri); why == "" {
			t.Errorf("%s becomes %q, and nginx refuses it", uri, path)
		}
	}
}

// DX30: of a host, case, port and a trailing dot make no difference.
func TestParse(t *testing.T) {
	for url, want := range map[string]string{
		"www.example.com":                      "http www.example.com  / /",
		"WWW.Example.COM./a?b#c":               "http www.example.com  /a?b /a",
		"https://www.example.com:8443?q=/..":   "https www.example.com 8443 /?q=/.. /",
		"HTTP://user:secret@a.example/x":       "http a.example  /x /x",
		"http://10.0.0.1:80/":                  "http 10.0.0.1 80 / /",
		"http://[::1]:80/a":                    "http [::1] 80 /a /a",
		"a_b.example/http://x/y":               "http a_b.example  /http://x/y /http:/x/y",
		"a.example/\xc3\xa9":                   "http a.example  /\xc3\xa9 /\xc3\xa9",
		"a.example?next=http://b.example/y#/z": "http a.example  /?next=http://b.example/y /",
	} {
		r, err := Parse(url, nil)
		scheme := "http"
		if r.Secure {
			scheme = "https"
		}
		if got := strings.Join([]string{scheme, r.Host, r.Port, r.URI, r.Path}, " "); err != nil || got != want || r.Bad != "" {
			t.Errorf("%s is %q, %v (%s), want %q", url, got, err, r.Bad, want)
		}
	}
	for _, url := range []string{"", "/a", "http://", "ftp://a.example/", "http://:80/", "a.example:x/", "a.example:0/", "a.example:70000/", "a b.example/", "a.example/a b", "a.example/a\tb", "caf\u00e9.example/", "a.example/\x7f", "a<b.example/"} {
		if r, err := Parse(url, nil); err == nil {
			t.Errorf("%q is taken as %+v", url, r)
		} else if strings.Contains(err.Error(), "\x7f") {
			t.Errorf("%q: the error shows it as it is", url)
		}
	}
	for _, url := range []string{"a..example/", "a.example/..", "."} {
		if r, err := Parse(url, nil); err != nil || r.Bad == "" {
			t.Errorf("%s: %+v, %v; nginx answers 400", url, r, err)
		}
	}
	r, err := Parse("http://127.0.0.1:8080/a", []Header{{"host", "Shop.Example:80"}})
	if host, _ := r.Header("Host"); err != nil || r.Host != "shop.example" || r.Port != "80" || host != "Shop.Example:80" {
		t.Errorf("with a header Host: %+v, %v", r, err)
	}
}

func TestParseHeader(t *testing.T) {
	if h, err := ParseHeader("X-Room:  red; blue "); err != nil || h != (Header{"X-Room", "red; blue"}) {
		t.Errorf("%+v, %v", h, err)
	}
	for _, line := range []string{"", "secret", ": secret", "X Room: secret", "X-Room: sec\nret", "X\u00e9: secret"} {
		if _, err := ParseHeader(line); err == nil || strings.Contains(err.Error(), "sec\nret") || strings.Contains(err.Error(), ": secret") {
			t.Errorf("%q: %v", line, err)
		}
	}
}

// HF1: where the key of a request stands, as nginx's variables hold it.
func TestVariables(t *testing.T) {
	r, err := Parse("http://Red.rooms.example/ws/%72ed%20room/b?ROOM=a%20b&xroom=c&room=d&empty=&flag", []Header{
		{"X-Room", "one"}, {"x_room", "none"}, {"x-room", "two"}, {"Cookie", "a=b; Room=r1, room=r2"}, {"Cookie", "other = o1 ;x=y"},
	})
	if err != nil {
		t.Fatal(err)
	}
	header, _ := r.Header("X-ROOM")
	for name, c := range map[string][2]string{
		"header":            {header, "one, two"},
		"arg":               {r.Arg("room"), "a%20b"},
		"empty arg":         {r.Arg("empty"), ""},
		"arg without value": {r.Arg("flag"), ""},
		"cookie":            {r.Cookie("room"), "r1, room=r2"},
		"cookie of a list":  {r.Cookie("other"), "o1 "},
		"no cookie":         {r.Cookie("roo"), ""},
		"label":             {r.Label(), "red"},
		"segment":           {r.Segment(1, 1), "red room"},
		"next segment":      {r.Segment(1, 2), "b"},
		"no segment":        {r.Segment(1, 3), ""},
	} {
		if c[0] != c[1] {
			t.Errorf("%s: %q, want %q", name, c[0], c[1])
		}
	}
	if _, sent := r.Header("x_other"); sent {
		t.Error("a header is there that was not sent")
	}
}

// DX27: what follows the base path is the client's own bytes, or is refused.
func TestAfter(t *testing.T) {
	for _, c := range []struct {
		uri      string
		segments int
		want     string
		ok       bool
	}{
		{"/foo/1", 1, "/1", true}, {"/foo/", 1, "/", true}, {"/foo//x?q=/..", 1, "//x", true}, {"//foo/1", 1, "/1", true}, {"/foo/a%2Fb", 1, "/a%2Fb", true},
		{"/a//b/c", 2, "/c", true}, {"/", 0, "/", true}, {"/x?y", 0, "/x", true}, {"/foo/...", 1, "/...", true}, {"/foo/..;/x", 1, "/..;/x", true},
		{"/foo/%252e%252e/x", 1, "/%252e%252e/x", true}, {"/foo/a?/../b", 1, "/a", true},
		{"/foo", 1, "", false}, {"/foo%2F1", 1, "", false}, {"/%2ffoo/1", 1, "", false}, {"/foo/../foo/x", 1, "", false}, {"/x/%2E./foo/1", 1, "", false},
		{"/foo/1/.%2e/2", 1, "", false}, {"/foo/x/%2e", 1, "", false}, {"/foo/..?x", 1, "", false}, {"/foo/..%2f..%2fetc", 1, "", false},
	} {
		r := Request{URI: c.uri}
		if got, ok := r.After(c.segments); got != c.want || ok != c.ok {
			t.Errorf("%s after %d: %q %v, want %q %v", c.uri, c.segments, got, ok, c.want, c.ok)
		}
	}
}

// FuzzParse: whatever is asked for, a path that nginx would take is absolute, without
// empty and dot segments, and once more normalised it is the same.
func FuzzParse(f *testing.F) {
	for _, url := range []string{"a.example/b", "https://u:p@[::1]:80/%2e%2E/?x#y", "a/%2f/..;/%25%zz", "a.example/.%2e/%2f.", "A..b/", "http://a/\xff%00"} {
		f.Add(url, "Cookie: a=b; c")
	}
	f.Fuzz(func(t *testing.T, url, header string) {
		var headers []Header
		if h, err := ParseHeader(header); err == nil {
			headers = append(headers, h)
		}
		r, err := Parse(url, headers)
		if err != nil {
			if strings.ContainsFunc(err.Error(), func(c rune) bool { return c < ' ' || c > '~' }) {
				t.Fatalf("%q: the error is no line of printable ASCII: %q", url, err)
			}
			return
		}
		r.After(1)
		r.Header("a")
		r.Cookie("a")
		r.Arg("a")
		r.Segment(0, 1)
		if r.Bad != "" {
			return
		}
		if r.Path == "" || r.Path[0] != '/' || strings.Contains(r.Path, "//") || strings.Contains(r.Path+"/", "/./") || strings.Contains(r.Path+"/", "/../") {
			t.Fatalf("%q has the path %q", url, r.Path)
		}
		if again, _, why := normalise(strings.NewReplacer("%", "%25", "?", "%3F").Replace(r.Path)); again != r.Path || why != "" {
			t.Fatalf("%q has the path %q, which becomes %q (%s)", url, r.Path, again, why)
		}
	})
}
