package requests

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// lie is what stands in headers that no Pod may see, in no spelling.
const lie = "6.6.6.6"

// groups are all tables of exchanges, by what they are about.
func groups(w *world) map[string][]exchange {
	return map[string][]exchange{
		"1 headers":       slices.Concat(names(), spellings(), hopByHop()),
		"2 API keys":      apiKeys(),
		"3 certificates":  certificates(),
		"4 hosts":         slices.Concat(hosts(w), absolute(), secureHosts()),
		"5 paths":         slices.Concat(paths(), sharedPaths(), encodings()),
		"6 protocol":      slices.Concat(methods(), upgrades(), versions()),
		"7 smuggling":     slices.Concat(lengths(), chunks(), pipelines()),
		"8 Pods' answers": slices.Concat(accel(w), answers(w), unfinished(w), bare(w)),
		"9 doors":         doors(w),
	}
}

// identity are the headers by which Pods learn of a client, with what they have to
// hold when one of this machine asks over plain HTTP.
func identity() map[string]string {
	return map[string]string{
		"X_FORWARDED_FOR": `^127\.0\.0\.1$`, "X_REAL_IP": `^127\.0\.0\.1$`, "X_FORWARDED_PROTO": "^https?$", "X_FORWARDED_HOST": `^([a-z0-9.-]+|\[::1\])$`,
		"X_FORWARDED_PORT": "^[0-9]+$", "X_REQUEST_ID": "^[0-9a-f]{32}$",
	}
}

// cgi is how CGI, WSGI, Rack and PHP read the headers of a request: letters in
// upper case, and an underscore for whatever else a name has.
func cgi(request string) map[string][]string {
	head, _, _ := strings.Cut(request, "\r\n\r\n")
	out := map[string][]string{}
	for line := range strings.SplitSeq(head, "\n") {
		name, value, _ := strings.Cut(line, ":")
		name = regexp.MustCompile("[^A-Z0-9]").ReplaceAllString(strings.ToUpper(strings.TrimSpace(name)), "_")
		out[name] = append(out[name], strings.TrimSpace(value))
	}
	return out
}

// believes reports what a Pod would believe that isn't so. It holds for every
// request of every case.
func believes(t *testing.T, request string) {
	t.Helper()
	env := cgi(request)
	if env["HOST"] == nil { // only in HTTP/1.0, where somebody serves all hosts
		env["X_FORWARDED_HOST"] = append(env["X_FORWARDED_HOST"], "none")
	} else if host := regexp.MustCompile(`[.]?(:[0-9]+)?$`).ReplaceAllString(strings.Join(env["HOST"], "|"), ""); host != strings.Join(env["X_FORWARDED_HOST"], "|") {
		t.Errorf("the Pod believes in two hosts, %q and %q", host, env["X_FORWARDED_HOST"])
	}
	for name, want := range identity() {
		if got := env[name]; len(got) != 1 || !regexp.MustCompile(want).MatchString(got[0]) {
			t.Errorf("the Pod believes that %s is %q: %q", name, got, request)
		}
	}
	for _, name := range []string{"FORWARDED", "PROXY", "X_ROUTING_API_KEY", "CONNECTION", "KEEP_ALIVE", "TE", "UPGRADE"} {
		upgrade := strings.Contains(request, "\r\nUpgrade: websocket\r\nConnection: upgrade\r\n")
		if got := env[name]; got != nil && (!upgrade || name != "UPGRADE" && name != "CONNECTION") {
			t.Errorf("the Pod gets %s: %q", name, got)
		}
	}
}

// names: what clients say of themselves is replaced, or gone.
func names() (out []exchange) {
	for _, name := range []string{
		"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Real-IP", "X-Request-ID", "Forwarded", "Proxy", "X-Routing-Api-Key",
		"X-Forwarded-Scheme", "X-Forwarded-Ssl", "X-Forwarded-Server", "X-Forwarded-Prefix", "X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Client-Cert",
		"X-SSL-Client-Subject", "X-SSL-Client-Issuer", "X-SSL-Client-Fingerprint", "X-SSL-Client-Verify", "X-SSL-Client-Cert", "X-SSL-Client-DN", "X-SSL-Client-S-DN",
		"X-SSL-Client-I-DN", "X-SSL-Client-Serial", "X-SSL-Client-SHA1", "SSL-Client-Verify", "SSL-Client-Cert", "SSL-Client-Subject-DN", "SSL-Client-Issuer-DN",
	} {
		out = append(out, exchange{
			name: name, raw: get("alpha.test", "/", name+": "+lie, strings.ToLower(name)+": "+lie), want: "200", pods: "alpha-web",
			sees: []string{"\r\nHost: alpha.test\r\n"}, hides: []string{lie}, row: "Headers of the router's own",
		})
	}
	return out
}

