package tenants

import (
	"net/http"
	"strings"

	"github.com/30x/dispatcher/internal/pki"
)

// hosts are cases of what a Namespace may write as a host.
func hosts() []attack {
	const unusable = "is not a host name"
	key := apiKey("witness's key")
	bad := func(name string, hosts ...string) attack {
		a := badHost(name, "", "")
		var members []string
		for _, h := range hosts {
			members = append(members, quoted(h)+": {}")
		}
		a.make, a.told = func(h *hostile) { h.host(strings.Join(members, ", ")) }, nil
		for range hosts {
			a.told = append(a.told, "Namespace/hostile|"+hostsKey+"[|"+unusable)
		}
		return a
	}
	mine := func(hosts ...string) (wants []want) {
		for _, h := range hosts {
			wants = append(wants, want{host: h, uri: "/good", pod: "evil"})
		}
		return append(wants, good...)
	}
	declare := func(hosts ...string) func(h *hostile) {
		return func(h *hostile) {
			var members []string
			for _, host := range hosts {
				members = append(members, quoted(host)+": {}")
			}
			h.host(strings.Join(members, ", "))
			h.entry(`{"basePath": "/app", "containerPort": @PORT}, {"basePath": "/rooms", "containerPort": @PORT}, {"basePath": "/open", "containerPort": @PORT}`)
		}
	}
	stolen := []string{"Namespace/hostile|the path \"/app\" is not served there: Namespace witness, created first", "Namespace/hostile|the path \"/open\" is not served there: Namespace witness-open, created first"}
	app := func(host string) want { return want{host: host, uri: "/app", pod: "witness-0", header: key} }
	tls := func(host, uri string, status int) want { return want{host: host, uri: uri, status: status, tls: true} }
	return []attack{
		bad("end of a block", "evil.example; } server { listen 81; return 200 pwned", "evil.example{", "evil.example}", "evil.example;"),
		bad("lines", "evil.example;\nreturn 200 pwned", "evil.example\r\n", "\nevil.example", "evil\u2028.example"),
		bad("regular expressions", "~^.*$", `"~."`, "~", "~*x", "^evil$", "(evil|x).example"),
		bad("NUL", "evil.example\x00", "\x00", "evil\x00.example", "evil.example\x7f"),
		bad("words of server_name", "_", "$hostname", "${host}", "\"\"", "", "default_server", "$host"),
		bad("wildcards of nginx", "*", "www.*", ".evil.example", "*.*.example.com", "w*.example.com", "*evil.example", "a.*.example.com", "*."),
		badHost("whole top-level domains", `"*.example": {}, "*.com": {}`, "covers a whole top-level domain"),
		bad("no names", "evil.example:80", "http://evil.example", "evil.example/app", "[::1]", "::1", "evil..example", "unix:/tmp/x", "..", "."),
		bad("spaces and quotes", "www.witness.example evil.example", " evil.example", "evil.example\t", `evil".example`, "evil'.example", `evil\.example`, "evil.example#", "evil.example,x"),
		bad("letters outside ASCII", "e\u212aample.example", "bücher.example", "www\uff0ewitness.example", "ｗww.witness.example", "www.witness.exampl\u0435", "evil\u202e.example"),
		bad("too long", strings.Repeat("a", 64)+".example", strings.Repeat("a.", 130)+"example", strings.Repeat("a", 100_000)),
		bad("encoded", "%77ww.witness.example", "www%2ewitness.example", "www.witness.example%00", "www.witness.example."+"."),
		bad("hyphens", "-evil.example", "evil-.example", "evil.-example", "a_b.example"),
		{name: "words that nginx knows", harmless: true, make: declare("localhost", "include", "default", "hostnames", "volatile", "server", "unix", "0", "a0", "127.0.0.1", "xn--bcher-kva.example", "nginx", "discovery"),
			wants: append(mine("localhost", "include", "default", "hostnames", "volatile", "server", "unix", "0", "127.0.0.1", "xn--bcher-kva.example"), want{host: "unknown.example", uri: "/good"})},
		{name: "witness's host", age: younger, make: declare("www.witness.example"), told: stolen, wants: append(mine("www.witness.example"), app("www.witness.example"))},
		{name: "witness's host in another form", age: younger, make: declare("WWW.Witness.EXAMPLE."), told: stolen, wants: append(mine("www.witness.example", "WWW.WITNESS.EXAMPLE"), app("www.witness.example"), app("Www.witness.example."))},
		{name: "witness's host twice", age: younger, make: declare("www.witness.example", "www.witness.example.", "WWW.witness.example"), told: append(stolen, "the host stands here twice"), wants: append(mine("www.witness.example"), app("www.witness.example"))},
		{name: "wildcard above", harmless: true, make: declare("*.witness.example", "witness.example"),
			wants: append(mine("other.witness.example", "witness.example"), app("www.witness.example"), app("WWW.witness.example."), tls("www.witness.example", "/good", 0), want{host: "www.witness.example", uri: "/good", status: http.StatusNotFound}, want{host: "a.b.witness.example", uri: "/good"})},
		{name: "wildcard below", harmless: true, make: declare("*.www.witness.example", "*.tls.witness.example", "a.www.witness.example"),
			wants: append(mine("a.www.witness.example", "b.www.witness.example", "c.tls.witness.example"), app("www.witness.example"))},
		{name: "wildcard above with TLS", make: func(h *hostile) {
			strange := pki.NewAuthority(h.t, "authority")
			chain, key := strange.Server(h.t, []string{"*.witness.example"}, lasting())
			h.add(secret("hostile", "routing", "ssl.crt", chain, "ssl.key", key))
			h.host(`"*.witness.example": ` + overTLS)
			h.entry(`{"basePath": "/app", "containerPort": @PORT}`)
		}, harmless: true, wants: append([]want{app("www.witness.example"), tls("tls.witness.example", "/good", http.StatusNotFound), tls("www.witness.example", "/app", 0), {host: "other.witness.example", uri: "/app", status: http.StatusPermanentRedirect}}, good...)},
		{name: "witness's host with another certificate", age: younger, make: func(h *hostile) {
			chain, key := pki.NewAuthority(h.t, "authority").Server(h.t, []string{"tls.witness.example"}, lasting())
			h.add(secret("hostile", "routing", "ssl.crt", chain, "ssl.key", key))
			h.host(`"tls.witness.example": ` + overTLS)
		}, harmless: true, wants: append([]want{{host: "tls.witness.example", uri: "/good", pod: "evil", tls: true}}, good...)},
		{name: "witness's TLS host in the clear", age: younger, make: declare("tls.witness.example"), told: []string{"Namespace/hostile|the path \"/app\" is not served there"},
			wants: append([]want{{host: "tls.witness.example", uri: "/good", status: http.StatusPermanentRedirect}}, good...)},
		{name: "TLS that can't be had for the witness's host", age: younger, make: func(h *hostile) { h.host(`"www.witness.example": ` + overTLS) }, told: []string{"Namespace/hostile|there is no Secret routing"},
			wants: append([]want{app("www.witness.example"), {host: "www.witness.example", uri: "/good", status: http.StatusNotFound}}, good...)},
		{name: "TLS for the witness's plain host", age: younger, make: func(h *hostile) {
			chain, key := h.w.ca.Server(h.t, []string{"www.witness.example"}, lasting())
			h.add(secret("hostile", "routing", "ssl.crt", chain, "ssl.key", key))
			h.host(`"www.witness.example": ` + overTLS)
		}, told: []string{"Namespace/hostile|none of its paths is served there: Namespace witness owns the host"},
			wants: append([]want{app("www.witness.example"), tls("www.witness.example", "/app", 0), {host: "www.witness.example", uri: "/good", status: http.StatusNotFound}}, good...)},
		{name: "labels", make: func(h *hostile) {
			h.ns.Labels["github.com/30x.dispatcher.org"] = "x\n} server { return 200 pwned; } #"
			h.ns.Labels["github.com/30x.dispatcher.env"] = "$host;"
		}, told: []string{"Namespace/hostile|github.com/30x.dispatcher.org|is not a label value", "Namespace/hostile|github.com/30x.dispatcher.env"}},
		{name: "what is demanded", make: func(h *hostile) { h.ns.Annotations[prefix+"auth"] = "none; return 200 pwned" }, told: []string{"Namespace/hostile|counts as", "Namespace/hostile|answer 403"}, wants: shut},
		{name: "names of Namespaces", make: func(h *hostile) {
			for _, name := range []string{"x; } server { return 200 pwned; } #", "../witness", "a\nb", "witness ", "Witness", strings.Repeat("a", 300)} {
				h.add(namespace(name, 1, `{"www.witness.example": {}, "named.example": {}}`))
			}
		}, failed: "object ignored", told: []string{"object ignored"}, wants: append([]want{{host: "named.example", uri: "/good"}}, good...)},
		{name: "not labelled", maybe: true, make: func(h *hostile) { h.ns.Labels[routable] = "True; x"; h.host(`"www.witness.example": {}`) }, wants: []want{{host: "hostile.example", uri: "/good"}, app("www.witness.example")}},
	}
}
