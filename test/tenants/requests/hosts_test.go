package requests

import "strings"

// raw is a GET request with a line in the place of Host's.
func raw(target, version string, lines ...string) string {
	return "GET " + target + " HTTP/" + version + "\r\n" + strings.Join(append(lines, "Connection: close"), "\r\n") + "\r\n\r\n"
}

// hosts: the host is read in one way, or the request is refused.
func hosts(*world) (out []exchange) {
	served := func(name, host, pods string) {
		out = append(out, exchange{
			name: name, raw: get(host, "/"), want: "200", pods: pods, row: "`Host` in another spelling, with a port or a trailing dot",
			sees: []string{"\r\nHost: " + strings.TrimSuffix(pods, "-web") + ".test\r\n"},
		})
	}
	served("as declared", "alpha.test", "alpha-web")
	served("upper case", "ALPHA.Test", "alpha-web")
	served("a port", "alpha.test:81", "alpha-web")
	served("an empty port", "alpha.test:", "alpha-web")
	served("a trailing dot", "alpha.test.", "alpha-web")
	served("spaces around it", "  alpha.test  ", "alpha-web")

	for name, host := range map[string]string{ // newer versions of nginx take some for no host at all
		"unknown": "unknown.test", "a label more": "x.alpha.test", "a label less": "test", "userinfo": "alpha.test@unknown.test",
		"userinfo of another": "unknown.test@alpha.test", "userinfo and password": "x:y@alpha.test", "an underscore": "_", "nginx's own default": "default_server", "two hosts": "alpha.test,beta.test",
		"not ASCII": "alph\u00e4.test", "a full stop of Unicode": "alpha\u3002test", "percent": "alpha%2etest", "IPv6": "[::1]", "IPv6 with a zone": "[fe80::1%25lo]:80", "IPv4": "192.0.2.1",
		"a decimal address": "2130706433", "a regular expression": "~^.*$", "an asterisk": "*", "an asterisk of a wildcard": "*.wild.test", "a tag below a wildcard": "<b>.wild.test", "a quote below a wildcard": "x'y.wild.test", "a comma below a wildcard": "alpha.test,x.wild.test", "too deep for a wildcard": "a.b.wild.test", "the wildcard's parent": "wild.test",
		"a query": "alpha.test?x", "a fragment": "alpha.test#x", "a variable": "$host", "braces": "{alpha.test}", "a quote": `alpha.test"`, "a semicolon": "alpha.test;", "a backslash": `alpha.test\`,
		"long": strings.Repeat("x", 4000) + ".test", "longer than a name": strings.Repeat("x.", 200) + "alpha.test",
	} {
		out = append(out, exchange{name: name, raw: get(host, "/"), want: closed, or: "400", row: "Unknown `Host`"})
	}
	for name, r := range map[string]string{
		"twice":               raw("/", "1.1", "Host: alpha.test", "Host: beta.test"),
		"twice the same":      raw("/", "1.1", "Host: alpha.test", "Host: alpha.test"),
		"twice, one empty":    raw("/", "1.1", "Host: alpha.test", "Host:"),
		"twice, in two cases": raw("/", "1.1", "Host: alpha.test", "hOST: beta.test"),
		"empty":               get("", "/"), "two hosts with a space": get("alpha.test, beta.test", "/"), "a tab": get("\talpha.test", "/"),
		"none":                  raw("/", "1.1"),
		"a slash":               get("alpha.test/x", "/"),
		"a space in it":         get("alpha.test beta.test", "/"),
		"NUL":                   get("alpha.test\x00", "/"),
		"two dots":              get("alpha..test", "/"),
		"a control character":   get("alpha.test\x01", "/"),
		"folded":                raw("/", "1.1", "Host: alpha.test", " beta.test"),
		"a space before colon":  raw("/", "1.1", "Host : alpha.test"),
		"a port and a slash":    get("alpha.test:80/x", "/"),
		"longer than a header":  get(strings.Repeat("x", 20000), "/"),
		"HTTP/2's in HTTP/1":    raw("/", "1.1", ":authority: alpha.test"),
		"twice with absolute":   raw("http://alpha.test/", "1.1", "Host: alpha.test", "Host: beta.test"),
		"absolute without Host": raw("http://alpha.test/", "1.1"),
	} {
		out = append(out, exchange{name: name, raw: r, want: "400", row: "Two `Host` headers, none, or one that can't be one"})
	}
	return append(
		out,
		exchange{name: "a wildcard", raw: get("a.wild.test", "/b"), want: "200", pods: "beta-web", sees: []string{"\r\nHost: a.wild.test\r\n"}},
		exchange{name: "X-Forwarded-Host", raw: get("unknown.test", "/", "X-Forwarded-Host: alpha.test", "X-Host: alpha.test"), want: closed, row: "Unknown `Host`"},
		exchange{name: "an underscore in the name", raw: raw("/", "1.1", "Host: alpha.test", "H_ost: beta.test", "Host_: beta.test"), want: "200", pods: "alpha-web", hides: []string{"beta"}},
		exchange{name: "HTTP/1.0 without Host", raw: raw("/", "1.0"), want: closed, row: "HTTP/1.0 without `Host`"},
		exchange{name: "HTTP/1.0 with Host", raw: raw("/", "1.0", "Host: alpha.test"), want: "200", pods: "alpha-web", sees: []string{" HTTP/1.1\r\n"}},
		exchange{name: "HTTP/0.9", raw: "GET /\r\n", want: closed, row: "HTTP/0.9"},
		exchange{name: "HTTP/0.9, absolute", raw: "GET http://alpha.test/\r\n", want: "raw", pods: "alpha-web", gets: []string{"alpha-web"}},
		exchange{name: "a port that is none", raw: get("alpha.test:x", "/"), want: "200", or: "400", pods: "alpha-web", sees: []string{"\r\nHost: alpha.test\r\n"}},
		exchange{name: "two ports", raw: get("alpha.test:80:81", "/"), want: "200", or: "400", pods: "alpha-web", sees: []string{"\r\nHost: alpha.test\r\n"}},
	)
}

// absolute: a host in the request line beats Host.
func absolute() []exchange {
	of := func(name, target, host, want, pods string) exchange {
		return exchange{name: "absolute: " + name, raw: raw(target, "1.1", "Host: "+host), want: want, pods: pods, row: "Absolute URI with a host that differs from `Host`"}
	}
	out := []exchange{
		of("the same", "http://alpha.test/", "alpha.test", "200", "alpha-web"),
		of("another", "http://alpha.test/", "beta.test", "200", "alpha-web"),
		of("Host is unknown", "http://alpha.test/", "unknown.test", "200", "alpha-web"),
		of("another scheme", "ftp://alpha.test/", "beta.test", "200", "alpha-web"),
		of("https on plain HTTP", "https://alpha.test/", "beta.test", "200", "alpha-web"),
		of("a port", "http://alpha.test:81/", "beta.test", "200", "alpha-web"),
		of("no path", "http://alpha.test", "beta.test", "200", "alpha-web"),
		of("a query alone", "http://alpha.test?x", "beta.test", "200", "alpha-web"),
		of("unknown", "http://unknown.test/", "alpha.test", closed, ""),
		of("userinfo", "http://alpha.test@beta.test/", "alpha.test", "400", ""),
		of("empty", "http:///", "alpha.test", "400", ""),
		of("an underscore", "http://al_pha.test/", "alpha.test", "400", ""),
		of("a TLS host's", "http://mutual.test/", "alpha.test", "308", ""),
		of("another tenant's path", "http://shared.test/b", "alpha.test", "200", "beta-web"),
		of("an authority", "//beta.test/b", "alpha.test", "200", "alpha-web"),
	}
	for i := range out {
		if out[i].want == "308" {
			out[i].row = ""
		}
		if out[i].want == "200" && out[i].pods == "alpha-web" {
			out[i].sees = []string{"\r\nHost: alpha.test\r\n", "GET /"}
		}
	}
	return out
}

// secureHosts: over TLS the name in the handshake opens no other tenant's host that
// demands a certificate, and unknown hosts reveal nothing either.
func secureHosts() []exchange {
	of := func(name, sni, host, want, pods, row string) exchange {
		return exchange{name: "TLS: " + name, sni: sni, raw: get(host, "/"), want: want, pods: pods, row: row}
	}
	const unknown, other = "Unknown `Host`", "TLS for one host, `Host` of another"
	return []exchange{
		of("the same", "secure.test", "secure.test", "200", "secure-web", ""),
		of("unknown", "secure.test", "unknown.test", closed, "", unknown),
		of("unknown in both", "unknown.test", "unknown.test", closed, "", unknown),
		of("no name", "none", "unknown.test", closed, "", unknown),
		of("a plain host", "secure.test", "alpha.test", closed, "", unknown),
		of("a plain host in both", "alpha.test", "alpha.test", closed, "", unknown),
		of("the default certificate's name", "default.test", "default.test", closed, "", unknown),
		of("from an unknown name", "unknown.test", "secure.test", "200", "secure-web", other),
		of("no name, known host", "none", "secure.test", "200", "secure-web", other),
		{name: "TLS bytes to the plain port", raw: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("x", 200), want: "400", row: "TLS on the HTTP port, HTTP on the HTTPS port"},
	}
}
