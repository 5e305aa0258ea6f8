package tenants

import (
	"net/http"
	"strings"
)

// jsonTricks are cases of annotations that are odd as JSON.
func jsonTricks() []attack {
	const entry = `{"basePath": "/x", "containerPort": @PORT}`
	lost := func(name, annotation string) attack { return badPod(name, annotation, "none of its paths is served") }
	// hosts is a case of a whole annotation of a second Namespace, whose Pod is good.
	hosts := func(name, annotation, reason string, served bool) attack {
		a := attack{name: name, make: func(h *hostile) {
			p := h.pod.DeepCopy()
			p.Namespace = "hostile-too"
			h.add(namespace("hostile-too", 8, annotation), p)
		}, wants: append([]want{{host: "too.hostile.example", uri: "/good"}}, good...), told: []string{"Namespace/hostile-too|" + hostsKey + "|" + reason}}
		if served {
			a.wants[0].pod = "evil"
		}
		return a
	}
	// option is a case of the options of a host, which is closed, beside good ones.
	option := func(name, options, reason string) attack {
		a := badHost(name, `"bad.hostile.example": `+options, `["bad.hostile.example"]|`+reason, want{host: "bad.hostile.example", uri: "/good"})
		return a
	}
	const field = `{"valueFrom": {"secretKeyRef": {"key": "ssl.crt"}}}`
	return []attack{
		badPath("a field twice", `{"basePath": "/x", "basePath": "/open", "containerPort": @PORT}`, "the field stands there twice", want{host: "hostile.example", uri: "/open", status: 404}),
		badPath("a field twice, escaped", `{"basePath": "/x", "base\u0050ath": "/open", "containerPort": @PORT}`, "the field stands there twice", want{host: "hostile.example", uri: "/x", status: 404}),
		badPath("a protection twice", `{"basePath": "/x", "containerPort": @PORT, "auth": "required", "auth": null}`, "the field stands there twice", want{host: "hostile.example", uri: "/x", status: 404}),
		badPath("the same path twice", `{"basePath": "/good", "containerPort": @PORT}, {"basePath": "/goo%64/", "containerPort": @PORT}`, "stands in an earlier entry"),
		badPath("entries of another type", `7, "x", null, [], true, [`+entry+`], -0, "", {}`, "the entry is dropped"),
		badPath("paths of another type", `{"basePath": ["/x"], "containerPort": @PORT}, {"basePath": {"/x": 1}, "containerPort": @PORT}, {"basePath": 7, "containerPort": @PORT}, {"basePath": null, "containerPort": @PORT}`, "the entry is dropped"),
		badPath("options of another type", `{"basePath": "/x", "containerPort": @PORT, "policy": 7}, {"basePath": "/x2", "containerPort": @PORT, "readTimeout": {}}, {"basePath": "/x3", "containerPort": @PORT, "allowSourceRanges": [7]}, {"basePath": "/x4", "containerPort": @PORT, "targetPath": []}`, "the entry is dropped"),
		{name: "unknown fields", make: func(h *hostile) {
			h.entry(`{"basePath": "/x", "containerPort": @PORT, "BasePath": "/y", "__proto__": {"basePath": "/z"}, "x\n} return 200 pwned;": 1, "\u0000": 2, "include": "/etc/passwd", "": 3}`)
		}, told: []string{"Pod/hostile/good|[1].BasePath|unknown", "[1].\"\\x00\"|unknown"}, wants: append([]want{{host: "hostile.example", uri: "/x", pod: "evil"}, {host: "hostile.example", uri: "/y", status: 404}}, good...)},
		{name: "10,000 unknown fields", make: func(h *hostile) {
			h.entry(`{"basePath": "/x", "containerPort": @PORT` + strings.Repeat(`, "f": 1`, 10_000) + `}`)
		}, told: []string{"Pod/hostile/good|[1]"}},
		badPath("deep value", `{"basePath": `+strings.Repeat("[", 5000)+strings.Repeat("]", 5000)+`, "containerPort": @PORT}`, "the entry is dropped"),
		lost("depth of 100,000", strings.Repeat("[", 100_000)+strings.Repeat("]", 100_000)),
		lost("depth of 100,000 objects", `[`+strings.Repeat(`{"x":`, 100_000)+`1`+strings.Repeat("}", 100_000)+`]`),
		lost("depth without an end", strings.Repeat(`[{"basePath":`, 50_000)),
		lost("byte order mark", "\ufeff["+entry+"]"),
		lost("typographic quotes", `[{“basePath”: “/x”, “containerPort”: @PORT}]`),
		lost("something after it", `[`+entry+`] ; return 200 pwned;`),
		lost("two arrays", `[`+entry+`][`+entry+`]`),
		lost("comments", `[ /* x */ `+entry+` ]`),
		lost("single quotes", `[{'basePath': '/x', 'containerPort': @PORT}]`),
		lost("comma at the end", `[`+entry+`,]`),
		lost("no end", `[`+entry),
		lost("no array", entry),
		lost("null", `null`), lost("a text", `"[]"`), lost("nothing", ``), lost("YAML", "- basePath: /x\n  containerPort: 80"),
		lost("control characters", "[{\"basePath\": \"/x\n\", \"containerPort\": @PORT}]"),
		badPath("lone surrogates", `{"basePath": "/\ud800", "containerPort": @PORT}, {"basePath": "/x", "containerPort": "\udfff"}`, ""),
		badPath("200 KiB of text", `{"basePath": "`+strings.Repeat("/x", 100_000)+`", "containerPort": @PORT}`, "the entry is dropped"),
		{name: "invalid UTF-8", failed: "manifest file can't be used", make: func(h *hostile) {
			h.raw = "apiVersion: v1\nkind: Namespace\nmetadata: {name: hostile-too, annotations: {" + hostsKey + ": \"{\\\"www.witness.example\xff\\\": {}}\"}}\n"
		}, told: []string{"manifest file can't be used"}},
		{name: "YAML that grows", failed: "manifest file can't be used", maybe: true, make: func(h *hostile) {
			h.raw = "a: &a [" + strings.Repeat("x, ", 9) + "]\n"
			for c := 'b'; c < 'm'; c++ {
				h.raw += string(c) + ": &" + string(c) + " [" + strings.Repeat("*"+string(c-1)+", ", 9) + "]\n"
			}
		}},
		{name: "an object's field twice", make: func(h *hostile) {
			h.raw = `{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "hostile-too", "labels": {"` + routable + `": "true"}, "annotations": {"` + hostsKey + `": "{}"}, "annotations": {"` + hostsKey + `": "{\"www.witness.example\": {}}"}}}`
		}, maybe: true},
		hosts("hosts: no object", `["too.hostile.example"]`, "none of its hosts is served", false),
		hosts("hosts: null", `null`, "none of its hosts is served", false),
		hosts("hosts: no end", `{"too.hostile.example": {}`, "none of its hosts is served", false),
		hosts("hosts: depth of 100,000", strings.Repeat(`{"too.hostile.example":`, 100_000)+`{}`+strings.Repeat("}", 100_000), "none of its hosts is served", false),
		hosts("hosts: something after it", `{"too.hostile.example": {}} }`, "none of its hosts is served", false),
		hosts("hosts: one twice", `{"too.hostile.example": {}, "TOO.hostile.example": {}}`, "stands here twice", true),
		hosts("hosts: one twice, with TLS", `{"too.hostile.example": {}, "too.hostile.ex\u0061mple": `+overTLS+`}`, "stands here twice", false),
		option("options: a number", `7`, "the host is not served"), option("options: a text", `"ssl"`, "the host is not served"), option("options: a list", `[]`, "the host is not served"),
		option("options: unknown", `{"sll": {}}`, "the option is unknown"), option("options: twice", `{"ssl": {"certificate": `+field+`, "certificate": `+field+`}}`, "stands there twice"),
		option("options: null", `{"ssl": null}`, "the host is not served"), option("options: deep", strings.Repeat(`{"ssl":`, 5000)+`1`+strings.Repeat("}", 5000), "the host is not served"),
		option("options: another's Secret", `{"ssl": {"certificate": {"valueFrom": {"secretKeyRef": {"name": "../witness/routing", "key": "ssl.crt"}}}, "certificateKey": `+field+`}}`, "no other Secret than routing is read"),
		option("options: names of fields", `{"ssl": {"certificate": {"valueFrom": {"secretKeyRef": {"key": "../../etc/passwd; x"}}}}}`, "it is not the name of a field"),
		option("options: redirect", `{"ssl": {"redirect": "https://evil.example"}}`, "it is neither true nor false"),
		{name: "all wrong", make: func(h *hostile) { h.ns.Annotations[hostsKey], h.pod.Annotations[pathsKey] = "{", "{" }, told: []string{"Namespace/hostile|none of its hosts", "Pod/hostile/good|none of its paths"},
			wants: []want{{host: "hostile.example", uri: "/good"}, {host: "www.witness.example", uri: "/good", status: http.StatusNotFound}}},
	}
}