// spellings: ways to write a name or a line that Pods may read as X-Forwarded-For.
func spellings() (out []exchange) {
	for _, c := range []struct{ name, line, want string }{
		{"underscores", "X_Forwarded_For: " + lie, "200"},
		{"an underscore", "X-Forwarded_For: " + lie, "200"},
		{"dots", "X.Forwarded.For: " + lie, "200"},
		{"a dot", "X-Forwarded.For: " + lie, "200"},
		{"underscores and dots", "X_Real.IP: " + lie, "200"},
		{"lower case", "x-forwarded-for: " + lie, "200"},
		{"upper case", "X-FORWARDED-FOR: " + lie, "200"},
		{"other marks", "X!Forwarded~For: " + lie, "200"},
		{"a plus sign", "X+Forwarded+For: " + lie, "200"},
		{"not ASCII", "X\u2010Forwarded\u2010For: " + lie, "200"},
		{"a byte beyond ASCII", "X-Forwarded-For\xa0: " + lie, "200"},
		{"no space", "X-Forwarded-For:" + lie, "200"},
		{"a tab before the value", "X-Forwarded-For:\t" + lie, "200"},
		{"spaces behind the value", "X-Forwarded-For: " + lie + " \t ", "200"},
		{"twice", "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: " + lie, "200"},
		{"a hundred times", strings.Repeat("X-Forwarded-For: "+lie+"\r\n", 99) + "X-Forwarded-For: " + lie, "200"},
		{"empty", "X-Forwarded-For:", "200"},
		{"no colon", "X-Forwarded-For", "200"},
		{"without a name", ": " + lie, "400"},
		{"two colons", "X-Forwarded-For:: " + lie, "200"},
		{"a bare LF before it", "X-Other: 1\nX-Forwarded-For: " + lie, "200"},
		{"a space before the colon", "X-Forwarded-For : " + lie, "400"},
		{"a tab before the colon", "X-Forwarded-For\t: " + lie, "400"},
		{"folded", "X-Other: 1\r\n X-Forwarded-For: " + lie, "400"},
		{"folded by a tab", "X-Other: 1\r\n\tX-Forwarded-For: " + lie, "400"},
		{"the value folded", "X-Forwarded-For:\r\n " + lie, "400"},
		{"NUL in the name", "X-Forwarded-For\x00: " + lie, "400"},
		{"NUL in a value", "X-Other: \x00" + lie, "400"},
		{"a bare CR in a value", "X-Other: 1\rX-Forwarded-For: " + lie, "400"},
		{"a bare CR in a name", "X-Forwarded\r-For: " + lie, "400"},
		{"a space in a name", "X-Forwarded For: " + lie, "400"},
		{"VT before the colon", "X-Forwarded-For\v: " + lie, "400"},
	} {
		e := exchange{name: c.name, raw: get("alpha.test", "/", c.line), want: c.want, hides: []string{lie}, row: "Odd spellings of headers"}
		if c.want == "200" {
			e.pods = "alpha-web"
		} else {
			e.row = "Header lines that are none"
		}
		out = append(out, e)
	}
	return out
}

// hopByHop: what belongs to the client's connection alone does not go on, and no
// client can have our headers taken for such.
func hopByHop() []exchange {
	ours := "X-Forwarded-For, X-Real-IP, X-Forwarded-Host, X-Routing-Api-Key, X-SSL-Client-Subject, Host, X-Request-ID, close"
	to := func(name, raw string, hides ...string) exchange {
		return exchange{name: name, raw: raw, want: "200", pods: "alpha-web", hides: hides, row: "`Connection: X-Forwarded-For`"}
	}
	return []exchange{
		to("Connection names ours", "GET / HTTP/1.1\r\nHost: alpha.test\r\nConnection: "+ours+"\r\n\r\n", "close"),
		to("Connection twice", "GET / HTTP/1.1\r\nHost: alpha.test\r\nConnection: close\r\nConnection: "+ours+"\r\n\r\n", "close"),
		to("Keep-Alive", get("alpha.test", "/", "Keep-Alive: timeout=999, max=999"), "999"),
		to("TE", get("alpha.test", "/", "TE: trailers, deflate;q=0.5"), "trailers"),
		to("Upgrade and Connection", "GET / HTTP/1.1\r\nHost: alpha.test\r\nConnection: upgrade, X-Real-IP, close\r\nUpgrade: none\r\n\r\n", "none"),
		to("trailers", post("3\r\nabc\r\n0\r\nX-Forwarded-For: "+lie+"\r\nX-Routing-Api-Key: "+lie+"\r\n\r\n", "Transfer-Encoding: chunked", "Trailer: X-Forwarded-For"), lie),
		to("Expect", post("x", "Content-Length: 1", "Expect: 200-ok"), "expect:"),
	}
}

