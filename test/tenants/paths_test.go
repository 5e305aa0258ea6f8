package tenants

import (
	"net/http"
	"strings"
)

// paths are cases of what a Pod may write as basePath.
func paths() []attack {
	const unusable = "is not a usable path"
	key := apiKey("witness's key")
	witness := func(uri string) want {
		return want{host: "www.witness.example", uri: uri, pod: "witness-0", header: key}
	}
	mine := func(host, uri string) want { return want{host: host, uri: uri, pod: "evil"} }
	vault := func(uri string) want {
		return want{host: "vault.example", uri: uri, status: http.StatusForbidden}
	}
	// share has the hostile Namespace declare a host of an older one, too.
	share := func(host, entries string) func(*hostile) {
		return func(h *hostile) { h.host(`"` + host + `": {}`); h.entry(entries) }
	}
	at := func(path, more string) string {
		return `{"basePath": "` + path + `", "containerPort": @PORT` + more + `}`
	}
	taken := func(path string) []string {
		return []string{"Namespace/hostile|www.witness.example|the path " + quoted(path) + " is not served there: Namespace witness, created first"}
	}
	return []attack{
		badPaths("end of a block", "basePath", unusable, `"/x { return 200 pwned; } location /y"`, `"/x{return\t200\tpwned;}location\t/y"`, `"/x; return 200 pwned"`, `"/y}"`, `"/y{"`, `"/y;"`),
		badPaths("lines", "basePath", unusable, `"/x {\nreturn 200 pwned;\n}\nlocation /y"`, `"/y\r\n"`, `"/y\u2028z"`, `"/y\u0085"`, `"/\n"`),
		badPaths("modifiers", "basePath", unusable, `"= /y"`, `"~ /y"`, `"~* .*"`, `"^~ /y"`, `"@named"`, `"=/y"`),
		badPaths("NUL", "basePath", unusable, `"/y\u0000"`, `"/y%00"`, `"\u0000/y"`, `"/\u007f"`, `"/%7f"`),
		badPaths("quotes", "basePath", unusable, `"/y\""`, `"/y'"`, `"\"/y\""`, `"/y\\"`, `"/\\\""`, `"/%22"`, `"/%27"`, `"/%5C"`, "\"/y`\""),
		badPaths("comments", "basePath", unusable, `"/y#"`, `"/y #"`, `"#"`, `"/%23"`),
		badPaths("variables", "basePath", unusable, `"/y$request_uri"`, `"/y${host}"`, `"$uri"`, `"/%24host"`, `"/$1"`),
		badPaths("directives", "basePath", unusable, `"include /etc/passwd"`, `"/y include x"`, `"load_module x"`, `"include"`, `"default"`),
		badPaths("URLs", "basePath", unusable, `"http://127.0.0.1/"`, `"unix:/tmp/x"`, `"y"`, `"/y?q"`, `"/y?"`, `"*"`, `""`),
		badPaths("dot segments", "basePath", unusable, `"/../y"`, `"/y/.."`, `"/y/./z"`, `"/."`, `"/%2e%2e/y"`, `"/y/%2E"`, `"//y"`, `"/y//z"`, `"//"`),
		badPaths("encodings", "basePath", unusable, `"/%2Fy"`, `"/%0a"`, `"/%7Breturn"`, `"/%"`, `"/%z1"`, `"/%1"`, `"/%%31"`, `"/%3B"`, `"/%20"`),
		badPaths("invalid UTF-8", "basePath", unusable, `"/%ff"`, `"/%c0%af"`, `"/%ed%a0%80"`, `"/%f8%88%80%80%80"`, `"/\ud800"`),
		badPaths("invisible letters", "basePath", unusable, `"/\u202ey"`, `"/\u200b"`, `"/%e2%80%ae"`, `"/\ufeff"`, `"/%ef%bb%bf"`, `"/ä"`, `"/\uff0e\uff0e"`),
		badPaths("spaces", "basePath", unusable, `" /y"`, `"/y "`, `"/a b"`, `"/\t"`, `"/\u00a0"`, `"/+ "`),
		badPaths("too long", "basePath", "the entry is dropped", quoted("/"+strings.Repeat("y", 5000)), quoted("/"+strings.Repeat("%e4%bd%a0", 3000)), quoted(strings.Repeat("/y", 2000)), quoted("/"+strings.Repeat("y", 1<<17))),
		badPaths("kind of match", "match", "", `"~"`, `"~*"`, `"^~"`, `"="`, `"regex"`, `"Exact"`, `"exact; return 200 pwned"`, `"prefix "`, `7`),
		{name: "words that nginx knows", harmless: true,
			make: func(h *hostile) {
				h.entry(at("/include", "") + "," + at("/default", "") + "," + at("/hostnames", "") + "," + at("/volatile", "") + "," + at("/~", "") + "," + at("/=x", "") + "," + at("/@x", "") + "," + at("/(a)*", "") + "," + at("/!-f", "") + "," + at("/%E2%82%AC", ""))
			},
			wants: append([]want{mine("hostile.example", "/include"), mine("hostile.example", "/default/x"), mine("hostile.example", "/volatile"), mine("hostile.example", "/~"), mine("hostile.example", "/=x"),
				mine("hostile.example", "/@x"), mine("hostile.example", "/(a)*/x"), mine("hostile.example", "/!-f"), mine("hostile.example", "/%e2%82%ac"), {host: "hostile.example", uri: "/y", status: 404}}, good...)},
		{name: "status path", harmless: true, make: func(h *hostile) { h.entry(at("/dispatcher/status", "") + "," + at("/dispatcher", "")) },
			wants: append([]want{mine("hostile.example", "/dispatcher/status"), {host: "unknown.example", uri: "/dispatcher/status", status: 200}, {host: "unknown.example", uri: "/good", status: 0}}, good...)},
		{name: "same path", age: younger, make: share("www.witness.example", at("/app", "")), told: taken("/app"), wants: append([]want{witness("/app"), witness("/app/x"), witness("/app?x"), mine("www.witness.example", "/good")}, good...)},
		{name: "same path, exact", age: younger, make: share("www.witness.example", at("/app", `, "match": "exact"`)), told: taken("/app"), wants: append([]want{witness("/app"), witness("/app/")}, good...)},
		{name: "same path, with a slash", age: younger, make: share("www.witness.example", at("/app/", "")+","+at("/rooms/", `, "match": "exact"`)), told: append(taken("/app"), taken("/rooms/")...), wants: append([]want{witness("/app/"), witness("/rooms/red")}, good...)},
		{name: "same path, encoded", age: younger, make: share("www.witness.example", at("/%61p%70", "")+","+at("/r%6Foms", "")), told: append(taken("/app"), taken("/rooms")...), wants: append([]want{witness("/app"), witness("/%61pp"), witness("/rooms/red")}, good...)},
		{name: "same path by many Pods", age: younger, make: func(h *hostile) {
			h.host(`"www.witness.example": {}`)
			h.more(50, "["+at("/app", `, "weight": 1000`)+"]")
		},
			told: taken("/app"), wants: append([]want{witness("/app"), witness("/app/x")}, good...)},
		{name: "catch-all", age: younger, harmless: true, make: share("www.witness.example", at("/", "")),
			wants: append([]want{witness("/app"), witness("/app/"), witness("/app/../app"), witness("/x/../app"), witness("//app"), witness("/%61pp"), witness("/rooms/red"), {host: "www.witness.example", uri: "/open", pod: "open"},
				{host: "www.witness.example", uri: "/app", status: 403}, {host: "www.witness.example", uri: "//app", status: 403}, mine("www.witness.example", "/appx"), mine("www.witness.example", "/App")}, good...)},
		{name: "catch-all of a protected host", age: younger, harmless: true, make: share("vault.example", at("/", "")+","+at("/vault.", "")+","+at("/v", `, "match": "exact"`)),
			wants: append([]want{vault("/vault"), vault("/vault/"), vault("/vault/x"), vault("//vault"), vault("/./vault"), vault("/%76ault"), vault("/x/../vault"), vault("/vault/../vault"), vault("/vault?x=/"), vault("/vault%2f"), vault("/vault/..%2fvault"),
				mine("vault.example", "/vaultx"), mine("vault.example", "/VAULT"), mine("vault.example", "/vault."), mine("vault.example", "/v"), mine("vault.example", "/vault;x")}, good...)},
		{name: "rewritten to another's path", age: younger, harmless: true, make: share("vault.example", at("/mine", `, "targetPath": "/vault"`)),
			wants: append([]want{mine("vault.example", "/mine/x"), mine("vault.example", "/mine"), vault("/mine/../vault"), vault("/vault")}, good...)},
		{name: "host with a root of both kinds", harmless: true, make: func(h *hostile) { h.entry(at("/", "") + "," + at("/", `, "match": "exact"`)) },
			wants: append([]want{mine("hostile.example", "/"), mine("hostile.example", "/x")}, good...)},
	}
}
