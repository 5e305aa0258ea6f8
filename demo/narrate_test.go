package main

import (
	"strings"
	"testing"
)

func TestNarrate(t *testing.T) {
	const live = `{"level":"INFO","msg":"configuration live","hosts":2,"locations":1,"endpoints":8,"problems":0,`
	for _, c := range []struct {
		name, line, want string
		live             bool
	}{
		{"first", live + `"took":41800000}`, "live in 42ms: first configuration (now 2 hosts, 1 location, 8 endpoints, 0 problems)", true},
		{"changes", live + `"took":"1.2s","changed":["Pod/n/a added","Pod/n/b deleted"]}`,
			"live in 1.2s: Pod/n/a added, Pod/n/b deleted (now 2 hosts, 1 location, 8 endpoints, 0 problems)", true},
		{"many changes", live + `"took":1000000,"changed":["a","b","c","d","e","f"]}`,
			"live in 1ms: a, b, c, d and 2 more (now 2 hosts, 1 location, 8 endpoints, 0 problems)", true},
		{"problem", `{"level":"WARN","msg":"problem","object":"Pod/n/a","key":"paths[0]","reason":"it is dropped"}`,
			"problem: Pod/n/a: paths[0]: it is dropped", false},
		{"solved", `{"level":"INFO","msg":"problem solved","object":"Pod/n/a","key":"paths[0]"}`, "solved: Pod/n/a: paths[0]", false},
		{"good again", `{"level":"INFO","msg":"manifest file is good again","file":"a.yaml"}`, "manifest file is good again file=a.yaml", false},
		{"error", `{"time":"now","level":"ERROR","msg":"can't read","file":"a.yaml","in":5000000000,"error":"line 3\nline 4"}`,
			"error: can't read error=line 3 line 4 file=a.yaml in=5000000000", false},
		{"no news", `{"level":"INFO","msg":"watching"}`, "", false},
		{"no news, with a word of another type", `{"level":"INFO","msg":"dispatcher starts","endpoints":"dynamic"}`, "", false},
		{"nginx", "nginx: [emerg] bind() failed", "nginx: [emerg] bind() failed", false},
		{"nginx at work", "2026/11/21 11:07:23 [alert] 7#7: trouble", "nginx: [alert] 7#7: trouble", false},
		{"escapes", "\x1b[31mred\x07", " [31mred ", false},
		{"other JSON", `[1]`, `[1]`, false},
		{"unexpected types", `{"msg":"configuration live","hosts":"two"}`, `{"msg":"configuration live","hosts":"two"}`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if text, live := narrate(c.line); text != c.want || live != c.live {
				t.Errorf("got  %q, %t\nwant %q, %t", text, live, c.want, c.live)
			}
		})
	}
}

func TestCommandLine(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"ws"}, "ws needs a URL"},
		{[]string{"chekc"}, `unexpected argument "chekc"`},
		{[]string{"-manifests", "/nonexistent"}, "start the demo in the project's own folder"},
		{[]string{"check", "-manifests", "/nonexistent"}, "no manifests in /nonexistent"},
	} {
		t.Setenv("NGINX_BINARY", "true") // nothing gets as far as running it
		err := command(t.Context(), c.args, t.Output())
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, want %q", c.args, err, c.want)
		}
	}
}
