package foreign

import (
	"os"
	"strings"
	"testing"
)

// TestPageIsCurrent: the documentation shows what the code knows.
func TestPageIsCurrent(t *testing.T) {
	const page = "../../../../docs/coming-from-ingress.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	begin := strings.Index(string(text), "| `"+Prefix)
	if begin < 0 {
		t.Fatal("the page has no table of annotations")
	}
	rest := string(text[begin:])
	end := len(rest)
	if i := strings.Index(rest, "\n\n"); i >= 0 {
		end = i + 1
	}
	if rest[:end] == Markdown() {
		return
	}
	if os.Getenv("UPDATE") != "1" {
		t.Fatal("the page differs from the table in the code: run UPDATE=1 make test")
	}
	if err := os.WriteFile(page, []byte(string(text[:begin])+Markdown()+rest[end:]), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		ours       string // an option that is set
		closes     bool
		reason     string // begins so; "" if nothing is told
	}{
		{"whitelist-source-range", "10.0.0.0/8", "", true, "all requests are answered with 403: it says who is let in, and is not read here; write x/allowSourceRanges in its place"},
		{"whitelist-source-range", "10.0.0.0/8", "allowSourceRanges", false, ""},
		{"whitelist-source-range", " ", "", false, ""},
		{"denylist-source-range", "10.0.0.0/8", "", true, "all requests are answered with 403"},
		{"auth-url", "https://sign.in/", "", true, "all requests are answered with 403"},
		{"auth-url", "https://sign.in/", "auth", false, ""},
		{"auth-type", "off", "", true, "all requests are answered with 403"},
		{"auth-tls-secret", "shop/ca", "auth", true, "all requests are answered with 403: it says who is let in, and is not read here; ssl.clientCertificate of the host"},
		{"limit-rps", "5", "", false, "it has no effect here: not supported, because counts of one replica"},
		{"limit-rps", "0", "", false, ""},
		{"force-ssl-redirect", "true", "", false, "it has no effect here: SSL_REDIRECT"},
		{"ssl-redirect", "False", "", false, ""},
		{"enable-modsecurity", "true", "", false, "it has no effect here"},
		{"backend-protocol", "HTTPS", "", false, "it has no effect here: write x/backendProtocol in its place"},
		{"configuration-snippet", "more_set_headers X", "", false, "it has no effect here: not supported"},
		{"configuration-snippet", "# deny all;\nadd_header X y; proxy_read_timeout 5s;\n", "", false, "it has no effect here: not supported"},
		{"configuration-snippet", "add_header X y; internal;", "", true, "all requests are answered with 403"},
		{"configuration-snippet", "return 404;", "", true, "all requests are answered with 403"},
		{"server-snippet", "ssl_verify_client on;", "", true, "all requests are answered with 403"},
		{"server-snippet", "include /x;", "", true, "all requests are answered with 403"},
		{"configuration-snippet", "allow 10.0.0.0/8;\n deny all;", "auth", true, "all requests are answered with 403: it says who is let in, and is not read here; not supported"},
		{"server-snippet", "if ($x) { return 403; }", "", true, "all requests are answered with 403"},
		{"modsecurity-snippet", "SecRule x deny", "", false, "it has no effect here"},
		{"rewrite-target", "/", "", false, ""},
	} {
		closes, notes := Read(map[string]string{Prefix + c.name: c.text, "other": "x"}, "x/", func(option string) bool { return option == c.ours })
		reason := ""
		for _, n := range notes {
			reason += n.Reason
			if n.Key != Prefix+c.name {
				t.Errorf("%s: told of %s", c.name, n.Key)
			}
		}
		if closes != c.closes || len(notes) > 1 || !strings.HasPrefix(reason, c.reason) || c.reason == "" && reason != "" {
			t.Errorf("%s: %q: closes is %v, told is %q", c.name, c.text, closes, reason)
		}
	}
}

// What is read is what the cache keeps.
func TestKeys(t *testing.T) {
	t.Parallel()
	for _, key := range Keys() {
		if _, notes := Read(map[string]string{key: "true"}, "", func(string) bool { return false }); len(notes) != 1 || notes[0].Key != key {
			t.Errorf("%s: %v", key, notes)
		}
	}
}
