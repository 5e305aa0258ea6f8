package tenants

import (
	"net/http"
	"strings"
)

// targets are cases of what a Pod may ask for beside a path and a port.
func targets() []attack {
	const unusable = "is not a usable path"
	return []attack{
		badPaths("end of a block", "targetPath", unusable, `"/t; return 200 pwned"`, `"/t { return 200 pwned; }"`, `"/t}"`, `"/t;"`, `"/t%3B"`),
		badPaths("lines", "targetPath", unusable, `"/t\nreturn 200 pwned;"`, `"/t\r\nX-Evil: 1"`, `"/t%0d%0aX-Evil:1"`, `"/t\u0000"`, `"/t HTTP/1.1\r\nHost: vault.example\r\n\r\n"`),
		badPaths("variables", "targetPath", unusable, `"/$request_uri"`, `"/${http_x_routing_api_key}"`, `"$uri"`, `"/t$"`, `"/%24host"`, `"/$path_after_1"`),
		badPaths("others", "targetPath", unusable, `"http://127.0.0.1/"`, `"unix:/tmp/x"`, `"//vault.example/"`, `"@t"`, `"t"`, `"https://$host/"`, `""`),
		badPaths("dot segments and queries", "targetPath", unusable, `"/.."`, `"/%2e%2e/x"`, `"/t?x="`, `"/t#x"`, `"/t/../x"`, `"/t//x"`, `"/t%2Fx"`),
		badPaths("quotes", "targetPath", unusable, `"/t\""`, `"/t'"`, `"/t\\"`, `"/t\"; return 200 pwned; #"`, `"/t<x>"`, `"/t^x"`, `"/t|x"`),
		badPaths("too long", "targetPath", "the entry is dropped", quoted("/"+strings.Repeat("t", 5000)), quoted("/"+strings.Repeat("%e4%bd%a0", 1000))),
		badPaths("cookies", "sticky", "is not the name of a cookie", `"pod; Path=/"`, `"pod expires=1h"`, `"$cookie_x"`, `"a b"`, `""`, quoted(strings.Repeat("c", 65)), `"a\nb"`, `"pod\u0000"`, `"é"`),
		badPaths("sizes", "maxBodySize", "", `"1k; return 200 pwned"`, `"-1"`, `"1e9"`, `""`, `"1.5m"`, `"$x"`, `"0x10"`, `"1t"`, `" 1"`, `"99999999999999999999g"`),
		badPaths("times", "readTimeout", "is not a time", `"1h; x"`, `"0"`, `"0s"`, `"25h"`, `"1d"`, `"-1s"`, `"1h30m"`, `"$t"`, `"99999999999999999999s"`, `"+1s"`, `"01s"`, `"1e3s"`),
		badPaths("other times", "slowStart", "is not a time", `"1h; x"`, `"16m"`, `"0"`, `"1ms"`, `""`),
		badPaths("graces", "readyGrace", "is not a time", `"16m"`, `"-1s"`, `"1s}"`, `"1e1s"`, `"9223372036854775807s"`),
		badPaths("ways to balance", "balance", "is not a way to balance", `"ip_hash"`, `"least_conn; x"`, `"hash $host"`, `""`, `"random two"`),
		badPaths("policies", "policy", "", `"hash; x"`, `"all"`, `""`, `"One"`, `"one\n"`),
		badPaths("networks", "allowSourceRanges", "", `"0.0.0.0/0; allow all"`, `"all"`, `"unix:"`, `"10.0.0.1/8"`, `"::ffff:10.0.0.1/128"`, `"255.255.255.255"`, `"fe80::1%lo"`, `"010.0.0.1"`, `""`, `"10.0.0.0/33"`, `"$remote_addr"`),
		badPaths("protocols", "backendProtocol", "is not a protocol", `"HTTPS"`, `"grpc"`, `"https://"`, `"http; x"`, `"unix"`, `""`),
		badPaths("hosts of whoever serves", "backendHost", "", `"$host"`, `"a;b"`, `"127.0.0.1"`, `"*.example.com"`, `"a b"`, `"tls.witness.example\r\nX: y"`, `"a.example:80"`, `""`, `"_"`),
		badPaths("keys", "key", "", `"segment:0"`, `"segment:9"`, `"segment:+1"`, `"segment:01"`, `"segment:1;"`, `"header:X-$x"`, `"header:X\nY"`, `"header:"`, `"arg:x{"`, `"arg:a&b"`, `"cookie:a;b"`, `"host;"`, `"host:x"`, `"$uri"`, `"uri"`, `""`),
		badPaths("whom keys go to", "whenDown", "", `"next; x"`, `"503"`, `""`, `"Wait"`),
		badPaths("what becomes of connections", "onMove", "", `"cut"`, `"drain; x"`, `""`),
		badPaths("names of ConfigMaps", "overrides", "is not the name of an object", `"../witness/rooms"`, `"witness/rooms"`, `"a;b"`, `"a\nb"`, `"Rooms"`, `""`, `"$x"`, quoted(strings.Repeat("a", 254))),
		badPaths("demands", "auth", "", `"none"`, `"required; x"`, `""`, `false`, `"false"`),
		{name: "client's headers by name", harmless: true, make: func(h *hostile) {
			h.entry(`{"basePath": "/rooms", "containerPort": @PORT, "policy": "hash", "key": "header:X-ROUTING-API-KEY"}, {"basePath": "/host", "containerPort": @PORT, "policy": "hash", "key": "header:Host"}, {"basePath": "/names", "containerPort": @PORT, "policy": "hash", "key": "cookie:include"}`)
		}, wants: append([]want{{host: "hostile.example", uri: "/rooms", pod: "evil", header: "X-ROUTING-API-KEY: $x;{"}, {host: "hostile.example", uri: "/rooms", pod: "evil"}, {host: "hostile.example", uri: "/host", pod: "evil"}, {host: "hostile.example", uri: "/names", pod: "evil", header: "Cookie: include=~x"}}, good...)},
		{name: "a protocol that nobody speaks", harmless: true, make: func(h *hostile) {
			h.entry(`{"basePath": "/x", "containerPort": @PORT, "backendProtocol": "https", "backendHost": "tls.witness.example"}`)
		}, wants: append([]want{{host: "hostile.example", uri: "/x", status: http.StatusBadGateway}}, good...)},
		{name: "another's host in the request", harmless: true, make: func(h *hostile) {
			h.entry(`{"basePath": "/x", "containerPort": @PORT, "backendHost": "vault.example", "targetPath": "/vault"}`)
		}, wants: append([]want{{host: "hostile.example", uri: "/x", pod: "evil"}}, good...)},
	}
}