// apiKeys: the key is compared exactly, under one name, and stays here.
func apiKeys() []exchange {
	key := base64.StdEncoding.EncodeToString([]byte("open sesame"))
	good := "X-Routing-Api-Key: " + key
	of := func(name, want string, raw string) exchange {
		e := exchange{name: name, raw: raw, want: want, hides: []string{key}, row: "Without the API key, or with it in another spelling"}
		if want == "200" {
			e.pods, e.row = "keyed-web", "With the API key"
		}
		return e
	}
	return []exchange{
		of("with the key", "200", get("keyed.test", "/k", good)),
		of("on a shared host", "200", get("shared.test", "/k/x", good)),
		of("in upper case", "200", get("keyed.test", "/k", "X-ROUTING-API-KEY: "+key)),
		of("with spaces around it", "200", get("keyed.test", "/k", "X-Routing-Api-Key:   "+key+"  ")),
		of("with a tab before it", "403", get("keyed.test", "/k", "X-Routing-Api-Key:\t"+key)),
		of("without", "403", get("keyed.test", "/k")),
		of("on a shared host, without", "403", get("shared.test", "/k")),
		of("empty", "403", get("keyed.test", "/k", "X-Routing-Api-Key:")),
		of("key in lower case", "403", get("keyed.test", "/k", "X-Routing-Api-Key: "+strings.ToLower(key))),
		of("underscores", "403", get("keyed.test", "/k", "X_Routing_Api_Key: "+key)),
		of("dots", "403", get("keyed.test", "/k", "X.Routing.Api.Key: "+key)),
		of("an argument", "403", get("keyed.test", "/k?X-Routing-Api-Key="+key)),
		of("a cookie", "403", get("keyed.test", "/k", "Cookie: X-Routing-Api-Key="+key)),
		of("half of it", "403", get("keyed.test", "/k", "X-Routing-Api-Key: "+key[:6])),
		of("more than it", "403", get("keyed.test", "/k", good+key)),
		of("in quotes", "403", get("keyed.test", "/k", `X-Routing-Api-Key: "`+key+`"`)),
		of("not encoded", "403", get("keyed.test", "/k", "X-Routing-Api-Key: open sesame")),
		of("wrong, then right", "403", get("keyed.test", "/k", "X-Routing-Api-Key: x", good)),
		of("HEAD", "403", request("HEAD", "keyed.test", "/k")),
		of("OPTIONS", "403", request("OPTIONS", "keyed.test", "/k")),
		of("an upgrade", "403 403", "GET /k HTTP/1.1\r\nHost: keyed.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"+get("keyed.test", "/k")),
		of("in a trailer", "403", "POST /k HTTP/1.1\r\nHost: keyed.test\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nTrailer: X-Routing-Api-Key\r\n\r\n0\r\n"+good+"\r\n\r\n"),
	}
}

// certificates: who a client is comes from its certificate alone.
func certificates() []exchange {
	of := func(name, sni, want, pods, raw string, sees ...string) exchange {
		e := exchange{name: name, sni: sni, raw: raw, want: want, pods: pods, sees: sees, hides: []string{lie}}
		if strings.HasPrefix(want, "4") {
			e.row = "TLS for one host, `Host` of another that demands client certificates"
		}
		return e
	}
	lies := []string{"X-SSL-Client-Subject: CN=" + lie, "X_SSL_Client_Subject: CN=" + lie, "X.SSL.Client.Subject: CN=" + lie, "X-SSL-Client-Issuer: " + lie, "Connection: X-SSL-Client-Subject"}
	return []exchange{
		of("with one", "mutual.test+", "200", "secure-web", get("mutual.test", "/"), "X-SSL-Client-Subject: CN=alice"),
		of("with one, and lies", "mutual.test+", "200", "secure-web", get("mutual.test", "/", lies...), "X-SSL-Client-Subject: CN=alice"),
		of("lies on another host", "secure.test", "200", "secure-web", get("secure.test", "/", lies...)),
		of("without", "mutual.test", "400", "", get("mutual.test", "/", lies...)),
		of("asked for by another name", "secure.test", "421", "", get("mutual.test", "/", lies...)),
		of("without a name", "none", "421", "", get("mutual.test", "/")),
		of("brought to another host", "mutual.test+", "421", "", get("secure.test", "/")),
		of("brought to an unknown host", "mutual.test+", closed, "", get("unknown.test", "/")),
		of("brought to a plain host", "mutual.test+", closed, "", get("alpha.test", "/")),
		of("both hosts on one connection", "mutual.test+", "200 421", "secure-web", "GET / HTTP/1.1\r\nHost: mutual.test\r\n\r\n"+get("secure.test", "/")),
		of("the absolute form beats Host", "secure.test", "421", "", get("secure.test", "https://mutual.test/")),
	}
}
