package message

import (
	"slices"
	"strings"
	"testing"
)

func TestEmergencies(t *testing.T) {
	output := "2026/11/21 10:43:00 [notice] 7#7: reconfiguring\n" +
		"2026/11/21 10:43:00 [emerg] 7#7: bind() to 127.0.0.1:80 failed (98: Address already in use)\n" +
		"2026/11/21 10:43:01 [emerg] 7#7: bind() to 127.0.0.1:80 failed (98: Address already in use)\n" +
		"nginx: [emerg] still could not bind()\n"
	want := []string{"bind() to 127.0.0.1:80 failed (98: Address already in use)", "still could not bind()"}
	if got := Emergencies(output); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestPassing(t *testing.T) {
	for text, want := range map[string]bool{
		`unknown directive "x" in /w/nginx.conf:3`:                           false,
		`host not found in upstream "fallback.internal" in /w/nginx.conf:3`:  true,
		"bind() to 0.0.0.0:80 failed (13: Permission denied)":                true,
		"bind() to 10.0.0.9:80 failed (99: Cannot assign requested address)": true,
		`open() "/x" failed (24: Too many open files)`:                       true,
		`duplicate upstream "pods" in /w/nginx.conf:9`:                       false,
	} {
		if Passing(text) != want {
			t.Errorf("Passing(%q) is not %v", text, want)
		}
	}
}

func TestLocate(t *testing.T) {
	for message, want := range map[string]struct {
		rest, path string
		line       int
	}{
		`unknown directive "x" in /w/nginx.conf:12`:  {`unknown directive "x"`, "/w/nginx.conf", 12},
		`host not found in upstream "a" in /a b/c:3`: {`host not found in upstream "a"`, "/a b/c", 3},
		"still could not bind()":                     {"still could not bind()", "", 0},
		"odd in /x:99999999999999999999":             {"odd in /x:99999999999999999999", "", 0},
	} {
		rest, path, line := Locate(message)
		if rest != want.rest || path != want.path || line != want.line {
			t.Errorf("%q: %q, %q, %d", message, rest, path, line)
		}
	}
}

// Foreign text can't forge a line of the log, nor fill it.
func TestTidy(t *testing.T) {
	if got := Tidy(" a\nb\x1b[31m\u202e \n"); got != "a b [31m" {
		t.Errorf("got %q", got)
	}
	if got := []rune(Tidy(strings.Repeat("ä", 1000))); len(got) != 301 {
		t.Errorf("%d characters", len(got))
	}
}

func TestHint(t *testing.T) {
	for message, want := range map[string]string{
		"bind() to 0.0.0.0:80 failed (98: Address already in use)":           "another port",
		"bind() to 0.0.0.0:80 failed (13: Permission denied)":                "NET_BIND_SERVICE",
		"bind() to 10.1.1.1:80 failed (99: Cannot assign requested address)": "address",
		"open() failed (24: Too many open files)":                            "limit",
		"unknown directive": "log",
	} {
		if got := Hint(message); !strings.Contains(got, want) {
			t.Errorf("%q: %q", message, got)
		}
	}
}
